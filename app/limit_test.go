package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"bangfu/model"
	"bangfu/service/allowance"
	"bangfu/service/claim"
	"bangfu/service/identity"
	"bangfu/service/limit"
)

// budget enters and confirms a budget of the union for 2025.
func (t *treasury) budget(basis model.Basis, budget, retained int) {
	t.h.t.Helper()
	var v limit.BudgetView
	t.put("/unions/"+t.union.ID.String()+"/budgets/2025", map[string]any{"basis": basis, "budget_fen": budget, "retained_fen": retained}).ok(&v)
	t.approver.post(console+"/unions/"+t.union.ID.String()+"/budgets/2025/confirm", map[string]any{"version": v.Version}).ok(nil)
}

func (t *treasury) put(path string, body any) *answer {
	t.h.t.Helper()
	return t.admin.do(request{method: "PUT", path: console + path, body: body})
}

func (t *treasury) meter() (m limit.Meter) {
	t.h.t.Helper()
	t.admin.get(console + "/unions/" + t.union.ID.String() + "/limits/2025").ok(&m)
	return m
}

// gauge is the meter's gauge of the kind.
func gauge(t *testing.T, m limit.Meter, kind string) limit.Gauge {
	t.Helper()
	for _, g := range m.Limits {
		if g.Kind == kind {
			return g
		}
	}
	t.Fatalf("no gauge %s in %+v", kind, m)
	return limit.Gauge{}
}

// gifts drafts a grant of holiday money.
func (t *treasury) gifts(fen int) (g allowance.GrantView) {
	t.h.t.Helper()
	t.draft(map[string]any{"purse": "festival", "title": "中秋慰问", "amount_fen": fen}).ok(&g)
	return g
}

func (t *treasury) approve(id model.ID) *answer {
	t.h.t.Helper()
	return t.approver.money(console+"/grants/"+id.String()+"/approve", t.nextKey(), map[string]any{})
}

func (t *treasury) start(id model.ID) *answer {
	t.h.t.Helper()
	return t.admin.money(console+"/grants/"+id.String()+"/issue", t.nextKey(), nil)
}

// limits sets the rule of 2025 with the notice's figures, changed by change.
func limits(city *client, change map[string]any) *answer {
	in := map[string]any{"warn_percent": 30, "max_percent": 40, "retained_percent": 50, "average_fen": 250000, "enforce": true, "document_no": "粤工总〔2018〕5号", "notice_document_no": "湛工总〔2023〕25号"}
	for k, v := range change {
		in[k] = v
	}
	return city.do(request{method: "PUT", path: console + "/limit-rules/2025", body: in})
}

// audited counts the entries of an action.
func (h *house) audited(action string) (n int64) {
	h.t.Helper()
	if err := h.DB.Read(context.Background()).Model(&model.AuditEntry{}).Where("action = ?", action).Count(&n).Error; err != nil {
		h.t.Fatal(err)
	}
	return n
}

