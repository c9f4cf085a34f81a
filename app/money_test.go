package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/allowance"
	"bangfu/service/identity"
	"bangfu/service/reconcile"
	"bangfu/service/union/rosterfile"
)

// purseHolders puts n invented people on a union's roster; first numbers them, so that the same numbers in another union are
// the same persons.
func (h *house) purseHolders(u model.Union, first, n int) []model.Member {
	h.t.Helper()
	sealer := h.sealer()
	now := h.clock.Now()
	var members []model.Member
	for i := first; i < first+n; i++ {
		hash := sealer.Hash(model.HashIDNumber, rosterfile.DemoIDNumber(i))
		p := model.Person{ID: h.DB.NewID(), IDNumberSealed: "sealed", IDNumberHash: hash, CreatedAt: now}
		var known model.Person
		if h.DB.Read(context.Background()).Where("id_number_hash = ?", hash).Limit(1).Find(&known); known.ID != 0 {
			p = known
		} else {
			h.insert(&p)
		}
		m := model.Member{ID: h.DB.NewID(), UnionID: u.ID, PersonID: p.ID, Name: "职工" + string(rune('甲'+i%3)), PhoneSealed: "sealed",
			PhoneHash: sealer.Hash(model.HashPhone, rosterfile.DemoPhone(i)), EmployeeNo: fmt.Sprint(i), Department: []string{"办公室", "车间"}[i%2], Status: "active",
			JoinedAt: now, CreatedAt: now, UpdatedAt: now}
		h.insert(&m)
		members = append(members, m)
	}
	return members
}

// turn moves the clock; everybody who is logged in stays so.
func (h *house) turn(to string) {
	h.t.Helper()
	h.clock.Set(modeltest.At(to))
	if err := h.DB.Read(context.Background()).Model(&model.Session{}).Where("1 = 1").UpdateColumns(map[string]any{"last_seen_at": h.clock.Now()}).Error; err != nil {
		h.t.Fatal(err)
	}
}

// balanced fails the test if any of the books' invariants is broken.
func (h *house) balanced() {
	h.t.Helper()
	report, err := reconcile.Run(context.Background(), h.DB)
	if err != nil {
		h.t.Fatal(err)
	}
	if !report.OK() {
		var b bytes.Buffer
		_ = report.Write(&b)
		h.t.Fatal(b.String())
	}
}

// treasury is a union with its two people for money.
type treasury struct {
	h               *house
	union           model.Union
	admin, approver *client
	key             int
}

func (h *house) treasury(name string) *treasury {
	h.t.Helper()
	u := h.union(h.root(), "grassroots", name)
	return &treasury{h: h, union: u, admin: h.staffAs(identity.RoleUnionAdmin, u), approver: h.staffAs(identity.RoleUnionApprover, u)}
}

func (t *treasury) nextKey() string { t.key++; return fmt.Sprintf("%s-key-%04d", t.union.ID, t.key) }

// topup puts money into the union's fund.
func (t *treasury) topup(purse model.Purse, year, fen int) {
	t.h.t.Helper()
	var v allowance.TopupView
	t.admin.money(console+"/unions/"+t.union.ID.String()+"/topups", t.nextKey(),
		map[string]any{"purse": purse, "year": year, "amount_fen": fen, "evidence_no": "回单" + t.nextKey()}).ok(&v)
	t.approver.money(console+"/topups/"+v.ID.String()+"/confirm", t.nextKey(), map[string]any{}).ok(nil)
}

func (t *treasury) draft(body map[string]any) *answer {
	t.h.t.Helper()
	in := map[string]any{"purse": "extra", "year": 2025, "title": "消费帮扶额度", "selection": "roster", "amount_fen": 60000}
	for k, v := range body {
		in[k] = v
	}
	return t.admin.money(console+"/unions/"+t.union.ID.String()+"/grants", t.nextKey(), in)
}

// issue drafts, approves and issues a grant and returns how it ended.
func (t *treasury) issue(body map[string]any) allowance.GrantView {
	t.h.t.Helper()
	var g allowance.GrantView
	t.draft(body).ok(&g)
	return t.approveAndIssue(g.ID)
}

func (t *treasury) approveAndIssue(id model.ID) allowance.GrantView {
	t.h.t.Helper()
	t.h.drain()
	t.approver.money(console+"/grants/"+id.String()+"/approve", t.nextKey(), map[string]any{"note": "同意"}).ok(nil)
	if a := t.admin.money(console+"/grants/"+id.String()+"/issue", t.nextKey(), nil); a.Status != 202 {
		t.h.t.Fatalf("issue: %d %s", a.Status, a.Body)
	}
	t.h.drain()
	return t.grant(id)
}

