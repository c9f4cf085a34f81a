package app_test

import (
	"context"
	"testing"

	"bangfu/model"
	"bangfu/service/allowance"
	"bangfu/service/identity"
)

// leftOver is what one union's members have left by their allowances.
type leftOver struct {
	UnionID model.ID
	Holders int64
	Free    int64 // allowances with money that is not held
	Balance model.Fen
	Held    model.Fen
}

// endings holds the year's end, its rehearsal and the funds against the allowances themselves, as a union's federation sees them, page by page.
func (c *counties) endings(u model.Union, viewer *client) {
	c.t.Helper()
	var rows []leftOver
	err := c.DB.Read(context.Background()).Raw("SELECT a.union_id, SUM(CASE WHEN a.balance_fen + a.held_fen > 0 THEN 1 ELSE 0 END) AS holders, SUM(CASE WHEN a.balance_fen > 0 THEN 1 ELSE 0 END) AS free, "+
		"SUM(a.balance_fen) AS balance, SUM(a.held_fen) AS held FROM allowances a JOIN unions u ON u.id = a.union_id WHERE u.path LIKE ? GROUP BY a.union_id", u.Path+"%").Scan(&rows).Error
	if err != nil {
		c.t.Fatal(err)
	}
	want, all := map[model.ID]leftOver{}, leftOver{}
	for _, r := range rows {
		want[r.UnionID] = r
		all = leftOver{0, all.Holders + r.Holders, all.Free + r.Free, all.Balance + r.Balance, all.Held + r.Held}
	}
	seen, cursor := 0, ""
	for {
		var v allowance.YearEndView
		viewer.get(console + "/year-end/2025?limit=1" + cursor).ok(&v)
		var r allowance.RehearsalView
		viewer.get(console + "/sweeps/2025/rehearsal?limit=1" + cursor).ok(&r)
		if have := (leftOver{0, v.Holders, r.Allowances, v.AmountFen, v.HeldFen}); have != all || r.AmountFen != v.AmountFen || r.HeldFen != v.HeldFen {
			c.t.Errorf("left in %s: %+v, its allowances say %+v", u.Name, have, all)
		}
		for i, x := range v.Items {
			y := r.Items[i]
			if have := (leftOver{x.UnionID, x.Holders, y.Allowances, x.AmountFen, x.HeldFen}); have != want[x.UnionID] || y.UnionID != x.UnionID || y.AmountFen != x.AmountFen || y.HeldFen != x.HeldFen {
				c.t.Errorf("left of %s: %+v, its allowances say %+v", x.UnionName, have, want[x.UnionID])
			}
			var funds model.List[allowance.FundView]
			c.city.get(console + "/unions/" + x.UnionID.String() + "/funds").ok(&funds)
			var fund allowance.FundView
			c.city.get(console + "/funds/" + funds.Items[0].ID.String()).ok(&fund)
			if len(funds.Items) != 1 || fund != funds.Items[0] || fund.Holders != x.Holders || fund.UnspentFen != x.AmountFen+x.HeldFen {
				c.t.Errorf("fund of %s: %+v", x.UnionName, funds.Items)
			}
			c.listed(x)
			seen++
		}
		if v.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + v.NextCursor.String()
	}
	if seen != len(want) {
		c.t.Errorf("%s: %d unions, want %d", u.Name, seen, len(want))
	}
}

// listed holds the list of a union's members with money left against the page that has it.
func (c *counties) listed(x *allowance.YearEndUnion) {
	c.t.Helper()
	n, money, cursor := int64(0), model.Fen(0), ""
	for {
		var list model.List[allowance.HolderView]
		c.staffAs(identity.RoleUnionAdmin, model.Union{ID: x.UnionID}).get(console + "/unions/" + x.UnionID.String() + "/year-end/2025/members?limit=1" + cursor).ok(&list)
		for _, h := range list.Items {
			n, money = n+1, money+h.BalanceFen+h.HeldFen
		}
		if list.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + list.NextCursor.String()
	}
	if n != x.Holders || money != x.AmountFen+x.HeldFen {
		c.t.Errorf("%d members with %s are listed of %s, which has %d with %s", n, money, x.UnionName, x.Holders, x.AmountFen+x.HeldFen)
	}
}

