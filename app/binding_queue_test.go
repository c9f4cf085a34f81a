package app_test

import (
	"context"
	"strings"
	"testing"

	"bangfu/model"
	"bangfu/service/identity"
)

const requestsPath = "/api/v1/console/binding-requests/"

func (h *house) queueOf(c *client, u model.Union, status string) []identity.BindingRequest {
	h.t.Helper()
	var list model.List[identity.BindingRequest]
	path := "/api/v1/console/unions/" + u.ID.String() + "/binding-requests"
	if status != "" {
		path += "?status=" + status
	}
	c.get(path).ok(&list)
	return list.Items
}

// TestBindingQueue shows how a union decides what did not match by itself.
func TestBindingQueue(t *testing.T) {
	h := newHouse(t)
	county := h.union(h.root(), "county", "示范区总工会")
	u, sibling := h.union(county, "grassroots", "示范小学工会"), h.union(county, "grassroots", "示范医院工会")
	member := h.rosterMember(u, "陈晓明", phoneB, idNumberA) // the roster still has the old phone
	stranger := h.rosterMember(sibling, "陈晓明", "10000000009", idNumberB)
	admin, neighbour := h.staffAs(identity.RoleUnionAdmin, u), h.staffAs(identity.RoleUnionAdmin, sibling)

	c := h.consenting("chen")
	c.bind("chen", phoneA, "陈晓明", "010016", u.ID).ok(nil)
	queue := h.queueOf(h.staffAs(identity.RoleFederation, county), county, "pending")
	if len(queue) != 1 || queue[0].PhoneMasked != "100****0001" || queue[0].Union.ID != u.ID || len(h.queueOf(neighbour, sibling, "")) != 0 {
		t.Fatalf("%+v", queue)
	}
	path := requestsPath + queue[0].ID.String()
	neighbour.get(path).fails(model.CodeNotFound)
	neighbour.post(path+"/approve", map[string]any{"member_id": stranger.ID}).fails(model.CodeNotFound)
	h.staffAs(identity.RoleAuditor, u).post(path+"/reject", map[string]any{"note": "不行"}).fails(model.CodeForbidden)

	var detail identity.BindingRequestDetail
	admin.get(path).ok(&detail)
	if len(detail.Candidates) != 1 {
		t.Fatalf("%+v", detail)
	}
	if x := detail.Candidates[0]; x.MemberID != member.ID || x.PhoneMatches || !x.NameMatches || !x.IDMatches || x.Bound {
		t.Errorf("candidate %+v", x)
	}
	admin.post(path+"/approve", map[string]any{"member_id": stranger.ID}).fails(model.CodeInvalid) // of another union
	admin.post(path+"/approve", map[string]any{}).fails(model.CodeInvalid)
	weak := h.staffWith(model.Staff{Role: string(identity.RoleUnionAdmin), UnionID: u.ID}, false)
	weak.post(path+"/approve", map[string]any{"member_id": member.ID}).fails(model.CodeSecondFactor)
	admin.post(path+"/reject", map[string]any{"note": ""}).fails(model.CodeInvalid)
	admin.post(path+"/approve", map[string]any{"member_id": member.ID, "note": "已核实换号"}).ok(&detail)
	if detail.Status != "approved" || detail.DecidedBy == nil || len(detail.Candidates) != 0 {
		t.Errorf("%+v", detail)
	}
	admin.post(path+"/reject", map[string]any{"note": "反悔"}).fails(model.CodeConflict)
	if b := c.bindingState(); b.State != identity.BindingBound {
		t.Errorf("%+v", b)
	}
	c.get("/api/v1/member/profile").ok(nil) // in the session that was there before
	var row model.BindingRequest
	if err := h.DB.Read(context.Background()).Take(&row, detail.ID).Error; err != nil || row.IDLast6Sealed != "" {
		t.Errorf("the digits are kept after the decision: %v", err)
	}
	h.noSecretsLogged(phoneA, phoneB, "010016", "陈晓明", "已核实换号")
}

