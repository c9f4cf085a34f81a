package app_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/service/allowance"
	"bangfu/service/claim"
	"bangfu/service/identity"
	"bangfu/service/report"
)

// TestClaimCounts shows a purchase made elsewhere from its entry to its channel's row of the form, and off it again, with a
// submitted form standing.
func TestClaimCounts(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	members := h.purseHolders(a.union, 0, 3)
	v := a.claim(a.claimInput(bill(1), map[string]any{"person_times": nil, "persons": listing(members), "amount_fen": 100000}))
	if v.Status != "entered" || v.PersonTimes != 3 || !v.Listed || !v.EvenSplit || v.Year != 2025 || v.Channel.FormRow != 7 || len(v.Files) != 1 || v.CountedAt != nil {
		t.Errorf("entered: %+v", v)
	}
	var persons model.List[claim.PersonView]
	a.approver.get(claimPath(v.ID) + "/persons").ok(&persons)
	if len(persons.Items) != 3 || persons.Items[0].AmountFen != 33334 || persons.Items[2].AmountFen != 33333 {
		t.Errorf("shares: %+v", persons.Items)
	}
	a.approver.get(console + "/files/" + v.Files[0].ID.String()).ok(nil)
	a.approver.money(a.claimsPath(), a.nextKey(), map[string]any{}).fails(model.CodeForbidden)
	a.admin.money(claimPath(v.ID)+"/approve", a.nextKey(), map[string]any{"version": 1}).fails(model.CodeForbidden)
	h.update(&model.Claim{}, v.ID, map[string]any{"entered_by": a.approver.staff.ID})
	a.tryPass(v).fails(model.CodeSamePerson)
	a.approver.post(claimPath(v.ID)+"/reject", map[string]any{"note": "错"}).fails(model.CodeSamePerson)
	h.update(&model.Claim{}, v.ID, map[string]any{"entered_by": a.admin.staff.ID})
	v = a.pass(v)
	if v.Status != "approved" || v.DecidedBy == nil || v.CountedAt == nil || h.capOf(members[0]) != 33334 || h.capOf(members[2]) != 33333 {
		t.Errorf("approved: %+v, caps %d, %d", v, h.capOf(members[0]), h.capOf(members[2]))
	}
	a.tryPass(v).fails(model.CodeConflict)
	a.claim(a.claimInput(bill(2), nil)) // never approved: never counts
	if r := a.formRow(1, 7); r != (formRow{}) {
		t.Errorf("counted at once: %+v", r)
	}
	h.clock.Advance(time.Minute)
	if r := a.formRow(1, 7); r != (formRow{3, 100000, 100000}) {
		t.Errorf("row 7: %+v", r)
	}
	a.drills(7, claimPurchase{"claim", v.ID, 100000, 3})

	a.admin.post(a.form(1)+"/submit", map[string]any{"filler": "王填报", "filler_phone": "10000001111", "expected_total_fen": 100000, "expected_person_times": 3}).ok(nil)
	h.update(&model.Claim{}, v.ID, map[string]any{"entered_by": a.approver.staff.ID})
	a.unpass(v).fails(model.CodeSamePerson)
	h.update(&model.Claim{}, v.ID, map[string]any{"entered_by": a.admin.staff.ID})
	a.unpass(v).ok(&v)
	if v.Status != "revoked" || v.RevokedAt == nil || v.RevokeReason != "发票已作废" || h.capOf(members[0]) != 0 {
		t.Errorf("revoked: %+v", v)
	}
	a.unpass(v).fails(model.CodeConflict)
	h.clock.Advance(time.Minute)
	if first, second := a.formRow(1, 7), a.formRow(2, 7); first != (formRow{3, 100000, 100000}) || second != (formRow{}) {
		t.Errorf("submitted %+v, next %+v", first, second)
	}
	a.drills(7, claimPurchase{"claim", v.ID, 100000, 3})
	a.claim(a.claimInput(bill(1), nil)) // its bill may be entered anew
	h.balanced()
}

