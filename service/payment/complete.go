package payment

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"bangfu/model"
)

const (
	roundLimit   = 50               // rows of one kind that are read at once
	roundWorkers = 8                // calls to WeChat at once, at most
	rowsAWorker  = 10               // so few rows are done by one worker
	roundTime    = 30 * time.Second // of one call of Complete
	awayAfter    = 3                // calls in a row that WeChat did not answer end a round: it is away
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

// round does one kind of rows whose time has come, the longest due first, until none is left or WeChat is away.
func (s *Service) round(ctx context.Context, kind any, most time.Duration, do func(context.Context, model.ID) error) error {
	for {
		var rows []due
		err := s.db.Read(ctx).Model(kind).Select("id", "attempts").Where("next_try_at <= ?", s.db.Now()).Order("next_try_at, id").Limit(roundLimit).Find(&rows).Error
		if err != nil {
			return err
		}
		away, err := s.each(ctx, rows, func(ctx context.Context, row due) error {
			mine, err := s.claim(ctx, kind, row, most)
			if err != nil || !mine {
				return err
			}
			return do(ctx, row.ID)
		})
		if err != nil || away || len(rows) < roundLimit || ctx.Err() != nil {
			return err
		}
	}
}

// each does something with all rows: few of them one after the other, many side by side, since nearly all of the time is spent waiting for WeChat.
// away tells that it did not answer awayAfter times in a row; that alone is no error.
func (s *Service) each(ctx context.Context, rows []due, do func(context.Context, due) error) (away bool, err error) {
	var mu sync.Mutex
	var failed []error
	silent := 0
	next := func() (row due, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if len(rows) == 0 || silent >= awayAfter {
			return row, false
		}
		row, rows = rows[0], rows[1:]
		return row, true
	}
	work := func() {
		for row, ok := next(); ok; row, ok = next() {
			err := do(ctx, row)
			mu.Lock()
			switch {
			case err == nil:
				silent = 0
			case model.CodeOf(err) == model.CodeWechat: // logged by the client; tried again later
				silent++
			default:
				failed = append(failed, err)
			}
			mu.Unlock()
		}
	}
	var others errgroup.Group
	for range min(roundWorkers, 1+len(rows)/rowsAWorker) - 1 {
		others.Go(func() (err error) {
			defer func() {
				if p := recover(); p != nil { // as the scheduler does for the worker that it knows of
					err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
				}
			}()
			work()
			return nil
		})
	}
	work()
	failed = append(failed, others.Wait())
	return silent >= awayAfter, errors.Join(failed...)
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
