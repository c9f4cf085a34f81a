package app_test

import (
	"context"
	"fmt"
	"time"

	"bangfu/model"
	"bangfu/service/aftersale"
	"bangfu/service/order"
	"bangfu/service/settlement"
)

func afterSaleActs() []act {
	return []act{
		{"open-case", 6, (*history).openCase},
		{"answer-case", 7, (*history).answerCase},
		{"send-back", 3, (*history).sendBack},
		{"case-deadlines", 1, func(h *history) error { _, err := h.AfterSale.Expire(context.Background()); return err }},
	}
}

// openCase asks for some pieces of one parcel.
func (h *history) openCase() error {
	parcel, ok := pick(h, h.parcels)
	if !ok {
		return nil
	}
	var lines []model.OrderLine
	var err error
	h.crash.spare(func() {
		err = h.DB.Read(context.Background()).Where("parcel_id = ?", parcel).Order("id").Find(&lines).Error
	})
	if err != nil || len(lines) == 0 {
		return err
	}
	b, err := h.buyerOf(lines[0].OrderID)
	if err != nil {
		return err
	}
	in := aftersale.NewCase{Kind: []string{aftersale.KindRefundOnly, aftersale.KindReturnGoods}[h.rand.IntN(2)], Reason: "quality", Description: "坏了"}
	for _, l := range lines[:1+h.rand.IntN(len(lines))] {
		in.Lines = append(in.Lines, order.ReturnLine{LineID: l.ID, Quantity: 1 + int64(h.rand.IntN(int(l.Quantity)))})
	}
	got, err := keep(h, "open case", func(key string) (aftersale.Outcome, error) {
		return h.AfterSale.Open(context.Background(), b.actor(), key, lines[0].OrderID, in)
	})
	if err == nil {
		h.extra["case"] = append(h.extra["case"], got.ID)
	}
	return err
}

// answerCase lets the supplier agree, refuse or receive, the member escalate or withdraw, or the platform decide.
func (h *history) answerCase() error {
	id, ok := pick(h, h.extra["case"])
	if !ok {
		return nil
	}
	var c model.AfterSale
	var err error
	h.crash.spare(func() { err = h.DB.Read(context.Background()).Take(&c, id).Error })
	if err != nil {
		return err
	}
	b, err := h.buyerOf(c.OrderID)
	if err != nil {
		return err
	}
	ctx, supplier := context.Background(), h.supplierOf(c.SupplierID)
	consent := aftersale.Consent{Note: "同意", Restock: h.rand.IntN(2) == 0, ReturnTo: "虚拟市虚拟路 2 号"}
	switch h.rand.IntN(7) {
	case 0:
		_, err = h.AfterSale.Refuse(ctx, supplier, id, "商品没有问题")
	case 1:
		_, err = h.AfterSale.Escalate(ctx, b.actor(), id, "请平台处理")
	case 2:
		_, err = h.AfterSale.Withdraw(ctx, b.actor(), id)
	case 3:
		_, err = keep(h, "decide case", func(key string) (aftersale.Outcome, error) {
			return h.AfterSale.Decide(ctx, h.city, key, id, aftersale.Decision{Consent: consent, Agree: h.rand.IntN(2) == 0})
		})
	case 4:
		_, err = keep(h, "receive return", func(key string) (aftersale.Outcome, error) {
			return h.AfterSale.Receive(ctx, supplier, key, id, consent.Restock, "收到")
		})
	default:
		_, err = keep(h, "agree to case", func(key string) (aftersale.Outcome, error) { return h.AfterSale.Agree(ctx, supplier, key, id, consent) })
	}
	return err
}

func (h *history) supplierOf(id model.ID) model.Actor {
	for _, a := range h.supplierStaff {
		if a.Supplier == id {
			return a
		}
	}
	h.fail("no staff of supplier %s", id)
	return model.Actor{}
}

