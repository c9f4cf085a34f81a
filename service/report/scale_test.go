package report_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"bangfu/model"
)

// TestScale fills a city's form over as many unions as TEST_SCALE_UNIONS says, with 20 orders a union, and tells the times.
func TestScale(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("TEST_SCALE_UNIONS"))
	if err != nil {
		t.Skip("TEST_SCALE_UNIONS is not set")
	}
	d := newDesk(t)
	counties := make([]model.Union, 12)
	for i := range counties {
		counties[i] = d.union(&d.city, fmt.Sprintf("县%d", i))
	}
	leaves := d.many(counties, n, 20)
	d.clock.Advance(time.Hour)
	timed := func(what string, do func()) {
		start := time.Now()
		do()
		t.Logf("%-44s %s", what, time.Since(start).Round(time.Millisecond))
	}
	timed("city's form, nobody has submitted", func() { d.view(d.city, 1) })
	drill := func() {
		if got, err := d.Orders(ctx, d.city.ID, d.periods[0].ID, 2, "", model.Page{Limit: 20}); err != nil || len(got.Items) != 20 {
			t.Errorf("%d orders (%v)", len(got.Items), err)
		}
	}
	timed("orders behind one of its figures", drill)
	timed("who is missing", func() {
		if _, err := d.Progress(ctx, d.city.ID, d.periods[0].ID, "missing", model.Page{Limit: 20}); err != nil {
			t.Error(err)
		}
	})
	timed("a school's form", func() { d.view(leaves[0], 1) })
	for _, u := range leaves[:len(leaves)/2] {
		if u.ID%2 == 0 {
			continue
		}
		d.clock.Advance(time.Millisecond)
		d.submit(u, 1)
	}
	timed("city's form, a quarter have submitted", func() { d.view(d.city, 1) })
	for _, c := range counties[:6] {
		timed("a county submits", func() { d.submit(c, 1) })
	}
	d.clock.Advance(time.Hour)
	timed("city's form, half of the counties have", func() { d.view(d.city, 1) })
	timed("city submits", func() { d.submit(d.city, 1) })
	timed("city's submitted form", func() { d.view(d.city, 1) })
	timed("orders behind one of its figures", drill)
	timed("every form counted again", d.mustVerify)
}

// many stores schools with orders and grants in bulk.
func (d *desk) many(parents []model.Union, n, each int) []model.Union {
	d.t.Helper()
	now := d.clock.Now()
	var unions []model.Union
	var paths []model.UnionPath
	var funds []model.Fund
	var orders []model.Order
	var transfers []model.Transfer
	for i := range n {
		parent, id := parents[i%len(parents)], d.db.NewID()
		unions = append(unions, model.Union{ID: id, ParentID: &parent.ID, Name: fmt.Sprintf("工会%d", i), Kind: "grassroots", Path: parent.Path + id.String() + "/", Depth: 2, Status: "active", CreatedAt: now, UpdatedAt: now})
		paths = append(paths, model.UnionPath{UnionID: id, FromAt: now, Path: unions[i].Path})
		funds = append(funds, model.Fund{ID: d.fund(id), UnionID: id, Purse: "extra", Year: 2025, CreatedAt: now, UpdatedAt: now})
		for j := range each {
			o := d.db.NewID()
			orders = append(orders, model.Order{ID: o, OrderNo: "T" + o.String(), UnionID: id, ChannelID: d.channels[j%8].ID, Year: 2025, Status: "paid", GoodsFen: 100, AllowanceFen: 100, PlacedAt: now, PaidAt: &now, UpdatedAt: now})
			transfers = append(transfers, model.Transfer{ID: o, Kind: "grant", Cause: "test:" + o.String(), DebitAccount: "fund:" + d.fund(id).String(), CreditAccount: "allowance:" + o.String(), AmountFen: 100, Purse: "extra", Year: 2025, UnionID: id, At: now})
		}
	}
	for _, rows := range []any{unions, paths, funds, orders, transfers} {
		if err := d.read().CreateInBatches(rows, 1000).Error; err != nil {
			d.t.Fatal(err)
		}
	}
	return unions
}
