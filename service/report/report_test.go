package report_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/report"
)

var ctx = context.Background()

func TestFigures(t *testing.T) {
	d := newDesk(t)
	school := d.union(&d.city, "第一小学工会")
	other := d.union(&d.city, "第二小学工会")
	d.issued(school.ID, "grant", 60000)
	d.issued(school.ID, "grant", 60000)
	d.issued(school.ID, "sweep", 100)
	d.order(school.ID, 2, 10000, 0)
	whole := d.order(school.ID, 2, 5000, 500)
	partly := d.order(school.ID, 3, 7000, 0)
	d.order(other.ID, 2, 99999, 0)
	unpaid := d.order(school.ID, 2, 11111, 0)
	d.read().Model(&model.Order{}).Where("id = ?", unpaid.ID).UpdateColumn("paid_at", nil)
	d.clock.Advance(time.Hour)
	d.refund(whole, 2000)
	d.refund(whole, 3500)
	d.refund(partly, 6999)
	d.issued(school.ID, "revoke", 2500)
	d.clock.Advance(time.Hour)

	v := d.view(school, 1)
	want := func(row, times int, amount, invested model.Fen) {
		t.Helper()
		if r := v.Rows[row-1]; r.PersonTimes != times || r.AmountFen != amount || r.InvestedFen != invested {
			t.Errorf("row %d is %+v, want %d, %d, %d", row, r, times, amount, invested)
		}
	}
	want(2, 1, 10000, 117500)
	want(3, 1, 1, 0)
	want(1, 0, 0, 0)
	if v.Total != (report.TotalView{PersonTimes: 2, AmountFen: 10001, InvestedFen: 117500}) || v.State != "open" || v.Frozen {
		t.Errorf("total %+v, state %s", v.Total, v.State)
	}
	d.mustEqual("school", v, d.sumByHand(map[model.ID]time.Time{school.ID: v.AsOf}))
}

// TestMoments shows what belongs to a period: what was before its end, in China, and nothing of the last half minute.
func TestMoments(t *testing.T) {
	d := newDesk(t)
	d.clock.Set(modeltest.At("2025-08-25 23:59").Add(59999 * time.Millisecond))
	o := d.order(d.city.ID, 2, 100, 0) // the period's last millisecond
	if v := d.view(d.city, 1); v.Total.AmountFen != 0 {
		t.Errorf("counts a purchase whose neighbours may not have committed yet: %d", v.Total.AmountFen)
	}
	d.clock.Advance(time.Millisecond)
	d.order(d.city.ID, 2, 1000, 0) // after it
	d.refund(o, 40)
	d.clock.Advance(time.Hour)
	if v := d.view(d.city, 1); v.Total.AmountFen != 100 || !v.AsOf.Equal(modeltest.At("2025-08-26 00:00")) || v.Period.DaysLeft != -1 {
		t.Errorf("first period: %+v as of %s, %d days left", v.Total, v.AsOf, v.Period.DaysLeft)
	}
	if v := d.view(d.city, 2); v.Total.AmountFen != 1060 || v.Period.DaysLeft != 60 {
		t.Errorf("second period: %+v, %d days left", v.Total, v.Period.DaysLeft)
	}
	d.clock.Set(modeltest.At("2026-01-05 09:00"))
	d.order(d.city.ID, 2, 7777, 0) // the next year's money
	d.refund(o, 60)                // of the old year
	d.clock.Set(modeltest.At("2026-03-02 09:00"))
	if v := d.view(d.city, 3); v.Total.AmountFen != 1000 || v.Total.PersonTimes != 1 {
		t.Errorf("third period: %+v", v.Total)
	}
}

