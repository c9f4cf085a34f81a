package report_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/report"
)

// forest is a small random tree in which things happen; unions[0] is its root.
type forest struct {
	*desk
	unions []model.Union
	claims []model.Claim // that count
}

func plant(d *desk, t *rapid.T) *forest {
	own := *d
	own.t = t
	f := &forest{desk: &own, unions: []model.Union{own.union(nil, fmt.Sprintf("市%d", d.clock.Now().UnixMilli()))}}
	for i := range rapid.IntRange(1, 6).Draw(t, "unions") {
		parent := f.unions[rapid.IntRange(0, len(f.unions)-1).Draw(t, "parent")]
		f.unions = append(f.unions, own.union(&parent, fmt.Sprintf("工会%d", i)))
	}
	return f
}

func (f *forest) any(t *rapid.T) *model.Union {
	return &f.unions[rapid.IntRange(0, len(f.unions)-1).Draw(t, "union")]
}

// children are the unions directly below u as the tree stands.
func (f *forest) children(u model.Union) (list []model.Union) {
	for _, c := range f.unions {
		if c.ParentID != nil && *c.ParentID == u.ID {
			list = append(list, c)
		}
	}
	return list
}

// happen does one random thing.
func (f *forest) happen(t *rapid.T, orders *[]model.Order) {
	u := f.any(t)
	switch rapid.SampledFrom([]string{"buy", "buy", "refund", "claim", "unclaim", "grant", "revoke", "submit", "submit", "return", "move"}).Draw(t, "what") {
	case "buy":
		*orders = append(*orders, f.order(u.ID, rapid.IntRange(1, 8).Draw(t, "row"), model.Fen(rapid.Int64Range(0, 9).Draw(t, "allowance")), model.Fen(rapid.Int64Range(1, 9).Draw(t, "wechat"))))
	case "refund":
		if len(*orders) == 0 {
			return
		}
		o := &(*orders)[rapid.IntRange(0, len(*orders)-1).Draw(t, "order")]
		if left := o.AllowanceFen + o.WechatFen - o.RefundedFen; left > 0 {
			amount := model.Fen(rapid.Int64Range(1, int64(left)).Draw(t, "amount"))
			f.refund(*o, amount)
			o.RefundedFen += amount
		}
	case "claim":
		f.claims = append(f.claims, f.claim(u.ID, rapid.IntRange(1, 8).Draw(t, "row"), rapid.Int64Range(1, 5).Draw(t, "times"), model.Fen(rapid.Int64Range(1, 99).Draw(t, "claimed"))))
	case "unclaim":
		if n := len(f.claims); n > 0 {
			f.unclaim(f.claims[n-1])
			f.claims = f.claims[:n-1]
		}
	case "grant", "revoke":
		f.issued(u.ID, rapid.SampledFrom([]string{"grant", "revoke"}).Draw(t, "kind"), model.Fen(rapid.Int64Range(1, 99).Draw(t, "issued")))
	case "submit":
		if v := f.view(*u, 1); v.State != "submitted" {
			f.submit(*u, 1)
		}
	case "return":
		f.sendBack(*u)
	case "move":
		to := f.any(t)
		if len(f.children(*u)) == 0 && u.ParentID != nil && to.ID != u.ID {
			f.move(u, *to)
		}
	}
}

// sendBack returns the union's form if it is submitted; the tests' own authority stands above every root.
func (f *forest) sendBack(u model.Union) {
	f.t.Helper()
	if v := f.view(u, 1); v.State == "submitted" {
		above := model.Actor{Kind: model.ActorStaff, ID: 5, UnionID: 5, UnionPath: "/"}
		if _, err := f.Return(ctx, above, *v.StatementID, "请重报"); err != nil {
			f.t.Fatal(err)
		}
	}
}

// told are the parts of the forms that are submitted, by the union that submitted.
func (f *forest) told() map[model.ID]map[model.ID]time.Time {
	f.t.Helper()
	var forms []model.Statement
	if err := f.read().Where("status = 'submitted' AND period_id = ?", f.periods[0].ID).Find(&forms).Error; err != nil {
		f.t.Fatal(err)
	}
	told := map[model.ID]map[model.ID]time.Time{}
	for _, u := range f.unions {
		for _, s := range forms {
			if s.UnionID == u.ID {
				told[u.ID] = f.storedParts(s.ID)
			}
		}
	}
	return told
}

