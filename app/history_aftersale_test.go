package app_test

import (
	"context"

	"bangfu/model"
	"bangfu/service/aftersale"
	"bangfu/service/order"
)

func afterSaleActs() []act {
	return []act{
		{"ask-refund", 6, (*history).askRefund},
		{"answer-case", 6, (*history).answerCase},
		{"ask-on", 4, (*history).askOn},
	}
}

// askRefund opens a case about random pieces of one parcel.
func (h *history) askRefund() error {
	id, ok := pick(h, h.parcels)
	if !ok {
		return nil
	}
	var lines []model.OrderLine
	if err := h.DB.Read(context.Background()).Where("parcel_id = ?", id).Find(&lines).Error; err != nil || len(lines) == 0 {
		return err
	}
	b, err := h.buyerOf(lines[0].OrderID)
	if err != nil {
		return err
	}
	in := aftersale.NewCase{Kind: []string{aftersale.KindRefundOnly, aftersale.KindReturnGoods}[h.rand.IntN(2)], Reason: "quality"}
	for _, l := range lines[:1+h.rand.IntN(len(lines))] {
		in.Lines = append(in.Lines, order.ReturnLine{LineID: l.ID, Quantity: 1 + h.rand.Int64N(l.Quantity)})
	}
	out, err := keep(h, "ask refund", func(key string) (aftersale.Outcome, error) {
		return h.AfterSale.Open(context.Background(), b.actor(), key, lines[0].OrderID, in)
	})
	if err == nil {
		h.extra["case"] = append(h.extra["case"], out.ID)
	}
	return err
}

// aCase is one of the history's cases, as it is.
func (h *history) aCase() (c model.AfterSale, ok bool, err error) {
	id, ok := pick(h, h.extra["case"])
	if !ok {
		return c, false, nil
	}
	err = h.DB.Read(context.Background()).Take(&c, id).Error
	return c, err == nil, err
}

// answerCase is what the supplier, or else the platform, may say, in any state.
func (h *history) answerCase() error {
	c, ok, err := h.aCase()
	if !ok || err != nil {
		return err
	}
	ctx, supplier := context.Background(), h.supplierOf(c.SupplierID)
	yes := aftersale.Consent{Note: "同意", Restock: h.rand.IntN(2) == 0, ReturnTo: "李四 10000000002 虚拟路 2 号"}
	if c.Status == aftersale.StatusEscalated && h.rand.IntN(2) == 0 {
		in := aftersale.Decision{Agree: h.rand.IntN(3) > 0, Consent: yes}
		_, err = keep(h, "decide case", func(key string) (aftersale.Outcome, error) { return h.AfterSale.Decide(ctx, h.city, key, c.ID, in) })
		return err
	}
	switch h.rand.IntN(5) {
	case 0:
		_, err = h.AfterSale.Refuse(ctx, supplier, c.ID, "签收时完好")
	case 1, 2:
		_, err = keep(h, "receive goods", func(key string) (aftersale.Outcome, error) {
			return h.AfterSale.Receive(ctx, supplier, key, c.ID, yes.Restock, "")
		})
	default:
		_, err = keep(h, "agree", func(key string) (aftersale.Outcome, error) { return h.AfterSale.Agree(ctx, supplier, key, c.ID, yes) })
	}
	return err
}

// askOn is what who asked may do next, and the clock.
func (h *history) askOn() error {
	c, ok, err := h.aCase()
	if !ok || err != nil {
		return err
	}
	ctx, asker := context.Background(), model.Actor{Kind: model.ActorPerson, ID: c.PersonID}
	switch h.rand.IntN(6) {
	case 0:
		_, err = h.AfterSale.Withdraw(ctx, asker, c.ID)
	case 1:
		_, err = h.AfterSale.Expire(ctx)
	case 2, 3:
		_, err = h.AfterSale.Escalate(ctx, asker, c.ID, "就是坏的")
	default:
		_, err = h.AfterSale.SendBack(ctx, asker, c.ID, order.Shipment{Carrier: "虚拟快递", TrackingNo: "XN654321"})
	}
	return err
}