func TestSubmit(t *testing.T) {
	d := newDesk(t)
	county := d.union(&d.city, "示范县总工会")
	school := d.union(&county, "第一小学工会")
	o := d.order(school.ID, 2, 10000, 0)
	d.clock.Advance(time.Hour)
	period := d.periods[0].ID

	t.Run("Wrong", func(t *testing.T) {
		good := report.Submission{Filler: "陈示例", FillerPhone: "10012345678", ExpectedTotalFen: 10000, ExpectedPersonTimes: 1}
		_, err := d.Submit(ctx, by(county), school.ID, period, good)
		code(t, err, model.CodeForbidden)
		for _, change := range []func(*report.Submission){
			func(s *report.Submission) { s.Filler = "  " }, func(s *report.Submission) { s.FillerPhone = "一二三" }, func(s *report.Submission) { s.AsOf = "昨天" },
		} {
			bad := good
			change(&bad)
			_, err := d.Submit(ctx, by(school), school.ID, period, bad)
			code(t, err, model.CodeInvalid)
		}
		_, err = d.Submit(ctx, by(school), school.ID, 99, good)
		code(t, err, model.CodeNotFound)
	})

	t.Run("OtherFiguresThanShown", func(t *testing.T) {
		_, err := d.Submit(ctx, by(school), school.ID, period, report.Submission{Filler: "陈示例", FillerPhone: "10012345678", ExpectedTotalFen: 9999, ExpectedPersonTimes: 1})
		code(t, err, model.CodeConflict)
		if f, ok := err.(*model.Error).Data.(report.Figures); !ok || f.Total.AmountFen != 10000 || len(f.Rows) != 8 {
			t.Errorf("the conflict does not bring the new figures: %+v", err)
		}
		var n int64
		d.read().Model(&model.Statement{}).Count(&n)
		if n != 0 {
			t.Error("a refused form was stored")
		}
	})

	t.Run("FreezesWhatWasShown", func(t *testing.T) {
		shown := d.view(school, 1)
		d.clock.Advance(time.Minute)
		d.order(school.ID, 2, 500, 0) // while the person reads
		d.clock.Advance(time.Minute)
		v, err := d.sign(school, 1, shown)
		if err != nil {
			t.Fatal(err)
		}
		if v.State != "submitted" || !v.Frozen || v.Version != 1 || v.Late || v.FillerPhone != "10012345678" || v.Union.Name != school.Name || !v.AsOf.Equal(shown.AsOf) {
			t.Errorf("%+v", v)
		}
		d.refund(o, 10000)
		d.clock.Advance(time.Hour)
		if again := d.view(school, 1); again.Total != v.Total || again.Total.AmountFen != 10000 {
			t.Errorf("a submitted form changed to %+v", again.Total)
		}
		_, err = d.sign(school, 1, shown)
		code(t, err, model.CodeConflict)
		up, err := d.Statement(ctx, by(county), school.ID, period)
		if err != nil || up.FillerPhone != "100****5678" {
			t.Errorf("the county sees the phone as %q (%v)", up.FillerPhone, err)
		}
		var stored model.Statement
		d.read().Take(&stored)
		if strings.Contains(stored.FillerPhoneSealed, "10012345678") {
			t.Error("the phone is stored readable")
		}
		d.mustVerify()
	})

	t.Run("ReturnAndNextVersion", func(t *testing.T) {
		first := d.view(school, 1)
		_, err := d.Return(ctx, by(school), *first.StatementID, "填错了")
		code(t, err, model.CodeForbidden)
		_, err = d.Return(ctx, by(d.union(&d.city, "别的县")), *first.StatementID, "填错了")
		code(t, err, model.CodeNotFound)
		_, err = d.Return(ctx, by(county), *first.StatementID, " ")
		code(t, err, model.CodeInvalid)
		back, err := d.Return(ctx, by(county), *first.StatementID, "填报人有误")
		if err != nil || back.State != "returned" || !back.Frozen || back.Total != first.Total || back.ReturnReason != "填报人有误" {
			t.Errorf("%+v (%v)", back, err)
		}
		_, err = d.Return(ctx, by(county), *first.StatementID, "再退一次")
		code(t, err, model.CodeConflict)
		open := d.view(school, 1)
		if open.State != "returned" || open.Frozen || open.Total.AmountFen != 500 || open.ReturnReason != "填报人有误" {
			t.Errorf("%+v", open)
		}
		d.clock.Set(modeltest.At("2025-08-26 00:00"))
		second := d.submit(school, 1)
		if second.Version != 2 || !second.Late || second.Total.AmountFen != 500 {
			t.Errorf("%+v", second)
		}
		old, err := d.Snapshot(ctx, by(school), *first.StatementID)
		if err != nil || old.Total != first.Total || old.Version != 1 {
			t.Errorf("the first version is now %+v (%v)", old, err)
		}
		d.mustVerify()
	})
}

// TestSubmitAtOnce shows that of many submissions at the same time one is accepted.
func TestSubmitAtOnce(t *testing.T) {
	d := newDesk(t)
	d.order(d.city.ID, 2, 10000, 0)
	d.clock.Advance(time.Hour)
	shown := d.view(d.city, 1)
	errs := make([]error, 12)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = d.sign(d.city, 1, shown) })
	}
	wg.Wait()
	accepted := 0
	for _, err := range errs {
		if err == nil {
			accepted++
		} else {
			code(t, err, model.CodeConflict)
		}
	}
	var n int64
	d.read().Model(&model.Statement{}).Count(&n)
	if accepted != 1 || n != 1 {
		t.Errorf("%d accepted, %d stored", accepted, n)
	}
	d.mustVerify()
}

