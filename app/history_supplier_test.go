package app_test

import (
	"context"
	"fmt"
	"time"

	"bangfu/model"
	"bangfu/service/settlement"
)

func (h *history) supplierOf(id model.ID) model.Actor {
	for _, a := range h.supplierStaff {
		if a.Supplier == id {
			return a
		}
	}
	h.fail("no staff of supplier %s", id)
	return model.Actor{}
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
	in := settlement.PaidInput{EvidenceNo: "XN" + h.key(), EvidenceFileID: h.voucher()}
	_, err := keep(h, "pay batch", func(key string) (settlement.BatchView, error) {
		return h.Settlement.PayBatch(context.Background(), h.treasurer, key, id, in)
	})
	return err
}

// voucher is the bank's voucher for all payments of the history.
func (h *history) voucher() model.ID {
	if id, ok := pick(h, h.extra["voucher"]); ok {
		return id
	}
	union := h.treasurer.UnionID
	f := model.File{ID: h.DB.NewID(), StoreKey: fmt.Sprintf("history/%d-voucher.pdf", h.seed), Kind: "evidence", UnionID: &union, CreatedBy: h.treasurer.ID, CreatedAt: h.clock.Now()}
	h.crash.spare(func() { h.insert(&f) })
	h.extra["voucher"] = []model.ID{f.ID}
	return f.ID
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
