package payment

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

const (
	roundLimit = 50               // rows of one kind in one round
	roundTime  = 30 * time.Second // of one round
	awayAfter  = 3                // calls in a row that WeChat did not answer end a round: it is away
)

// Complete finishes what is due: it asks WeChat about payments of which no notice came, closes those whose time is over, asks for refunds and follows
// them, and so also takes up whatever a crash left half way. Any number of processes may call it at any time: a row is claimed by moving the time
// of its next try, and everything done to it is harmless when done twice. It returns what went wrong, WeChat's silence aside.
func (s *Service) Complete(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	payments := s.round(ctx, &model.Payment{}, pausePayment, func(ctx context.Context, id model.ID) error { return s.tend(ctx, model.Clockwork(), id) })
	refunds := s.round(ctx, &model.WechatRefund{}, pauseRefund, s.follow)
	return errors.Join(payments, refunds)
}

// due is as much of a row as the completer looks at.
type due struct {
	ID       model.ID
	Attempts int
}

// round does one kind of rows whose time has come, the longest due first.
func (s *Service) round(ctx context.Context, kind any, most time.Duration, do func(context.Context, model.ID) error) error {
	var rows []due
	err := s.db.Read(ctx).Model(kind).Select("id", "attempts").Where("next_try_at <= ?", s.db.Now()).Order("next_try_at, id").Limit(roundLimit).Find(&rows).Error
	if err != nil {
		return err
	}
	var failed []error
	silent := 0
	for _, row := range rows {
		mine, err := s.claim(ctx, kind, row, most)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		if !mine {
			continue
		}
		switch err = do(ctx, row.ID); {
		case err == nil:
			silent = 0
		case model.CodeOf(err) == model.CodeWechat: // logged by the client; tried again later
			if silent++; silent >= awayAfter {
				return errors.Join(failed...)
			}
		default:
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// claim takes a row that is due by setting when it is due again, should this try come to nothing; false if another was
// faster. A payment is due no later than the end of its time.
func (s *Service) claim(ctx context.Context, kind any, row due, most time.Duration) (mine bool, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		next := now.Add(pause(row.Attempts+1, most))
		var p model.Payment
		if _, payment := kind.(*model.Payment); payment {
			if err := tx.Select("pay_before").Take(&p, row.ID).Error; err != nil {
				return err
			}
			if now.Before(p.PayBefore) {
				next = earlier(next, p.PayBefore)
			}
		}
		res := tx.Model(kind).Where("id = ? AND attempts = ? AND next_try_at <= ?", row.ID, row.Attempts, now).
			UpdateColumns(map[string]any{"attempts": row.Attempts + 1, "next_try_at": next, "updated_at": now})
		mine = res.RowsAffected == 1
		return res.Error
	})
	return mine, err
}
