package app_test

import (
	"bytes"
	"context"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/identity"
	"bangfu/service/report"
)

// formHouse is a house with a county, two schools below it, a year's policy, and orders made by hand.
type formHouse struct {
	*house
	county, first, second model.Union
	period                model.ReportingPeriod
	channels              map[int]model.ID // by the form's row
}

func newFormHouse(t *testing.T) *formHouse {
	t.Helper()
	h := &formHouse{house: newHouse(t), channels: map[int]model.ID{}}
	h.county = h.union(h.root(), "county", "示范县总工会")
	h.first, h.second = h.union(h.county, "grassroots", "第一小学工会"), h.union(h.county, "grassroots", "第二小学工会")
	read, now := h.DB.Read(context.Background()), h.clock.Now()
	if read.Where("year = 2025 AND seq = 1").Take(&h.period).Error != nil { // the notice's own may be there already
		policy := model.Policy{ID: h.DB.NewID(), Year: 2025, DocumentNo: "湛工总〔2023〕25号", CapFen: 60000, StartsOn: "2025-01-01", EndsOn: "2025-12-31", CreatedAt: now, UpdatedAt: now}
		h.period = model.ReportingPeriod{ID: h.DB.NewID(), PolicyID: policy.ID, Year: 2025, Seq: 1, Name: "第一期", DueOn: "2025-08-25"}
		h.insert(&policy, &h.period)
	}
	for _, row := range []int{2, 3} {
		c := model.Channel{ID: h.DB.NewID(), Level: "city", No: fmt.Sprintf("t%d", row), Name: fmt.Sprintf("测试渠道%d", row), FormRow: row, Status: "active", CreatedAt: now, UpdatedAt: now}
		h.insert(&c)
		h.channels[row] = c.ID
	}
	return h
}

func (h *formHouse) order(u model.Union, row int, amount model.Fen) model.Order {
	h.t.Helper()
	now := h.clock.Now()
	o := model.Order{ID: h.DB.NewID(), OrderNo: fmt.Sprintf("F%d", h.n.Add(1)), UnionID: u.ID, ChannelID: h.channels[row], Year: 2025, Status: "paid", GoodsFen: amount, AllowanceFen: amount, PlacedAt: now, PaidAt: &now, UpdatedAt: now}
	h.insert(&o)
	h.recount()
	return o
}

