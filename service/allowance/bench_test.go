package allowance

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"bangfu/model"
	"bangfu/service/union/rosterfile"
)

// TestRates issues a grant to 100,000 members, cuts a second union's grant for the same persons to the cap, and ends the
// year; it prints the rates. Run it with BENCH=1 (and TEST_DB=mysql for MySQL or MariaDB).
func TestRates(t *testing.T) {
	if os.Getenv("BENCH") == "" {
		t.Skip("BENCH is not set: rates are measured on request only")
	}
	const people = 100_000
	b := newBench(t)
	ctx := context.Background()
	measure := func(what string, items int, fn func()) {
		start := time.Now()
		fn()
		took := time.Since(start)
		t.Logf("%-40s %7d in %6.2f s: %7.0f/s", what, items, took.Seconds(), float64(items)/took.Seconds())
	}
	first, second := b.union("甲工会", 0, people), b.union("乙工会", 0, people)
	b.topup(first, model.PurseExtra, people*60000)
	b.topup(second, model.PurseExtra, people*60000)
	list := amountSheet(t, people)
	measure("draft from a spreadsheet", people, func() {
		_, err := b.UploadGrant(ctx, clerk, b.nextKey(), first.ID, UploadInput{Purse: model.PurseFestival, Year: 2025, Title: "名单"}, bytes.NewReader(list))
		b.must(err)
	})
	var g, h model.ID
	measure("draft over the roster", people, func() { g = b.approved(first, model.PurseExtra, 40000) })
	_, err := b.StartGrant(ctx, clerk, b.nextKey(), g)
	b.must(err)
	measure("issue in full", people, func() { b.must(b.issue(ctx, g)) })
	h = b.approved(second, model.PurseExtra, 60000)
	_, err = b.StartGrant(ctx, clerk, b.nextKey(), h)
	b.must(err)
	measure("issue, every item cut to the cap", people, func() { b.must(b.issue(ctx, h)) })
	if a, c := b.grant(g), b.grant(h); a.IssuedItems != people || c.CutItems != people {
		t.Errorf("%+v %+v", a, c)
	}
	b.clock.Set(model.Year(2025).End())
	b.must(b.SweepDue(ctx))
	measure("sweep", 2*people, func() { b.must(b.jobs.Drain(ctx)) })
	measure("reconcile", 2*people, b.balanced)
}

// amountSheet is a list of the first people with an amount each.
func amountSheet(t *testing.T, people int) []byte {
	t.Helper()
	book := excelize.NewFile()
	w, err := book.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	_ = w.SetRow("A1", []any{"姓名", "身份证号", "金额(元)"})
	for i := range people {
		if err := w.SetRow("A"+strconv.Itoa(i+2), []any{"职工甲", rosterfile.DemoIDNumber(i), 100.01}); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := book.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