// TestBudgets shows that a budget counts once another person confirmed it, and that every version is kept.
func TestBudgets(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	h.purseHolders(a.union, 0, 3)
	path := "/unions/" + a.union.ID.String() + "/budgets/2025"
	in := map[string]any{"budget_fen": 100000, "retained_fen": 50000, "basis": "budget"}
	var v, again limit.BudgetView
	a.put(path, in).ok(&v)
	a.put(path, in).ok(&again)
	if v.Version != 1 || v.Status != "entered" || v.Headcount != 3 || again.ID != v.ID {
		t.Errorf("entered %+v, again %+v", v, again)
	}
	for field, bad := range map[string]any{"budget_fen": 0, "basis": "guess", "retained_fen": -1, "note": strings.Repeat("长", 201), "union_id": "1"} {
		body := map[string]any{"budget_fen": 100000, "basis": "budget", field: bad}
		if e := a.put(path, body).fails(model.CodeInvalid); len(e.Fields) != 1 || e.Fields[0].Name != field {
			t.Errorf("%s: %+v", field, e)
		}
	}
	if e := a.put(path, map[string]any{"budget_fen": 1, "basis": "retained"}).fails(model.CodeInvalid); e.Fields[0].Name != "retained_fen" {
		t.Errorf("no retained funds: %+v", e)
	}
	if m := a.meter(); !m.MissingBudget || m.Budget != nil || len(m.Limits) != 1 {
		t.Errorf("an unconfirmed budget counts: %+v", m)
	}
	confirm := console + path + "/confirm"
	a.approver.post(confirm, map[string]any{"version": 2}).fails(model.CodeNotFound)
	h.staffWith(model.Staff{Role: string(identity.RoleUnionApprover), UnionID: a.union.ID}, false).post(confirm, map[string]any{"version": 1}).fails(model.CodeSecondFactor)
	h.DB.Read(context.Background()).Model(&model.UnionBudget{}).Where("id = ?", v.ID).UpdateColumns(map[string]any{"entered_by": a.approver.staff.ID})
	a.approver.post(confirm, map[string]any{"version": 1}).fails(model.CodeSamePerson)
	h.DB.Read(context.Background()).Model(&model.UnionBudget{}).Where("id = ?", v.ID).UpdateColumns(map[string]any{"entered_by": a.admin.staff.ID})
	a.approver.post(confirm, map[string]any{"version": 1}).ok(&v)
	if v.Status != "confirmed" || v.ConfirmedBy == nil || v.ConfirmedBy.Name != a.approver.staff.Name {
		t.Errorf("confirmed: %+v", v)
	}
	a.approver.post(confirm, map[string]any{"version": 1}).fails(model.CodeConflict)

	in["budget_fen"] = 200000
	a.put(path, in).ok(&v)
	if m := a.meter(); v.Version != 2 || m.Budget.Version != 1 || gauge(t, m, "budget").LimitFen != 40000 {
		t.Errorf("version 2 counts before it is confirmed: %+v", m)
	}
	in["budget_fen"] = 300000
	a.put(path, in).ok(nil)
	a.approver.post(confirm, map[string]any{"version": 2}).fails(model.CodeConflict) // replaced
	a.approver.post(confirm, map[string]any{"version": 3}).ok(nil)
	var history limit.BudgetHistory
	a.admin.get(console + path).ok(&history)
	if len(history.Versions) != 3 || history.Versions[0].Version != 3 || history.Counted == nil || history.Counted.BudgetFen != 300000 {
		t.Errorf("history: %+v", history)
	}
	if h.audited("budget.enter") != 3 || h.audited("budget.confirm") != 2 {
		t.Error("entering and confirming is not audited once each")
	}
	h.balanced()
}

// TestLimitRules shows the notice's figures where nothing was entered, and who may change them to what.
func TestLimitRules(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	city := h.staffAs(identity.RoleCityFederation, h.root())
	var r limit.RuleView
	a.admin.get(console + "/limit-rules/2025").ok(&r)
	if r.Entered || r.WarnPercent != 30 || r.MaxPercent != 40 || r.RetainedPercent != 50 || r.AverageFen != 250000 || r.Enforce ||
		r.DocumentNo != "粤工总〔2018〕5号" || r.NoticeDocumentNo != "湛工总〔2023〕25号" {
		t.Errorf("the notice: %+v", r)
	}
	limits(a.admin, nil).fails(model.CodeForbidden)
	limits(h.staffWith(model.Staff{Role: string(identity.RoleCityFederation), UnionID: h.root().ID}, false), nil).fails(model.CodeSecondFactor)
	for field, bad := range map[string]any{"warn_percent": 41, "max_percent": 101, "retained_percent": 0, "average_fen": 0, "document_no": " "} {
		if e := limits(city, map[string]any{field: bad}).fails(model.CodeInvalid); e.Fields[0].Name != field {
			t.Errorf("%s: %+v", field, e)
		}
	}
	limits(city, nil).ok(&r)
	if !r.Entered || !r.Enforce || r.EnteredBy.Name != city.staff.Name {
		t.Errorf("entered: %+v", r)
	}
	limits(city, map[string]any{"enforce": false, "max_percent": 35}).ok(nil)
	a.admin.get(console + "/limit-rules/2025").ok(&r)
	if r.Enforce || r.MaxPercent != 35 {
		t.Errorf("changed: %+v", r)
	}
	city.get(console + "/limit-rules/1999").fails(model.CodeNotFound)
}

