package app_test

import (
	"context"
	"fmt"

	"bangfu/model"
	"bangfu/service/counter"
	"bangfu/service/group"
	"bangfu/service/order"
)

func counterActs() []act {
	return []act{
		{"counter-sale", 7, (*history).counterSale},
		{"counter-confirm", 3, (*history).counterConfirm},
		{"counter-void", 3, (*history).counterVoid},
	}
}

// cashier is a cashier of the hall that supplier 0 runs.
func (h *history) cashier() (a model.Actor) {
	h.crash.spare(func() {
		var hall model.Hall
		if err := h.DB.Read(context.Background()).Order("id").Limit(1).Find(&hall).Error; err != nil {
			h.fail("%v", err)
		}
		if hall.ID == 0 {
			limit := model.Fen(90_00)
			v, err := h.Counter.CreateHall(context.Background(), h.city, counter.NewHall{Name: "虚拟专馆", Address: "虚拟路 3 号", OpenHours: "09:00-21:00",
				ChannelID: h.channel("city", "2"), SupplierID: h.shop.Suppliers[0].ID, ConfirmOverFen: &limit})
			if err != nil {
				h.fail("%v", err)
			}
			hall.ID = v.ID
		}
		if len(h.extra["cashier"]) == 0 {
			now, supplier := h.clock.Now(), h.shop.Suppliers[0].ID
			s := model.Staff{ID: h.DB.NewID(), Login: fmt.Sprintf("history-%d", h.DB.NewID()), Name: "收银员", Role: "cashier", UnionID: h.root().ID, SupplierID: &supplier, HallID: &hall.ID,
				Status: "active", CreatedAt: now, UpdatedAt: now}
			h.insert(&s)
			h.extra["cashier"] = []model.ID{s.ID}
		}
		a = model.Actor{Kind: model.ActorStaff, ID: h.extra["cashier"][0], Name: "收银员", Role: "cashier", UnionID: h.root().ID, UnionPath: h.root().Path, Supplier: h.shop.Suppliers[0].ID, Hall: hall.ID}
	})
	return a
}

// counterSale shows a code, scans it and asks for the money.
func (h *history) counterSale() error {
	b, _ := pick(h, h.buyers)
	ctx, cashier := context.Background(), h.cashier()
	code, err := h.Counter.RequestCode(ctx, b.actor())
	if err != nil {
		return err
	}
	r, err := h.Counter.Scan(ctx, cashier, code.Code)
	if err != nil {
		return err
	}
	h.extra["redemption"] = append(h.extra["redemption"], r.ID)
	k, n := h.shop.SKUs[h.rand.IntN(2)], int64(1+h.rand.IntN(2))
	sale := order.CounterSale{Items: []order.Item{{SKUID: k.ID, Quantity: n, PriceFen: k.PriceFen}}, TotalFen: k.PriceFen * model.Fen(n)}
	if h.rand.IntN(2) == 0 {
		sale.Goods, sale.GoodsFen = "散装番薯", model.Fen(1+h.rand.IntN(30_00))
		sale.TotalFen += sale.GoodsFen
	}
	_, err = keep(h, "counter pay", func(key string) (counter.Redemption, error) { return h.Counter.Pay(ctx, cashier, key, r.ID, sale) })
	return err
}

func (h *history) counterConfirm() error {
	id, ok := h.redemption("awaiting_member")
	if !ok {
		return nil
	}
	var r model.Redemption
	var err error
	h.crash.spare(func() { err = h.DB.Read(context.Background()).Take(&r, id).Error })
	if err != nil {
		return err
	}
	member := model.Actor{Kind: model.ActorPerson, ID: r.PersonID}
	if h.rand.IntN(4) == 0 {
		return h.Counter.Refuse(context.Background(), member, id)
	}
	_, err = keep(h, "counter confirm", func(key string) (counter.MemberRedemption, error) {
		return h.Counter.Confirm(context.Background(), member, key, id)
	})
	return err
}

// redemption is one of the history's in a state, mostly.
func (h *history) redemption(state string) (id model.ID, ok bool) {
	list := h.extra["redemption"]
	if h.rand.IntN(4) > 0 {
		h.crash.spare(func() {
			err := h.DB.Read(context.Background()).Model(&model.Redemption{}).Where("status = ? AND id IN ?", state, append([]model.ID{0}, list...)).Order("id").Pluck("id", &list).Error
			if err != nil {
				h.fail("%v", err)
			}
		})
	}
	return pick(h, list)
}

