package app_test

import (
	"fmt"
	"testing"

	"bangfu/model"
	"bangfu/service/counter"
	"bangfu/service/identity"
	"bangfu/service/order"
)

// desk is a hall of the shop fixture's first supplier with a cashier, and a union whose members buy there.
type desk struct {
	*stall
	hall    model.Hall
	cashier *client
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	return deskIn(newStall(t))
}

func deskIn(s *stall) *desk {
	s.t.Helper()
	h := s.openHall("虚拟乡村振兴产品专馆", "2", s.shop.Suppliers[0].ID, 200_00)
	return &desk{s, h, s.cashierOf(h)}
}

func (s *stall) openHall(name, channel string, supplier model.ID, confirmOver model.Fen) model.Hall {
	s.t.Helper()
	now := s.clock.Now()
	h := model.Hall{ID: s.DB.NewID(), ChannelID: s.channel("city", channel), SupplierID: supplier, Name: name, Address: "赤坎区虚拟路 2 号", ConfirmOverFen: confirmOver, Status: "active", CreatedAt: now, UpdatedAt: now}
	s.insert(&h)
	return h
}

// cashierOf is a cashier of the hall, logged in.
func (s *stall) cashierOf(h model.Hall) *client {
	s.t.Helper()
	return s.staffWith(model.Staff{Role: string(identity.RoleCashier), UnionID: s.root().ID, SupplierID: &h.SupplierID, HallID: &h.ID}, false)
}

// code asks for a new code.
func (b buyer) code() string {
	b.t.Helper()
	var c counter.Code
	b.post("/api/v1/member/counter-code", nil).ok(&c)
	return c.Code
}

const counterPath = "/api/v1/console/counter"

func (c *client) scan(code string) *answer {
	c.t.Helper()
	return c.post(counterPath+"/scan", map[string]string{"code": code})
}

// scans scans a fresh code of the buyer's, which must work.
func (k *desk) scans(b buyer) counter.Redemption {
	k.t.Helper()
	var r counter.Redemption
	k.cashier.scan(b.code()).ok(&r)
	return r
}

func redemptionPath(id model.ID, act string) string {
	return counterPath + "/redemptions/" + id.String() + act
}

func (c *client) charge(r model.ID, key string, sale order.CounterSale) *answer {
	c.t.Helper()
	return c.money(redemptionPath(r, "/pay"), key, body(sale))
}

// body is the sale as a client sends it: without what is empty.
func body(sale order.CounterSale) map[string]any {
	m := map[string]any{"total_fen": sale.TotalFen}
	if len(sale.Items) > 0 {
		m["items"] = sale.Items
	}
	if sale.Goods != "" || sale.GoodsFen != 0 {
		m["goods"], m["goods_fen"] = sale.Goods, sale.GoodsFen
	}
	return m
}

// sells sells in one go; it must work and be paid at once.
func (k *desk) sells(b buyer, sale order.CounterSale) counter.Redemption {
	k.t.Helper()
	var paid counter.Redemption
	k.cashier.charge(k.scans(b).ID, fmt.Sprintf("sale-%06d", k.n.Add(1)), sale).ok(&paid)
	if paid.Status != counter.StatusPaid {
		k.t.Fatalf("%+v", paid)
	}
	return paid
}

func (c *client) void(r model.ID, key, reason string) *answer {
	c.t.Helper()
	return c.money(redemptionPath(r, "/void"), key, map[string]string{"reason": reason})
}

func (k *desk) redemption(id model.ID) counter.Redemption {
	k.t.Helper()
	var r counter.Redemption
	k.cashier.get(redemptionPath(id, "")).ok(&r)
	return r
}

// typed is goods typed by hand.
func typed(goods string, fen model.Fen) order.CounterSale {
	return order.CounterSale{Goods: goods, GoodsFen: fen, TotalFen: fen}
}

// of is quantity of one SKU.
func of(k model.SKU, quantity int64) order.CounterSale {
	return order.CounterSale{Items: []order.Item{{SKUID: k.ID, Quantity: quantity, PriceFen: k.PriceFen}}, TotalFen: k.PriceFen * model.Fen(quantity)}
}
