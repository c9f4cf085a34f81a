package aftersale

import (
	"context"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// overdue is what becomes of a case in which nothing happened until its deadline: what the supplier left goes before the platform, what
// who asked left is closed.
var overdue = map[string]step{
	StatusRequested: {to: StatusEscalated, note: "供应商超时未处理，自动转平台处理"},
	StatusReturning: {to: StatusEscalated, note: "供应商超时未确认收到退货，自动转平台处理"},
	StatusRefused:   {to: StatusClosed, note: "超时未申请平台处理，自动关闭"},
	StatusAgreed:    {to: StatusClosed, note: "超时未寄回商品，自动关闭"},
}

// chunk is how many cases are looked up at a time.
const chunk = 200

// Expire moves on every case whose deadline has passed, and tells how many. Each is a transaction of its own, decided by
// compare-and-set, so any number of processes may run it at once, and one that dies leaves nothing half done. Until it has run,
// an act that comes late still counts.
func (s *Service) Expire(ctx context.Context) (int, error) {
	n := 0
	for status := range overdue {
		after := model.ID(0)
		for {
			var ids []model.ID
			err := s.db.Read(ctx).Model(&model.AfterSale{}).Where("status = ? AND deadline_at <= ? AND id > ?", status, s.db.Now(), after).
				Order("id").Limit(chunk).Pluck("id", &ids).Error
			if err != nil {
				return n, err
			}
			for _, id := range ids {
				did, err := s.expire(ctx, id)
				if err != nil {
					return n, err
				}
				if did {
					n++
				}
				after = id
			}
			if len(ids) < chunk {
				break
			}
		}
	}
	return n, nil
}

func (s *Service) expire(ctx context.Context, id model.ID) (did bool, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		did = false
		c, err := read(tx, id)
		if err != nil {
			return err
		}
		now := s.db.Now()
		st, ok := overdue[c.Status]
		if !ok || !due(c, now) {
			return nil // somebody else was first
		}
		did = true
		st.action, st.party = "expire", "clock"
		return s.turn(tx, model.Clockwork(), now, c, st)
	})
	return did && err == nil, err
}

func due(c model.AfterSale, now time.Time) bool {
	return c.DeadlineAt != nil && !now.Before(*c.DeadlineAt)
}