// TestRollUp shows that a form counts each union below it once: as submitted if it has, as it stands if not.
func TestRollUp(t *testing.T) {
	d := newDesk(t)
	county := d.union(&d.city, "示范县总工会")
	early, late, never := d.union(&county, "甲工会"), d.union(&county, "乙工会"), d.union(&county, "丙工会")
	buy := func() {
		for _, u := range []model.Union{d.city, county, early, late, never} {
			d.order(u.ID, 2, 1, 0)
		}
		d.clock.Advance(time.Hour)
	}
	buy()
	d.submit(early, 1) // counts 1
	buy()
	atCounty := d.submit(county, 1) // early 1, late 2, never 2, itself 2
	if atCounty.Total.AmountFen != 7 || atCounty.Parts != (report.PartsView{Unions: 4, FromSubmitted: 1}) || atCounty.MissingCount != 2 {
		t.Errorf("county: %+v, %+v, %d missing", atCounty.Total, atCounty.Parts, atCounty.MissingCount)
	}
	buy()
	d.submit(late, 1)
	if v := d.view(d.city, 1); v.Total.AmountFen != 7+3 || v.Parts != (report.PartsView{Unions: 5, FromSubmitted: 4}) {
		t.Errorf("city: %+v, %+v; want the county's form and its own 3", v.Total, v.Parts)
	}
	if _, err := d.Return(ctx, by(d.city), *atCounty.StatementID, "请重报"); err != nil {
		t.Fatal(err)
	}
	if v := d.view(d.city, 1); v.Total.AmountFen != 3+3+1+3+3 || v.Parts != (report.PartsView{Unions: 5, FromSubmitted: 2}) {
		t.Errorf("city after the return: %+v, %+v", v.Total, v.Parts)
	}
	v := d.submit(county, 1)
	if _, err := d.Return(ctx, by(county), *d.view(early, 1).StatementID, "请重报"); err != nil {
		t.Fatal(err)
	}
	if again := d.view(county, 1); again.Total != v.Total || again.Parts.ReturnedSince != 1 {
		t.Errorf("county after its part was returned: %+v, %+v", again.Total, again.Parts)
	}
	d.mustVerify()
}

// TestMovedUnion shows that a union counts where it stood at a period's end, and never twice after it moved.
func TestMovedUnion(t *testing.T) {
	d := newDesk(t)
	from, to := d.union(&d.city, "甲县总工会"), d.union(&d.city, "乙县总工会")
	school := d.union(&from, "第一小学工会")
	d.order(school.ID, 2, 100, 0)
	d.clock.Set(modeltest.At("2025-09-01 09:00"))
	d.move(&school, to)
	d.clock.Advance(time.Hour)
	if a, b := d.view(from, 1), d.view(to, 1); a.Total.AmountFen != 100 || b.Total.AmountFen != 0 {
		t.Errorf("first period: %d where it stood, %d where it went", a.Total.AmountFen, b.Total.AmountFen)
	}
	if a, b := d.view(from, 2), d.view(to, 2); a.Total.AmountFen != 0 || b.Total.AmountFen != 100 {
		t.Errorf("second period: %d where it stood, %d where it went", a.Total.AmountFen, b.Total.AmountFen)
	}

	d.submit(to, 2) // with the school
	d.order(school.ID, 2, 10, 0)
	d.clock.Advance(time.Hour)
	d.move(&school, from)
	d.clock.Advance(time.Hour)
	if v := d.view(d.city, 2); v.Total.AmountFen != 110 {
		t.Errorf("moved out of a submitted form: city counts %d, want 110", v.Total.AmountFen)
	}
	d.submit(from, 2)
	v := d.submit(d.city, 2)
	d.mustEqual("city", v, d.sumByHand(d.storedParts(*v.StatementID)))
	if v.Total.AmountFen != 110 {
		t.Errorf("city counts %d, want 110", v.Total.AmountFen)
	}
	d.mustVerify()
}