// recount has the rollups hold what was stored without the product.
func (h *formHouse) recount() {
	h.t.Helper()
	if _, err := h.Tally.Rebuild(context.Background()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *formHouse) refund(o model.Order, amount model.Fen) {
	h.t.Helper()
	h.insert(&model.Refund{ID: h.DB.NewID(), OrderID: o.ID, UnionID: o.UnionID, Kind: "cancel", AmountFen: amount, AllowanceFen: amount, RefundedAt: h.clock.Now()})
	if err := h.DB.Read(context.Background()).Model(&model.Order{}).Where("id = ?", o.ID).UpdateColumn("refunded_fen", gorm.Expr("refunded_fen + ?", amount)).Error; err != nil {
		h.t.Fatal(err)
	}
	h.recount()
}

func (h *formHouse) form(u model.Union) string {
	return fmt.Sprintf("/api/v1/console/unions/%s/statements/%s", u.ID, h.period.ID)
}

func submission(v report.StatementView) map[string]any {
	return map[string]any{"filler": "陈示例", "filler_phone": "10012345678", "expected_total_fen": v.Total.AmountFen, "expected_person_times": v.Total.PersonTimes, "as_of": v.AsOf.Format(time.RFC3339Nano)}
}

// TestStatementOverHTTP plays a reporting period: two schools, one returned, the county on top, exports.
func TestStatementOverHTTP(t *testing.T) {
	h := newFormHouse(t)
	clerk, county, city := h.staffAs(identity.RoleUnionAdmin, h.first), h.staffAs(identity.RoleFederation, h.county), h.staffAs(identity.RoleCityFederation, h.root())
	other := h.staffAs(identity.RoleUnionAdmin, h.second)
	kept, gone := h.order(h.first, 2, 6800), h.order(h.first, 3, 1200)
	h.refund(gone, 1200)
	h.refund(kept, 800)
	h.order(h.second, 2, 500)
	h.clock.Advance(time.Minute)

	var periods report.Periods
	clerk.get("/api/v1/console/reporting-periods?year=2025").ok(&periods)
	if len(periods.Items) == 0 || periods.Items[0].DueOn != "2025-08-25" {
		t.Errorf("%+v", periods)
	}
	clerk.get("/api/v1/console/reporting-periods?year=2031").fails(model.CodeNoPolicy)

	var open, sent, back report.StatementView
	clerk.get(h.form(h.first)).ok(&open)
	if open.State != "open" || open.Total != (report.TotalView{PersonTimes: 1, AmountFen: 6000}) || open.StatementID != nil {
		t.Errorf("%+v", open)
	}
	other.get(h.form(h.first)).fails(model.CodeNotFound)
	clerk.get(h.form(h.county)).fails(model.CodeNotFound)
	clerk.get(fmt.Sprintf("/api/v1/console/unions/%s/statements/99", h.first.ID)).fails(model.CodeNotFound)

	wrong := submission(open)
	wrong["expected_total_fen"] = 1
	if e := clerk.post(h.form(h.first)+"/submit", wrong).fails(model.CodeConflict); !strings.Contains(string(e.Data), `"amount_fen":6000`) {
		t.Errorf("no new figures: %s", e.Data)
	}
	county.post(h.form(h.first)+"/submit", submission(open)).fails(model.CodeForbidden)
	delete(wrong, "expected_person_times")
	clerk.post(h.form(h.first)+"/submit", wrong).fails(model.CodeInvalid)
	clerk.post(h.form(h.first)+"/submit", submission(open)).ok(&sent)
	clerk.post(h.form(h.first)+"/submit", submission(open)).fails(model.CodeConflict)
	h.refund(kept, 6000)
	h.clock.Advance(time.Minute)

	one := "/api/v1/console/statements/" + sent.StatementID.String()
	clerk.get(one).ok(&back)
	if back.Total != open.Total || back.FillerPhone != "10012345678" {
		t.Errorf("%+v", back)
	}
	county.get(one).ok(&back)
	if back.FillerPhone != "100****5678" {
		t.Errorf("the county sees %s", back.FillerPhone)
	}
	other.get(one).fails(model.CodeNotFound)
	clerk.post(one+"/return", map[string]string{"reason": "填错"}).fails(model.CodeForbidden)

	h.holdDrill(clerk, h.first, sent)

	var progress report.Progress
	county.get(fmt.Sprintf("/api/v1/console/unions/%s/statement-progress/%s?status=missing", h.county.ID, h.period.ID)).ok(&progress)
	if progress.Unions != 2 || progress.Missing != 1 || len(progress.Items) != 1 || progress.Items[0].Union.ID != h.second.ID {
		t.Errorf("%+v", progress)
	}

	var top report.StatementView
	county.get(h.form(h.county)).ok(&open)
	county.post(h.form(h.county)+"/submit", submission(open)).ok(&top)
	if top.Total.AmountFen != 6500 || top.Total.PersonTimes != 2 || top.Parts != (report.PartsView{Unions: 3, FromSubmitted: 1}) {
		t.Errorf("county: %+v, %+v", top.Total, top.Parts)
	}
	city.post(one+"/return", map[string]string{"reason": "退款后请重报"}).ok(&back)
	city.post(one+"/return", map[string]string{"reason": "再退"}).fails(model.CodeConflict)
	clerk.get(h.form(h.first)).ok(&open)
	if back.State != "returned" || open.State != "returned" || open.Frozen || open.Total.AmountFen != 0 || open.Total.PersonTimes != 0 {
		t.Errorf("%+v", open)
	}
	breaches, err := report.VerifySnapshots(h.DB.Read(context.Background()))
	if err != nil || len(breaches) != 0 {
		t.Errorf("%v (%v)", breaches, err)
	}
}

// holdDrill adds up the orders behind each figure.
func (h *formHouse) holdDrill(c *client, u model.Union, v report.StatementView) {
	h.t.Helper()
	for _, row := range v.Rows {
		var orders report.CountedOrders
		c.get(fmt.Sprintf("%s/rows/%d/orders?limit=100", h.form(u), row.RowNo)).ok(&orders)
		var net model.Fen
		counted := 0
		for _, o := range orders.Items {
			net, counted = net+o.NetFen, counted+o.Counted
		}
		if net != row.AmountFen || counted != row.PersonTimes {
			h.t.Errorf("row %d: orders make %d and %d, the form says %+v", row.RowNo, net, counted, row)
		}
	}
	c.get(h.form(u) + "/rows/9/orders").fails(model.CodeNotFound)
	c.get(h.form(u) + "/rows/2/orders?as_of=gestern").fails(model.CodeInvalid)
}

func TestStatementExportOverHTTP(t *testing.T) {
	h := newFormHouse(t)
	clerk := h.staffAs(identity.RoleUnionAdmin, h.first)
	h.order(h.first, 2, 123456)
	h.clock.Advance(time.Minute)
	hold := func(a *answer, name, period, filler string) {
		t.Helper()
		_, params, err := mime.ParseMediaType(a.Header.Get("Content-Disposition"))
		if a.Status != http.StatusOK || err != nil || params["filename"] != name {
			t.Fatalf("status %d, %v (%v)", a.Status, params, err)
		}
		if !strings.HasSuffix(name, ".xlsx") {
			if !bytes.HasPrefix(a.Body, []byte("%PDF")) {
				t.Error("not a PDF")
			}
			return
		}
		book, err := excelize.OpenReader(bytes.NewReader(a.Body))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = book.Close() }()
		rows, err := book.GetRows("统计表")
		text := fmt.Sprint(rows, err)
		for _, want := range []string{h.first.Name, "1,234.56", period, filler} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in %s", want, text)
			}
		}
	}
	name := "工会消费帮扶情况统计表_第一小学工会_2025年第1期"
	hold(clerk.get(h.form(h.first)+"/export?format=xlsx"), name+"_草稿.xlsx", "数据截至2025年3月3日09:00:30", "草稿，未提交")
	clerk.get(h.form(h.first) + "/export?format=doc").fails(model.CodeInvalid)
	clerk.get(h.form(h.first) + "/export").fails(model.CodeInvalid)
	h.clock.Set(modeltest.At("2025-08-26 08:00"))
	clerk = h.staffAs(identity.RoleUnionAdmin, h.first)
	city := h.staffAs(identity.RoleCityFederation, h.root())
	var v report.StatementView
	clerk.get(h.form(h.first)).ok(&v)
	clerk.post(h.form(h.first)+"/submit", submission(v)).ok(&v)
	if !v.Late {
		t.Error("not late")
	}
	one := "/api/v1/console/statements/" + v.StatementID.String() + "/export?format="
	hold(city.get(one+"xlsx"), name+".xlsx", "统计期间：2025年1月1日至2025年8月25日", "10012345678")
	hold(city.get(one+"pdf"), name+".pdf", "", "")
	hold(clerk.get(h.form(h.first)+"/export?format=xlsx"), name+".xlsx", "2025年8月26日", "陈示例")
}

