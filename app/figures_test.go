package app_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/service/identity"
	"bangfu/service/report"
	sums "bangfu/service/tally"
)

// counties are two counties with a school each, and two buyers in each school.
type counties struct {
	*stall
	county, school [2]model.Union
	buyers         [2][]buyer
	city           *client
}

func newCounties(t *testing.T) *counties {
	s := newStall(t)
	c := &counties{stall: s, city: s.staffAs(identity.RoleCityFederation, s.root())}
	for i := range c.county {
		c.county[i] = s.house.union(s.root(), "county", fmt.Sprintf("虚拟县%d总工会", i))
		c.school[i] = s.house.union(c.county[i], "grassroots", fmt.Sprintf("虚拟学校%d工会", i))
		c.buyers[i] = s.house.buyers(c.school[i], 2, 600_00)
	}
	return c
}

func figuresPath(u model.Union, rest string) string {
	return "/api/v1/console/unions/" + u.ID.String() + "/figures" + rest
}

// absorb lets the worker take what waits.
func (c *counties) absorb() {
	c.t.Helper()
	if err := c.Tally.Absorb(context.Background()); err != nil {
		c.t.Fatal(err)
	}
}

// recounted is a figure counted from the orders themselves, over a union's subtree.
func (c *counties) recounted(u model.Union, sql string) (n int64) {
	c.t.Helper()
	if err := c.DB.Read(context.Background()).Raw(sql, u.Path+"%").Scan(&n).Error; err != nil {
		c.t.Fatal(err)
	}
	return n
}

const (
	paidOf     = "SELECT COALESCE(SUM(o.allowance_fen + o.wechat_fen), 0) FROM orders o JOIN unions u ON u.id = o.union_id WHERE u.path LIKE ? AND o.paid_at IS NOT NULL"
	refundedOf = "SELECT COALESCE(SUM(r.amount_fen), 0) FROM refunds r JOIN unions u ON u.id = r.union_id WHERE u.path LIKE ?"
	buyersOf   = "SELECT COUNT(DISTINCT o.member_id) FROM orders o JOIN unions u ON u.id = o.union_id WHERE u.path LIKE ? AND o.paid_at IS NOT NULL"
	unspentOf  = "SELECT COALESCE(SUM(a.balance_fen + a.held_fen), 0) FROM allowances a JOIN unions u ON u.id = a.union_id WHERE u.path LIKE ?"
	fundsOf    = "SELECT COALESCE(SUM(f.balance_fen), 0) FROM funds f JOIN unions u ON u.id = f.union_id WHERE u.path LIKE ?"
	pairedOf   = "SELECT COALESCE(SUM(l.amount_fen), 0) - COALESCE(SUM(x.amount_fen), 0) FROM orders o JOIN unions u ON u.id = o.union_id JOIN order_lines l ON l.order_id = o.id JOIN regions g ON g.id = l.region_id " +
		"LEFT JOIN refund_lines x ON x.line_id = l.id WHERE u.path LIKE ? AND o.paid_at IS NOT NULL AND g.paired = 1"
)

// exact holds every answer about a union against counts from the orders themselves.
func (c *counties) exact(u model.Union) sums.Overview {
	c.t.Helper()
	var v sums.Overview
	c.city.get(figuresPath(u, "")).ok(&v)
	var regions sums.Regions
	c.city.get(figuresPath(u, "/regions")).ok(&regions)
	for _, f := range []struct {
		what string
		have int64
		sql  string
	}{{"paid", int64(v.Total.PaidFen), paidOf}, {"refunded", int64(v.Total.RefundedFen), refundedOf}, {"buyers", v.Total.Buyers, buyersOf},
		{"paired", int64(regions.Paired.NetFen), pairedOf}} {
		if want := c.recounted(u, f.sql); f.have != want {
			c.t.Errorf("%s of %s: %d, counted from the orders %d", f.what, u.Name, f.have, want)
		}
	}
	var unspent, funds model.Fen
	for _, p := range v.Purses {
		unspent, funds = unspent+p.UnspentFen, funds+p.FundFen
	}
	if want := model.Fen(c.recounted(u, unspentOf)); unspent != want {
		c.t.Errorf("unspent in %s: %d, members hold %d", u.Name, unspent, want)
	}
	if want := model.Fen(c.recounted(u, fundsOf)); funds != want {
		c.t.Errorf("left in the funds of %s: %d, their balances are %d", u.Name, funds, want)
	}
	if regions.Total.NetFen != v.Total.NetFen {
		c.t.Errorf("regions of %s come to %d, all is %d", u.Name, regions.Total.NetFen, v.Total.NetFen)
	}
	return v
}

