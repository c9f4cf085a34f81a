package app_test

import (
	"context"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/service/identity"
)

func staffPath(u model.Union) string { return "/api/v1/console/unions/" + u.ID.String() + "/staff" }

func (c *client) manage(id model.ID, change map[string]any) *answer {
	c.t.Helper()
	return c.do(request{method: "PATCH", path: "/api/v1/console/staff/" + id.String(), body: change})
}

// TestStaffAccounts walks an account from its making to its end.
func TestStaffAccounts(t *testing.T) {
	h := newHouse(t)
	u := h.union(h.root(), "grassroots", "示范小学工会")
	operator := h.staffAs(identity.RoleOperator, h.root())
	var made identity.NewStaff
	operator.post(staffPath(u), map[string]any{"login": "Lin.Gong", "name": " 林工 ", "role": "union_admin"}).ok(&made)
	if made.Staff.Login != "lin.gong" || made.Staff.Name != "林工" || made.Staff.RoleName != "工会经办人" || !made.Staff.MustChangePassword || len(made.InitialPassword) < 16 {
		t.Fatalf("%+v", made)
	}
	operator.post(staffPath(h.root()), map[string]any{"login": "lin.gong", "name": "别人", "role": "auditor"}).fails(model.CodeConflict)
	c, a := h.consoleLogin("lin.gong", made.InitialPassword, "")
	a.ok(nil)
	path := "/api/v1/console/staff/" + made.Staff.ID.String()

	operator.manage(made.Staff.ID, map[string]any{"name": "林工程师"}).ok(nil)
	c.get("/api/v1/console/session").ok(nil) // a new name ends no session
	operator.manage(made.Staff.ID, map[string]any{"role": "union_approver"}).ok(nil)
	c.get("/api/v1/console/session").fails(model.CodeUnauthenticated)
	c, _ = h.consoleLogin("lin.gong", made.InitialPassword, "")
	operator.post(path+"/sign-out", nil).ok(nil)
	c.get("/api/v1/console/session").fails(model.CodeUnauthenticated)

	c, _ = h.consoleLogin("lin.gong", made.InitialPassword, "")
	var reset identity.NewStaff
	operator.post(path+"/reset-password", nil).ok(&reset)
	c.get("/api/v1/console/session").fails(model.CodeUnauthenticated)
	_, a = h.consoleLogin("lin.gong", made.InitialPassword, "")
	a.fails(model.CodeUnauthenticated)
	for range 4 {
		h.consoleLogin("lin.gong", "not-the-password", "")
	}
	_, a = h.consoleLogin("lin.gong", reset.InitialPassword, "")
	a.fails(model.CodeRateLimited)
	var list model.List[identity.Staff]
	operator.get(staffPath(u)).ok(&list)
	if len(list.Items) != 1 || list.Items[0].LockedUntil == nil {
		t.Errorf("%+v", list)
	}
	var unlocked identity.Staff
	operator.post(path+"/unlock", nil).ok(&unlocked)
	c, a = h.consoleLogin("lin.gong", reset.InitialPassword, "")
	a.ok(nil)
	if unlocked.LockedUntil != nil {
		t.Errorf("%+v", unlocked)
	}
	c.post("/api/v1/console/password", map[string]string{"old": reset.InitialPassword, "new": goodPassword}).ok(nil)
	c.enrol(goodPassword)
	operator.post(path+"/reset-totp", nil).ok(nil)
	c, a = h.consoleLogin("lin.gong", goodPassword, "")
	a.ok(nil)
	if s := c.session(); !s.EnrolmentRequired || s.SecondFactor {
		t.Errorf("%+v", s)
	}
	operator.manage(made.Staff.ID, map[string]any{"status": "disabled"}).ok(nil)
	c.get("/api/v1/console/session").fails(model.CodeUnauthenticated)
	_, a = h.consoleLogin("lin.gong", goodPassword, "")
	a.fails(model.CodeUnauthenticated)
	operator.manage(made.Staff.ID, map[string]any{"status": "active"}).ok(nil)
	_, a = h.consoleLogin("lin.gong", goodPassword, "")
	a.ok(nil)
	h.noSecretsLogged(made.InitialPassword, reset.InitialPassword, goodPassword)
}