// TestLimitEdges shows the exact edge of each limit with refusal switched on: what equals it passes, a fen more does not.
func TestLimitEdges(t *testing.T) {
	cases := []struct {
		name             string
		basis            model.Basis
		budget, retained int
		rule             map[string]any
		warned, most     int // a member, of 10; warned 0: no warning line
		kind, doc        string
	}{
		{"Budget", model.BasisBudget, 1000000, 1, nil, 30000, 40000, "budget", "最高不超过40%"},
		{"Retained", model.BasisRetained, 1, 1000000, nil, 0, 50000, "retained", "留成经费的50%以内"},
		{"Average", model.BasisBudget, 10000000000, 0, nil, 0, 250000, "average", "不超过人均2500元"},
		{"CityFigures", model.BasisBudget, 1000000, 0, map[string]any{"warn_percent": 10, "max_percent": 20, "document_no": "粤工总〔2026〕9号"}, 10000, 20000, "budget", "粤工总〔2026〕9号"},
	}
	for _, x := range cases {
		t.Run(x.name, func(t *testing.T) {
			h := newHouse(t)
			a := h.treasury("第一工会")
			h.purseHolders(a.union, 0, 10)
			a.topup("festival", 2025, 100000000)
			a.budget(x.basis, x.budget, x.retained)
			limits(h.staffAs(identity.RoleCityFederation, h.root()), x.rule).ok(nil)

			e := a.approve(a.gifts(x.most + 1).ID).fails(model.CodeLimitExceeded)
			if !strings.Contains(e.Message, x.doc) || !strings.Contains(e.Message, model.Fen(10*x.most+10).Yuan()) || !strings.Contains(e.Message, model.Fen(10*x.most).Yuan()) {
				t.Errorf("rule, document or figures are not named: %s", e.Message)
			}
			var data limit.Gauge
			if err := json.Unmarshal(e.Data, &data); err != nil || data.Kind != x.kind || data.OverFen != 10 || data.State != limit.StateOver {
				t.Errorf("data: %s %v", e.Data, err)
			}
			var g allowance.GrantView
			if x.warned > 0 {
				first := a.gifts(x.warned)
				a.approve(first.ID).ok(&g)
				if m := a.meter(); gauge(t, m, x.kind).State != limit.StateNear || len(g.Warnings) != 1 || !strings.Contains(g.Warnings[0], "接近控制线") {
					t.Errorf("at the warning line: %+v, %q", m, g.Warnings)
				}
				a.start(first.ID).ok(nil)
				h.drain()
				x.most -= x.warned
			}
			last := a.gifts(x.most)
			a.approve(last.ID).ok(&g)
			if len(g.Warnings) != 1 || !strings.Contains(g.Warnings[0], "最高限额") {
				t.Errorf("at the limit: %q", g.Warnings)
			}
			if m := a.meter(); gauge(t, m, x.kind).LeftFen != 0 || gauge(t, m, x.kind).OverFen != 0 || m.State == limit.StateOver {
				t.Errorf("at the limit: %+v", m)
			}
			a.start(last.ID).ok(&g)
			h.drain()
			if a.grant(last.ID).Status != "issued" || len(g.Warnings) != 1 {
				t.Errorf("issued: %+v", g)
			}
			a.approve(a.gifts(1).ID).fails(model.CodeLimitExceeded)
			if h.audited("limit.exceed") != 0 {
				t.Error("refusals leave entries of passing")
			}
			h.balanced()
		})
	}
}