// TestFigures shows that the figures of city, county and school are exact at once, before and after the worker has taken what happened, and after a
// school was moved to another county.
func TestFigures(t *testing.T) {
	c := newCounties(t)
	all := []model.Union{c.root(), c.county[0], c.county[1], c.school[0], c.school[1]}
	everywhere := func(when string) {
		t.Helper()
		for _, u := range all {
			c.exact(u)
		}
		if t.Failed() {
			t.Fatal(when)
		}
	}
	everywhere("granted")
	first := c.buyers[0][0].buys("figures-1", c.buyers[0][0].cart(2, c.shop.SKUs[0], c.shop.SKUs[2]))
	c.buyers[1][0].buys("figures-2", c.buyers[1][0].cart(1, c.shop.SKUs[1]))
	everywhere("bought, waiting")
	c.absorb()
	everywhere("bought")
	c.clock.Advance(40 * 24 * time.Hour)
	c.turn("2025-04-12 09:00")
	c.buyers[0][1].buys("figures-3", c.buyers[0][1].cart(1, c.shop.SKUs[2]))
	c.buyers[0][0].cancels("figures-4", first.ID).ok(nil)
	everywhere("cancelled, waiting")
	if v := c.exact(c.school[0]); len(v.Months) != 2 || v.Months[0].Month != "2025-03" || v.Months[0].PaidFen != 356_00 || v.Months[1].Month != "2025-04" || v.Months[1].RefundedFen != 356_00 ||
		v.Total.PersonTimes != 1 || v.Total.Orders != 2 || v.Total.Buyers != 2 || v.Year != 2025 || !v.AsOf.Equal(c.clock.Now()) {
		t.Errorf("%+v", v)
	}
	c.absorb()
	everywhere("cancelled")

	c.city.post("/api/v1/console/unions/"+c.school[0].ID.String()+"/move", map[string]any{"parent_id": c.county[1].ID}).ok(nil)
	c.buyers[0][1].buys("figures-5", c.buyers[0][1].cart(1, c.shop.SKUs[0]))
	c.absorb()
	for i, u := range all {
		if err := c.DB.Read(context.Background()).Where("id = ?", u.ID).Take(&all[i]).Error; err != nil {
			t.Fatal(err)
		}
	}
	everywhere("moved")
	if v := c.exact(all[1]); v.Total.Orders != 0 || v.Total.NetFen != 0 {
		t.Errorf("the county that the school left: %+v", v.Total)
	}
	if _, err := c.Tally.Rebuild(context.Background()); err != nil {
		t.Fatal(err)
	}
	everywhere("counted anew")
}

// TestFigureRankings shows who is listed and in what order, and that what is not shown is in the rest.
func TestFigureRankings(t *testing.T) {
	c := newCounties(t)
	c.buyers[0][0].buys("rankings-1", c.buyers[0][0].cart(1, c.shop.SKUs[0]))
	c.buyers[1][0].buys("rankings-2", c.buyers[1][0].cart(3, c.shop.SKUs[2]))
	for range 2 { // from the queue, then from the rollups
		var parts sums.Parts
		c.city.get(figuresPath(c.root(), "/unions?limit=1")).ok(&parts)
		if len(parts.Items) != 1 || parts.Items[0].Union.ID != c.county[1].ID || parts.Items[0].Total.NetFen != 384_00 || parts.Items[0].Purses[0].UnspentFen != 816_00 || parts.Rest.NetFen != 50_00 || parts.Rest.Buyers != 1 || parts.More != 2 {
			t.Errorf("%+v", parts)
		}
		var products, suppliers sums.Ranking
		c.city.get(figuresPath(c.root(), "/products?year=2025")).ok(&products)
		if len(products.Items) != 2 || products.Items[0].Name != "虾干礼盒" || products.Items[0].Quantity != 3 || products.Total.NetFen != 434_00 {
			t.Errorf("%+v", products)
		}
		c.city.get(figuresPath(c.county[0], "/suppliers")).ok(&suppliers)
		if len(suppliers.Items) != 1 || *suppliers.Items[0].ID != c.shop.Suppliers[0].ID || suppliers.Items[0].NetFen != 50_00 {
			t.Errorf("%+v", suppliers)
		}
		var before sums.Overview
		c.city.get(figuresPath(c.root(), "?year=2024")).ok(&before)
		if before.Total != (sums.Total{}) || len(before.Months) != 0 {
			t.Errorf("%+v", before)
		}
		c.absorb()
	}
	c.city.get(figuresPath(c.root(), "/products?limit=101")).fails(model.CodeInvalid)
	c.city.get(figuresPath(c.root(), "?limit=5")).fails(model.CodeInvalid)
}

// TestFiguresScope shows that a county sees itself and its schools, and nothing beside or above.
func TestFiguresScope(t *testing.T) {
	c := newCounties(t)
	county := c.staffAs(identity.RoleFederation, c.county[0])
	admin := c.staffAs(identity.RoleUnionAdmin, c.school[0])
	for _, page := range []string{"", "/unions", "/regions", "/suppliers", "/products"} {
		for _, u := range []model.Union{c.county[0], c.school[0]} {
			county.get(figuresPath(u, page)).ok(nil)
		}
		admin.get(figuresPath(c.school[0], page)).ok(nil)
		for _, u := range []model.Union{c.root(), c.county[1], c.school[1]} {
			county.get(figuresPath(u, page)).fails(model.CodeNotFound)
			admin.get(figuresPath(u, page)).fails(model.CodeNotFound)
		}
		c.supplierStaff(0).get(figuresPath(c.school[0], page)).fails(model.CodeForbidden)
	}
}

// TestFiguresWhileBuilt shows that dashboards ask to come back while the rollups are built, that forms go on exactly, and that the worker
// builds what was never built.
func TestFiguresWhileBuilt(t *testing.T) {
	c := newCounties(t)
	c.buyers[0][0].buys("building-1", c.buyers[0][0].cart(1, c.shop.SKUs[0]))
	c.clock.Advance(time.Minute)
	period := c.period(t, 1)
	form := func() (v report.StatementView) {
		t.Helper()
		c.city.get("/api/v1/console/unions/" + c.root().ID.String() + "/statements/" + period).ok(&v)
		return v
	}
	quick := form()
	if err := c.DB.Read(context.Background()).Exec("DELETE FROM tally_state").Error; err != nil { // as after the upgrade that brings the tables
		t.Fatal(err)
	}
	if slow := form(); slow.Total != quick.Total || slow.Total.AmountFen != 50_00 {
		t.Errorf("out of the rollups %+v, counted anew %+v", quick.Total, slow.Total)
	}
	c.city.get(figuresPath(c.root(), "")).fails(model.CodeBusy)
	c.absorb()
	c.exact(c.root())
	if again := form(); again.Total != quick.Total {
		t.Errorf("%+v, before %+v", again.Total, quick.Total)
	}
}
