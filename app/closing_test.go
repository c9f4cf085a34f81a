package app_test

import (
	"strings"
	"testing"

	"bangfu/model"
	"bangfu/service/allowance"
	"bangfu/service/identity"
)

// TestClosingWaitsForMoney shows that a union is not closed while money is on its way into its funds or out of them, and that none
// comes once it is closed.
func TestClosingWaitsForMoney(t *testing.T) {
	h := newHouse(t)
	school := h.treasury("将撤工会")
	city := h.staffAs(identity.RoleCityFederation, h.root())
	at := console + "/unions/" + school.union.ID.String()
	members := h.purseHolders(school.union, 0, 1)
	var g allowance.GrantView
	school.draft(nil).ok(&g)
	school.admin.money(console+"/members/"+members[0].ID.String()+"/leave", school.nextKey(), map[string]any{"reason": "退休"}).ok(nil)
	var topup allowance.TopupView
	entered := map[string]any{"purse": "extra", "year": 2025, "amount_fen": 100, "evidence_no": "回单1"}
	school.admin.money(at+"/topups", school.nextKey(), entered).ok(&topup)

	if e := city.post(at+"/close", nil).fails(model.CodeConflict); !strings.Contains(e.Message, "1 笔经费入账") {
		t.Error(e.Message)
	}
	school.approver.post(console+"/topups/"+topup.ID.String()+"/reject", map[string]any{"note": "不再入账"}).ok(nil)
	if e := city.post(at+"/close", nil).fails(model.CodeConflict); !strings.Contains(e.Message, "1 个发放批次") {
		t.Error(e.Message)
	}
	school.admin.post(console+"/grants/"+g.ID.String()+"/cancel", nil).ok(nil)
	city.post(at+"/close", nil).ok(nil)
	entered["evidence_no"] = "回单2"
	school.admin.money(at+"/topups", school.nextKey(), entered).fails(model.CodeUnauthenticated) // its accounts are closed with it
	school.admin = h.staffAs(identity.RoleUnionAdmin, h.root())
	school.admin.money(at+"/topups", school.nextKey(), entered).fails(model.CodeConflict)
	school.draft(nil).fails(model.CodeConflict)
}