// moments says up to when each union below u counts for u, as the rule reads: a child that has submitted counts with the
// parts of its form, and what these do not tell, or a child that has not submitted, as for the child.
func (f *forest) moments(u model.Union, told map[model.ID]map[model.ID]time.Time, now time.Time) map[model.ID]time.Time {
	all := map[model.ID]time.Time{u.ID: now}
	for _, c := range f.children(u) {
		for id, at := range f.moments(c, told, now) {
			if frozen, ok := told[c.ID][id]; ok {
				at = frozen
			}
			if _, twice := all[id]; twice {
				f.t.Fatalf("union %s stands twice in the tree", id)
			}
			all[id] = at
		}
	}
	return all
}

// TestRollUpOfRandomTrees shows, over random trees in which members buy, give back, unions submit, are returned and
// move, that every form is the sum of the raw rows of each union below it exactly once; and that, once all have submitted from
// the bottom up, each form is the sum of the forms below it and its own.
func TestRollUpOfRandomTrees(t *testing.T) {
	d := newDesk(t)
	if d.db.Dialect == model.MySQL { // each statement costs a round trip there; the embedded database plays the hundred
		before := flag.Lookup("rapid.checks").Value.String()
		if err := flag.Set("rapid.checks", "25"); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = flag.Set("rapid.checks", before) }()
	}
	rapid.Check(t, func(t *rapid.T) {
		f := plant(d, t)
		var orders []model.Order
		for range rapid.IntRange(1, 16).Draw(t, "events") {
			d.clock.Advance(time.Minute)
			f.happen(t, &orders)
		}
		d.clock.Advance(time.Minute)
		told := f.told()
		for _, u := range f.unions {
			v := f.view(u, 1)
			if v.Frozen {
				f.mustEqual("submitted", v, f.sumByHand(told[u.ID]))
				continue
			}
			m := f.moments(u, told, v.AsOf)
			f.mustEqual("open", v, f.sumByHand(m))
			if v.Parts.Unions != len(m) {
				t.Fatalf("%d unions counted, %d are there", v.Parts.Unions, len(m))
			}
		}
		f.bottomUp()
	})
	d.mustVerify()
}

// bottomUp has everybody submit anew, the lowest first, and adds the forms up.
func (f *forest) bottomUp() {
	f.t.Helper()
	for _, u := range f.unions {
		f.sendBack(u)
	}
	slices.SortFunc(f.unions, func(a, b model.Union) int { return strings.Count(b.Path, "/") - strings.Count(a.Path, "/") })
	forms := map[model.ID]report.StatementView{}
	for _, u := range f.unions {
		f.clock.Advance(time.Minute)
		v := f.submit(u, 1)
		forms[u.ID] = v
		sum := f.sumByHand(map[model.ID]time.Time{u.ID: v.AsOf})
		for _, c := range f.children(u) {
			for i, r := range forms[c.ID].Rows {
				sum[i].PersonTimes += r.PersonTimes
				sum[i].AmountFen += r.AmountFen
				sum[i].InvestedFen += r.InvestedFen
			}
		}
		f.mustEqual("sum of the forms below", v, sum)
		if v.MissingCount != 0 {
			f.t.Fatalf("%d missing", v.MissingCount)
		}
	}
}

// A union that was put into the tree after what stands below it still counts itself, once, in the forms of the time before.
func TestUnionYoungerThanWhatIsBelowIt(t *testing.T) {
	d := newDesk(t)
	school := d.union(&d.city, "第一小学工会")
	late := modeltest.At("2025-09-01 08:00")
	if err := d.read().Model(&model.UnionPath{}).Where("union_id = ?", d.city.ID).UpdateColumn("from_at", late).Error; err != nil {
		t.Fatal(err)
	}
	d.order(d.city.ID, 2, 10000, 0)
	d.order(school.ID, 2, 5000, 0)
	d.clock.Set(modeltest.At("2025-08-20 09:00"))
	d.submit(school, 1)
	v := d.submit(d.city, 1)
	if v.Total.AmountFen != 15000 || v.Parts.Unions != 2 || v.Parts.FromSubmitted != 1 {
		t.Errorf("%+v %+v", v.Total, v.Parts)
	}
	d.mustVerify()
}