type claimPurchase struct {
	kind    string
	id      model.ID
	net     model.Fen
	counted int
}

// drills holds the purchases behind a row of the first form against want.
func (t *treasury) drills(row int, want ...claimPurchase) {
	t.h.t.Helper()
	var list model.List[report.CountedOrder]
	var page struct {
		AsOf  time.Time `json:"as_of"`
		Items []report.CountedOrder
	}
	t.admin.get(fmt.Sprintf("%s/rows/%d/orders", t.form(1), row)).ok(&page)
	list.Items = page.Items
	var got []claimPurchase
	for _, o := range list.Items {
		got = append(got, claimPurchase{o.Kind, o.ID, o.NetFen, o.Counted})
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.h.t.Errorf("behind row %d: %+v, want %+v", row, got, want)
	}
}

// TestClaimRefused shows what cannot be entered, each with its field.
func TestClaimRefused(t *testing.T) {
	h := newHouse(t)
	a, b := h.treasury("第一工会"), h.treasury("第二工会")
	members, strangers := h.purseHolders(a.union, 0, 3), h.purseHolders(b.union, 10, 1)
	closed := h.channel("province", "4")
	h.update(&model.Channel{}, closed, map[string]any{"status": "closed"})
	file := a.evidence()
	for i, c := range []struct {
		change map[string]any
		code   model.Code
		field  string
	}{
		{map[string]any{"channel_id": h.channel("city", "1")}, model.CodeInvalid, "channel_id"},
		{map[string]any{"channel_id": closed}, model.CodeInvalid, "channel_id"},
		{map[string]any{"channel_id": "1"}, model.CodeInvalid, "channel_id"},
		{map[string]any{"purchased_on": "2025-03-04"}, model.CodeInvalid, "purchased_on"}, // tomorrow
		{map[string]any{"purchased_on": "2025-02-30"}, model.CodeInvalid, "purchased_on"},
		{map[string]any{"purchased_on": "2022-12-31"}, model.CodeNoPolicy, ""},
		{map[string]any{"purchased_on": "2023-05-01"}, model.CodeNoPolicy, ""}, // its last form is over
		{map[string]any{"amount_fen": 0}, model.CodeInvalid, "amount_fen"},
		{map[string]any{"amount_fen": 240001}, model.CodeCapExceeded, "amount_fen"}, // 4 times 600 yuan
		{map[string]any{"purse": "other"}, model.CodeInvalid, "purse"},
		{map[string]any{"invoice_no": "12345678"}, model.CodeInvalid, "invoice_code"},
		{map[string]any{"invoice_no": "123"}, model.CodeInvalid, "invoice_no"},
		{map[string]any{"file_ids": []model.ID{}}, model.CodeInvalid, "file_ids"},
		{map[string]any{"file_ids": []model.ID{b.evidence()}}, model.CodeInvalid, "file_ids"},
		{map[string]any{"file_ids": []model.ID{file, file}}, model.CodeInvalid, "file_ids"},
		{map[string]any{"person_times": nil}, model.CodeInvalid, "person_times"},
		{map[string]any{"persons": listing(members)}, model.CodeInvalid, "person_times"}, // both
		{map[string]any{"person_times": nil, "persons": listing(strangers)}, model.CodeInvalid, "persons"},
		{map[string]any{"person_times": nil, "persons": append(listing(members), listing(members[:1])...)}, model.CodeInvalid, "persons"},
		{map[string]any{"person_times": nil, "persons": append(listing(members[:1]), listing(members[1:2], 60000)...)}, model.CodeInvalid, "persons"},
		{map[string]any{"person_times": nil, "persons": listing(members, 40000, 40000, 39999)}, model.CodeInvalid, "persons"},
		{map[string]any{"person_times": nil, "persons": listing(members, 60001, 50000, 9999)}, model.CodeCapExceeded, "amount_fen"},
		{map[string]any{"person_times": nil, "persons": listing(members), "amount_fen": 2}, model.CodeInvalid, "amount_fen"},
		{map[string]any{"year": 2025}, model.CodeInvalid, "year"},
	} {
		e := a.tryClaim(a.claimInput(bill(i), c.change)).fails(c.code)
		if c.field != "" && (len(e.Fields) == 0 || e.Fields[0].Name != c.field) {
			t.Errorf("%v: %+v, want field %s", c.change, e, c.field)
		}
	}
	a.claim(a.claimInput(bill(1), map[string]any{"amount_fen": 240000}))
	a.claim(a.claimInput(bill(2), map[string]any{"amount_fen": 9000000, "purse": "festival"})) // no cap but the extra purse's
	h.balanced()
}