func (h *history) counterVoid() error {
	id, ok := h.redemption("paid")
	if !ok {
		return nil
	}
	cashier := h.cashier()
	_, err := keep(h, "counter void", func(key string) (counter.Redemption, error) {
		return h.Counter.Void(context.Background(), cashier, key, id, "扫错了商品")
	})
	return err
}

func groupActs() []act {
	return []act{
		{"group-draft", 4, (*history).draftGroup},
		{"group-decide", 5, (*history).decideGroup},
		{"group-sign", 4, (*history).signGroup},
		{"group-cancel", 2, (*history).cancelGroup},
	}
}

func (h *history) draftGroup() error {
	in := group.Draft{Purse: model.PurseExtra, Year: h.year(), Title: "随机集体采购", Selection: "list", Division: []string{group.DivideEven, group.DivideEach}[h.rand.IntN(2)],
		Delivery: group.Delivery{Consignee: "李四", Phone: "10000000002", Province: "广东省", City: "湛江市", District: "赤坎区", Detail: "虚拟路 4 号"}}
	for _, id := range h.memberships[:1+h.rand.IntN(len(h.memberships))] {
		in.Members = append(in.Members, group.Listed{MemberID: id})
	}
	for _, i := range h.rand.Perm(len(h.shop.SKUs))[:1+h.rand.IntN(2)] {
		in.Items = append(in.Items, group.Item{SKUID: h.shop.SKUs[i].ID, Quantity: int64(1 + h.rand.IntN(2))})
	}
	v, err := keep(h, "draft group", func(key string) (group.View, error) {
		return h.Group.Draft(context.Background(), h.admin, key, h.union.ID, in)
	})
	if err == nil {
		h.extra["group"] = append(h.extra["group"], v.ID)
	}
	return err
}

// decideGroup approves a draft, or rejects it.
func (h *history) decideGroup() error {
	id, ok := pick(h, h.extra["group"])
	if !ok {
		return nil
	}
	ctx := context.Background()
	if h.rand.IntN(8) == 0 {
		_, err := h.Group.Reject(ctx, h.approver, id, "暂不采购")
		return err
	}
	_, err := keep(h, "approve group", func(key string) (group.View, error) { return h.Group.Approve(ctx, h.approver, key, id, "") })
	if err != nil {
		return err
	}
	h.crash.spare(func() {
		var parcels []model.ID
		if err = h.DB.Read(ctx).Raw("SELECT p.id FROM parcels p JOIN group_purchases g ON g.order_id = p.order_id WHERE g.id = ? ORDER BY p.id", id).Scan(&parcels).Error; err == nil {
			h.extra["group parcel"] = append(h.extra["group parcel"], parcels...)
		}
	})
	return err
}

// signGroup ships and receives what a group bought, and has receivers sign or takes a signature back.
func (h *history) signGroup() error {
	ctx := context.Background()
	if id, ok := pick(h, h.extra["group parcel"]); ok && h.rand.IntN(2) == 0 {
		var p model.Parcel
		var err error
		h.crash.spare(func() { err = h.DB.Read(ctx).Take(&p, id).Error })
		if err == nil {
			_, err = h.Order.Ship(ctx, h.supplierOf(p.SupplierID), id, order.Shipment{Carrier: "虚拟快递", TrackingNo: "XN777777"})
		}
		if err == nil || model.CodeOf(err) == model.CodeConflict {
			err = h.Order.ReceiveForUnion(ctx, h.admin, id)
		}
		return err
	}
	id, ok := pick(h, h.extra["group"])
	if !ok {
		return nil
	}
	if h.rand.IntN(5) == 0 {
		member, _ := pick(h, h.memberships)
		return h.Group.UndoSignoff(ctx, h.approver, id, member, "签错了")
	}
	_, err := h.Group.SignOnPaper(ctx, h.admin, id, h.memberships[:1], "纸质签收")
	return err
}

func (h *history) cancelGroup() error {
	id, ok := pick(h, h.extra["group"])
	if !ok {
		return nil
	}
	ctx := context.Background()
	if _, err := h.Group.Cancel(ctx, h.admin, id, "不需要了"); err != nil {
		return err
	}
	_, err := keep(h, "approve cancelling group", func(key string) (group.View, error) { return h.Group.ApproveCancel(ctx, h.approver, key, id, "") })
	return err
}
