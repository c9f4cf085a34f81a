package payment

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/ledger"
	"bangfu/service/order"
	"bangfu/service/wechat/pay"
)

var (
	errBooked  = errors.New("the payment was booked before")
	errPending = errors.New("the order is pending")
)

// settle takes up a payment that WeChat says was made. It books the money and pays the order with it; where the order was closed, or another
// amount came than was asked for, it books the money and sends it back. The trade must come from WeChat itself, and not from a
// notice that says something else than we asked for.
//
// Whatever it does is one transaction, and the transfer's cause (`pay`, payment) lets it happen once: notices that come twice, a question
// and a notice at once, or a crash before the commit and another try change nothing more. It locks what order.Capture or
// order.CloseUnpaid lock, then the payment.
func (s *Service) settle(ctx context.Context, actor model.Actor, p model.Payment, t pay.Trade) error {
	switch m := s.wechat.JudgeTrade(t, p.PaymentNo, p.AmountFen); m {
	case pay.NoMismatch, pay.WrongAmount:
	default: // not money of ours: nothing to book, somebody must look
		return s.mark(ctx, p, "微信上的支付与订单不符（"+mismatchNames[m]+"），请核对商户设置")
	}
	err := errPending
	for range 3 { // the order may change its state between two of the ways
		if t.AmountTotal == p.AmountFen {
			err = s.capture(ctx, actor, p, t)
		} else {
			err = s.giveUp(ctx, actor, p, t)
		}
		if errors.Is(err, order.ErrNotPending) {
			err = s.tooLate(ctx, actor, p, t)
		}
		if !errors.Is(err, errPending) {
			break
		}
	}
	if errors.Is(err, errBooked) {
		return nil
	}
	return err
}

var mismatchNames = map[pay.Mismatch]string{
	pay.WrongNumber: "单号", pay.WrongMerchant: "商户号", pay.WrongApp: "小程序", pay.WrongCurrency: "币种", pay.WrongAmount: "金额",
}

// capture books the money and pays the order with it.
func (s *Service) capture(ctx context.Context, actor model.Actor, p model.Payment, t pay.Trade) error {
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		if err := s.book(tx, p, t, now); err != nil {
			return err
		}
		if err := s.orders.Capture(tx, actor, now, p.OrderID, p.ID); err != nil {
			return err
		}
		if err := markPaid(tx, p, t, now, ""); err != nil {
			return err
		}
		return s.crash("capture.tx")
	})
	if err == nil {
		err = s.crash("capture.done")
	}
	return err
}

// giveUp books money of another amount than was asked for, closes the order, which nobody can pay any more, and sends the money back.
func (s *Service) giveUp(ctx context.Context, actor model.Actor, p model.Payment, t pay.Trade) error {
	var skus []model.ID
	err := s.db.Tx(model.InTurn(ctx), func(tx *gorm.DB) (err error) {
		now := s.db.Now()
		if err := s.book(tx, p, t, now); err != nil {
			return err
		}
		if skus, err = s.orders.CloseUnpaid(tx, actor, now, p.OrderID, "付款金额不符，已全额退款"); err != nil {
			return err
		}
		if err := s.sendBack(tx, actor, p, t, now, "付款金额不符，全额退回"); err != nil {
			return err
		}
		return s.crash("giveup.tx")
	})
	if err == nil {
		s.orders.ClearSoldOut(ctx, skus)
	}
	return err
}

// tooLate books money that came for an order which was closed before, and sends it back.
func (s *Service) tooLate(ctx context.Context, actor model.Actor, p model.Payment, t pay.Trade) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		if err := s.book(tx, p, t, now); err != nil {
			return err
		}
		var o model.Order
		if err := tx.Select("status").Where("id = ?", p.OrderID).Take(&o).Error; err != nil {
			return err
		}
		if o.Status != order.StatusClosed {
			return errPending // it is not closed yet, or it was paid by this payment just now
		}
		if err := s.sendBack(tx, actor, p, t, now, "订单已关闭后收到付款，全额退回"); err != nil {
			return err
		}
		return s.crash("late.tx")
	})
}

// book posts the money that came; errBooked if it was posted before.
func (s *Service) book(tx *gorm.DB, p model.Payment, t pay.Trade, now time.Time) error {
	err := ledger.Post(tx, s.db, now, ledger.Movement{Kind: ledger.KindPay, Cause: object(p.ID), From: ledger.Wechat, To: ledger.Payment(p.ID),
		Amount: t.AmountTotal, Year: model.YearOf(p.CreatedAt), Union: p.UnionID, Order: &p.OrderID})
	if errors.Is(err, ledger.ErrPosted) {
		return errBooked
	}
	return err
}

// markPaid notes what WeChat says of the payment.
func markPaid(tx *gorm.DB, p model.Payment, t pay.Trade, now time.Time, problem string) error {
	res := tx.Model(&model.Payment{}).Where("id = ? AND status <> ?", p.ID, StatusPaid).UpdateColumns(map[string]any{"status": StatusPaid, "paid_fen": t.AmountTotal, "paid_at": t.PaidAt,
		"transaction_id": t.TransactionID, "problem": problem, "attempts": 0, "next_try_at": nil, "updated_at": now})
	if res.Error == nil && res.RowsAffected == 0 {
		return errors.New("a payment is paid that was never booked")
	}
	return res.Error
}

// sendBack notes the payment and puts all of its money on its way back.
func (s *Service) sendBack(tx *gorm.DB, actor model.Actor, p model.Payment, t pay.Trade, now time.Time, why string) error {
	if err := markPaid(tx, p, t, now, why); err != nil {
		return err
	}
	id := s.db.NewID()
	if err := tx.Create(&model.WechatRefund{ID: id, RefundNo: "R" + id.String(), PaymentID: p.ID, UnionID: p.UnionID, AmountFen: t.AmountTotal, Reason: why,
		Status: RefundWaiting, NextTryAt: &now, CreatedAt: now, UpdatedAt: now}).Error; err != nil {
		return err
	}
	return s.db.Audit(tx, actor, now, "payment.return", object(p.ID), p.UnionID, map[string]any{"payment_no": p.PaymentNo, "asked_fen": p.AmountFen, "paid_fen": t.AmountTotal, "why": why})
}

// mark shows somebody a problem with a payment that is not booked, and goes on asking.
func (s *Service) mark(ctx context.Context, p model.Payment, problem string) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		res := tx.Model(&model.Payment{}).Where("id = ? AND problem <> ?", p.ID, problem).UpdateColumns(map[string]any{"problem": problem, "updated_at": now})
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		return s.db.Audit(tx, model.Clockwork(), now, "payment.mismatch", object(p.ID), p.UnionID, map[string]any{"payment_no": p.PaymentNo, "problem": problem})
	})
}