// TestOneBillOnce shows that a bill counts once in the city, and that who enters another union's bill learns no more than that.
func TestOneBillOnce(t *testing.T) {
	h := newHouse(t)
	a, b := h.treasury("第一工会"), h.treasury("第二工会")
	old := map[string]any{"invoice_code": "044001900111"}
	v := a.claim(a.claimInput("12345678", old))
	e := a.tryClaim(a.claimInput("0440 0190 0111 1234 5678", nil)).fails(model.CodeConflict) // the same, typed as one number
	if e.Fields[0].Name != "invoice_no" || !strings.Contains(e.Message, "1200.00") || !strings.Contains(e.Message, "待审批") {
		t.Errorf("one's own: %+v", e)
	}
	e = b.tryClaim(b.claimInput("１２３４５６７８", old)).fails(model.CodeConflict)
	if strings.Contains(e.Message, "1200") || strings.Contains(e.Message, "第一工会") || !strings.Contains(e.Message, "其他单位") || len(e.Data) > 0 {
		t.Errorf("another union's: %+v", e)
	}
	a.approver.post(claimPath(v.ID)+"/reject", map[string]any{}).fails(model.CodeInvalid)
	a.approver.post(claimPath(v.ID)+"/reject", map[string]any{"note": "抬头不符"}).ok(&v)
	if v.Status != "rejected" || v.DecisionNote != "抬头不符" {
		t.Errorf("rejected: %+v", v)
	}
	w := b.claim(b.claimInput("12345678", old))
	b.admin.post(claimPath(w.ID)+"/withdraw", nil).ok(&w)
	b.admin.post(claimPath(w.ID)+"/withdraw", nil).fails(model.CodeConflict)
	b.tryPass(w).fails(model.CodeConflict)
	if w.Status != "withdrawn" {
		t.Errorf("withdrawn: %+v", w)
	}
	a.pass(a.claim(a.claimInput("12345678", old)))
	h.balanced()
}

// TestSameBillAtOnce shows that of two unions that enter the same bill at once, one wins.
func TestSameBillAtOnce(t *testing.T) {
	h := newHouse(t)
	a, b := h.treasury("第一工会"), h.treasury("第二工会")
	for n := range 8 {
		inputs := []map[string]any{a.claimInput(bill(n), nil), b.claimInput(bill(n), nil)}
		codes := make([]int, 2)
		var wg sync.WaitGroup
		for i, who := range []*treasury{a, b} {
			key := who.nextKey()
			wg.Go(func() { codes[i] = who.admin.money(who.claimsPath(), key, inputs[i]).Status })
		}
		wg.Wait()
		if codes[0]+codes[1] != 201+409 {
			t.Errorf("bill %d: %v", n, codes)
		}
	}
	h.balanced()
}