// TestLimitWarning shows that above 30 % there is a warning, also without refusal beyond 40 %, where an audit entry tells of it.
func TestLimitWarning(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	h.purseHolders(a.union, 0, 10)
	a.topup("festival", 2025, 1000000)
	var g allowance.GrantView
	first := a.gifts(100)
	a.approve(first.ID).ok(&g)
	if len(g.Warnings) != 1 || !strings.Contains(g.Warnings[0], "尚未录入并确认 2025 年度的经费预算") {
		t.Errorf("no budget: %q", g.Warnings)
	}
	a.budget(model.BasisBudget, 1000000, 0)
	a.approve(a.gifts(20000).ID).ok(&g)
	if len(g.Warnings) != 0 || g.Warnings == nil {
		t.Errorf("at 20.1 %%: %q", g.Warnings)
	}
	a.approve(a.gifts(9901).ID).ok(&g)
	if m := a.meter(); len(g.Warnings) != 1 || !strings.Contains(g.Warnings[0], "已超过控制线 3000.00 元") || !strings.Contains(g.Warnings[0], "30.01%") || m.State != limit.StateWarned ||
		m.UsedFen != 300010 || m.CommittedFen != 300010 || *gauge(t, m, "budget").UsedBP != 3001 || *gauge(t, m, "budget").LeftToWarnFen != 0 || gauge(t, m, "budget").LeftFen != 99990 {
		t.Errorf("above 30 %%: %+v, %q", m, g.Warnings)
	}
	more := a.gifts(10000)
	a.approve(more.ID).ok(&g)
	if m := a.meter(); len(g.Warnings) != 1 || !strings.Contains(g.Warnings[0], "超过最高限额 4000.00 元") || !strings.Contains(g.Warnings[0], "粤工总〔2018〕5号") || m.State != limit.StateOver || h.audited("limit.exceed") != 1 {
		t.Errorf("above 40 %%: %+v, %q", m, g.Warnings)
	}
	city := h.staffAs(identity.RoleCityFederation, h.root())
	limits(city, nil).ok(nil) // refusal, from now on also of what was approved before
	a.start(first.ID).fails(model.CodeLimitExceeded)
	a.admin.post(console+"/grants/"+more.ID.String()+"/cancel", nil).ok(nil)
	a.start(first.ID).ok(nil)
	h.drain()
	if m := a.meter(); m.SpentFen != 1000 || m.UsedFen != 300010 {
		t.Errorf("issued: %+v", m)
	}
	h.balanced()
}

// TestLimitPurses shows that the extra purse and the others are left out of the measure and shown as such.
func TestLimitPurses(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	h.purseHolders(a.union, 0, 2)
	a.budget(model.BasisBudget, 100000, 0)
	limits(h.staffAs(identity.RoleCityFederation, h.root()), nil).ok(nil)
	for purse, fen := range map[model.Purse]int{"extra": 60000, "hardship": 500000, "activity": 300000, "festival": 20000} {
		a.topup(purse, 2025, 2*fen)
		if g := a.issue(map[string]any{"purse": purse, "amount_fen": fen}); g.Status != "issued" || len(g.Warnings) != 0 {
			t.Fatalf("%s: %+v", purse, g)
		}
	}
	m := a.meter()
	if m.SpentFen != 40000 || m.State != limit.StateWarned || m.Headcount != 2 || m.AverageFen == nil || *m.AverageFen != 20000 {
		t.Errorf("meter: %+v", m)
	}
	want := map[model.Purse]model.Fen{"festival": 40000, "extra": 120000, "hardship": 1000000, "activity": 600000}
	for _, p := range m.Purses {
		if p.SpentFen != want[p.Purse] || p.Counted != (p.Purse == "festival") || p.Counted == strings.Contains(p.Note, "不计入") {
			t.Errorf("%+v", p)
		}
	}
	a.approve(a.gifts(1).ID).fails(model.CodeLimitExceeded)
	h.balanced()
}

// TestLimitAverage shows that the average is over active members, and that what a leaving member gives back makes room.
func TestLimitAverage(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	members := h.purseHolders(a.union, 0, 4)
	a.budget(model.BasisRetained, 0, 1000000000)
	limits(h.staffAs(identity.RoleCityFederation, h.root()), nil).ok(nil)
	a.topup("festival", 2025, 2000000)
	if g := a.issue(map[string]any{"purse": "festival", "amount_fen": 250000}); g.IssuedFen != 1000000 {
		t.Fatalf("%+v", g)
	}
	a.approve(a.gifts(1).ID).fails(model.CodeLimitExceeded)
	a.admin.money(console+"/members/"+members[0].ID.String()+"/leave", a.nextKey(), map[string]any{"reason": "调离"}).ok(nil)
	m := a.meter()
	if m.Headcount != 3 || m.SpentFen != 750000 || gauge(t, m, "average").LimitFen != 750000 || m.State != limit.StateNear {
		t.Errorf("one left with all of theirs: %+v", m)
	}
	h.purseHolders(a.union, 10, 1)
	if m = a.meter(); gauge(t, m, "average").LeftFen != 250000 {
		t.Errorf("one joined: %+v", m)
	}
	list := map[string]any{"purse": "festival", "selection": "list", "member_ids": []model.ID{members[1].ID}}
	var g allowance.GrantView
	list["amount_fen"] = 250001
	a.draft(list).ok(&g)
	a.approve(g.ID).fails(model.CodeLimitExceeded)
	list["amount_fen"] = 250000
	a.draft(list).ok(&g)
	a.approve(g.ID).ok(nil)
	h.balanced()
}

