package app_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/allowance"
	"bangfu/service/ledger"
	"bangfu/service/order"
	"bangfu/service/union"
)

// begin sets the history's own stage: a union with five members, one of them in a second union too, and staff.
func (h *history) begin() {
	h.t.Helper()
	h.union = h.house.union(h.root(), "grassroots", fmt.Sprintf("历史%d工会", h.seed))
	other := h.house.union(h.root(), "grassroots", fmt.Sprintf("历史%d第二工会", h.seed))
	h.policy(model.YearOf(h.clock.Now()))
	h.buyers = h.house.buyers(h.union, 5, model.Fen(h.rand.IntN(300_00)+1))
	h.joins(h.buyers[0], other, 100_00)
	for _, b := range h.buyers {
		h.memberships = append(h.memberships, b.Member)
	}
	staff := func(name string, u model.Union) model.Actor {
		now := h.clock.Now()
		s := model.Staff{ID: h.DB.NewID(), Login: fmt.Sprintf("history-%d", h.DB.NewID()), Name: name, Role: "union_admin", UnionID: u.ID, Status: "active", CreatedAt: now, UpdatedAt: now}
		h.insert(&s)
		return model.Actor{Kind: model.ActorStaff, ID: s.ID, Name: name, UnionID: u.ID, UnionPath: u.Path, Strong: true}
	}
	h.admin, h.approver = staff("经办", h.union), staff("审批", h.union)
	h.city, h.treasurer = staff("市总", h.root()), staff("市总财务", h.root())
	h.city.Role, h.treasurer.Role = "city_federation", "city_federation"
	for i := range h.shop.Suppliers {
		a := staff("供应商", h.root())
		a.Supplier, a.Role = h.shop.Suppliers[i].ID, "supplier"
		h.supplierStaff = append(h.supplierStaff, a)
	}
	for _, k := range h.shop.SKUs {
		h.receive(k.ID, int64(1+h.rand.IntN(40)))
	}
}

func moneyActs() []act {
	return []act{
		{"topup", 3, (*history).topup},
		{"confirm-topup", 3, (*history).confirmTopup},
		{"grant", 4, (*history).grant},
		{"decide-grant", 4, (*history).decideGrant},
		{"jobs", 4, func(h *history) error { return h.Jobs.Drain(context.Background()) }},
		{"leave", 1, (*history).leave},
		{"clock", 5, (*history).passTime},
		{"chores", 2, func(h *history) error { return h.Tidy(context.Background()) }},
	}
}

func (h *history) year() model.Year { return model.YearOf(h.clock.Now()) }

// passTime lets minutes, hours or days go by; late in December the year's end comes near.
func (h *history) passTime() error {
	h.crash.revive() // time does not crash
	steps := []time.Duration{time.Second, time.Minute, time.Minute, 20 * time.Minute, 7 * time.Hour, 8 * 24 * time.Hour}
	h.clock.Advance(steps[h.rand.IntN(len(steps))])
	if end := h.year().End(); end.Sub(h.clock.Now()) < 30*24*time.Hour && h.rand.IntN(12) == 0 {
		h.clock.Set(end.Add(-time.Second))
	}
	h.policy(h.year())
	return nil
}

func (h *history) topup() error {
	in := allowance.TopupInput{Purse: model.PurseExtra, Year: h.year(), AmountFen: model.Fen(h.rand.IntN(2000_00) + 1), EvidenceNo: "XN" + h.key()}
	v, err := keep(h, "topup", func(key string) (allowance.TopupView, error) {
		return h.Allowance.EnterTopup(context.Background(), h.admin, key, h.union.ID, in)
	})
	if err == nil {
		h.topups = append(h.topups, v.ID)
	}
	return err
}

func (h *history) confirmTopup() error {
	id, ok := pick(h, h.topups)
	if !ok {
		return nil
	}
	_, err := keep(h, "confirm top-up", func(key string) (allowance.TopupView, error) {
		return h.Allowance.ConfirmTopup(context.Background(), h.approver, key, id, "")
	})
	return err
}

func (h *history) grant() error {
	in := allowance.GrantInput{Purse: model.PurseExtra, Year: h.year(), Title: "随机发放", Selection: "roster", AmountFen: model.Fen(h.rand.IntN(350_00) + 1)}
	if h.rand.IntN(2) == 0 {
		in.Selection, in.MemberIDs = "list", h.memberships[:1+h.rand.IntN(len(h.memberships))]
	}
	v, err := keep(h, "draft grant", func(key string) (allowance.GrantView, error) {
		return h.Allowance.DraftGrant(context.Background(), h.admin, key, h.union.ID, in)
	})
	if err == nil {
		h.grants = append(h.grants, v.ID)
	}
	return err
}