func (t *treasury) grant(id model.ID) (g allowance.GrantView) {
	t.h.t.Helper()
	t.admin.get(console + "/grants/" + id.String()).ok(&g)
	return g
}

func (t *treasury) items(id model.ID, query string) model.List[allowance.GrantItemView] {
	t.h.t.Helper()
	var list model.List[allowance.GrantItemView]
	t.admin.get(console + "/grants/" + id.String() + "/items" + query).ok(&list)
	return list
}

// TestPolicies shows the notice's years, that a year without a policy has no money, and how a policy may be changed.
func TestPolicies(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	city := h.staffAs(identity.RoleCityFederation, h.root())
	if err := h.Setup(context.Background()); err != nil { // again: harmless
		t.Fatal(err)
	}
	var list model.List[allowance.PolicyView]
	city.get(console + "/policies").ok(&list)
	if len(list.Items) != 3 || list.Items[0].Year != 2025 || list.Items[2].Year != 2023 {
		t.Fatalf("policies: %+v", list)
	}
	var p allowance.PolicyView
	a.admin.get(console + "/policies/2023").ok(&p)
	if p.DocumentNo != "湛工总〔2023〕25号" || p.UpstreamDocumentNo != "粤工总〔2023〕22号" || p.CapFen != 60000 || p.Demo || len(p.Periods) != 3 ||
		p.Periods[0].DueOn != "2023-08-25" || p.Periods[1].DueOn != "2023-10-25" || p.Periods[2].DueOn != "2024-02-28" {
		t.Errorf("2023: %+v", p)
	}
	city.get(console + "/policies/2022").fails(model.CodeNotFound)
	for _, purse := range []string{"extra", "festival"} {
		e := a.draft(map[string]any{"year": 2022, "purse": purse}).fails(model.CodeNoPolicy)
		if !strings.Contains(e.Message, "2022") {
			t.Errorf("the year is not named: %s", e.Message)
		}
	}
	e := a.draft(map[string]any{"year": 2024}).fails(model.CodeNoPolicy) // over
	if !strings.Contains(e.Message, "2024-12-31") {
		t.Errorf("past year: %s", e.Message)
	}
	a.admin.money(console+"/unions/"+a.union.ID.String()+"/topups", "topup-2022", map[string]any{"purse": "extra", "year": 2022, "amount_fen": 1, "evidence_no": "1"}).fails(model.CodeNoPolicy)

	t.Run("Change", func(t *testing.T) { policyChanges(t, h, a, city) })
	t.Run("Demo", func(t *testing.T) {
		if err := h.Allowance.SeedDemoPolicy(context.Background(), 2027); err != nil {
			t.Fatal(err)
		}
		var p allowance.PolicyView
		city.get(console + "/policies/2027").ok(&p)
		if !p.Demo || !strings.Contains(p.Title, "演示") {
			t.Errorf("demo policy: %+v", p)
		}
	})
}

