package payment

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/order"
	"bangfu/service/wechat/pay"
)

// Prepaid is what the mini-program needs to have the member pay.
type Prepaid struct {
	PaymentNo string    `json:"payment_no"`
	AmountFen model.Fen `json:"amount_fen"`
	PayBefore time.Time `json:"pay_before"`
	JSAPI     pay.JSAPI `json:"jsapi"` // for wx.requestPayment, as it is
}

// graceAtWechat is how much longer WeChat would take the money than we wait for it. WeChat wants a payment to have at
// least a minute; we close it there ourselves when its time is over.
const graceAtWechat = time.Minute

// Prepay tells WeChat of the payment of the member's pending order, and returns what the client needs. It may be repeated until the
// order's time to pay is over. Errors: CodeNotFound, CodeConflict (not pending any more, or too late), CodeWechat.
//
// That WeChat is going to know the payment is written before WeChat is told: a crash at any point after that leaves a payment
// that is asked for at WeChat, and closed there before the order is. If the order was closed while WeChat was told, the client gets nothing.
func (s *Service) Prepay(ctx context.Context, actor model.Actor, id model.ID) (Prepaid, error) {
	p, err := s.mine(ctx, actor, id)
	if err != nil {
		return Prepaid{}, err
	}
	if s.wechat == nil {
		return Prepaid{}, errNoMerchant()
	}
	openID, err := s.openID(ctx, actor)
	if err != nil {
		return Prepaid{}, err
	}
	if err := s.intend(ctx, p); err != nil {
		return Prepaid{}, err
	}
	if err := s.crash("prepay.intended"); err != nil {
		return Prepaid{}, err
	}
	jsapi, err := s.wechat.Prepay(ctx, pay.Prepayment{
		PaymentNo: p.PaymentNo, Description: "消费帮扶农产品，订单 " + strings.TrimPrefix(p.PaymentNo, "P"), Amount: p.AmountFen, OpenID: openID, ExpireAt: p.PayBefore.Add(graceAtWechat),
	})
	if err != nil {
		return Prepaid{}, s.prepayRefused(ctx, actor, p, err)
	}
	if err := s.crash("prepay.called"); err != nil {
		return Prepaid{}, err
	}
	err = s.update(ctx, p.ID, []string{StatusPrepaid}, map[string]any{"prepay_id": strings.TrimPrefix(jsapi.Package, "prepay_id=")})
	if err != nil {
		return Prepaid{}, err
	}
	return Prepaid{PaymentNo: p.PaymentNo, AmountFen: p.AmountFen, PayBefore: p.PayBefore, JSAPI: jsapi}, nil
}

// intend writes that WeChat may know the payment from now on.
func (s *Service) intend(ctx context.Context, p model.Payment) error {
	now := s.db.Now()
	if !now.Before(p.PayBefore) {
		return model.E(model.CodeConflict, "已超过付款时间，请重新下单")
	}
	next := earlier(now.Add(pause(1, pausePayment)), p.PayBefore)
	return s.update(ctx, p.ID, []string{StatusCreated, StatusPrepaid}, map[string]any{"status": StatusPrepaid, "prepaid_at": now, "attempts": 0, "next_try_at": next})
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// update changes a payment if it is in one of the states; CodeConflict if not.
func (s *Service) update(ctx context.Context, id model.ID, from []string, columns map[string]any) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		columns["updated_at"] = s.db.Now()
		res := tx.Model(&model.Payment{}).Where("id = ? AND status IN ?", id, from).UpdateColumns(columns)
		if res.Error == nil && res.RowsAffected == 0 {
			return model.E(model.CodeConflict, "订单已付款或已关闭，不能再付")
		}
		return res.Error
	})
}