// TestStaffBadInput shows what is refused, and by which field.
func TestStaffBadInput(t *testing.T) {
	h := newHouse(t)
	u, county := h.union(h.root(), "grassroots", "示范小学工会"), h.union(h.root(), "county", "示范区总工会")
	operator := h.staffAs(identity.RoleOperator, h.root())
	for name, x := range map[string]struct {
		at    model.Union
		body  map[string]any
		field string
	}{
		"ShortLogin":       {u, map[string]any{"login": "ab", "name": "林工", "role": "auditor"}, "login"},
		"LoginInChinese":   {u, map[string]any{"login": "林工林工", "name": "林工", "role": "auditor"}, "login"},
		"BlankName":        {u, map[string]any{"login": "lin", "name": "  ", "role": "auditor"}, "name"},
		"UnknownRole":      {u, map[string]any{"login": "lin", "name": "林工", "role": "king"}, "role"},
		"CityBelow":        {county, map[string]any{"login": "lin", "name": "林工", "role": "city_federation"}, "role"},
		"OperatorBelow":    {u, map[string]any{"login": "lin", "name": "林工", "role": "operator"}, "role"},
		"SupplierBelow":    {u, map[string]any{"login": "lin", "name": "林工", "role": "supplier", "supplier_id": "7"}, "role"},
		"FederationAtCity": {h.root(), map[string]any{"login": "lin", "name": "林工", "role": "federation"}, "role"},
		"FederationBelow":  {u, map[string]any{"login": "lin", "name": "林工", "role": "federation"}, "role"},
		"NoSupplier":       {h.root(), map[string]any{"login": "lin", "name": "林工", "role": "supplier"}, "supplier_id"},
		"NoSuchSupplier":   {h.root(), map[string]any{"login": "lin", "name": "林工", "role": "supplier", "supplier_id": "7"}, "supplier_id"},
		"SupplierForAdmin": {u, map[string]any{"login": "lin", "name": "林工", "role": "union_admin", "supplier_id": "7"}, "supplier_id"},
	} {
		t.Run(name, func(t *testing.T) {
			e := operator.post(staffPath(x.at), x.body).fails(model.CodeInvalid)
			if len(e.Fields) != 1 || e.Fields[0].Name != x.field {
				t.Errorf("%+v", e)
			}
		})
	}
	operator.post(staffPath(county), map[string]any{"login": "county", "name": "区总", "role": "federation"}).ok(nil)
	h.DB.Read(context.Background()).Model(&model.Union{}).Where("id = ?", u.ID).UpdateColumn("status", "closed")
	operator.post(staffPath(u), map[string]any{"login": "lin", "name": "林工", "role": "auditor"}).fails(model.CodeConflict)
	operator.post("/api/v1/console/unions/99/staff", map[string]any{"login": "lin", "name": "林工", "role": "auditor"}).fails(model.CodeNotFound)
	operator.manage(operator.staff.ID+1, map[string]any{"name": "无"}).fails(model.CodeNotFound)
}