// TestLimitRevocation shows that money that comes back to the fund gives the budget its room back.
func TestLimitRevocation(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	members := h.purseHolders(a.union, 0, 2)
	a.budget(model.BasisBudget, 100000, 0)
	limits(h.staffAs(identity.RoleCityFederation, h.root()), nil).ok(nil)
	a.topup("festival", 2025, 100000)
	if g := a.issue(map[string]any{"purse": "festival", "amount_fen": 20000}); g.IssuedFen != 40000 {
		t.Fatalf("%+v", g)
	}
	a.approve(a.gifts(1).ID).fails(model.CodeLimitExceeded)
	a.admin.money(console+"/members/"+members[0].ID.String()+"/leave", a.nextKey(), map[string]any{"reason": "调离"}).ok(nil)
	if m := a.meter(); m.SpentFen != 20000 || gauge(t, m, "budget").LeftFen != 20000 {
		t.Errorf("after leaving: %+v", m)
	}
	a.approve(a.gifts(20001).ID).fails(model.CodeLimitExceeded)
	if g := a.issue(map[string]any{"purse": "festival", "amount_fen": 20000}); g.IssuedFen != 20000 {
		t.Errorf("the room is not given back: %+v", g)
	}
	h.turn("2026-01-01 00:30")
	h.staffAs(identity.RoleCityFederation, h.root()).money(console+"/sweeps", "sweep-2025", map[string]any{"year": 2025}).ok(nil)
	h.drain()
	if m := a.meter(); m.SpentFen != 0 || m.Headcount != 1 || m.State != limit.StateOK {
		t.Errorf("after the year's end nothing was spent: %+v", m)
	}
	h.balanced()
}

// TestLimitRace shows that of many approvals at once no more pass than the limit has room for.
func TestLimitRace(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	h.purseHolders(a.union, 0, 1)
	a.budget(model.BasisBudget, 100000, 0)
	limits(h.staffAs(identity.RoleCityFederation, h.root()), nil).ok(nil)
	a.topup("festival", 2025, 100000)
	const n = 8
	var ids [n]model.ID
	for i := range n {
		ids[i] = a.gifts(15000).ID // two fit into 40000
	}
	var passed [n]bool
	var wg sync.WaitGroup
	for i := range n {
		c := h.staffAs(identity.RoleUnionApprover, a.union)
		wg.Go(func() {
			got := c.money(console+"/grants/"+ids[i].String()+"/approve", fmt.Sprintf("race-%d-key", i), map[string]any{})
			passed[i] = got.Status == 200
			if got.Status != 200 && !strings.Contains(string(got.Body), string(model.CodeLimitExceeded)) {
				t.Errorf("%d: %s", got.Status, got.Body)
			}
		})
	}
	wg.Wait()
	won := 0
	for i := range n {
		if passed[i] {
			won++
			a.start(ids[i]).ok(nil)
		}
	}
	h.drain()
	if m := a.meter(); won != 2 || m.UsedFen != 30000 || m.SpentFen != 30000 {
		t.Errorf("%d approvals passed: %+v", won, m)
	}
	h.balanced()
}

// TestMeters shows the federation's list, the worst first, over its subtree only, by cursor.
func TestMeters(t *testing.T) {
	h := newHouse(t)
	county := h.union(h.root(), "county", "县总工会")
	h.union(county, "grassroots", "没有预算的工会")
	for i, share := range []int{5000, 45000, 31000} {
		u := h.union(county, "grassroots", fmt.Sprintf("工会%d", i))
		a := &treasury{h: h, union: u, admin: h.staffAs(identity.RoleUnionAdmin, u), approver: h.staffAs(identity.RoleUnionApprover, u)}
		h.purseHolders(u, 100*i, 1)
		a.budget(model.BasisBudget, 100000, 0)
		a.topup("festival", 2025, 100000)
		a.issue(map[string]any{"purse": "festival", "amount_fen": share})
	}
	elsewhere := h.treasury("别处的工会")
	elsewhere.budget(model.BasisBudget, 100, 0)
	f := h.staffAs(identity.RoleFederation, county)
	var names []string
	path := console + "/limits/2025?limit=2"
	for cursor := ""; ; {
		var list model.List[limit.Meter]
		f.get(path + cursor).ok(&list)
		for _, m := range list.Items {
			names = append(names, fmt.Sprintf("%s %s %v", m.UnionName, m.State, m.MissingBudget))
		}
		if list.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + list.NextCursor.String()
	}
	if got := strings.Join(names, "，"); got != "工会1 over false，工会2 warned false，没有预算的工会 ok true，工会0 ok false" {
		t.Errorf("list: %s", got)
	}
	f.get(path + "&cursor=1").fails(model.CodeInvalid)
	f.get(console + "/unions/" + elsewhere.union.ID.String() + "/limits/2025").fails(model.CodeNotFound)
	h.balanced()
}