// TestClaimAndCap shows that listed claims of the extra purse and grants share each person's cap, whoever comes first.
func TestClaimAndCap(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	members := h.purseHolders(a.union, 0, 3)
	a.topup("extra", 2025, 1000000)
	a.issue(map[string]any{"selection": "list", "member_ids": []model.ID{members[0].ID}, "amount_fen": 50000})
	v := a.claim(a.claimInput(bill(1), map[string]any{"person_times": nil, "persons": listing(members, 10001, 60000, 49999)}))
	e := a.tryPass(v).fails(model.CodeCapExceeded)
	if !strings.Contains(e.Message, "有 1 人") || !strings.Contains(e.Message, model.MaskName(members[0].Name)+"（已计 500.00 元，本次 100.01 元）") || !strings.Contains(string(e.Data), `"over_cap":1`) {
		t.Errorf("over the cap: %+v %s", e, e.Data)
	}
	if h.capOf(members[1]) != 0 {
		t.Error("a refused claim left its mark")
	}
	in := a.claimInput(bill(1), map[string]any{"person_times": nil, "persons": listing(members, 10000, 60000, 49999), "amount_fen": 119999})
	a.admin.do(request{method: "PUT", path: claimPath(v.ID), body: map[string]any{"version": 1, "claim": in}}).ok(&v)
	a.pass(v)
	if g := a.issue(map[string]any{"amount_fen": 20000}); g.CutItems != 1 || g.SkippedItems != 2 || g.IssuedFen != 10001 {
		t.Errorf("granted after the claim: %+v", g)
	}
	for _, i := range a.items(a.grants(), "").Items {
		if i.Status == "cut" && i.Reason != "本年度已计入 499.99 元（其中已登记的其他渠道采购 499.99 元），按每人每年 600.00 元上限，本次实发 100.01 元" {
			t.Errorf("reason: %s", i.Reason)
		}
	}
	a.unpass(v).ok(nil)
	for i, want := range []model.Fen{50000, 0, 10001} {
		if got := h.capOf(members[i]); got != want {
			t.Errorf("member %d: %d after revoking, want %d", i, got, want)
		}
	}
	city := h.staffAs(identity.RoleCityFederation, h.root())
	lower := map[string]any{"document_no": "x", "title": "x", "cap_fen": 30000, "starts_on": "2025-01-01", "ends_on": "2025-12-31", "periods": []map[string]any{{"seq": 1, "name": "一", "due_on": "2025-08-25"}}}
	city.do(request{method: "PUT", path: console + "/policies/2025", body: lower}).fails(model.CodeConflict)
	h.balanced()
}

// grants is the latest grant of the union.
func (t *treasury) grants() model.ID {
	t.h.t.Helper()
	var list model.List[allowance.GrantView]
	t.admin.get(console + "/unions/" + t.union.ID.String() + "/grants?limit=1").ok(&list)
	return list.Items[0].ID
}

// TestClaimRaces shows that a claim is approved once however many approve it, and that a claim and a grant that race for one
// person's cap never go over it together.
func TestClaimRaces(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	members := h.purseHolders(a.union, 0, 4)
	a.topup("extra", 2025, 1000000)
	t.Run("ApprovedOnce", func(t *testing.T) {
		v := a.claim(a.claimInput(bill(1), map[string]any{"person_times": nil, "persons": listing(members[:1]), "amount_fen": 20000}))
		var wg sync.WaitGroup
		codes := make([]int, 6)
		for i := range codes {
			key := a.nextKey()
			wg.Go(func() {
				codes[i] = a.approver.money(claimPath(v.ID)+"/approve", key, map[string]any{"version": 1}).Status
			})
		}
		wg.Wait()
		won := 0
		for _, c := range codes {
			if c == 200 {
				won++
			} else if c != 409 {
				t.Errorf("status %d", c)
			}
		}
		if won != 1 || h.capOf(members[0]) != 20000 {
			t.Errorf("%d won, the cap counts %d", won, h.capOf(members[0]))
		}
	})
	t.Run("ClaimAgainstGrant", func(t *testing.T) {
		for n, m := range members[1:] {
			v := a.claim(a.claimInput(bill(10+n), map[string]any{"person_times": nil, "persons": listing([]model.Member{m}), "amount_fen": 40000}))
			var g allowance.GrantView
			a.draft(map[string]any{"selection": "list", "member_ids": []model.ID{m.ID}, "amount_fen": 40000}).ok(&g)
			path := console + "/grants/" + g.ID.String()
			a.approver.money(path+"/approve", a.nextKey(), map[string]any{}).ok(nil)
			a.admin.money(path+"/issue", a.nextKey(), nil).ok(nil)
			key, code := a.nextKey(), 0
			var wg sync.WaitGroup
			wg.Go(h.drain)
			wg.Go(func() {
				code = a.approver.money(claimPath(v.ID)+"/approve", key, map[string]any{"version": 1}).Status
			})
			wg.Wait()
			g = a.grant(g.ID)
			want := map[int]model.Fen{200: 60000, 422: 40000}[code] // claim and the grant's rest, or the grant alone
			if got := h.capOf(m); got != want || got != g.IssuedFen+map[int]model.Fen{200: 40000}[code] {
				t.Errorf("approved: %d, granted %d, the cap counts %d", code, g.IssuedFen, got)
			}
		}
	})
	h.balanced()
}