// TestWhoMayGiveWhichRole shows that nobody hands out, or takes over, more than they may.
func TestWhoMayGiveWhichRole(t *testing.T) {
	h := newHouse(t)
	u := h.union(h.root(), "grassroots", "示范小学工会")
	operator, city := h.staffAs(identity.RoleOperator, h.root()), h.staffAs(identity.RoleCityFederation, h.root())
	admin := h.staffAs(identity.RoleUnionAdmin, u)

	city.post(staffPath(h.root()), map[string]any{"login": "op", "name": "运维", "role": "operator"}).fails(model.CodeInvalid) // too short a login
	city.post(staffPath(h.root()), map[string]any{"login": "op2", "name": "运维", "role": "operator"}).fails(model.CodeForbidden)
	city.post(staffPath(h.root()), map[string]any{"login": "city2", "name": "市总", "role": "city_federation"}).ok(nil)
	operator.post(staffPath(h.root()), map[string]any{"login": "op2", "name": "运维", "role": "operator"}).ok(nil)
	for _, x := range []*client{admin, h.staffAs(identity.RoleUnionApprover, u), h.staffAs(identity.RoleAuditor, h.root())} {
		x.post(staffPath(u), map[string]any{"login": "more", "name": "多", "role": "auditor"}).fails(model.CodeForbidden)
	}
	base := "/api/v1/console/staff/" + operator.staff.ID.String()
	for _, act := range []string{"/reset-password", "/reset-totp", "/unlock", "/sign-out"} {
		city.post(base+act, nil).fails(model.CodeForbidden)     // an operator's account is out of reach
		operator.post(base+act, nil).fails(model.CodeForbidden) // and one's own
	}
	city.manage(operator.staff.ID, map[string]any{"status": "disabled"}).fails(model.CodeForbidden)
	city.manage(city.staff.ID, map[string]any{"role": "auditor"}).fails(model.CodeForbidden)
	auditor := h.staffAs(identity.RoleAuditor, h.root())
	city.manage(auditor.staff.ID, map[string]any{"role": "operator"}).fails(model.CodeForbidden)
	city.manage(auditor.staff.ID, map[string]any{"role": "supplier"}).fails(model.CodeInvalid)
	city.manage(auditor.staff.ID, map[string]any{"status": "gone"}).fails(model.CodeInvalid)
	city.manage(admin.staff.ID, map[string]any{"role": "city_federation"}).fails(model.CodeInvalid)

	var roles struct{ Items []identity.RoleInfo }
	city.get("/api/v1/console/roles").ok(&roles)
	for _, r := range roles.Items {
		if r.Assignable != (r.Role != identity.RoleOperator) || len(r.Permissions) == 0 {
			t.Errorf("%+v", r)
		}
	}
	weak := h.staffWith(model.Staff{Role: string(identity.RoleOperator), UnionID: h.root().ID}, false)
	weak.manage(auditor.staff.ID, map[string]any{"status": "disabled"}).fails(model.CodeSecondFactor)
}

// TestLastOperatorStays shows that two operators who disable each other at once leave one.
func TestLastOperatorStays(t *testing.T) {
	h := newHouse(t)
	a, b := h.staffAs(identity.RoleOperator, h.root()), h.staffAs(identity.RoleOperator, h.root())
	var first model.Staff
	h.DB.Read(context.Background()).Where("login = 'admin'").Take(&first)
	a.manage(first.ID, map[string]any{"status": "disabled"}).ok(nil)
	together(2, func(n int) model.Code {
		return codeOf([]*client{a, b}[n].manage([]*client{b, a}[n].staff.ID, map[string]any{"status": "disabled"}))
	})
	var n int64
	h.DB.Read(context.Background()).Model(&model.Staff{}).Where("role = 'operator' AND status = 'active'").Count(&n)
	if n != 1 {
		t.Errorf("%d active operators are left", n)
	}
}

// TestInitialPasswordsExpire: what an administrator handed over and nobody used for two weeks opens nothing any more, until it is reset.
func TestInitialPasswordsExpire(t *testing.T) {
	h := newHouse(t)
	operator := h.staffAs(identity.RoleOperator, h.root())
	var made, reset identity.NewStaff
	operator.post(staffPath(h.root()), map[string]any{"login": "chen", "name": "陈工", "role": "auditor"}).ok(&made)
	h.clock.Advance(14 * 24 * time.Hour)
	_, a := h.consoleLogin("chen", made.InitialPassword, "")
	a.ok(nil)
	h.clock.Advance(time.Minute)
	_, a = h.consoleLogin("chen", made.InitialPassword, "")
	a.fails(model.CodeUnauthenticated)
	operator = h.staffAs(identity.RoleOperator, h.root()) // the other session is over
	operator.post("/api/v1/console/staff/"+made.Staff.ID.String()+"/reset-password", nil).ok(&reset)
	c, a := h.consoleLogin("chen", reset.InitialPassword, "")
	a.ok(nil)
	c.post("/api/v1/console/password", map[string]string{"old": reset.InitialPassword, "new": goodPassword}).ok(nil)
	h.clock.Advance(60 * 24 * time.Hour)
	_, a = h.consoleLogin("chen", goodPassword, "")
	a.ok(nil)
}
