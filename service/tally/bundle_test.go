package tally

import (
	"math"
	"slices"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/model/modeltest"
)

// TestBundleKeepsEvents shows that what is put into bundles comes out again, whatever it is.
func TestBundleKeepsEvents(t *testing.T) {
	db := modeltest.Open(t, nil)
	now := db.Now()
	later := now.Add(time.Second)
	events := []model.TallyEvent{
		{Kind: kindMove, UnionID: 7, At: now},
		{Kind: kindOrder, RefID: math.MaxInt64, MemberID: math.MaxInt64, UnionID: math.MaxInt64, Year: 2026, ChannelID: math.MaxInt64, Purse: model.PurseActivity, Times: math.MinInt64,
			AmountFen: math.MinInt64, WechatFen: math.MinInt64, InvestedFen: math.MinInt64, PurseFen: math.MinInt64, Holders: math.MinInt64, At: now},
		{Kind: kindRefund, RefID: 1, UnionID: 35, Year: 2026, Times: -1, AmountFen: -36, At: later},
		{Kind: kindGrant, UnionID: 36, Year: 2026, Purse: model.PurseFestival, PurseFen: 100, InvestedFen: 100, Holders: 2, At: now},
	}
	for range 2*perBundle + 1 {
		events = append(events, events[1])
	}
	if err := Write(db.Read(t.Context()), db, events...); err != nil {
		t.Fatal(err)
	}
	var rows []model.TallyBundle
	if err := db.Read(t.Context()).Order("id").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	var got []model.TallyEvent
	for _, b := range rows {
		some, err := open(b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, some...)
	}
	if len(rows) != 5 || !slices.EqualFunc(got, events, func(a, b model.TallyEvent) bool {
		same := a.At.Equal(b.At)
		a.At = b.At
		return same && a == b
	}) {
		t.Errorf("%d bundles, %d events of %d", len(rows), len(got), len(events))
	}
}

// TestBrokenBundle shows that a bundle that is not what Write wrote is an error and not a wrong figure.
func TestBrokenBundle(t *testing.T) {
	whole := string(encode(nil, model.TallyEvent{Kind: kindSign, UnionID: 1, Times: 1}))
	for _, b := range []model.TallyBundle{
		{Events: 1}, {Events: 2, Body: whole}, {Events: 1, Body: whole + ";" + whole}, {Events: 1, Body: whole + ","}, {Events: 1, Body: whole[:len(whole)-1]},
		{Events: 1, Body: "sign,,x y,,,,,,,,,"}, {Events: 1, Body: "sign,,zzzzzzzzzzzzzzzz,,,,,,,,,"},
	} {
		if events, err := open(b); err == nil {
			t.Errorf("%q is %+v", b.Body, events)
		}
	}
	if _, err := open(model.TallyBundle{Events: 1, Body: whole}); err != nil {
		t.Error(err)
	}
}

// FuzzDecode shows that what decodes is what is encoded again.
func FuzzDecode(f *testing.F) {
	f.Add("order,extra,1k2,9,a,,1k9,1,2s,,,2s,-1")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := decode(text, time.Time{})
		if err != nil {
			return
		}
		again, err := decode(string(encode(nil, e)), time.Time{})
		if err != nil || again != e {
			t.Errorf("%q: %+v, then %+v (%v)", text, e, again, err)
		}
	})
}
