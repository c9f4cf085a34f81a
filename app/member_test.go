package app_test

import (
	"context"
	"strings"
	"testing"

	"bangfu/model"
	"bangfu/service/identity"
	"bangfu/service/union"
	"bangfu/service/union/rosterfile"
)

func memberAddr(m union.MemberView, rest string) string {
	return console + "/members/" + m.ID.String() + rest
}

func newMember(name string, phone, id int) map[string]any {
	return map[string]any{"name": name, "phone": rosterfile.DemoPhone(phone), "id_number": rosterfile.DemoIDNumber(id)}
}

// TestMembers shows finding, adding, changing and revealing members.
func TestMembers(t *testing.T) {
	h := newHouse(t)
	a, b := h.union(h.root(), "grassroots", "甲厂工会"), h.union(h.root(), "grassroots", "乙厂工会")
	shop := h.union(a, "grassroots", "一车间工会")
	admin := h.staffAs(identity.RoleUnionAdmin, a)

	var added union.AddedMember
	admin.post(unionAddr(a, "/members"), newMember(" 职 工 甲 ", 1, 1)).ok(&added)
	if added.Verdict != "new" || added.Member.Name != "职工甲" || added.Member.Phone != "100****0001" || added.Member.Bound {
		t.Errorf("added %+v", added)
	}
	admin.post(unionAddr(a, "/members"), newMember("职工甲", 1, 1)).ok(&added)
	if added.Verdict != "unchanged" {
		t.Errorf("added again: %+v", added)
	}
	first := added.Member.MemberView
	admin.post(unionAddr(a, "/members"), newMember("职工乙", 1, 2)).fails(model.CodeConflict)
	wrong := admin.post(unionAddr(a, "/members"), map[string]any{"name": "甲", "phone": "1", "id_number": "2"}).fails(model.CodeInvalid)
	if len(wrong.Fields) != 3 {
		t.Errorf("fields %+v", wrong.Fields)
	}
	admin.post(unionAddr(shop, "/members"), newMember("职工丙", 3, 3)).ok(&added)
	admin.post(unionAddr(b, "/members"), newMember("职工丁", 4, 4)).fails(model.CodeNotFound)

	for query, want := range map[string]int{"": 1, "?q=职工": 1, "?q=%25": 0, "?q=" + rosterfile.DemoPhone(1): 1, "?q=" + rosterfile.DemoIDNumber(1): 1, "?q=1000000": 0,
		"?subtree=true": 2, "?subtree=true&q=" + rosterfile.DemoPhone(3): 1, "?q=" + rosterfile.DemoPhone(3): 0, "?status=left": 0} {
		var list model.List[union.MemberView]
		got := admin.get(unionAddr(a, "/members"+query)).ok(&list)
		if len(list.Items) != want {
			t.Errorf("%q finds %+v", query, list.Items)
		}
		if strings.Contains(string(got.Body), rosterfile.DemoPhone(1)) || strings.Contains(string(got.Body), rosterfile.DemoIDNumber(1)) {
			t.Error("a list shows numbers in full")
		}
	}
	changeAndReveal(h, admin, first, a)
}

func changeAndReveal(h *house, admin *client, m union.MemberView, u model.Union) {
	t := h.t
	t.Helper()
	change := func(body map[string]any) *answer {
		return admin.do(request{method: "PATCH", path: memberAddr(m, ""), body: body})
	}
	var d union.MemberDetail
	change(map[string]any{"department": "财务科", "phone": "+86 " + rosterfile.DemoPhone(11)}).ok(&d)
	if d.Department != "财务科" || d.Phone != "100****0011" {
		t.Errorf("changed %+v", d)
	}
	change(map[string]any{"department": ""}).ok(&d)
	if d.Department != "" {
		t.Errorf("cleared %+v", d)
	}
	admin.post(unionAddr(u, "/members"), newMember("职工戊", 12, 12)).ok(nil)
	change(map[string]any{"phone": rosterfile.DemoPhone(12)}).fails(model.CodeConflict)
	change(map[string]any{"phone": "12"}).fails(model.CodeInvalid)
	change(map[string]any{"name": "别人"}).fails(model.CodeInvalid)

	var shown union.Revealed
	admin.post(memberAddr(m, "/reveal"), map[string]any{"reason": "核对绑定申请"}).ok(&shown)
	if shown.Phone != rosterfile.DemoPhone(11) || shown.IDNumber != rosterfile.DemoIDNumber(1) {
		t.Errorf("revealed %+v", shown)
	}
	weak := h.staffWith(model.Staff{Role: string(identity.RoleUnionAdmin), UnionID: u.ID}, false)
	weak.get(memberAddr(m, "")).ok(nil)
	weak.post(memberAddr(m, "/reveal"), map[string]any{"reason": "看看"}).fails(model.CodeSecondFactor)
	admin.post(memberAddr(m, "/reveal"), map[string]any{"reason": " "}).fails(model.CodeInvalid)
	h.staffAs(identity.RoleUnionApprover, u).post(memberAddr(m, "/reveal"), map[string]any{"reason": "看看"}).fails(model.CodeForbidden)
	var entry model.AuditEntry
	if err := h.DB.Read(context.Background()).Where("action = 'member.reveal'").Take(&entry).Error; err != nil || !strings.Contains(entry.Detail, "核对绑定申请") {
		t.Errorf("audit %+v, %v", entry, err)
	}
	h.memberAs(personOf(h, m.ID))
	admin.get(memberAddr(m, "")).ok(&d)
	if !d.Bound || d.BoundAt == nil {
		t.Errorf("binding of %+v", d)
	}
}