// prepayRefused has WeChat asked at once where it says that the payment is over, and says so.
func (s *Service) prepayRefused(ctx context.Context, actor model.Actor, p model.Payment, err error) error {
	if _, final := pay.RefusedFinally(err); !final {
		return err
	}
	if tended := s.tend(ctx, model.Clockwork(), p.ID); tended != nil {
		return tended
	}
	if now, again := s.mine(ctx, actor, p.OrderID); again != nil || now.Status == StatusPrepaid {
		return errors.Join(err, again)
	}
	return model.E(model.CodeConflict, "订单已付款或已关闭，不能再付")
}

// openID is the WeChat identity with which the member logged in, who alone can pay.
func (s *Service) openID(ctx context.Context, actor model.Actor) (string, error) {
	var account model.WechatAccount
	err := s.db.Read(ctx).Select("openid").Where("id = ?", actor.AccountID).Take(&account).Error
	return account.OpenID, err
}

// State is how the payment of an order stands.
type State struct {
	OrderID     model.ID   `json:"order_id"`
	OrderStatus string     `json:"order_status"`
	Status      string     `json:"status"` // created | prepaid | paid | closed
	AmountFen   model.Fen  `json:"amount_fen"`
	PayBefore   time.Time  `json:"pay_before"`
	PaidAt      *time.Time `json:"paid_at"`
}

// Check asks WeChat how the payment of the member's order stands, for a client that has just paid and does not want to wait for
// WeChat's notice, and acts on it. Errors: CodeRateLimited, CodeNotFound, CodeWechat.
func (s *Service) Check(ctx context.Context, actor model.Actor, id model.ID) (State, error) {
	if ok, after := s.guard.Allow(ctx, "payment-check", actor.Ref(), 10, time.Minute); !ok {
		e := model.E(model.CodeRateLimited, "查询太频繁，请稍后再试")
		e.RetryAfter = after
		return State{}, e
	}
	p, err := s.mine(ctx, actor, id)
	if err != nil {
		return State{}, err
	}
	if p.Status == StatusPrepaid {
		if err := s.tend(ctx, actor, p.ID); err != nil {
			return State{}, err
		}
	}
	if p, err = s.mine(ctx, actor, id); err != nil {
		return State{}, err
	}
	var o model.Order
	if err := s.db.Read(ctx).Select("status").Where("id = ?", id).Take(&o).Error; err != nil {
		return State{}, err
	}
	return State{OrderID: id, OrderStatus: o.Status, Status: p.Status, AmountFen: p.AmountFen, PayBefore: p.PayBefore, PaidAt: p.PaidAt}, nil
}

// Cancel undoes the member's order before anything of it was shipped. One that is paid is refunded (order.Cancel); one that still awaits WeChat
// money is closed at WeChat first and then here, and if it turns out to be paid, refunded. The same key gets the same answer. Errors: those of
// order.Cancel, and CodeWechat if WeChat does not answer.
//
// A crash after closing at WeChat leaves an order that the completer closes: WeChat says that its payment is closed.
func (s *Service) Cancel(ctx context.Context, actor model.Actor, key string, id model.ID, reason string) (order.Cancelled, error) {
	done, found, err := s.orders.Cancelled(ctx, actor, key, id, reason)
	if found || err != nil {
		return done, err
	}
	p, err := s.mine(ctx, actor, id)
	if model.CodeOf(err) == model.CodeNotFound || err == nil && p.Status != StatusCreated && p.Status != StatusPrepaid {
		return s.orders.Cancel(ctx, actor, key, id, reason)
	}
	if err != nil {
		return done, err
	}
	if p.Status == StatusPrepaid {
		closed, err := s.closeAtWechat(ctx, actor, p)
		if err != nil {
			return done, err
		}
		if !closed {
			return s.orders.Cancel(ctx, actor, key, id, reason)
		}
	}
	done, err = s.orders.CancelUnpaid(ctx, actor, key, id, reason, func(tx *gorm.DB, now time.Time) error { return markClosed(tx, p, now) })
	if errors.Is(err, order.ErrNotPending) { // somebody else was faster: what is there to cancel now?
		return s.orders.Cancel(ctx, actor, key, id, reason)
	}
	return done, err
}
