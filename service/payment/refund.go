package payment

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/ledger"
	"bangfu/service/notify"
	"bangfu/service/wechat/pay"
)

// follow brings WeChat money on its way back as far as it can be brought now: it asks WeChat for the refund, or how it stands. One refund has
// one number, so that asking again after a crash or a lost answer is the same refund. It may be called at any time, twice at once.
func (s *Service) follow(ctx context.Context, id model.ID) error {
	var r model.WechatRefund
	var p model.Payment
	if err := errors.Join(s.db.Read(ctx).Take(&r, id).Error, s.db.Read(ctx).Where("id = ?", r.PaymentID).Take(&p).Error); err != nil {
		return err
	}
	if s.wechat == nil {
		return errNoMerchant()
	}
	switch r.Status {
	case RefundWaiting:
		return s.ask(ctx, r, p)
	case RefundProcessing:
		got, err := s.wechat.QueryRefund(ctx, r.RefundNo)
		if err != nil {
			return err
		}
		if err := s.crash("refund.queried"); err != nil {
			return err
		}
		return s.heard(ctx, r, p, got)
	}
	return nil
}

// ask asks WeChat for a refund.
func (s *Service) ask(ctx context.Context, r model.WechatRefund, p model.Payment) error {
	got, err := s.wechat.Refund(ctx, pay.RefundRequest{RefundNo: r.RefundNo, PaymentNo: p.PaymentNo, Amount: r.AmountFen, Total: p.PaidFen, Reason: r.Reason})
	if code, final := pay.RefusedFinally(err); final {
		return s.fail(ctx, r, "微信不受理这笔退款（"+code+"）")
	}
	if err != nil {
		return err
	}
	if err := s.crash("refund.called"); err != nil {
		return err
	}
	return s.heard(ctx, r, p, got)
}

// heard acts on what WeChat says of a refund.
func (s *Service) heard(ctx context.Context, r model.WechatRefund, p model.Payment, got pay.RefundResult) error {
	switch got.Status {
	case pay.RefundSuccess:
		return s.paidBack(ctx, r, p, got)
	case pay.RefundProcessing:
		return s.turn(ctx, r, []string{RefundWaiting}, map[string]any{"status": RefundProcessing, "wechat_refund_id": got.RefundID, "attempts": 0, "next_try_at": s.db.Now().Add(pause(1, pauseRefund))})
	case pay.RefundUnknown: // accepted, but WeChat knows nothing of it: the same number again
		return s.turn(ctx, r, []string{RefundProcessing}, map[string]any{"status": RefundWaiting})
	case pay.RefundAbnormal:
		return s.fail(ctx, r, "退款异常：付款人的收款账户不可用，请在微信支付商户平台处理后重试")
	default:
		return s.fail(ctx, r, "微信关闭了这笔退款，可以重试")
	}
}

// turn changes a refund in one of the states; another state is no error: somebody was faster.
func (s *Service) turn(ctx context.Context, r model.WechatRefund, from []string, columns map[string]any) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		columns["updated_at"] = s.db.Now()
		if err := tx.Model(&model.WechatRefund{}).Where("id = ? AND status IN ?", r.ID, from).UpdateColumns(columns).Error; err != nil {
			return err
		}
		return s.crash("refund.tx")
	})
}

// paidBack books, once, that the money is back with its payer. It may also have failed before and been seen to at WeChat.
func (s *Service) paidBack(ctx context.Context, r model.WechatRefund, p model.Payment, got pay.RefundResult) error {
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		err := ledger.Post(tx, s.db, now, ledger.Movement{Kind: ledger.KindPayback, Cause: "wechat_refund:" + r.ID.String(), From: ledger.Payment(p.ID), To: ledger.Wechat,
			Amount: r.AmountFen, Year: model.YearOf(p.CreatedAt), Union: p.UnionID, Order: &p.OrderID})
		if err != nil {
			return err
		}
		res := tx.Model(&model.WechatRefund{}).Where("id = ? AND status <> ?", r.ID, RefundDone).UpdateColumns(map[string]any{"status": RefundDone, "wechat_refund_id": got.RefundID,
			"done_at": got.DoneAt, "problem": "", "attempts": 0, "next_try_at": nil, "updated_at": now})
		if res.Error != nil {
			return res.Error
		}
		if r.RefundID != nil { // else there was no order left to tell of
			if err := notify.RefundArrived(tx, s.db, now, *r.RefundID); err != nil {
				return err
			}
		}
		if err := s.db.Audit(tx, model.Clockwork(), now, "payment.payback", object(p.ID), p.UnionID, map[string]any{"refund_no": r.RefundNo, "amount_fen": r.AmountFen}); err != nil {
			return err
		}
		return s.crash("payback.tx")
	})
	if errors.Is(err, ledger.ErrPosted) {
		return nil
	}
	return err
}