func policyChanges(t *testing.T, h *house, a *treasury, city *client) {
	put := func(c *client, year int, change map[string]any) *answer {
		in := map[string]any{"document_no": "湛工总〔2026〕1号", "title": "通知", "cap_fen": 50000, "starts_on": fmt.Sprintf("%d-01-01", year), "ends_on": fmt.Sprintf("%d-12-31", year),
			"periods": []map[string]any{{"seq": 1, "name": "第一次报送", "due_on": fmt.Sprintf("%d-08-25", year)}}}
		for k, v := range change {
			in[k] = v
		}
		return c.do(request{method: "PUT", path: fmt.Sprintf("%s/policies/%d", console, year), body: in})
	}
	put(a.admin, 2026, nil).fails(model.CodeForbidden)
	put(h.staffWith(model.Staff{Role: string(identity.RoleCityFederation), UnionID: h.root().ID}, false), 2026, nil).fails(model.CodeSecondFactor)
	put(city, 1999, nil).fails(model.CodeNotFound)
	for field, bad := range map[string]any{"cap_fen": 0, "starts_on": "2025-12-31", "ends_on": "2027-01-01", "document_no": "", "periods": []any{}} {
		put(city, 2026, map[string]any{field: bad}).fails(model.CodeInvalid)
	}
	put(city, 2026, map[string]any{"periods": []map[string]any{{"seq": 1, "name": "一", "due_on": "2026-02-30"}}}).fails(model.CodeInvalid)
	var p, q allowance.PolicyView
	put(city, 2026, nil).ok(&p)
	put(city, 2026, map[string]any{"cap_fen": 60000}).ok(&q)
	if q.CapFen != 60000 || len(q.Periods) != 1 || q.Periods[0].ID != p.Periods[0].ID {
		t.Errorf("changed: %+v", q)
	}
	h.purseHolders(a.union, 0, 1)
	a.topup("extra", 2026, 60000)
	var g allowance.GrantView
	a.draft(map[string]any{"year": 2026}).ok(&g)
	a.approver.money(console+"/grants/"+g.ID.String()+"/approve", a.nextKey(), map[string]any{}).ok(nil)
	e := a.admin.money(console+"/grants/"+g.ID.String()+"/issue", a.nextKey(), nil).fails(model.CodeNoPolicy)
	if !strings.Contains(e.Message, "2026-01-01") {
		t.Errorf("before the first day: %s", e.Message)
	}
	h.turn("2026-02-01 09:00")
	a.admin.money(console+"/grants/"+g.ID.String()+"/issue", a.nextKey(), nil).ok(nil)
	h.drain()
	put(city, 2026, nil).fails(model.CodeConflict)           // the cap
	put(city, 2026, map[string]any{"cap_fen": 60000}).ok(&q) // nothing changes
	put(city, 2026, map[string]any{"cap_fen": 60000, "periods": []map[string]any{{"seq": 1, "name": "第一次报送", "due_on": "2026-08-24"}}}).fails(model.CodeConflict)
	put(city, 2026, map[string]any{"cap_fen": 60000, "periods": []map[string]any{{"seq": 1, "name": "第一次报送", "due_on": "2026-09-10"}}}).ok(&q)
	if !q.Locked || q.Periods[0].DueOn != "2026-09-10" {
		t.Errorf("put off: %+v", q)
	}
	h.balanced()
}

// TestTopups shows that money counts once another person confirmed it, and that a voucher counts once.
func TestTopups(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	path := console + "/unions/" + a.union.ID.String() + "/topups"
	in := map[string]any{"purse": "extra", "year": 2025, "amount_fen": 1000000, "evidence_no": "回单1", "note": "上半年"}
	var v, again allowance.TopupView
	a.admin.money(path, "topup-key-1", in).ok(&v)
	a.admin.money(path, "topup-key-1", in).ok(&again)
	if again.ID != v.ID || v.Status != "entered" || v.EnteredBy.Name != a.admin.staff.Name {
		t.Errorf("entered %+v, again %+v", v, again)
	}
	changed := map[string]any{"purse": "extra", "year": 2025, "amount_fen": 1000001, "evidence_no": "回单1", "note": "上半年"}
	a.admin.money(path, "topup-key-1", changed).fails(model.CodeIdempotencyMismatch)
	a.admin.post(path, in).fails(model.CodeInvalid) // no key
	if e := a.admin.money(path, "topup-key-2", in).fails(model.CodeConflict); !strings.Contains(e.Message, "回单1") || e.Fields[0].Name != "evidence_no" {
		t.Errorf("voucher twice: %+v", e)
	}
	for field, bad := range map[string]any{"amount_fen": 0, "purse": "cash", "year": 1, "evidence_no": " ", "evidence_file_id": "12345", "unknown": 1, "note": strings.Repeat("长", 201)} {
		body := map[string]any{"purse": "extra", "year": 2025, "amount_fen": 1, "evidence_no": "回单2", field: bad}
		e := a.admin.money(path, "topup-bad-"+fmt.Sprint(len(field)), body).fails(model.CodeInvalid)
		if len(e.Fields) == 0 || e.Fields[0].Name != field {
			t.Errorf("%s: %+v", field, e)
		}
	}
	confirm := console + "/topups/" + v.ID.String() + "/confirm"
	both := h.staffWith(model.Staff{ID: 0, Role: string(identity.RoleUnionApprover), UnionID: a.union.ID}, true)
	h.DB.Read(context.Background()).Model(&model.Topup{}).Where("id = ?", v.ID).UpdateColumns(map[string]any{"entered_by": both.staff.ID})
	both.money(confirm, "confirm-key-1", map[string]any{}).fails(model.CodeSamePerson)
	a.admin.money(confirm, "confirm-key-1", map[string]any{}).fails(model.CodeForbidden)
	other := h.treasury("第二工会")
	other.approver.money(confirm, "confirm-key-1", map[string]any{}).fails(model.CodeNotFound)
	a.approver.money(confirm, "confirm-key-1", map[string]any{"note": "已核对"}).ok(&v)
	a.approver.money(confirm, "confirm-key-1", map[string]any{"note": "已核对"}).ok(&v)
	a.approver.money(confirm, "confirm-key-2", map[string]any{}).fails(model.CodeConflict)
	a.approver.post(console+"/topups/"+v.ID.String()+"/reject", map[string]any{"note": "晚了"}).fails(model.CodeConflict)

	var wrong allowance.TopupView
	in["evidence_no"] = "回单3"
	a.admin.money(path, "topup-key-3", in).ok(&wrong)
	a.approver.post(console+"/topups/"+wrong.ID.String()+"/reject", map[string]any{}).fails(model.CodeInvalid)
	a.approver.post(console+"/topups/"+wrong.ID.String()+"/reject", map[string]any{"note": "金额不符"}).ok(&wrong)
	a.admin.money(path, "topup-key-4", in).ok(nil) // the rejected voucher anew
	other.admin.money(console+"/unions/"+other.union.ID.String()+"/topups", "topup-key-5", in).ok(nil)

	var list model.List[allowance.TopupView]
	a.admin.get(path + "?status=rejected").ok(&list)
	if len(list.Items) != 1 || list.Items[0].DecisionNote != "金额不符" {
		t.Errorf("rejected: %+v", list)
	}
	a.admin.get(path + "?limit=2").ok(&list)
	if len(list.Items) != 2 || list.NextCursor == nil {
		t.Errorf("page: %+v", list)
	}
	a.admin.get(path + "?limit=2&cursor=" + list.NextCursor.String()).ok(&list)
	if len(list.Items) != 1 || list.NextCursor != nil {
		t.Errorf("last page: %+v", list)
	}
	var funds model.List[allowance.FundView]
	a.admin.get(console + "/unions/" + a.union.ID.String() + "/funds?year=2025").ok(&funds)
	if len(funds.Items) != 1 || funds.Items[0].BalanceFen != 1000000 || funds.Items[0].UnconfirmFen != 1000000 || funds.Items[0].ToppedUpFen != 1000000 {
		t.Errorf("funds: %+v", funds)
	}
	h.balanced()
}

