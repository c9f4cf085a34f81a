package payment

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/order"
	"bangfu/service/wechat/pay"
)

// tend brings a payment as far as it can be brought now: it asks WeChat, pays the order or closes it. It may be called at any time, by
// anybody, twice at once.
func (s *Service) tend(ctx context.Context, actor model.Actor, id model.ID) error {
	var p model.Payment
	if err := s.db.Read(ctx).Take(&p, id).Error; err != nil {
		return err
	}
	over := !s.db.Now().Before(p.PayBefore)
	switch {
	case p.Status == StatusCreated && over:
		// WeChat was never told, and from this transaction on never will be: Prepay needs the payment not to be closed.
		return s.closeOrder(ctx, p, overdue)
	case p.Status == StatusClosed:
		return s.askAgain(ctx, actor, p)
	case p.Status != StatusPrepaid:
		return nil
	case s.wechat == nil:
		return errNoMerchant()
	case over:
		closed, err := s.closeAtWechat(ctx, actor, p)
		if err != nil || !closed {
			return err
		}
		return s.closeOrder(ctx, p, overdue)
	}
	t, err := s.wechat.Query(ctx, p.PaymentNo)
	if err != nil {
		return err
	}
	if err := s.crash("query.called"); err != nil {
		return err
	}
	switch {
	case t.Paid():
		return s.settle(ctx, actor, p, t)
	case t.State == pay.Closed || t.State == pay.Revoked: // a crash came between closing there and closing here
		return s.closeOrder(ctx, p, "付款已关闭")
	}
	return nil // the payer has time until PayBefore
}

const overdue = "超过付款时间，未付款"

// A payment that was closed at WeChat is asked for again soon and once more later. WeChat's word on closing is final, and its
// notices repeat for a day; this finds money that came in spite of the one while the others were lost.
const (
	againSoon  = 10 * time.Minute
	againLater = time.Hour
)

// askAgain makes sure that no money came for a payment that was closed at WeChat.
func (s *Service) askAgain(ctx context.Context, actor model.Actor, p model.Payment) error {
	if s.wechat == nil {
		return errNoMerchant()
	}
	t, err := s.wechat.Query(ctx, p.PaymentNo)
	if err != nil {
		return err
	}
	if t.Paid() {
		return s.settle(ctx, actor, p, t)
	}
	columns := map[string]any{"next_try_at": nil}
	now := s.db.Now()
	if p.ClosedAt != nil && now.Before(p.ClosedAt.Add(againLater)) {
		columns["next_try_at"] = now.Add(againLater)
	}
	return s.update(ctx, p.ID, []string{StatusClosed}, columns)
}

// closeAtWechat makes WeChat take no money for the payment any more; false if it was paid before, which is then booked. WeChat is asked to
// close before anything held is released, so that nobody pays for goods that went back on the shelf.
func (s *Service) closeAtWechat(ctx context.Context, actor model.Actor, p model.Payment) (closed bool, err error) {
	if s.wechat == nil {
		return false, errNoMerchant()
	}
	how, err := s.wechat.Close(ctx, p.PaymentNo)
	if err != nil {
		return false, err
	}
	if err := s.crash("close.called"); err != nil {
		return false, err
	}
	if how != pay.AlreadyPaid {
		return true, nil
	}
	t, err := s.wechat.Query(ctx, p.PaymentNo)
	if err != nil {
		return false, err
	}
	if !t.Paid() {
		return false, model.E(model.CodeWechat, "微信还没有确认付款结果，请稍后再试")
	}
	return false, s.settle(ctx, actor, p, t)
}

// closeOrder closes order and payment together, after WeChat has confirmed that no money can come, or was never told. If
// the payment is no longer as it was read, nothing is changed: whoever changed it, or the next try, sees to the rest.
func (s *Service) closeOrder(ctx context.Context, p model.Payment, why string) error {
	var skus []model.ID
	err := s.db.Tx(model.InTurn(ctx), func(tx *gorm.DB) (err error) {
		now := s.db.Now()
		if skus, err = s.orders.CloseUnpaid(tx, model.Clockwork(), now, p.OrderID, why); err != nil {
			return err
		}
		if err := markClosed(tx, p, now); err != nil {
			return err
		}
		return s.crash("close.tx")
	})
	if errors.Is(err, order.ErrNotPending) || errors.Is(err, errMoved) {
		return nil
	}
	if err == nil {
		s.orders.ClearSoldOut(ctx, skus)
		err = s.crash("close.done")
	}
	return err
}

// errMoved says that a payment is no longer in the state in which it was read.
var errMoved = model.E(model.CodeConflict, "付款状态刚刚发生变化，请重试")

// markClosed closes a payment that is still as it was read.
func markClosed(tx *gorm.DB, p model.Payment, now time.Time) error {
	columns := map[string]any{"status": StatusClosed, "closed_at": now, "attempts": 0, "next_try_at": nil, "updated_at": now}
	if p.Status == StatusPrepaid {
		columns["next_try_at"] = now.Add(againSoon)
	}
	res := tx.Model(&model.Payment{}).Where("id = ? AND status = ?", p.ID, p.Status).UpdateColumns(columns)
	if res.Error == nil && res.RowsAffected == 0 {
		return errMoved
	}
	return res.Error
}