// TestClosedUnion shows that a union that was closed still counts, and is not missed.
func TestClosedUnion(t *testing.T) {
	d := newDesk(t)
	school := d.union(&d.city, "第一小学工会")
	d.order(school.ID, 2, 100, 0)
	d.clock.Advance(time.Hour)
	d.read().Model(&model.Union{}).Where("id = ?", school.ID).UpdateColumn("status", "closed")
	d.read().Model(&model.UnionPath{}).Where("union_id = ?", school.ID).UpdateColumn("to_at", d.clock.Now())
	d.clock.Advance(time.Hour)
	if v := d.view(d.city, 1); v.Total.AmountFen != 100 || v.MissingCount != 0 {
		t.Errorf("%+v, %d missing", v.Total, v.MissingCount)
	}
}

// once tells whether no id comes twice.
func once(ids []model.ID) bool {
	sorted := slices.Sorted(slices.Values(ids))
	return len(slices.Compact(sorted)) == len(ids)
}

func TestDrill(t *testing.T) {
	d := newDesk(t)
	county := d.union(&d.city, "示范县总工会")
	school, other := d.union(&county, "第一小学工会"), d.union(&county, "第二小学工会")
	for i := range 23 {
		o := d.order([]model.ID{school.ID, other.ID, county.ID}[i%3], 2+i%2, model.Fen(1000+i), 0)
		if i%5 == 0 {
			d.refund(o, o.AllowanceFen)
		}
	}
	var claims []model.Claim
	for i := range 9 {
		claims = append(claims, d.claim([]model.ID{school.ID, other.ID, county.ID}[i%3], 3+i%2, int64(1+i), model.Fen(3000+i)))
	}
	d.unclaim(claims[1])
	d.clock.Advance(time.Hour)
	d.submit(school, 1)
	d.unclaim(claims[0]) // the school's, after its form
	d.order(school.ID, 2, 5555, 0)
	d.clock.Advance(time.Hour)
	hold := func(v report.StatementView) {
		t.Helper()
		for _, row := range v.Rows {
			var net model.Fen
			counted, seen, page := 0, []model.ID{}, model.Page{Limit: 4}
			for {
				got, err := d.Orders(ctx, county.ID, d.periods[0].ID, row.RowNo, v.AsOf.Format(time.RFC3339Nano), page)
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range got.Items {
					net, counted, seen = net+o.NetFen, counted+o.Counted, append(seen, o.ID)
				}
				if got.NextCursor == nil {
					break
				}
				page.Cursor = *got.NextCursor
			}
			if net != row.AmountFen || counted != row.PersonTimes || !once(seen) {
				t.Errorf("row %d: orders make %d and %d, the form says %+v", row.RowNo, net, counted, row)
			}
		}
	}
	hold(d.view(county, 1))
	v := d.submit(county, 1)
	d.order(county.ID, 2, 7777, 0)
	d.unclaim(claims[5])
	d.clock.Advance(time.Hour)
	hold(v)
	d.mustVerify()
	_, err := d.Orders(ctx, county.ID, d.periods[0].ID, 9, "", model.Page{Limit: 4})
	code(t, err, model.CodeNotFound)
}