// fail ends a refund's tries until somebody has looked at it.
func (s *Service) fail(ctx context.Context, r model.WechatRefund, problem string) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		res := tx.Model(&model.WechatRefund{}).Where("id = ? AND status IN ?", r.ID, []string{RefundWaiting, RefundProcessing}).
			UpdateColumns(map[string]any{"status": RefundFailed, "problem": problem, "next_try_at": nil, "updated_at": now})
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		if err := s.db.Audit(tx, model.Clockwork(), now, "payment.refund_fail", object(r.PaymentID), r.UnionID, map[string]any{"refund_no": r.RefundNo, "amount_fen": r.AmountFen, "problem": problem}); err != nil {
			return err
		}
		return s.crash("fail.tx")
	})
}

// retryContent is what an idempotency key of a retry stands for.
type retryContent struct {
	Act    string
	Refund model.ID
}

// RetryRefund tries a failed refund again, with its old number, and tells how it stands then. The same key tries once. Errors: CodeConflict
// if it has not failed; CodeIdempotencyMismatch.
func (s *Service) RetryRefund(ctx context.Context, actor model.Actor, key string, id model.ID) (RefundView, error) {
	_, err := model.Once(ctx, s.db, actor, key, retryContent{"retry refund", id}, func(tx *gorm.DB) (model.ID, error) { return id, s.reopen(tx, actor, id) })
	if err != nil {
		return RefundView{}, err
	}
	if err := s.follow(ctx, id); err != nil && model.CodeOf(err) != model.CodeWechat { // WeChat may be away: the completer goes on
		return RefundView{}, err
	}
	var r model.WechatRefund
	if err := s.db.Read(ctx).Take(&r, id).Error; err != nil {
		return RefundView{}, err
	}
	return viewRefund(r), nil
}

// reopen puts a failed refund back to those that wait.
func (s *Service) reopen(tx *gorm.DB, actor model.Actor, id model.ID) error {
	now := s.db.Now()
	res := tx.Model(&model.WechatRefund{}).Where("id = ? AND status = ?", id, RefundFailed).
		UpdateColumns(map[string]any{"status": RefundWaiting, "problem": "", "attempts": 0, "next_try_at": now.Add(firstPause), "updated_at": now})
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		return model.E(model.CodeConflict, "这笔退款没有失败，不需要重试")
	}
	var r model.WechatRefund
	if err := tx.Take(&r, id).Error; err != nil {
		return err
	}
	return s.db.Audit(tx, actor, now, "payment.refund_retry", object(r.PaymentID), r.UnionID, map[string]any{"refund_no": r.RefundNo, "amount_fen": r.AmountFen})
}

// RefundView is WeChat money on its way back.
type RefundView struct {
	ID        model.ID   `json:"id"`
	RefundNo  string     `json:"refund_no"`
	RefundID  *model.ID  `json:"refund_id"` // the order's refund; null: money that came for an order which was closed, or of a wrong amount
	AmountFen model.Fen  `json:"amount_fen"`
	Status    string     `json:"status"` // waiting | processing | done | failed
	Reason    string     `json:"reason"`
	Problem   string     `json:"problem"`
	Attempts  int        `json:"attempts"`
	CreatedAt time.Time  `json:"created_at"`
	DoneAt    *time.Time `json:"done_at"`
}

func viewRefund(r model.WechatRefund) RefundView {
	return RefundView{ID: r.ID, RefundNo: r.RefundNo, RefundID: r.RefundID, AmountFen: r.AmountFen, Status: r.Status, Reason: r.Reason, Problem: r.Problem,
		Attempts: r.Attempts, CreatedAt: r.CreatedAt, DoneAt: r.DoneAt}
}