// TestGrantLife shows a grant from draft to the members' allowances, with the second person and what may not happen when.
func TestGrantLife(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	members := h.purseHolders(a.union, 0, 5)
	e := a.draft(map[string]any{"amount_fen": 60001}).fails(model.CodeCapExceeded)
	if !strings.Contains(e.Message, "600.00") {
		t.Errorf("cap: %s", e.Message)
	}
	for _, bad := range []map[string]any{
		{"selection": "filter"}, {"selection": "filter", "filter": map[string]any{}}, {"selection": "roster", "filter": map[string]any{"department": "车间"}}, {"selection": "list"},
		{"selection": "list", "member_ids": []model.ID{1}}, {"selection": "filter", "filter": map[string]any{"department": "没有"}}, {"amount_fen": -1}, {"title": ""},
		{"selection": "filter", "filter": map[string]any{"joined_before": "昨天"}}, {"selection": "filter", "filter": map[string]any{"shoe": 1}},
	} {
		a.draft(bad).fails(model.CodeInvalid)
	}
	var g allowance.GrantView
	a.draft(nil).ok(&g)
	if g.Status != "draft" || g.TotalItems != 5 || g.TotalFen != 300000 || g.MissingFen != 300000 {
		t.Fatalf("draft: %+v", g)
	}
	grantPath := console + "/grants/" + g.ID.String()
	a.admin.money(grantPath+"/issue", a.nextKey(), nil).fails(model.CodeInsufficientFund)
	a.topup("extra", 2025, 290000)
	a.admin.money(grantPath+"/issue", a.nextKey(), nil).fails(model.CodeConflict) // not approved
	a.admin.money(grantPath+"/approve", a.nextKey(), map[string]any{}).fails(model.CodeForbidden)
	h.DB.Read(context.Background()).Model(&model.Grant{}).Where("id = ?", g.ID).UpdateColumns(map[string]any{"created_by": a.approver.staff.ID})
	a.approver.money(grantPath+"/approve", a.nextKey(), map[string]any{}).fails(model.CodeSamePerson)
	h.DB.Read(context.Background()).Model(&model.Grant{}).Where("id = ?", g.ID).UpdateColumns(map[string]any{"created_by": a.admin.staff.ID})
	a.approver.money(grantPath+"/approve", a.nextKey(), map[string]any{"note": "同意"}).ok(&g)
	a.approver.money(grantPath+"/approve", a.nextKey(), map[string]any{"note": "同意"}).fails(model.CodeConflict)
	a.approver.post(grantPath+"/reject", map[string]any{"note": "晚了"}).fails(model.CodeConflict)

	t.Run("FundRunsOut", func(t *testing.T) {
		a.admin.money(grantPath+"/issue", "issue-key-1", nil).ok(nil)
		h.drain()
		if g = a.grant(g.ID); g.Status != "approved" || g.DoneItems != 4 || !strings.Contains(g.StopReason, "余额不足") || g.FundBalanceFen != 50000 || g.MissingFen != 10000 {
			t.Fatalf("stopped: %+v", g)
		}
		h.balanced()
		a.topup("extra", 2025, 10000)
		a.admin.money(grantPath+"/issue", "issue-key-1", nil).ok(nil) // the same key does nothing anew
		h.drain()
		if g = a.grant(g.ID); g.Status != "approved" {
			t.Fatalf("replay: %+v", g)
		}
		a.admin.money(grantPath+"/issue", "issue-key-2", nil).ok(nil)
		h.drain()
		if g = a.grant(g.ID); g.Status != "issued" || g.IssuedItems != 5 || g.IssuedFen != 300000 || g.StopReason != "" || g.FundBalanceFen != 0 || g.IssuedAt == nil {
			t.Fatalf("issued: %+v", g)
		}
		h.balanced()
	})
	a.admin.post(grantPath+"/cancel", nil).fails(model.CodeConflict)
	a.admin.money(grantPath+"/issue", a.nextKey(), nil).fails(model.CodeInsufficientFund)
	list := a.items(g.ID, "?limit=3&status=issued")
	if len(list.Items) != 3 || list.NextCursor == nil || !strings.Contains(list.Items[0].Name, "*") {
		t.Errorf("items: %+v", list)
	}
	if list = a.items(g.ID, "?status=issued&cursor="+list.NextCursor.String()); len(list.Items) != 2 {
		t.Errorf("second page: %+v", list)
	}
	t.Run("Member", func(t *testing.T) { memberSees(t, h, members[0], members[1]) })
	t.Run("Rejected", func(t *testing.T) {
		var g allowance.GrantView
		a.draft(map[string]any{"purse": "festival", "amount_fen": 100000}).ok(&g) // not capped
		a.approver.post(console+"/grants/"+g.ID.String()+"/reject", map[string]any{"note": "人数不对"}).ok(&g)
		if g.Status != "rejected" || g.DecisionNote != "人数不对" {
			t.Errorf("%+v", g)
		}
		a.admin.post(console+"/grants/"+g.ID.String()+"/cancel", nil).fails(model.CodeConflict)
	})
	var grants model.List[allowance.GrantView]
	a.admin.get(console + "/unions/" + a.union.ID.String() + "/grants?year=2025&status=issued").ok(&grants)
	if len(grants.Items) != 1 {
		t.Errorf("grants: %+v", grants)
	}
}