func TestProgress(t *testing.T) {
	d := newDesk(t)
	county := d.union(&d.city, "示范县总工会")
	a, b, c := d.union(&county, "甲工会"), d.union(&county, "乙工会"), d.union(&county, "丙工会")
	d.clock.Set(modeltest.At("2025-08-24 09:00"))
	d.submit(a, 1)
	back := d.submit(c, 1)
	if _, err := d.Return(ctx, by(county), *back.StatementID, "请重报"); err != nil {
		t.Fatal(err)
	}
	d.clock.Set(modeltest.At("2025-08-26 09:00"))
	d.submit(b, 1)
	list := func(status string) string {
		t.Helper()
		p, err := d.Progress(ctx, d.city.ID, d.periods[0].ID, status, model.Page{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		if p.Unions != 4 || p.Submitted != 2 || p.Late != 1 || p.Missing != 2 || p.Period.DaysLeft != -1 {
			t.Errorf("%+v", p)
		}
		names := []string{}
		for _, i := range p.Items {
			names = append(names, i.Union.Name+i.Status)
			if i.Returned != (i.Union.ID == c.ID) {
				t.Errorf("%+v", i)
			}
		}
		return strings.Join(names, " ")
	}
	for status, want := range map[string]string{
		"": "示范县总工会missing 甲工会submitted 乙工会late 丙工会missing", "missing": "示范县总工会missing 丙工会missing", "submitted": "甲工会submitted 乙工会late", "late": "乙工会late",
	} {
		if got := list(status); got != want {
			t.Errorf("%q: %s, want %s", status, got, want)
		}
	}
	p, err := d.Progress(ctx, d.city.ID, d.periods[0].ID, "", model.Page{Limit: 3})
	if err != nil || len(p.Items) != 3 || p.NextCursor == nil || *p.NextCursor != b.ID {
		t.Errorf("%+v (%v)", p, err)
	}
	_, err = d.Progress(ctx, d.city.ID, d.periods[0].ID, "gone", model.Page{Limit: 3})
	code(t, err, model.CodeInvalid)
}

func TestExport(t *testing.T) {
	d := newDesk(t)
	school := d.union(&d.city, "第一小学/工会")
	d.order(school.ID, 2, 12345, 0)
	d.clock.Advance(time.Hour)
	draft, err := d.Export(ctx, by(school), school.ID, d.periods[0].ID, "xlsx")
	if err != nil || !draft.Form.Draft || draft.Name != "工会消费帮扶情况统计表_第一小学_工会_2025年第1期_草稿.xlsx" {
		t.Errorf("%+v (%v)", draft, err)
	}
	v := d.submit(school, 1)
	d.read().Model(&model.Union{}).Where("id = ?", school.ID).UpdateColumn("name", "改了名的工会")
	for _, format := range []string{"xlsx", "pdf"} {
		f, err := d.ExportSnapshot(ctx, by(d.city), *v.StatementID, format)
		if err != nil {
			t.Fatal(err)
		}
		if f.Form.Draft || f.Form.Phone != "10012345678" || f.Form.Filler != "陈示例" || f.Form.Date != "2025-01-02" || f.Form.Rows[1].Amount != 12345 ||
			f.Form.Total().Amount != 12345 || f.Form.UnionName != school.Name || f.Form.DocumentNo != "湛工总〔2023〕25号" {
			t.Errorf("%+v", f.Form)
		}
		var out bytes.Buffer
		if err := f.Write(&out); err != nil || out.Len() == 0 {
			t.Errorf("%s: %d bytes, %v", format, out.Len(), err)
		}
	}
	_, err = d.ExportSnapshot(ctx, by(d.city), *v.StatementID, "docx")
	code(t, err, model.CodeInvalid)
}

// TestVerifySnapshots shows that each kind of damage to a submitted form is found.
func TestVerifySnapshots(t *testing.T) {
	for name, damage := range map[string]string{
		"Amount":      "UPDATE statement_rows SET amount_fen = amount_fen + 1 WHERE row_no = 2",
		"PersonTimes": "UPDATE statement_rows SET person_times = 0 WHERE row_no = 2",
		"Invested":    "UPDATE statement_rows SET invested_fen = 0 WHERE row_no = 2",
		"RowGone":     "DELETE FROM statement_rows WHERE row_no = 8",
		"PartGone":    "DELETE FROM statement_parts",
		"OrderMoved":  "UPDATE orders SET channel_id = channel_id + 1",
		"OrderGone":   "DELETE FROM orders",
		"RefundAdded": "INSERT INTO refunds (id, order_id, union_id, kind, amount_fen, allowance_fen, wechat_fen, reason, refunded_at) SELECT 5, id, union_id, 'cancel', 1, 1, 0, '', paid_at FROM orders",
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.order(d.city.ID, 2, 100, 0)
			d.issued(d.city.ID, "grant", 300)
			d.clock.Advance(time.Hour)
			v := d.submit(d.city, 1)
			d.mustVerify()
			if rows, err := report.Recount(d.read(), *v.StatementID); err != nil || rows[1].Amount != 100 || rows[1].Invested != 300 || rows[1].PersonTimes != 1 {
				t.Fatalf("recount: %+v (%v)", rows[1], err)
			}
			if err := d.read().Exec(damage).Error; err != nil {
				t.Fatal(err)
			}
			if found, err := report.VerifySnapshots(d.read()); err != nil || len(found) == 0 {
				t.Errorf("not found: %v (%v)", found, err)
			}
		})
	}
}

func TestPeriods(t *testing.T) {
	d := newDesk(t)
	p, err := d.Periods(ctx, 0)
	if err != nil || len(p.Items) != 3 || p.Items[2].DueOn != "2026-02-28" || p.Items[0].StartsOn != "2025-01-01" {
		t.Errorf("%+v (%v)", p, err)
	}
	_, err = d.Periods(ctx, 2031)
	code(t, err, model.CodeNoPolicy)
}