// TestBindingRejectedAndAgain shows that a rejection tells why and that the member can try again.
func TestBindingRejectedAndAgain(t *testing.T) {
	h := newHouse(t)
	u := h.union(h.root(), "grassroots", "示范小学工会")
	admin := h.staffAs(identity.RoleUnionAdmin, u)
	c := h.consenting("chen")
	c.bind("chen", phoneA, "陈晓明", "010016", u.ID).ok(nil)
	admin.post(requestsPath+h.queueOf(admin, u, "pending")[0].ID.String()+"/reject", map[string]any{"note": "名册中没有您"}).ok(nil)
	if b := c.bindingState(); b.State != identity.BindingRejected || b.Reason != "名册中没有您" {
		t.Errorf("%+v", b)
	}
	member := h.rosterMember(u, "陈晓明", phoneA, idNumberA)
	var b identity.Binding
	c.bind("chen", phoneA, "陈晓明", "010016", 0).ok(&b)
	if b.State != identity.BindingBound {
		t.Fatalf("%+v", b)
	}
	h.clock.Advance(1)
	admin.post("/api/v1/console/members/"+member.ID.String()+"/unbind", map[string]any{"reason": "换微信"}).ok(nil)
	if b := h.wechatLogin("chen").bindingState(); b.State != identity.BindingUnbound { // not the old rejection again
		t.Errorf("%+v", b)
	}
}

// TestUnbind shows that the account loses the person and its sessions at once, and that another account can be bound.
func TestUnbind(t *testing.T) {
	h := newHouse(t)
	u, sibling := h.union(h.root(), "grassroots", "示范小学工会"), h.union(h.root(), "grassroots", "示范医院工会")
	member := h.rosterMember(u, "陈晓明", phoneA, idNumberA)
	admin := h.staffAs(identity.RoleUnionAdmin, u)
	path := "/api/v1/console/members/" + member.ID.String() + "/unbind"
	admin.post(path, map[string]any{"reason": "换微信"}).fails(model.CodeConflict) // nothing to unbind
	old := h.consenting("old")
	old.bind("old", phoneA, "陈晓明", "010016", 0).ok(nil)
	fresh := h.consenting("fresh")
	fresh.bind("fresh", phoneA, "陈晓明", "010016", 0).fails(model.CodeConflict)

	h.staffAs(identity.RoleUnionAdmin, sibling).post(path, map[string]any{"reason": "换微信"}).fails(model.CodeNotFound)
	h.staffAs(identity.RoleAuditor, u).post(path, map[string]any{"reason": "换微信"}).fails(model.CodeForbidden)
	admin.post(path, map[string]any{}).fails(model.CodeInvalid)
	h.staffWith(model.Staff{Role: string(identity.RoleUnionAdmin), UnionID: u.ID}, false).post(path, map[string]any{"reason": "换微信"}).fails(model.CodeSecondFactor)
	admin.post(path, map[string]any{"reason": "换微信"}).ok(nil)
	old.get("/api/v1/member/profile").fails(model.CodeUnauthenticated)
	fresh.bind("fresh", phoneA, "陈晓明", "010016", 0).ok(nil)
}

