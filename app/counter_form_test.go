package app_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/service/counter"
	"bangfu/service/identity"
	"bangfu/service/report"
)

// TestCounterInForm shows that sales at halls count in each hall's row of the form, net of voids, and that the drill shows their orders.
func TestCounterInForm(t *testing.T) {
	k := newDesk(t)
	border := k.openHall("虚拟协作展销中心", "4", k.shop.Suppliers[1].ID, 200_00)
	b := k.buyer(k.union, 600_00)
	online := b.buys("online-001", b.cart(1, k.shop.SKUs[0])) // row 2
	first, gone := k.sells(b, typed("荔枝", 30_00)), k.sells(b, typed("龙眼", 20_00))
	k.cashier.void(gone.ID, "void-form", "退回").ok(nil)
	other := &desk{k.stall, border, k.cashierOf(border)}
	other.sells(b, of(k.shop.SKUs[2], 1))
	k.clock.Advance(time.Minute)

	var period model.ReportingPeriod
	if err := k.DB.Read(context.Background()).Where("year = 2025").Order("seq").Take(&period).Error; err != nil {
		t.Fatal(err)
	}
	clerk := k.staffAs(identity.RoleUnionAdmin, k.union)
	form := fmt.Sprintf("/api/v1/console/unions/%s/statements/%s", k.union.ID, period.ID)
	var v report.StatementView
	clerk.get(form).ok(&v)
	for row, want := range map[int]model.Fen{2: online.TotalFen, 3: 30_00, 4: 128_00} {
		if got := v.Rows[row-1]; got.AmountFen != want || got.PersonTimes != 1 {
			t.Errorf("row %d: %+v, want %s", row, got, want)
		}
	}
	var behind report.CountedOrders
	clerk.get(form + "/rows/3/orders").ok(&behind)
	seen := map[model.ID]report.CountedOrder{}
	for _, o := range behind.Items {
		seen[o.ID] = o
	}
	if len(seen) != 2 || seen[first.Order.ID].NetFen != 30_00 || seen[first.Order.ID].Counted != 1 || seen[gone.Order.ID].NetFen != 0 || seen[gone.Order.ID].Counted != 0 {
		t.Errorf("%+v", behind.Items)
	}
	clerk.post(form+"/submit", submission(v)).ok(nil) // and reconcile counts it again at the end
}

// TestHallAdministration opens a hall and its cashier's account through the console, and reads what the hall sold.
func TestHallAdministration(t *testing.T) {
	s := newStall(t)
	city := s.staffAs(identity.RoleCityFederation, s.root())
	supplier := s.shop.Suppliers[0].ID
	input := map[string]any{"name": "示范专馆", "address": "赤坎区虚拟路 8 号", "open_hours": "09:00—18:00", "channel_id": s.channel("city", "2"), "supplier_id": supplier}
	var hall counter.Hall
	city.post("/api/v1/console/halls", input).ok(&hall)
	if hall.FormRow != 3 || hall.ConfirmOverFen != counter.DefaultConfirmOver || len(hall.Problems) != 0 {
		t.Fatalf("%+v", hall)
	}
	city.post("/api/v1/console/halls", input).fails(model.CodeConflict)
	for field, value := range map[string]any{"channel_id": "12345", "supplier_id": "12345", "name": "馆"} {
		bad := map[string]any{}
		for k, v := range input {
			bad[k] = v
		}
		bad["name"] = "另一个专馆"
		bad[field] = value
		city.post("/api/v1/console/halls", bad).fails(model.CodeInvalid)
	}
	s.supplierStaff(0).post("/api/v1/console/halls", input).fails(model.CodeForbidden)

	account := map[string]any{"login": "cashier.one", "name": "收银员甲", "role": "cashier", "hall_id": hall.ID}
	school := s.union
	city.post(staffPath(school), account).fails(model.CodeInvalid) // the city's only
	city.post(staffPath(s.root()), map[string]any{"login": "cashier.two", "name": "收银员乙", "role": "cashier"}).fails(model.CodeInvalid)
	city.post(staffPath(s.root()), map[string]any{"login": "audit.two", "name": "审计", "role": "auditor", "hall_id": hall.ID}).fails(model.CodeInvalid)
	var made identity.NewStaff
	city.post(staffPath(s.root()), account).ok(&made)
	if made.Staff.HallID == nil || *made.Staff.HallID != hall.ID || *made.Staff.SupplierID != supplier || made.Staff.RoleName != "专馆收银员" {
		t.Fatalf("%+v", made)
	}
	city.manage(made.Staff.ID, map[string]any{"role": "auditor"}).fails(model.CodeInvalid)
	cashier, a := s.house.consoleLogin("cashier.one", made.InitialPassword, "")
	a.ok(nil)
	cashier.post("/api/v1/console/password", map[string]string{"old": made.InitialPassword, "new": goodPassword}).ok(nil)
	k := &desk{s, model.Hall{ID: hall.ID, SupplierID: supplier, Name: hall.Name}, cashier}
	var own counter.Hall
	cashier.get(counterPath + "/hall").ok(&own)
	if own.ID != hall.ID {
		t.Errorf("%+v", own)
	}
	b := k.buyer(k.union, 300_00)
	k.sells(b, typed("荔枝", 10_00))
	k.cashier.void(k.sells(b, typed("荔枝", 20_00)).ID, "void-0001", "退回").ok(nil)
	k.clock.Advance(24 * time.Hour)
	cashier, _ = s.house.consoleLogin("cashier.one", goodPassword, "")
	k.cashier = cashier
	k.sells(b, typed("荔枝", 40_00))
	k.seesDays(t, hall.ID, []*client{cashier, k.supplierStaff(0), k.staffAs(identity.RoleCityFederation, k.root())})
	k.supplierStaff(1).get("/api/v1/console/halls/" + hall.ID.String() + "/days").fails(model.CodeNotFound)
}

func (k *desk) seesDays(t *testing.T, hall model.ID, who []*client) {
	t.Helper()
	for _, c := range who {
		var days counter.Days
		c.get("/api/v1/console/halls/" + hall.String() + "/days").ok(&days)
		want := counter.Day{Sales: 3, AmountFen: 70_00, Voided: 1, RefundedFen: 20_00, NetFen: 50_00}
		if days.Total != want || len(days.Items) != 2 || days.Items[0].Day != "2025-03-04" || days.Items[1].NetFen != 10_00 {
			t.Errorf("%+v", days)
		}
		var sales model.List[counter.Redemption]
		c.get("/api/v1/console/halls/" + hall.String() + "/sales?from=2025-03-03&to=2025-03-03&limit=1").ok(&sales)
		if len(sales.Items) != 1 || sales.NextCursor == nil || sales.Items[0].Status != counter.StatusVoided || sales.Items[0].Voidable {
			t.Errorf("%+v", sales)
		}
	}
}