// TestClaimCorrected shows that what is approved is what was looked at.
func TestClaimCorrected(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	members := h.purseHolders(a.union, 0, 3)
	put := func(v claim.View, version int, in map[string]any) *answer {
		return a.admin.do(request{method: "PUT", path: claimPath(v.ID), body: map[string]any{"version": version, "claim": in}})
	}
	v := a.claim(a.claimInput(bill(1), map[string]any{"person_times": nil, "persons": listing(members), "amount_fen": 300}))
	a.claim(a.claimInput(bill(2), nil))
	put(v, 1, a.claimInput(bill(2), nil)).fails(model.CodeConflict) // another claim's bill
	var w claim.View
	put(v, 1, a.claimInput(bill(3), map[string]any{"person_times": nil, "amount_fen": 301, "channel_id": h.channel("city", "2"), "note": "更正"})).ok(&w)
	if w.Version != 2 || w.InvoiceNo != bill(3) || w.PersonTimes != 3 || !w.EvenSplit || w.Channel.FormRow != 3 || w.Note != "更正" || len(w.Files) != 1 {
		t.Errorf("corrected: %+v", w)
	}
	put(v, 1, a.claimInput(bill(4), nil)).fails(model.CodeConflict)
	if e := a.tryPass(v).fails(model.CodeConflict); !strings.Contains(e.Message, "更正过") {
		t.Errorf("approving the version before: %+v", e)
	}
	a.claim(a.claimInput(bill(1), nil)) // the bill it had is free
	put(w, 2, a.claimInput(bill(3), map[string]any{"person_times": nil, "persons": listing(members, 100, 100, 100), "amount_fen": 300})).ok(&w)
	e := put(w, 3, a.claimInput(bill(3), map[string]any{"person_times": nil, "amount_fen": 301})).fails(model.CodeInvalid)
	if e.Fields[0].Name != "persons" {
		t.Errorf("another amount with the same shares: %+v", e)
	}
	a.pass(w)
	put(w, 3, a.claimInput(bill(3), nil)).fails(model.CodeConflict)
	a.admin.post(claimPath(w.ID)+"/withdraw", nil).fails(model.CodeConflict)

	var list model.List[claim.View]
	a.admin.get(a.claimsPath() + "?status=approved&year=2025&purse=extra&channel_id=" + h.channel("province", "3").String()).ok(&list)
	if len(list.Items) != 1 || list.Items[0].ID != w.ID {
		t.Errorf("list: %+v", list.Items)
	}
	h.staffAs(identity.RoleCityFederation, h.root()).get(console + "/unions/" + h.root().ID.String() + "/claims?subtree=true&limit=2").ok(&list)
	if len(list.Items) != 2 || list.NextCursor == nil {
		t.Errorf("of the city's subtree: %+v", list)
	}
	h.balanced()
}