// purchase enters a holiday purchase made elsewhere.
func (t *treasury) purchase(no string, fen int) (v claim.View) {
	t.h.t.Helper()
	f := model.File{ID: t.h.DB.NewID(), StoreKey: "claim-" + no, Kind: "evidence", Name: "发票.pdf", ContentType: "application/pdf", UnionID: &t.union.ID, CreatedBy: t.admin.staff.ID, CreatedAt: t.h.clock.Now()}
	t.h.insert(&f)
	var channel model.Channel
	if err := t.h.DB.Read(context.Background()).Where("status = 'active' AND form_row = 7").Order("id").Take(&channel).Error; err != nil {
		t.h.t.Fatal(err)
	}
	t.admin.money(console+"/unions/"+t.union.ID.String()+"/claims", t.nextKey(), map[string]any{"channel_id": channel.ID, "purchased_on": "2025-03-01", "amount_fen": fen,
		"purse": "festival", "invoice_no": no, "file_ids": []model.ID{f.ID}, "person_times": 1}).ok(&v)
	return v
}

// TestLimitClaims shows that approved purchases made elsewhere use the limit up, that approvals of claims and grants at once do not pass it
// together though the union has no fund yet, and that a revoked claim gives its room back.
func TestLimitClaims(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	h.purseHolders(a.union, 0, 1)
	a.budget(model.BasisBudget, 100000, 0)
	limits(h.staffAs(identity.RoleCityFederation, h.root()), nil).ok(nil)
	const n = 6
	var claims [n]claim.View
	for i := range n {
		claims[i] = a.purchase(fmt.Sprintf("2544200000001234567%d", i), 15000) // two fit into 40000
	}
	var passed [n]bool
	var wg sync.WaitGroup
	for i := range n {
		c := h.staffAs(identity.RoleUnionApprover, a.union)
		wg.Go(func() {
			got := c.money(console+"/claims/"+claims[i].ID.String()+"/approve", fmt.Sprintf("claim-%d-key", i), map[string]any{"version": 1})
			passed[i] = got.Status == 200
			if got.Status != 200 && !strings.Contains(string(got.Body), string(model.CodeLimitExceeded)) {
				t.Errorf("%d: %s", got.Status, got.Body)
			}
		})
	}
	wg.Wait()
	won, last := 0, 0
	for i := range n {
		if passed[i] {
			won, last = won+1, i
		}
	}
	if m := a.meter(); won != 2 || m.SpentFen != 30000 || m.State != limit.StateNear {
		t.Fatalf("%d claims passed: %+v", won, m)
	}
	h.balanced()
	a.topup("festival", 2025, 100000)
	a.approve(a.gifts(10001).ID).fails(model.CodeLimitExceeded)
	a.approver.money(console+"/claims/"+claims[last].ID.String()+"/revoke", a.nextKey(), map[string]any{"reason": "退货"}).ok(nil)
	if g := a.issue(map[string]any{"purse": "festival", "amount_fen": 25000}); g.IssuedFen != 25000 {
		t.Errorf("%+v", g)
	}
	var v claim.View
	limits(h.staffAs(identity.RoleCityFederation, h.root()), map[string]any{"enforce": false}).ok(nil)
	a.approver.money(console+"/claims/"+a.purchase("25442000000099999999", 1).ID.String()+"/approve", a.nextKey(), map[string]any{"version": 1}).ok(&v)
	if len(v.Warnings) != 1 || !strings.Contains(v.Warnings[0], "超过最高限额") || h.audited("limit.exceed") != 1 {
		t.Errorf("%+v", v)
	}
	h.balanced()
}