func memberSees(t *testing.T, h *house, m, other model.Member) {
	me := h.memberAs(m.PersonID)
	var list model.List[allowance.View]
	me.get("/api/v1/member/allowances").ok(&list)
	if len(list.Items) != 1 {
		t.Fatalf("%+v", list)
	}
	v := list.Items[0]
	if v.BalanceFen != 60000 || v.GrantedFen != 60000 || v.SpentFen != 0 || v.EndsOn != "2025-12-31" || v.DaysLeft != 304 || v.UnionName != "第一工会" || v.PurseName != "消费帮扶增加额度" || v.Status != "active" {
		t.Errorf("allowance: %+v", v)
	}
	var lines model.List[allowance.MovementView]
	me.get("/api/v1/member/allowances/" + v.ID.String() + "/transfers").ok(&lines)
	if len(lines.Items) != 1 || lines.Items[0].AmountFen != 60000 || lines.Items[0].Description != "工会发放：消费帮扶额度" {
		t.Errorf("statement: %+v", lines)
	}
	h.memberAs(other.PersonID).get("/api/v1/member/allowances/" + v.ID.String() + "/transfers").fails(model.CodeNotFound)
	h.client().get("/api/v1/member/allowances").fails(model.CodeUnauthenticated)
}

// TestCapIsThePersons shows that the cap holds over unions, that a cut and a skip say why, and that leaving gives room back.
func TestCapIsThePersons(t *testing.T) {
	h := newHouse(t)
	a, b := h.treasury("第一工会"), h.treasury("第二工会")
	here, there := h.purseHolders(a.union, 0, 2), h.purseHolders(b.union, 0, 3)
	a.topup("extra", 2025, 200000)
	b.topup("extra", 2025, 200000)
	b.topup("festival", 2025, 200000)
	a.issue(map[string]any{"selection": "list", "member_ids": []model.ID{here[0].ID}, "amount_fen": 40000})
	a.issue(map[string]any{"selection": "list", "member_ids": []model.ID{here[1].ID}})
	g := b.issue(nil)
	if g.Status != "issued" || g.IssuedItems != 1 || g.CutItems != 1 || g.SkippedItems != 1 || g.IssuedFen != 80000 || g.TotalFen != 180000 {
		t.Fatalf("%+v", g)
	}
	reasons := map[model.ID]string{}
	for _, i := range b.items(g.ID, "").Items {
		reasons[i.MemberID] = i.Reason
	}
	if r := reasons[there[0].ID]; r != "本年度已获其他工会发放 400.00 元，按每人每年 600.00 元上限，本次实发 200.00 元" {
		t.Errorf("cut: %s", r)
	}
	if r := reasons[there[1].ID]; !strings.Contains(r, "已达每人每年 600.00 元上限") {
		t.Errorf("skipped: %s", r)
	}
	if g := b.issue(map[string]any{"purse": "festival", "amount_fen": 50000}); g.IssuedItems != 3 {
		t.Errorf("an uncapped purse was cut: %+v", g)
	}
	h.balanced()

	t.Run("Leaving", func(t *testing.T) {
		ctx, now := context.Background(), h.clock.Now()
		for i := range 2 { // the second time changes nothing
			err := h.DB.Tx(ctx, func(tx *gorm.DB) error {
				if err := model.CountMembers(tx, here[1].UnionID, i-1); err != nil {
					return err
				}
				if err := tx.Model(&model.Member{}).Where("id = ?", here[1].ID).UpdateColumns(map[string]any{"status": "left", "left_at": now}).Error; err != nil {
					return err
				}
				_, err := h.Allowance.RevokeMember(tx, model.Clockwork(), here[1].ID, now, "调出")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		var list model.List[allowance.View]
		h.memberAs(here[1].PersonID).get("/api/v1/member/allowances").ok(&list)
		for _, v := range list.Items {
			if v.UnionID == a.union.ID && (v.Status != "revoked" || v.BalanceFen != 0 || v.ReturnedFen != 60000 || v.DaysLeft != 0) {
				t.Errorf("revoked: %+v", v)
			}
		}
		g := b.issue(map[string]any{"selection": "list", "member_ids": []model.ID{there[1].ID}})
		if g.IssuedItems != 1 || g.IssuedFen != 60000 {
			t.Errorf("the room was not given back: %+v", g)
		}
		h.balanced()
	})
	t.Run("LeftBeforeIssue", func(t *testing.T) {
		var g allowance.GrantView
		a.draft(map[string]any{"selection": "list", "member_ids": []model.ID{here[0].ID}, "amount_fen": 20000}).ok(&g)
		h.DB.Read(context.Background()).Model(&model.Member{}).Where("id = ?", here[0].ID).UpdateColumns(map[string]any{"status": "left"})
		if g = a.approveAndIssue(g.ID); g.SkippedItems != 1 || g.Status != "issued" {
			t.Errorf("%+v", g)
		}
	})
	t.Run("Filter", func(t *testing.T) {
		var g allowance.GrantView
		b.draft(map[string]any{"selection": "filter", "filter": map[string]any{"department": "办公室", "exclude_granted": true}, "amount_fen": 100}).fails(model.CodeInvalid) // all hold one
		b.draft(map[string]any{"purse": "activity", "selection": "filter", "filter": map[string]any{"department": "办公室", "joined_before": "2025-03-04", "exclude_granted": true}, "amount_fen": 100}).ok(&g)
		if g.TotalItems != 2 || g.Filter == nil || g.Filter.Department != "办公室" {
			t.Errorf("%+v", g)
		}
		b.draft(map[string]any{"purse": "activity", "selection": "filter", "filter": map[string]any{"joined_before": "2025-03-03"}}).fails(model.CodeInvalid)
	})
}

// sheet makes an xlsx out of rows.
func sheet(t testing.TB, rows ...[]any) []byte {
	t.Helper()
	book := excelize.NewFile()
	for i, r := range rows {
		if err := book.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &r); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := book.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestGrantUpload shows amounts of their own from a spreadsheet, and that all wrong rows are told at once.
func TestGrantUpload(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	m := h.purseHolders(a.union, 0, 4)
	send := func(key, name string, content []byte, fields map[string]string) *answer {
		return a.admin.uploadWith(console+"/unions/"+a.union.ID.String()+"/grants/upload", name, content, fields, map[string]string{"Idempotency-Key": key})
	}
	fields := map[string]string{"purse": "extra", "year": "2025", "title": "按人发放"}
	good := sheet(t, []any{"2025 年发放名单"}, []any{"姓名", "身份证号", "手机号", "金额（元）"},
		[]any{m[0].Name, rosterfile.DemoIDNumber(0), "", 600}, []any{m[1].Name, rosterfile.DemoIDNumber(1), rosterfile.DemoPhone(9), "199.99"},
		[]any{}, []any{m[2].Name, "", rosterfile.DemoPhone(2), "300元"}, []any{m[3].Name, rosterfile.DemoIDNumber(3), "", 0.1 + 0.2})
	var g, again allowance.GrantView
	send("upload-key-1", "名单.xlsx", good, fields).ok(&g)
	send("upload-key-1", "名单.xlsx", good, fields).ok(&again)
	if g.ID != again.ID || g.TotalItems != 4 || g.TotalFen != 60000+19999+30000+30 || g.Status != "draft" || g.Selection != "list" {
		t.Fatalf("%+v", g)
	}
	bad := sheet(t, []any{"姓名", "身份证号", "手机号", "金额(元)"},
		[]any{m[0].Name, rosterfile.DemoIDNumber(0), "", "600.01"}, []any{m[1].Name, rosterfile.DemoIDNumber(1), "", "一百"}, []any{"别人", rosterfile.DemoIDNumber(2), "", 1},
		[]any{m[3].Name, rosterfile.DemoIDNumber(77), "", 1}, []any{m[3].Name, "123", "", 1}, []any{m[3].Name, "", "", 1}, []any{m[3].Name, rosterfile.DemoIDNumber(3), "", 1},
		[]any{m[3].Name, "", rosterfile.DemoPhone(3), 1}, []any{m[1].Name, rosterfile.DemoIDNumber(1), "", 0}, []any{m[1].Name, rosterfile.DemoIDNumber(1), "", "1.001"})
	send("upload-key-1", "名单.xlsx", bad, fields).fails(model.CodeIdempotencyMismatch)
	e := send("upload-key-2", "名单.xlsx", bad, fields).fails(model.CodeInvalid)
	var data allowance.WrongRows
	if err := json.Unmarshal(e.Data, &data); err != nil || data.WrongRows != 9 || len(e.Fields) != 9 {
		t.Fatalf("%v %+v", err, e)
	}
	for i, want := range []string{"第 2 行：金额 600.01", "第 3 行：金额", "第 4 行：姓名与名册", "第 5 行：本工会名册上没有", "第 6 行：身份证号", "第 7 行：身份证号没有填写", "第 9 行：与第 8 行是同一个人", "第 10 行：金额应大于 0", "第 11 行：金额"} {
		if !strings.HasPrefix(e.Fields[i].Message, want) {
			t.Errorf("row error %d: %q, want %q", i, e.Fields[i].Message, want)
		}
	}
	send("upload-key-3", "名单.csv", []byte("姓名,手机号,金额\n"+m[0].Name+","+rosterfile.DemoPhone(0)+",12.5\n"), fields).ok(&g)
	if g.TotalFen != 1250 {
		t.Errorf("csv: %+v", g)
	}
	for name, content := range map[string][]byte{"空.xlsx": nil, "图.png": []byte("\x89PNG\r\n\x1a\n\x00\x00"), "缺列.csv": []byte("姓名,金额\n甲,1\n"), "没人.csv": []byte("姓名,手机号,金额\n")} {
		if e := send("upload-key-4", name, content, fields).fails(model.CodeInvalid); len(e.Fields) == 0 || e.Fields[0].Name != "file" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	for field, value := range map[string]string{"purse": "cash", "year": "今年", "title": ""} {
		wrong := map[string]string{"purse": "extra", "year": "2025", "title": "按人发放", field: value}
		if e := send("upload-key-5", "名单.xlsx", good, wrong).fails(model.CodeInvalid); len(e.Fields) == 0 || e.Fields[0].Name != field {
			t.Errorf("%s: %+v", field, e)
		}
	}
	send("upload-key-6", "名单.xlsx", good, map[string]string{"purse": "extra", "year": "2022", "title": "按人发放"}).fails(model.CodeNoPolicy)
	if a := a.admin.get(console + "/grant-template"); a.Status != 200 || len(a.Body) < 1000 {
		t.Errorf("template: %d", a.Status)
	}
}

// TestYearsEnd shows the sweep: refused before the year is over, rehearsed, then everything unspent back in its fund, once.
func TestYearsEnd(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	city := h.staffAs(identity.RoleCityFederation, h.root())
	members := h.purseHolders(a.union, 0, 3)
	a.topup("extra", 2025, 200000)
	a.topup("festival", 2025, 30000)
	a.issue(nil)
	a.issue(map[string]any{"purse": "festival", "amount_fen": 10000})
	var r allowance.RehearsalView
	city.get(console + "/sweeps/2025/rehearsal").ok(&r)
	if r.Due || r.Allowances != 6 || r.AmountFen != 210000 || len(r.Items) != 1 || r.Items[0].UnionName != "第一工会" {
		t.Errorf("rehearsal: %+v", r)
	}
	h.treasury("第二工会").admin.get(console + "/sweeps/2025/rehearsal").ok(&r)
	if len(r.Items) != 0 {
		t.Errorf("another union's money is seen: %+v", r)
	}
	a.admin.money(console+"/sweeps", a.nextKey(), map[string]any{"year": 2025}).fails(model.CodeForbidden)
	city.money(console+"/sweeps", "sweep-key-0", map[string]any{"year": 2025}).fails(model.CodeConflict)
	city.money(console+"/sweeps", "sweep-key-0", map[string]any{"year": 2022}).fails(model.CodeNoPolicy)
	city.get(console + "/sweeps/2025").fails(model.CodeNotFound)
	if err := h.Allowance.SweepDue(context.Background()); err != nil { // 2024 had nothing
		t.Fatal(err)
	}
	h.drain()
	h.turn("2025-12-31 23:59")
	city.money(console+"/sweeps", "sweep-key-1", map[string]any{"year": 2025}).fails(model.CodeConflict)
	h.turn("2026-01-01 00:00")
	err := h.DB.Tx(context.Background(), func(tx *gorm.DB) error {
		held, err := h.Allowance.Spendable(tx, members[0].PersonID, 2025, h.clock.Now())
		if err == nil && len(held) > 0 {
			t.Error("last year's money can be spent before the sweep ran")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	a.draft(nil).fails(model.CodeNoPolicy)
	if a := city.money(console+"/sweeps", "sweep-key-2", map[string]any{"year": 2025}); a.Status != 202 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	h.drain()
	var s allowance.SweepView
	city.get(console + "/sweeps/2025").ok(&s)
	if s.Status != "done" || s.SweptAllowances != 6 || s.SweptFen != 210000 || s.FinishedAt == nil || s.StartedBy == nil {
		t.Errorf("sweep: %+v", s)
	}
	city.money(console+"/sweeps", "sweep-key-3", map[string]any{"year": 2025}).fails(model.CodeConflict)
	if err := h.Allowance.SweepDue(context.Background()); err != nil {
		t.Fatal(err)
	}
	h.drain()
	var funds model.List[allowance.FundView]
	a.admin.get(console + "/unions/" + a.union.ID.String() + "/funds").ok(&funds)
	for _, f := range funds.Items {
		if f.BalanceFen != f.ToppedUpFen || f.UnspentFen != 0 {
			t.Errorf("fund: %+v", f)
		}
		var lines model.List[allowance.MovementView]
		a.admin.get(console + "/funds/" + f.ID.String() + "/transfers?limit=4").ok(&lines)
		if len(lines.Items) != 4 || lines.NextCursor == nil || lines.Items[0].Kind != "sweep" || lines.Items[3].Kind != "grant" || lines.Items[3].AmountFen >= 0 {
			t.Errorf("statement: %+v", lines)
		}
		a.admin.get(console + "/funds/" + f.ID.String()).ok(nil)
	}
	h.balanced()
}