// TestOneUnionAloneDoesNotRebind shows that a union that has put another's member on its own roster with a phone of its own cannot undo the
// member's binding, nor have that phone bound: neither as it stands, nor by putting its roster right for the moment of the unbinding, nor by hand; and that
// all goes well once both rosters say the same.
func TestOneUnionAloneDoesNotRebind(t *testing.T) {
	h := newHouse(t)
	u, second := h.union(h.root(), "grassroots", "示范小学工会"), h.union(h.root(), "grassroots", "示范医院工会")
	member := h.rosterMember(u, "陈晓明", phoneA, idNumberA)
	admin, other := h.staffAs(identity.RoleUnionAdmin, u), h.staffAs(identity.RoleUnionAdmin, second)
	old := h.consenting("old")
	old.bind("old", phoneA, "陈晓明", "010016", 0).ok(nil)
	copied := h.rosterMember(second, "陈晓明", phoneB, idNumberA)
	phone := func(by *client, m model.Member, number string) {
		t.Helper()
		by.do(request{method: "PATCH", path: console + "/members/" + m.ID.String(), body: map[string]any{"phone": number}}).ok(nil)
	}
	unbind := func(by *client, m model.Member) *answer {
		return by.post(console+"/members/"+m.ID.String()+"/unbind", map[string]any{"reason": "换微信"})
	}
	if e := unbind(other, copied).fails(model.CodeConflict); !strings.Contains(e.Message, "市总工会") {
		t.Error(e.Message)
	}
	unbind(admin, member).fails(model.CodeConflict)
	old.get("/api/v1/member/profile").ok(nil)

	phone(other, copied, phoneA)
	unbind(other, copied).ok(nil)
	phone(other, copied, phoneB)
	thief := h.consenting("thief")
	var b identity.Binding
	if thief.bind("thief", phoneB, "陈晓明", "010016", 0).ok(&b); b.State != identity.BindingPending || b.Union.ID != second.ID {
		t.Fatalf("%+v", b)
	}
	queue := h.queueOf(other, second, "pending")
	if len(queue) != 1 || !strings.Contains(queue[0].Reason, "另一工会") {
		t.Fatalf("%+v", queue)
	}
	approve := func() *answer {
		return other.post(requestsPath+queue[0].ID.String()+"/approve", map[string]any{"member_id": copied.ID})
	}
	if e := approve().fails(model.CodeConflict); !strings.Contains(e.Message, "另一工会") {
		t.Error(e.Message)
	}
	if queue = h.queueOf(other, second, "pending"); len(queue) != 1 { // it was not decided
		t.Fatalf("%+v", queue)
	}
	phone(admin, member, phoneB) // both unions know the new phone
	approve().ok(nil)
	unbind(admin, member).ok(nil)
}

// TestApprovalsAtOnce shows that two requests for one member, approved at once, bind one account.
func TestApprovalsAtOnce(t *testing.T) {
	h := newHouse(t)
	u := h.union(h.root(), "grassroots", "示范小学工会")
	member := h.rosterMember(u, "陈晓明", phoneB, idNumberA)
	for _, user := range []string{"one", "two"} {
		h.consenting(user).bind(user, phoneA, "陈晓明", "010016", u.ID).ok(nil)
	}
	admin := h.staffAs(identity.RoleUnionAdmin, u)
	queue := h.queueOf(admin, u, "pending")
	results := together(4, func(n int) model.Code {
		return codeOf(admin.post(requestsPath+queue[n%2].ID.String()+"/approve", map[string]any{"member_id": member.ID}))
	})
	if results[""] != 1 || results[model.CodeConflict] != 3 {
		t.Errorf("%v", results)
	}
	if left := h.queueOf(admin, u, "pending"); len(left) != 1 { // the loser's request stays to be decided
		t.Errorf("%+v", left)
	}
}

// TestSearchUnions shows the search by which a member chooses its union.
func TestSearchUnions(t *testing.T) {
	h := newHouse(t)
	county := h.union(h.root(), "county", "示范区总工会")
	h.union(county, "grassroots", "第一小学工会")
	h.union(county, "grassroots", "第二小学工会")
	closed := h.union(county, "grassroots", "撤并小学工会")
	h.DB.Read(context.Background()).Model(&model.Union{}).Where("id = ?", closed.ID).UpdateColumn("status", "closed")
	c := h.wechatLogin("chen")
	search := func(query string) model.List[identity.UnionName] {
		var list model.List[identity.UnionName]
		c.get("/api/v1/member/unions" + query).ok(&list)
		return list
	}
	first := search("?q=%E5%B0%8F%E5%AD%A6&limit=1") // 小学
	if len(first.Items) != 1 || first.Items[0].Name != "第一小学工会" || first.Items[0].Parent != county.Name || first.NextCursor == nil {
		t.Fatalf("%+v", first)
	}
	second := search("?q=%E5%B0%8F%E5%AD%A6&limit=1&cursor=" + first.NextCursor.String())
	if len(second.Items) != 1 || second.Items[0].Name != "第二小学工会" || second.NextCursor != nil {
		t.Errorf("%+v", second)
	}
	if all := search(""); len(all.Items) != 4 {
		t.Errorf("%+v", all)
	}
	if none := search("?q=%25"); len(none.Items) != 0 { // a percent sign is not a wildcard
		t.Errorf("%+v", none)
	}
	c.get("/api/v1/member/unions?limit=0x").fails(model.CodeInvalid)
	c.get("/api/v1/member/unions?name=x").fails(model.CodeInvalid)
}