// TestClaimList shows that a spreadsheet of persons becomes what can be entered, with and without amounts, and that wrong rows are told.
func TestClaimList(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	h.purseHolders(a.union, 0, 3)
	path := console + "/unions/" + a.union.ID.String() + "/claim-lists"
	sheet := func(amounts ...string) []byte {
		var b strings.Builder
		b.WriteString("姓名,身份证号,手机号,金额(元)\n")
		for i, amount := range amounts {
			b.WriteString(buyerLine(i) + amount + "\n")
		}
		return []byte(b.String())
	}
	var list claim.PersonList
	a.admin.upload(path, "名单.csv", sheet("100.5", "200", "0.01"), nil).ok(&list)
	if list.Count != 3 || list.TotalFen != 30051 || *list.Items[0].AmountFen != 10050 {
		t.Errorf("with amounts: %+v", list)
	}
	a.admin.upload(path, "名单.csv", sheet("", "", ""), nil).ok(&list)
	if list.Count != 3 || list.TotalFen != 0 || list.Items[0].AmountFen != nil {
		t.Errorf("without: %+v", list)
	}
	persons := []map[string]any{}
	for _, p := range list.Items {
		persons = append(persons, map[string]any{"member_id": p.MemberID})
	}
	a.pass(a.claim(a.claimInput(bill(1), map[string]any{"person_times": nil, "persons": persons})))
	e := a.admin.upload(path, "名单.csv", sheet("1", "", "1"), nil).fails(model.CodeInvalid)
	if len(e.Fields) != 1 || !strings.Contains(e.Fields[0].Message, "第 3 行") {
		t.Errorf("one without: %+v", e)
	}
	e = a.admin.upload(path, "名单.csv", sheet("1", "1", "1", "1"), nil).fails(model.CodeInvalid)
	if len(e.Fields) != 1 || !strings.Contains(e.Fields[0].Message, "第 5 行") || !strings.Contains(e.Message, "没有读入") {
		t.Errorf("somebody else: %+v", e)
	}
	if got := a.admin.get(console + "/claim-list-template").ok(nil); len(got.Body) < 1000 {
		t.Errorf("template of %d bytes", len(got.Body))
	}
	h.balanced()
}

// TestClaimChannelStays shows that a channel under which something was claimed stays in its row of the form.
func TestClaimChannelStays(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	city := h.staffAs(identity.RoleCityFederation, h.root())
	used, unused := console+"/channels/"+h.channel("province", "3").String(), console+"/channels/"+h.channel("province", "5").String()
	v := a.claim(a.claimInput(bill(1), nil))
	city.do(request{method: "PATCH", path: used, body: map[string]any{"form_row": 8}}).fails(model.CodeConflict)
	city.do(request{method: "PATCH", path: unused, body: map[string]any{"form_row": 3}}).ok(nil)
	city.do(request{method: "PATCH", path: used, body: map[string]any{"status": "closed"}}).ok(nil)
	if e := a.tryPass(v).fails(model.CodeConflict); !strings.Contains(e.Message, "已停用") {
		t.Errorf("approved at a closed channel: %+v", e)
	}
	city.do(request{method: "PATCH", path: used, body: map[string]any{"status": "active"}}).ok(nil)
	a.pass(v)
	h.balanced()
}

// TestClaimAfterTheYear shows that a purchase of December may be entered until the year's last form is due, and counts there.
func TestClaimAfterTheYear(t *testing.T) {
	h := newHouse(t)
	a := h.treasury("第一工会")
	h.turn("2026-02-28 23:00")
	late := map[string]any{"purchased_on": "2025-12-31"}
	v := a.pass(a.claim(a.claimInput(bill(1), late)))
	waiting := a.claim(a.claimInput(bill(2), late))
	h.turn("2026-03-01 00:00")
	if r := a.formRow(3, 7); r != (formRow{4, 120000, 120000}) {
		t.Errorf("row 7: %+v", r)
	}
	a.tryPass(waiting).fails(model.CodeNoPolicy)
	a.tryClaim(a.claimInput(bill(3), late)).fails(model.CodeNoPolicy)
	a.tryClaim(a.claimInput(bill(3), map[string]any{"purchased_on": "2026-02-01"})).fails(model.CodeNoPolicy)
	a.unpass(v).ok(nil)
	if r := a.formRow(3, 7); r.Amount != 120000 {
		t.Errorf("revoked after the last form: %+v", r)
	}
	h.balanced()
}