func TestAuditOverHTTP(t *testing.T) {
	h := newFormHouse(t)
	clerk, approver, county := h.staffAs(identity.RoleUnionAdmin, h.first), h.staffAs(identity.RoleUnionApprover, h.second), h.staffAs(identity.RoleFederation, h.county)
	city := h.staffAs(identity.RoleAuditor, h.root())
	h.clock.Advance(time.Minute)
	var v report.StatementView
	clerk.get(h.form(h.first)).ok(&v)
	clerk.post(h.form(h.first)+"/submit", submission(v)).ok(&v)
	h.insert(&model.AuditEntry{ID: h.DB.NewID(), At: h.clock.Now(), Actor: "clock", Action: "stock.count", Object: "stock:1", Detail: "{}"})

	clerk.get("/api/v1/console/audit").fails(model.CodeForbidden)
	list := func(c *client, query string) []report.AuditView {
		t.Helper()
		var l model.List[report.AuditView]
		c.get("/api/v1/console/audit" + query).ok(&l)
		return l.Items
	}
	if got := list(county, "?object=statement"); len(got) != 1 || got[0].ActionName != "统计表：提交" || got[0].ActorName != clerk.staff.Name || got[0].UnionName != h.first.Name || got[0].RequestID == "" {
		t.Errorf("%+v", got)
	}
	if got := list(approver, ""); len(got) != 0 {
		t.Errorf("a school sees its neighbour's: %+v", got)
	}
	for query, want := range map[string]int{"?action=stock": 1, "?actor=clock": 1, "?action=stock.count&to=2025-03-02": 0, "?action=stock.count&from=2025-03-03&to=2025-03-03": 1, "?object=statement:" + v.StatementID.String(): 1, "?object=state": 0} {
		if got := list(city, query); len(got) != want {
			t.Errorf("%s: %d entries, want %d", query, len(got), want)
		}
	}
	if got := list(county, "?action=stock"); len(got) != 0 {
		t.Errorf("the county sees what concerns no union: %+v", got)
	}
	city.get("/api/v1/console/audit?from=2025-3-3").fails(model.CodeInvalid)
	var page model.List[report.AuditView]
	city.get("/api/v1/console/audit?limit=1").ok(&page)
	first := page.Items[0].ID
	city.get("/api/v1/console/audit?limit=1&cursor=" + page.NextCursor.String()).ok(&page)
	if page.Items[0].ID >= first {
		t.Error("pages do not go back in time")
	}
}
