package app_test

import (
	"context"
	"time"

	"bangfu/model"
	"bangfu/service/wechat/emulator"
)

func payActs() []act {
	return []act{
		{"prepay", 4, (*history).prepay},
		{"pay", 18, (*history).payAtWechat},
		{"wechat", 2, (*history).upset},
		{"complete", 4, func(h *history) error { return h.Payment.Complete(context.Background()) }},
		{"retry-refund", 2, (*history).retryRefund},
	}
}

// pendingOrder picks one of the orders that await WeChat money.
func (h *history) pendingOrder() (id model.ID, ok bool) {
	h.crash.spare(func() {
		var list []model.ID
		if err := h.DB.Read(context.Background()).Model(&model.Order{}).Where("status = 'pending' AND id IN ?", append([]model.ID{0}, h.orders...)).Order("id").Pluck("id", &list).Error; err != nil {
			h.fail("%v", err)
		}
		id, ok = pick(h, list)
	})
	return id, ok
}

func (h *history) prepay() error {
	id, ok := h.pendingOrder()
	if !ok {
		return nil
	}
	b, err := h.buyerOf(id)
	if err != nil {
		return err
	}
	actor := b.actor()
	var account model.WechatAccount
	h.crash.spare(func() { err = h.DB.Read(context.Background()).Where("person_id = ?", b.Person).Take(&account).Error })
	if err != nil {
		return err
	}
	actor.AccountID = account.ID
	_, err = h.Payment.Prepay(context.Background(), actor, id)
	return err
}

// payAtWechat has the payer pay a payment that WeChat knows, and WeChat tell of it in one of its ways; now and then after the product has closed
// it, but not after the product has stopped asking about it: if WeChat were silent then, only its bill of the day could tell.
func (h *history) payAtWechat() error {
	if h.rand.IntN(2) == 0 {
		if err := h.prepay(); err != nil {
			return err
		}
	}
	modes := []emulator.NoticeMode{emulator.OnTime, emulator.OnTime, emulator.Silent, emulator.Doubled, emulator.Replayed, emulator.WrongAmount, emulator.BadSignature, emulator.Held}
	verdicts := []emulator.Verdict{emulator.PaySuccess, emulator.PaySuccess, emulator.PaySuccess, emulator.PayError, emulator.PayLate, emulator.PayWrongAmount}
	var payments []model.Payment
	var err error
	h.crash.spare(func() {
		err = h.DB.Read(context.Background()).Where("order_id IN ? AND prepaid_at IS NOT NULL AND (status = 'prepaid' OR status = 'closed' AND next_try_at IS NOT NULL)", append([]model.ID{0}, h.orders...)).Order("id").Find(&payments).Error
	})
	p, ok := pick(h, payments)
	if err != nil || !ok {
		return err
	}
	err = h.Emulator.Pay(p.PaymentNo, verdicts[h.rand.IntN(len(verdicts))], &emulator.NoticeRule{Mode: modes[h.rand.IntN(len(modes))]})
	h.Emulator.Settle()
	return err
}

// upset changes how WeChat behaves, or has it behave again.
func (h *history) upset() error {
	h.Emulator.ClearFaults()
	h.Emulator.ClearRules()
	h.Emulator.ReleaseNotices()
	h.Emulator.Settle()
	paths := []string{"/v3/pay/transactions/jsapi", "/v3/refund/domestic/refunds"}
	switch h.rand.IntN(4) {
	case 0:
		return h.Emulator.InjectFault(emulator.Fault{Path: paths[h.rand.IntN(2)], Mode: []emulator.Mode{emulator.Down, emulator.Garbage}[h.rand.IntN(2)], Times: 1 + h.rand.IntN(3)})
	case 1:
		return h.Emulator.SetRefunds(emulator.RefundRule{Result: []emulator.RefundOutcome{emulator.RefundAbnormal, emulator.RefundClosed}[h.rand.IntN(2)], Times: 1})
	case 2:
		return h.Emulator.SetNotices(emulator.NoticeRule{About: emulator.AboutRefund, Mode: []emulator.NoticeMode{emulator.Silent, emulator.Doubled}[h.rand.IntN(2)], Times: 2})
	}
	return nil
}

func (h *history) retryRefund() error {
	var failed []model.WechatRefund
	var err error
	h.crash.spare(func() {
		err = h.DB.Read(context.Background()).Where("status = 'failed'").Order("id").Find(&failed).Error
	})
	r, ok := pick(h, failed)
	if err != nil || !ok {
		return err
	}
	_, err = h.Payment.RetryRefund(context.Background(), h.city, h.key(), r.ID)
	return err
}

// calm has WeChat behave again and everything between it and the product come to its end: no order stays pending, no money on its way.
func (h *history) calm() {
	ctx := context.Background()
	h.Emulator.ClearFaults()
	h.Emulator.ClearRules()
	h.Emulator.ReleaseNotices()
	h.Emulator.Settle()
	for range 40 {
		h.clock.Advance(20 * time.Minute)
		if err := h.Payment.Complete(ctx); err != nil {
			h.fail("completing payments: %v", err)
		}
		h.Emulator.Settle()
		h.retryAll()
		if h.count(&model.Order{}, "status = 'pending'") == 0 && h.count(&model.WechatRefund{}, "status <> 'done'") == 0 && h.count(&model.Payment{}, "next_try_at IS NOT NULL") == 0 {
			break
		}
	}
	if pending, due := h.count(&model.Order{}, "status = 'pending'"), h.count(&model.WechatRefund{}, "status <> 'done'"); pending > 0 || due > 0 {
		h.fail("WeChat is calm again, and %d orders are pending, %d refunds not done", pending, due)
	}
	h.sameBooks()
}

// retryAll has somebody see to what failed at WeChat, and retry it.
func (h *history) retryAll() {
	var failed []model.WechatRefund
	if err := h.DB.Read(context.Background()).Where("status = 'failed'").Order("id").Find(&failed).Error; err != nil {
		h.fail("%v", err)
	}
	for _, r := range failed {
		_ = h.Emulator.FinishRefund(r.RefundNo, emulator.RefundSuccess, nil) // those that are abnormal; the others start anew
		h.Emulator.Settle()
		if _, err := h.Payment.RetryRefund(context.Background(), h.city, h.key(), r.ID); err != nil && model.CodeOf(err) != model.CodeConflict {
			h.fail("retrying a refund: %v", err)
		}
	}
	h.Emulator.Settle()
}

// sameBooks holds what WeChat has taken and given back for each payment against the product's ledger.
func (h *history) sameBooks() {
	var rows []struct {
		PaymentNo  string
		Paid, Back model.Fen
	}
	err := h.DB.Read(context.Background()).Raw(`SELECT p.payment_no, (SELECT COALESCE(SUM(amount_fen), 0) FROM transfers t WHERE t.kind = 'pay' AND t.credit_account = CONCAT('payment:', p.id)) AS paid,
		(SELECT COALESCE(SUM(amount_fen), 0) FROM transfers t WHERE t.kind = 'payback' AND t.debit_account = CONCAT('payment:', p.id)) AS back FROM payments p`).Scan(&rows).Error
	if err != nil {
		h.fail("%v", err)
	}
	for _, r := range rows {
		if paid, back := h.Emulator.Books(r.PaymentNo); paid != r.Paid || back != r.Back {
			h.fail("payment %s: WeChat took %s and gave back %s, our books say %s and %s", r.PaymentNo, paid, back, r.Paid, r.Back)
		}
	}
}