// decideGrant approves, issues or cancels a grant.
func (h *history) decideGrant() error {
	id, ok := pick(h, h.grants)
	if !ok {
		return nil
	}
	ctx := context.Background()
	if err := h.Jobs.Drain(ctx); err != nil {
		return err
	}
	if h.rand.IntN(8) == 0 {
		_, err := h.Allowance.CancelGrant(ctx, h.admin, id)
		return err
	}
	_, err := keep(h, "approve grant", func(key string) (allowance.GrantView, error) {
		return h.Allowance.ApproveGrant(ctx, h.approver, key, id, "")
	})
	if err != nil && model.CodeOf(err) != model.CodeConflict {
		return err
	}
	_, err = keep(h, "issue grant", func(key string) (allowance.GrantView, error) { return h.Allowance.StartGrant(ctx, h.admin, key, id) })
	return err
}

func (h *history) leave() error {
	id, _ := pick(h, h.memberships)
	_, err := keep(h, "leave", func(key string) (union.Leaving, error) {
		return h.Union.Leave(context.Background(), h.admin, key, id, "调离")
	})
	return err
}

func orderActs() []act {
	return []act{
		{"checkout", 14, (*history).checkout},
		{"cancel", 4, (*history).cancelOne},
		{"ship", 8, (*history).shipOne},
		{"confirm", 8, (*history).confirmOne},
	}
}

func (h *history) checkout() error {
	b, _ := pick(h, h.buyers)
	cart := order.Cart{AddressID: b.Address}
	for _, i := range h.rand.Perm(len(h.shop.SKUs))[:1+h.rand.IntN(len(h.shop.SKUs))] {
		k, n := h.shop.SKUs[i], int64(1+h.rand.IntN(3))
		cart.Items = append(cart.Items, order.Item{SKUID: k.ID, Quantity: n, PriceFen: k.PriceFen})
		cart.TotalFen += k.PriceFen * model.Fen(n)
	}
	cart.Payment = []string{"", order.PayAllowance, order.PayAllowance, order.PayMixed, order.PayWechat}[h.rand.IntN(5)]
	p, err := keep(h, "checkout", func(key string) (order.Placed, error) {
		return h.Order.Checkout(context.Background(), b.actor(), key, cart)
	})
	if err != nil {
		return err
	}
	h.orders = append(h.orders, p.ID)
	var parcels []model.ID
	err = h.DB.Read(context.Background()).Model(&model.Parcel{}).Where("order_id = ?", p.ID).Pluck("id", &parcels).Error
	h.parcels = append(h.parcels, parcels...)
	return err
}

// buyerOf is who placed an order.
func (h *history) buyerOf(id model.ID) (buyer, error) {
	var o model.Order
	if err := h.DB.Read(context.Background()).Take(&o, id).Error; err != nil {
		return buyer{}, err
	}
	for _, b := range h.buyers {
		if b.Person == o.PersonID {
			return b, nil
		}
	}
	return buyer{}, fmt.Errorf("order %s has no buyer", id)
}

func (h *history) cancelOne() error {
	id, ok := pick(h, h.orders)
	if !ok {
		return nil
	}
	b, err := h.buyerOf(id)
	if err != nil {
		return err
	}
	_, err = keep(h, "cancel", func(key string) (order.Cancelled, error) {
		return h.Payment.Cancel(context.Background(), b.actor(), key, id, "不要了")
	})
	return err
}

func (h *history) shipOne() error {
	id, ok := pick(h, h.parcels)
	if !ok {
		return nil
	}
	supplier := h.supplierStaff[h.rand.IntN(2)]
	if h.rand.IntN(5) > 0 { // mostly whose parcel it is
		var p model.Parcel
		var err error
		h.crash.spare(func() { err = h.DB.Read(context.Background()).Take(&p, id).Error })
		if err != nil {
			return err
		}
		supplier = h.supplierOf(p.SupplierID)
	}
	_, err := h.Order.Ship(context.Background(), supplier, id, order.Shipment{Carrier: "虚拟快递", TrackingNo: "XN123456"})
	return err
}

func (h *history) confirmOne() error {
	id, ok := pick(h, h.parcels)
	if !ok {
		return nil
	}
	var p model.Parcel
	if err := h.DB.Read(context.Background()).Take(&p, id).Error; err != nil {
		return err
	}
	b, err := h.buyerOf(p.OrderID)
	if err != nil {
		return err
	}
	return h.Order.Confirm(context.Background(), b.actor(), id)
}

// notPending turns an order that is past paying into a refusal.
func notPending(err error) error {
	if errors.Is(err, order.ErrNotPending) || errors.Is(err, ledger.ErrPosted) || errors.Is(err, gorm.ErrRecordNotFound) {
		return model.E(model.CodeConflict, "订单已经付款或关闭")
	}
	return err
}
