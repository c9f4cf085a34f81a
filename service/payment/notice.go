package payment

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/wechat/pay"
)

// Notice takes what WeChat tells by itself; header gives the request's headers by name. nil means that WeChat need not tell it again. A
// notice is only believed where it says what we asked for; otherwise WeChat is asked, and its answer counts. Errors: CodeForbidden
// (not WeChat's, or too old), CodeInvalid, CodeTooLarge, CodeNotFound (no such payment or refund), CodeWechat.
func (s *Service) Notice(ctx context.Context, header func(name string) string, body []byte) error {
	if s.wechat == nil {
		return errNoMerchant()
	}
	n, err := s.wechat.ParseNotice(ctx, header, body)
	if err != nil {
		return err
	}
	if err := s.crash("notice.read"); err != nil {
		return err
	}
	if n.Payment != nil {
		return s.paymentNotice(ctx, *n.Payment)
	}
	return s.refundNotice(ctx, *n.Refund)
}

func (s *Service) paymentNotice(ctx context.Context, t pay.Trade) error {
	if !t.Paid() {
		return nil
	}
	var p model.Payment
	err := s.db.Read(ctx).Where("payment_no = ?", t.PaymentNo).Take(&p).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return model.E(model.CodeNotFound, "没有这笔支付")
	}
	if err != nil || p.Status == StatusPaid { // told before
		return err
	}
	if m := s.wechat.JudgeTrade(t, p.PaymentNo, p.AmountFen); m != pay.NoMismatch {
		if err := s.noteMismatch(ctx, p, m); err != nil {
			return err
		}
		if t, err = s.wechat.Query(ctx, p.PaymentNo); err != nil {
			return err
		}
		if !t.Paid() {
			return nil
		}
	}
	return s.settle(ctx, model.Clockwork(), p, t)
}

// noteMismatch leaves a trace of a notice that is WeChat's and says something else than we asked for.
func (s *Service) noteMismatch(ctx context.Context, p model.Payment, m pay.Mismatch) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		return s.db.Audit(tx, model.Clockwork(), s.db.Now(), "payment.mismatch", object(p.ID), p.UnionID, map[string]any{"payment_no": p.PaymentNo, "problem": "通知与订单不符（" + mismatchNames[m] + "）"})
	})
}

func (s *Service) refundNotice(ctx context.Context, got pay.RefundResult) error {
	var r model.WechatRefund
	err := s.db.Read(ctx).Where("refund_no = ?", got.RefundNo).Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return model.E(model.CodeNotFound, "没有这笔退款")
	}
	if err != nil || r.Status == RefundDone { // told before
		return err
	}
	var p model.Payment
	if err := s.db.Read(ctx).Take(&p, r.PaymentID).Error; err != nil {
		return err
	}
	if got.PaymentNo != p.PaymentNo || got.Amount != r.AmountFen {
		if err := s.noteMismatch(ctx, p, pay.WrongAmount); err != nil {
			return err
		}
		if got, err = s.wechat.QueryRefund(ctx, r.RefundNo); err != nil {
			return err
		}
	}
	return s.heard(ctx, r, p, got)
}