func personOf(h *house, member model.ID) model.ID {
	h.t.Helper()
	var m model.Member
	if err := h.DB.Read(context.Background()).Take(&m, member).Error; err != nil {
		h.t.Fatal(err)
	}
	return m.PersonID
}

// giveAllowance stores a fund's grant to a member with its movements, as a fixture.
func giveAllowance(h *house, m union.MemberView, amount model.Fen) {
	h.t.Helper()
	now := h.clock.Now()
	year := model.YearOf(now)
	fund := model.Fund{ID: h.DB.NewID(), UnionID: m.UnionID, Purse: model.PurseExtra, Year: year, CreatedAt: now, UpdatedAt: now}
	person := personOf(h, m.ID)
	h.insert(&fund, &model.PersonCap{PersonID: person, Year: year, GrantedFen: amount},
		&model.Allowance{ID: h.DB.NewID(), PersonID: person, MemberID: m.ID, UnionID: m.UnionID, FundID: fund.ID, Purse: model.PurseExtra, Year: year,
			BalanceFen: amount, Status: "active", CreatedAt: now, UpdatedAt: now})
}

// TestLeaving shows that a member who leaves or is transferred gives the unspent allowance back, once.
func TestLeaving(t *testing.T) {
	h := newHouse(t)
	a, b := h.union(h.root(), "grassroots", "甲厂工会"), h.union(h.root(), "grassroots", "乙厂工会")
	admin := h.staffAs(identity.RoleUnionAdmin, a)
	var added union.AddedMember
	admin.post(unionAddr(a, "/members"), newMember("职工甲", 1, 1)).ok(&added)
	m := added.Member.MemberView
	giveAllowance(h, m, 32000)

	admin.post(memberAddr(m, "/leave"), map[string]any{"reason": "调离"}).fails(model.CodeInvalid) // no key
	var gone, again union.Leaving
	admin.money(memberAddr(m, "/leave"), "leave-one-1", map[string]any{"reason": "调离"}).ok(&gone)
	admin.money(memberAddr(m, "/leave"), "leave-one-1", map[string]any{"reason": "调离"}).ok(&again)
	if gone.RevokedFen != 32000 || again.RevokedFen != 32000 || again.MemberID != m.ID {
		t.Errorf("left with %+v, then %+v", gone, again)
	}
	admin.money(memberAddr(m, "/leave"), "leave-one-1", map[string]any{"reason": "别的"}).fails(model.CodeIdempotencyMismatch)
	admin.money(memberAddr(m, "/leave"), "leave-one-2", map[string]any{"reason": "调离"}).fails(model.CodeConflict)
	admin.money(memberAddr(m, "/transfer"), "transfer-one", map[string]any{"union_id": b.ID, "reason": "调动"}).fails(model.CodeConflict)
	var fund model.Fund
	if err := h.DB.Read(context.Background()).Take(&fund).Error; err != nil || fund.BalanceFen != 32000 {
		t.Errorf("fund %+v, %v", fund, err)
	}

	admin.post(unionAddr(a, "/members"), newMember("职工甲", 1, 1)).ok(&added)
	if added.Verdict != "changed" || added.Member.ID != m.ID || added.Member.Status != "active" || added.Member.LeftAt != nil {
		t.Errorf("joined again as %+v", added)
	}
	h.staffAs(identity.RoleUnionAdmin, b).post(unionAddr(b, "/members"), newMember("职工乙", 2, 2)).ok(nil)
	var moved union.Transfer
	admin.money(memberAddr(m, "/transfer"), "transfer-two", map[string]any{"union_id": a.ID, "reason": "调动"}).fails(model.CodeInvalid)
	admin.money(memberAddr(m, "/transfer"), "transfer-two", map[string]any{"union_id": "12345", "reason": "调动"}).fails(model.CodeNotFound)
	admin.money(memberAddr(m, "/transfer"), "transfer-two", map[string]any{"union_id": b.ID, "reason": "调动"}).ok(&moved)
	if moved.UnionID != b.ID || moved.NewMemberID == m.ID || moved.UnionName != "乙厂工会" {
		t.Errorf("moved %+v", moved)
	}
	admin.get(console + "/members/" + moved.NewMemberID.String()).fails(model.CodeNotFound) // not this union's any more
	var list model.List[union.MemberView]
	h.staffAs(identity.RoleUnionAdmin, b).get(unionAddr(b, "/members?q="+rosterfile.DemoIDNumber(1))).ok(&list)
	if len(list.Items) != 1 || list.Items[0].Phone != "100****0001" {
		t.Errorf("there: %+v", list.Items)
	}
	admin.get(unionAddr(a, "/members?status=left")).ok(&list)
	if len(list.Items) != 1 || !strings.Contains(list.Items[0].LeftReason, "乙厂工会") {
		t.Errorf("here: %+v", list.Items)
	}
}
