package report_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/report"
	"bangfu/service/report/form"
)

// desk is the service on a fresh database with the policy of 2025, one channel a row of the form, and a city.
type desk struct {
	*report.Service
	t        rapid.TB
	db       *model.DB
	clock    *modeltest.Clock
	city     model.Union
	periods  [3]model.ReportingPeriod
	channels [8]model.Channel
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{t: t, clock: modeltest.NewClock(modeltest.At("2025-01-02 09:00"))}
	d.db = modeltest.Open(t, d.clock)
	sealer, err := model.NewSealer("k1:"+model.GenerateKey(), make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	d.Service = report.New(d.db, sealer)
	now := d.clock.Now()
	policy := model.Policy{ID: d.db.NewID(), Year: 2025, DocumentNo: "湛工总〔2023〕25号", CapFen: 60000, StartsOn: "2025-01-01", EndsOn: "2025-12-31", CreatedAt: now, UpdatedAt: now}
	d.insert(&policy)
	for i, due := range []model.Date{"2025-08-25", "2025-10-25", "2026-02-28"} {
		d.periods[i] = model.ReportingPeriod{ID: d.db.NewID(), PolicyID: policy.ID, Year: 2025, Seq: i + 1, Name: fmt.Sprintf("第%d期", i+1), DueOn: due}
		d.insert(&d.periods[i])
	}
	for i := range d.channels {
		d.channels[i] = model.Channel{ID: d.db.NewID(), Level: "city", No: fmt.Sprint(i + 1), Name: form.Channels[i], FormRow: i + 1, Status: "active", CreatedAt: now, UpdatedAt: now}
		d.insert(&d.channels[i])
	}
	d.city = d.union(nil, "市总工会")
	return d
}

func (d *desk) read() *gorm.DB { return d.db.Read(context.Background()) }

func (d *desk) insert(rows ...any) {
	d.t.Helper()
	for _, r := range rows {
		if err := d.read().Create(r).Error; err != nil {
			d.t.Fatalf("insert %T: %v", r, err)
		}
	}
}

func (d *desk) union(parent *model.Union, name string) model.Union {
	d.t.Helper()
	id, now := d.db.NewID(), d.clock.Now()
	u := model.Union{ID: id, Name: name, Kind: "city", Path: "/" + id.String() + "/", Status: "active", CreatedAt: now, UpdatedAt: now}
	if parent != nil {
		u.ParentID, u.Kind, u.Path, u.Depth = &parent.ID, "grassroots", parent.Path+id.String()+"/", parent.Depth+1
	}
	d.insert(&u, &model.UnionPath{UnionID: id, FromAt: now, Path: u.Path})
	d.insert(&model.Fund{ID: d.fund(id), UnionID: id, Purse: "extra", Year: 2025, CreatedAt: now, UpdatedAt: now})
	return u
}

// fund is the id of the union's fund in these tests.
func (d *desk) fund(union model.ID) model.ID { return union + 1<<50 }

// move puts a union without unions below it under another parent now.
func (d *desk) move(u *model.Union, parent model.Union) {
	d.t.Helper()
	now := d.clock.Now()
	d.read().Model(&model.UnionPath{}).Where("union_id = ? AND to_at IS NULL", u.ID).UpdateColumn("to_at", now)
	u.ParentID, u.Path = &parent.ID, parent.Path+u.ID.String()+"/"
	d.read().Model(&model.Union{}).Where("id = ?", u.ID).UpdateColumns(map[string]any{"parent_id": parent.ID, "path": u.Path})
	d.insert(&model.UnionPath{UnionID: u.ID, FromAt: now, Path: u.Path})
}

// order is a purchase of the union's, paid now; the form's row is from 1.
func (d *desk) order(union model.ID, row int, allowance, wechat model.Fen) model.Order {
	d.t.Helper()
	id, now := d.db.NewID(), d.clock.Now()
	o := model.Order{ID: id, OrderNo: "T" + id.String(), UnionID: union, ChannelID: d.channels[row-1].ID, Year: model.YearOf(now), Status: "paid",
		GoodsFen: allowance + wechat, AllowanceFen: allowance, WechatFen: wechat, PlacedAt: now, PaidAt: &now, UpdatedAt: now}
	d.insert(&o)
	return o
}

// refund gives something back for the order now.
func (d *desk) refund(o model.Order, amount model.Fen) {
	d.t.Helper()
	d.insert(&model.Refund{ID: d.db.NewID(), OrderID: o.ID, UnionID: o.UnionID, Kind: "cancel", AmountFen: amount, AllowanceFen: amount, RefundedAt: d.clock.Now()})
	d.read().Model(&model.Order{}).Where("id = ?", o.ID).UpdateColumn("refunded_fen", gorm.Expr("refunded_fen + ?", amount))
}

// claim is a purchase that the union made elsewhere, approved now.
func (d *desk) claim(union model.ID, row int, times int64, fen model.Fen) model.Claim {
	d.t.Helper()
	id, now, second := d.db.NewID(), d.clock.Now(), model.ID(2)
	number := "C" + id.String()
	c := model.Claim{ID: id, UnionID: union, ChannelID: d.channels[row-1].ID, PurchasedOn: model.DateOf(now), Year: model.YearOf(now), AmountFen: fen, PersonTimes: times, Purse: "extra",
		InvoiceNo: number, LiveInvoice: &number, Status: "approved", Version: 1, EnteredBy: 1, EnteredAt: now, DecidedBy: &second, DecidedAt: &now, CountedAt: &now, UpdatedAt: now}
	d.insert(&c)
	return c
}

// unclaim revokes an approved claim now.
func (d *desk) unclaim(c model.Claim) {
	d.t.Helper()
	d.read().Model(&model.Claim{}).Where("id = ?", c.ID).UpdateColumns(map[string]any{"status": "revoked", "live_invoice": nil, "revoked_by": 2, "revoked_at": d.clock.Now()})
}

// issued is money moved between the union's fund and some member now: kind grant, revoke or sweep.
func (d *desk) issued(union model.ID, kind string, amount model.Fen) {
	d.t.Helper()
	id := d.db.NewID()
	fund, member := "fund:"+d.fund(union).String(), "allowance:"+id.String()
	t := model.Transfer{ID: id, Kind: kind, Cause: "test:" + id.String(), DebitAccount: fund, CreditAccount: member, AmountFen: amount, Purse: "extra", Year: 2025, UnionID: union, At: d.clock.Now()}
	if kind != "grant" {
		t.DebitAccount, t.CreditAccount = member, fund
	}
	d.insert(&t)
}

// by is a console account of the union.
func by(u model.Union) model.Actor {
	return model.Actor{Kind: model.ActorStaff, ID: u.ID + 7, UnionID: u.ID, UnionPath: u.Path}
}

// view is the union's form as its own staff sees it.
func (d *desk) view(u model.Union, period int) report.StatementView {
	d.t.Helper()
	v, err := d.Statement(context.Background(), by(u), u.ID, d.periods[period-1].ID)
	if err != nil {
		d.t.Fatal(err)
	}
	return v
}

// submit signs the form as it is shown.
func (d *desk) submit(u model.Union, period int) report.StatementView {
	d.t.Helper()
	v, err := d.sign(u, period, d.view(u, period))
	if err != nil {
		d.t.Fatal(err)
	}
	return v
}

// sign submits what shown shows.
func (d *desk) sign(u model.Union, period int, shown report.StatementView) (report.StatementView, error) {
	return d.Submit(context.Background(), by(u), u.ID, d.periods[period-1].ID, report.Submission{Filler: "陈示例", FillerPhone: "10012345678",
		ExpectedTotalFen: shown.Total.AmountFen, ExpectedPersonTimes: shown.Total.PersonTimes, AsOf: shown.AsOf.Format(time.RFC3339Nano)})
}

// sumByHand adds the raw rows up: each union of asOf up to its moment.
func (d *desk) sumByHand(asOf map[model.ID]time.Time) (rows [8]report.RowView) {
	d.t.Helper()
	var orders []model.Order
	var refunds []model.Refund
	var transfers []model.Transfer
	var claims []model.Claim
	for _, into := range []any{&orders, &refunds, &transfers, &claims} {
		if err := d.read().Where("union_id IN ?", slices.Collect(maps.Keys(asOf))).Find(into).Error; err != nil {
			d.t.Fatal(err)
		}
	}
	rowOf := map[model.ID]int{}
	for _, c := range d.channels {
		rowOf[c.ID] = c.FormRow
	}
	for i := range rows {
		rows[i].RowNo, rows[i].Channel = i+1, form.Channels[i]
	}
	for _, o := range orders {
		if at, ok := asOf[o.UnionID]; !ok || o.Year != 2025 || o.PaidAt == nil || !o.PaidAt.Before(at) {
			continue
		}
		left := o.AllowanceFen + o.WechatFen
		for _, r := range refunds {
			if r.OrderID == o.ID && r.RefundedAt.Before(asOf[o.UnionID]) {
				left -= r.AmountFen
			}
		}
		r := &rows[rowOf[o.ChannelID]-1]
		r.AmountFen += left
		if left > 0 {
			r.PersonTimes++
		}
	}
	for _, c := range claims {
		at := asOf[c.UnionID]
		if c.Year != 2025 || c.CountedAt == nil || !c.CountedAt.Before(at) || c.RevokedAt != nil && c.RevokedAt.Before(at) {
			continue
		}
		r := &rows[rowOf[c.ChannelID]-1]
		r.PersonTimes += int(c.PersonTimes)
		r.AmountFen += c.AmountFen
		r.InvestedFen += c.AmountFen
	}
	for _, t := range transfers {
		if at, ok := asOf[t.UnionID]; ok && t.Year == 2025 && t.At.Before(at) {
			rows[1].InvestedFen += map[string]model.Fen{"grant": 1, "revoke": -1}[t.Kind] * t.AmountFen
		}
	}
	return rows
}

// storedParts are the moments of a submitted form.
func (d *desk) storedParts(id model.ID) map[model.ID]time.Time {
	d.t.Helper()
	var parts []model.StatementPart
	if err := d.read().Where("statement_id = ?", id).Find(&parts).Error; err != nil {
		d.t.Fatal(err)
	}
	m := map[model.ID]time.Time{}
	for _, p := range parts {
		m[p.UnionID] = p.AsOf
	}
	return m
}

func (d *desk) mustEqual(what string, v report.StatementView, want [8]report.RowView) {
	d.t.Helper()
	for i, r := range v.Rows {
		if r != want[i] {
			d.t.Errorf("%s: row %d is %+v, want %+v", what, i+1, r, want[i])
		}
	}
}

// mustVerify holds every submitted form against the orders again.
func (d *desk) mustVerify() {
	d.t.Helper()
	breaches, err := report.VerifySnapshots(d.read())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, b := range breaches {
		d.t.Error(b)
	}
}

func code(t testing.TB, err error, want model.Code) {
	t.Helper()
	if model.CodeOf(err) != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