// TestWhatIsLeft shows that what is left before the year's end is exact at once in every union, however its money moves, before and after the worker
// has taken what happened and after a union with money of its own was moved.
func TestWhatIsLeft(t *testing.T) {
	c := newCounties(t)
	own := c.house.buyers(c.county[0], 3, 600_00)
	county := c.staffAs(identity.RoleFederation, c.county[0])
	everywhere := func(when string) {
		t.Helper()
		for range 2 { // from the queue, then from the rollups
			c.endings(c.root(), c.city)
			c.endings(c.county[0], county)
			c.absorb()
		}
		if t.Failed() {
			t.Fatal(when)
		}
	}
	pending := func(b buyer, key string) model.ID {
		cart := b.cart(13, c.shop.SKUs[0])
		cart.Payment = "mixed"
		return b.buys(key, cart).ID
	}
	everywhere("granted")
	for _, strange := range []string{"1", c.root().ID.String()} { // no union at all, and none that the county sees
		county.get(console + "/year-end/2025?cursor=" + strange).fails(model.CodeInvalid)
		county.get(console + "/sweeps/2025/rehearsal?cursor=" + strange).fails(model.CodeInvalid)
	}
	all := c.buyers[0][0].buys("left-over-1", c.buyers[0][0].cart(12, c.shop.SKUs[0]))
	c.buyers[0][1].buys("left-over-2", c.buyers[0][1].cart(1, c.shop.SKUs[0]))
	own[0].buys("left-over-3", own[0].cart(12, c.shop.SKUs[0]))
	everywhere("bought")
	first, second, third := pending(c.buyers[1][0], "left-over-4"), pending(own[1], "left-over-5"), pending(own[2], "left-over-8")
	everywhere("held")
	if err := c.payIn(first); err != nil {
		t.Fatal(err)
	}
	everywhere("paid")
	c.buyers[0][0].cancels("left-over-6", all.ID).ok(nil)
	everywhere("given back")
	c.city.post(console+"/unions/"+c.school[0].ID.String()+"/move", map[string]any{"parent_id": c.county[1].ID}).ok(nil)
	c.endings(c.root(), c.city) // its move waits
	c.absorb()
	everywhere("moved")
	c.staffAs(identity.RoleUnionAdmin, c.county[0]).money(console+"/members/"+own[2].Member.String()+"/leave", "left-over-7", map[string]any{"reason": "调离"}).ok(nil)
	everywhere("left with money held")
	for _, order := range []model.ID{second, third} {
		if err := c.closeUnpaid(order); err != nil {
			t.Fatal(err)
		}
	}
	everywhere("closed")
	if _, err := c.Tally.Rebuild(context.Background()); err != nil {
		t.Fatal(err)
	}
	everywhere("counted anew")

	fund := func() (v model.List[allowance.FundView]) {
		t.Helper()
		c.city.get(console + "/unions/" + c.county[0].ID.String() + "/funds?year=2025").ok(&v)
		return v
	}
	before := fund()
	if err := c.DB.Read(context.Background()).Exec("DELETE FROM tally_state").Error; err != nil { // as after the upgrade
		t.Fatal(err)
	}
	if slow := fund(); len(slow.Items) != 1 || slow.Items[0] != before.Items[0] || slow.Items[0].Holders != 1 {
		t.Errorf("%+v, out of the rollups %+v", slow, before)
	}
	c.city.get(console + "/year-end/2025").fails(model.CodeBusy)
	c.city.get(console + "/sweeps/2025/rehearsal").fails(model.CodeBusy)
}