func (h *history) sendBack() error {
	id, ok := pick(h, h.extra["case"])
	if !ok {
		return nil
	}
	var c model.AfterSale
	var err error
	h.crash.spare(func() { err = h.DB.Read(context.Background()).Take(&c, id).Error })
	if err != nil {
		return err
	}
	b, err := h.buyerOf(c.OrderID)
	if err != nil {
		return err
	}
	_, err = h.AfterSale.SendBack(context.Background(), b.actor(), id, order.Shipment{Carrier: "虚拟快递", TrackingNo: "XN654321"})
	return err
}

func settlementActs() []act {
	return []act{
		{"settle", 3, (*history).settleAll},
		{"make-batch", 2, (*history).makeBatch},
		{"confirm-batch", 2, (*history).confirmBatch},
		{"pay-batch", 2, (*history).payBatch},
		{"fail-settlement", 1, (*history).failSettlement},
	}
}

// settleAll waits until what was received is due, and brings a batch to its end.
func (h *history) settleAll() error {
	h.crash.spare(func() { h.clock.Advance(8 * 24 * time.Hour) })
	for _, do := range []func(*history) error{(*history).makeBatch, (*history).confirmBatch, (*history).payBatch} {
		if err := do(h); err != nil {
			return err
		}
	}
	return nil
}

// batch is one of the batches, mostly the last.
func (h *history) batch() (model.ID, bool) {
	list := h.extra["batch"]
	if n := len(list); n > 0 && h.rand.IntN(4) > 0 {
		list = list[n-1:]
	}
	return pick(h, list)
}

// makeBatch begins a settlement batch of all suppliers, whose bank accounts are known and confirmed.
func (h *history) makeBatch() error {
	var err error
	h.crash.spare(func() { err = h.bankAccounts() })
	if err != nil {
		return err
	}
	in := settlement.BatchInput{PeriodTo: string(model.DateOf(h.clock.Now()))}
	v, err := keep(h, "make batch", func(key string) (settlement.BatchView, error) {
		return h.Settlement.MakeBatch(context.Background(), h.treasurer, key, in)
	})
	if err == nil {
		h.extra["batch"] = append(h.extra["batch"], v.ID)
	}
	return err
}

func (h *history) bankAccounts() error {
	ctx := context.Background()
	for i, s := range h.shop.Suppliers {
		if h.count(&model.SupplierBankAccount{}, "supplier_id = ? AND status = 'confirmed'", s.ID) > 0 {
			continue
		}
		number := fmt.Sprintf("99990000000%d", i)
		a, err := h.Settlement.EnterAccount(ctx, h.city, s.ID, settlement.AccountInput{AccountName: s.Name, Bank: "虚拟银行湛江支行", AccountNo: number})
		if err != nil {
			return err
		}
		if _, err := h.Settlement.ConfirmAccount(ctx, h.treasurer, a.ID, number, ""); err != nil {
			return err
		}
	}
	return nil
}

func (h *history) confirmBatch() error {
	id, ok := h.batch()
	if !ok {
		return nil
	}
	if err := h.Jobs.Drain(context.Background()); err != nil {
		return err
	}
	_, err := keep(h, "confirm batch", func(key string) (settlement.BatchView, error) {
		return h.Settlement.ConfirmBatch(context.Background(), h.city, key, id, "")
	})
	return err
}

func (h *history) payBatch() error {
	id, ok := h.batch()
	if !ok {
		return nil
	}
	in := settlement.PaidInput{EvidenceNo: "XN" + h.key(), EvidenceFileID: h.claimFile()}
	_, err := keep(h, "pay batch", func(key string) (settlement.BatchView, error) {
		return h.Settlement.PayBatch(context.Background(), h.treasurer, key, id, in)
	})
	return err
}

func (h *history) failSettlement() error {
	var open []model.ID
	var err error
	h.crash.spare(func() {
		err = h.DB.Read(context.Background()).Model(&model.Settlement{}).Where("batch_id IN ?", append([]model.ID{0}, h.extra["batch"]...)).Order("id").Pluck("id", &open).Error
	})
	id, ok := pick(h, open)
	if err != nil || !ok {
		return err
	}
	_, err = h.Settlement.FailSettlement(context.Background(), h.treasurer, id, "账号有误，银行退回")
	return err
}
