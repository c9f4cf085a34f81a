package risk_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/risk"
)

const day = 24 * time.Hour

// rulesAtWork has for each rule a town where all is well, what then makes it fire, how much it counts, and who it concerns.
var rulesAtWork = []struct {
	rule     string
	innocent func(w *town)
	guilty   func(w *town)
	size     int64
	union    func(w *town) model.Union // the lowest one that may see it
	figure   string
	value    int64
}{
	{"same_address",
		func(w *town) { // a family of two; a unit's group purchase; five who gave up; many over the year
			for _, m := range w.members(w.unions[0][0], 2) {
				w.order(m, buy{to: "家"})
			}
			for _, m := range w.members(w.unions[0][0], 8) {
				w.order(m, buy{kind: "group"})
				w.order(m, buy{to: "旧址", ago: 40 * day})
				w.order(m, buy{to: "取消", status: "cancelled"})
				w.order(m, buy{to: "未付", status: "closed"})
			}
		},
		func(w *town) {
			for i, m := range append(w.members(w.unions[0][0], 4), w.members(w.unions[0][1], 3)...) {
				w.order(m, buy{to: "仓库", ago: time.Duration(i) * day, price: 100_00})
			}
		}, 7, func(w *town) model.Union { return w.counties[0] }, "amount_fen", 700_00},
	{"same_basket",
		func(w *town) {
			for i, m := range w.members(w.unions[0][0], 4) { // one address, but other goods, or hours apart
				w.order(m, buy{to: "宿舍", sku: model.ID(i + 1), ago: 2 * time.Hour})
				w.order(m, buy{to: "宿舍2", ago: time.Duration(i+1) * time.Hour})
				w.order(m, buy{to: "各家" + w.unique(), ago: time.Hour}) // a sale: the same goods to each one's home
			}
		},
		func(w *town) {
			for i, m := range w.members(w.unions[0][1], 3) {
				w.order(m, buy{to: "仓库", ago: time.Hour + time.Duration(i)*time.Minute, pieces: 2})
			}
		}, 3, func(w *town) model.Union { return w.unions[0][1] }, "orders", 3},
	{"bulk_sku",
		func(w *town) {
			for _, m := range w.members(w.unions[0][0], 5) { // everybody buys eggs by the dozen
				w.order(m, buy{sku: 2, pieces: 24, price: 1_00})
			}
			m := w.member(w.unions[0][0])
			w.order(m, buy{sku: 3, pieces: 1, price: 600_00})                  // the whole allowance on one big thing
			w.order(m, buy{sku: 4, pieces: 30, price: 1_00, status: "closed"}) // never paid
		},
		func(w *town) {
			for _, m := range w.members(w.unions[0][0], 9) {
				w.order(m, buy{sku: 5, price: 10_00})
			}
			m := w.member(w.unions[0][2])
			w.order(m, buy{sku: 5, pieces: 12, price: 10_00})
			w.order(m, buy{sku: 5, pieces: 10, price: 10_00, ago: 5 * day})
		}, 22, func(w *town) model.Union { return w.unions[0][2] }, "pieces", 22},
	{"refunds_person",
		func(w *town) {
			m := w.member(w.unions[0][0])
			for i := range 9 { // two of nine orders; one whole order of one
				o := w.order(m, buy{ago: time.Duration(i+1) * day})
				if i < 2 {
					w.refunds(o, "after_sale", time.Hour)
				}
			}
			w.refunds(w.order(w.member(w.unions[0][0]), buy{}), "cancel", time.Minute)
			voided := w.member(w.unions[0][0])
			for range 5 { // the cashier's slips
				w.refunds(w.order(voided, buy{kind: "counter"}), "void", time.Minute)
			}
		},
		func(w *town) {
			m := w.member(w.unions[0][1])
			for range 4 {
				w.refunds(w.order(m, buy{}), "cancel", time.Minute)
			}
		}, 4, func(w *town) model.Union { return w.unions[0][1] }, "refunded_fen", 200_00},
	{"refunds_supplier",
		func(w *town) {
			for i := range 60 { // ten of sixty
				o := w.order(w.member(w.unions[0][i%3]), buy{supplier: 2})
				if i < 10 {
					w.refunds(o, "after_sale", time.Minute)
				}
			}
		},
		func(w *town) {
			for i := range 30 {
				o := w.order(w.member(w.unions[0][i%3]), buy{supplier: 3})
				if i < 12 {
					w.refunds(o, "after_sale", time.Minute)
				}
			}
		}, 12, func(w *town) model.Union { return w.city }, "refunded_share", 40},
	{"shared_device",
		func(w *town) {
			for _, m := range w.members(w.unions[0][0], 3) { // a family; one with many logins; old logins
				w.login(m, "family-device-0001", time.Hour)
			}
			for _, m := range w.members(w.unions[0][0], 6) {
				w.login(m, "old-device-0000001", 40*day)
			}
			m, now := w.member(w.unions[0][0]), w.clock.Now()
			a := model.WechatAccount{ID: w.db.NewID(), OpenID: w.unique(), PersonID: &m.PersonID, BoundAt: &now, CreatedAt: now}
			w.insert(&a)
			for range 9 {
				w.again(a.ID, "own-device-0000001", now)
			}
		},
		func(w *town) {
			for _, m := range append(w.members(w.unions[0][0], 3), w.members(w.unions[1][0], 2)...) {
				w.login(m, "shared-device-0001", time.Hour)
			}
		}, 5, func(w *town) model.Union { return w.city }, "unions", 2},
	{"voids_cashier",
		func(w *town) {
			h := w.hall("")
			for i := range 4 {
				w.void(w.sale(h, 71, w.clock.Now().Add(-time.Duration(i)*time.Hour), 10_00), 71, time.Hour)
			}
		},
		func(w *town) {
			h := w.hall("")
			for i := range 6 {
				w.void(w.sale(h, 72, w.clock.Now().Add(-time.Duration(i)*time.Hour), 10_00), 72, time.Hour)
			}
		}, 6, func(w *town) model.Union { return w.city }, "voids", 6},
	{"counter_odd_hours",
		func(w *town) { // a normal day, two late ones, hours that nobody can read
			h, odd := w.hall("09:00—21:00"), w.hall("节假日除外，中午休息")
			for i := range 12 {
				w.sale(h, 73, modeltest.At("2025-06-19 09:00").Add(time.Duration(i)*time.Hour), 10_00)
				w.sale(odd, 74, modeltest.At("2025-06-19 07:00").Add(time.Duration(i)*time.Hour), 10_00)
			}
			w.sale(h, 73, modeltest.At("2025-06-19 21:20"), 10_00)
			w.sale(h, 73, modeltest.At("2025-06-19 21:40"), 10_00)
		},
		func(w *town) {
			h := w.hall("8:30 至 18:00")
			for i := range 4 {
				w.sale(h, 75, modeltest.At("2025-06-19 19:00").Add(time.Duration(i)*30*time.Minute), 10_00)
			}
		}, 4, func(w *town) model.Union { return w.city }, "sales", 4},
	{"counter_burst",
		func(w *town) {
			h := w.hall("")
			for i := range 40 { // one every two minutes
				w.sale(h, 76, modeltest.At("2025-06-20 08:00").Add(time.Duration(i)*2*time.Minute), 10_00)
			}
		},
		func(w *town) {
			h := w.hall("")
			for i := range 12 {
				w.sale(h, 77, modeltest.At("2025-06-20 08:00").Add(time.Duration(i)*40*time.Second), 10_00)
			}
		}, 12, func(w *town) model.Union { return w.city }, "sales", 12},
	{"counter_below_confirm",
		func(w *town) {
			h := w.hall("")
			for i := range 30 { // prices all over, some of them there
				w.sale(h, 78, w.clock.Now().Add(-time.Duration(i+1)*7*time.Hour), model.Fen(20_00+i*10_00))
			}
		},
		func(w *town) {
			h := w.hall("")
			for i := range 20 {
				w.sale(h, 79, w.clock.Now().Add(-time.Duration(i+1)*7*time.Hour), model.Fen([]int{199_00, 198_00, 50_00}[i%3]))
			}
		}, 14, func(w *town) model.Union { return w.city }, "share_of_sales_count", 70},
	{"left_after_issue",
		func(w *town) {
			g := w.grant(w.unions[0][0], 20*day)
			for range 5 { // left without spending: the money went back; or spent, and left much later
				w.leaver(g, 0, 5*day)
				w.leaver(g, 100_00, 19*day)
			}
			w.leaver(g, 100_00, 5*day)
		},
		func(w *town) {
			g := w.grant(w.unions[0][1], 20*day)
			for range 4 {
				w.leaver(g, 600_00, 5*day)
			}
		}, 4, func(w *town) model.Union { return w.unions[0][1] }, "spent_fen", 2400_00},
	{"supplier_one_union",
		func(w *town) {
			for i := range 60 {
				w.order(w.member(w.unions[0][i%3]), buy{supplier: 4})
			}
		},
		func(w *town) {
			for i := range 40 {
				w.order(w.member(w.unions[0][min(i/36, 1)]), buy{supplier: 5})
			}
		}, 36, func(w *town) model.Union { return w.unions[0][0] }, "share_of_sales", 90},
	{"claims_before_due",
		func(w *town) {
			for i := range 6 { // spread over the period; and a few small ones at the end
				w.claim(w.unions[0][0], "2025-03-0"+string(rune('1'+i))+" 10:00", 1000_00)
				w.claim(w.unions[0][0], "2025-06-18 10:00", 10_00)
			}
		},
		func(w *town) {
			for range 6 {
				w.claim(w.unions[0][1], "2025-06-18 10:00", 1000_00)
			}
		}, 6, func(w *town) model.Union { return w.unions[0][1] }, "share_of_period", 100},
	{"rebound_spent",
		func(w *town) {
			first := w.member(w.unions[0][0]) // their phone was wrong, put right, and then they were found for the first time
			w.changes(first, true, 3*day)
			w.binds(first, 1001, 2*day)
			same := w.member(w.unions[0][0]) // undone, and the same account again
			w.binds(same, 1002, 90*day)
			w.unbinds(same, 1002, 3*day)
			w.binds(same, 1002, 2*day)
			idle := w.member(w.unions[0][0]) // another account, but nothing was bought with it; what was bought before and what was given back do not count
			w.binds(idle, 1003, 90*day)
			w.order(idle, buy{ago: 4 * day})
			w.unbinds(idle, 1003, 3*day)
			w.binds(idle, 1004, 2*day)
			w.order(idle, buy{status: "cancelled"})
			w.order(idle, buy{kind: "group"})
			long := w.member(w.unions[0][0]) // undone long before
			w.binds(long, 1005, 90*day)
			w.unbinds(long, 1005, 50*day)
			w.binds(long, 1006, 2*day)
			clerk := w.member(w.unions[0][0]) // the department, not the phone
			w.binds(clerk, 1007, 90*day)
			w.changes(clerk, false, 2*day)
			for _, m := range []model.Member{first, same, long, clerk} {
				w.order(m, buy{})
			}
		},
		func(w *town) { // the other union put the member on its roster with another phone, unbound, and was in and out within minutes
			m := w.member(w.unions[0][1])
			own := model.Member{ID: w.db.NewID(), UnionID: w.unions[0][2].ID, PersonID: m.PersonID, Name: m.Name, PhoneHash: w.unique(), Status: "active", JoinedAt: w.clock.Now(), CreatedAt: w.clock.Now(), UpdatedAt: w.clock.Now()}
			w.insert(&own)
			w.binds(m, 2001, 90*day)
			w.deed("member.add", "member:"+own.ID.String(), own.UnionID, 2*day, map[string]any{"verdict": "new", "phone_hash": true})
			w.unbinds(own, 2001, time.Hour)
			w.binds(own, 2002, 50*time.Minute)
			w.order(m, buy{ago: 45 * time.Minute, price: 300_00})
			w.unbinds(own, 2002, 40*time.Minute)
			w.order(m, buy{ago: 30 * time.Minute, price: 20_00}) // not by that account
		}, 2, func(w *town) model.Union { return w.counties[0] }, "spent_fen", 300_00},
}

// TestRules shows of each rule that it leaves alone what is innocent, fires on what it is there for, once however often it looks, with
// its figures, and that only those see it in whose subtree all of it lies.
func TestRules(t *testing.T) {
	tried := map[string]bool{}
	for _, c := range rulesAtWork {
		tried[c.rule] = true
		t.Run(c.rule, func(t *testing.T) {
			w := newTown(t)
			w.insert(&model.ReportingPeriod{ID: w.db.NewID(), PolicyID: 1, Year: 2025, Seq: 1, Name: "第一次", DueOn: "2025-06-19"})
			c.innocent(w)
			w.scan()
			if got := w.signals(c.rule); len(got) != 0 {
				t.Fatalf("fired on the innocent: %+v", got)
			}
			c.guilty(w)
			w.scan()
			first := w.signals(c.rule)
			if len(first) != 1 {
				t.Fatalf("%d signals", len(first))
			}
			s := first[0]
			if s.Size != c.size || w.figure(s, c.figure) != c.value || s.UnionID != c.union(w).ID || s.Status != risk.StatusOpen || s.Score < 50 || s.Score > 100 {
				t.Errorf("%+v", s)
			}
			w.clock.Advance(time.Hour)
			w.scan()
			w.scan()
			if again := w.signals(c.rule); len(again) != 1 || again[0].Version != 1 || again[0].FiguresJSON != s.FiguresJSON {
				t.Errorf("looking again made %+v", again)
			}
			w.seen(s, c.union(w))
		})
	}
	rules, err := newTown(t).risk.Rules(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if !tried[r.Code] {
			t.Errorf("%s has no case", r.Code)
		}
		if strings.ContainsAny(r.Sentence, "{}") || r.Title == "" || r.Innocent == "" {
			t.Errorf("%s: %q", r.Code, r.Sentence)
		}
	}
}

// seen shows that the signal is seen at its union and above, and nowhere else, and reads as it should.
func (w *town) seen(s model.RiskSignal, u model.Union) {
	w.Helper()
	for _, at := range append([]model.Union{w.city, w.counties[0], w.counties[1]}, w.unions[0][0], w.unions[0][1], w.unions[1][0]) {
		list, err := w.risk.Signals(context.Background(), auditor(at), risk.Filter{Rule: s.Rule}, model.Page{Limit: 20})
		if err != nil {
			w.Fatal(err)
		}
		if want := strings.HasPrefix(u.Path, at.Path); (len(list.Items) == 1) != want {
			w.Errorf("%s sees %d signals", at.Name, len(list.Items))
		}
	}
	d, err := w.risk.Signal(context.Background(), auditor(u), s.ID)
	if err != nil {
		w.Fatal(err)
	}
	if s.Rule == "rebound_spent" {
		w.traced(d.Evidence.Entries)
	}
	if len(d.Evidence.Orders)+len(d.Evidence.Members)+len(d.Evidence.Claims) == 0 || !strings.Contains(d.Explanation, d.Basis) || d.Notice == "" || d.Title == s.Rule {
		w.Errorf("%+v", d)
	}
	for _, f := range d.Figures {
		if f.Label == "" || f.Text == "" {
			w.Errorf("%+v has no name", f)
		}
	}
	for _, text := range []string{s.FiguresJSON, s.EvidenceJSON, s.Basis} {
		if strings.Contains(text, "张") || strings.Contains(text, "虚拟路") {
			w.Errorf("personal data in %s", text)
		}
	}
	if s.SubjectType == "address" && d.SubjectName != "广东省湛江市赤坎区****" || s.SubjectType == "person" && d.SubjectName != "张*三" {
		w.Errorf("subject %q", d.SubjectName)
	}
	for _, o := range d.Evidence.Orders {
		if o.MemberName != "张*三" {
			w.Errorf("%+v", o)
		}
	}
}

// traced shows that the entries of the trail, the newest first, tell what staff did, who of them, and which account came instead of which.
func (w *town) traced(entries []risk.EntryEvidence) {
	w.Helper()
	if len(entries) != 3 {
		w.Fatalf("%+v", entries)
	}
	for i, want := range []struct {
		action string
		member bool
		wechat model.ID
	}{{"binding.match", false, 2002}, {"member.unbind", true, 2001}, {"member.add", true, 0}} {
		e := entries[i]
		account := model.ID(0)
		if e.AccountID != nil {
			account = *e.AccountID
		}
		if e.Action != want.action || e.Text == "" || e.By == nil || e.By.ID != 9 || (e.MemberID != nil) != want.member || account != want.wechat || e.UnionID != w.unions[0][2].ID {
			w.Errorf("%d: %+v", i, e)
		}
	}
}

// TestReboundByApproval shows that a binding that a union approved counts as one that was found, from a look that sees only what is new; that one
// who dismissed it hears of the next takeover, and not of each further order.
func TestReboundByApproval(t *testing.T) {
	w := newTown(t)
	ctx, m := context.Background(), w.member(w.unions[0][0])
	approve := func(account model.ID) {
		t.Helper()
		now := w.clock.Now()
		r := model.BindingRequest{ID: w.db.NewID(), AccountID: account, UnionID: m.UnionID, Status: "approved", MemberID: &m.ID, DecidedAt: &now, CreatedAt: now}
		w.insert(&r)
		w.deed("binding.approve", "binding_request:"+r.ID.String(), m.UnionID, 0, map[string]any{"member_id": m.ID, "account_id": account})
	}
	look := func(want int) []model.RiskSignal {
		t.Helper()
		w.clock.Advance(10 * time.Minute)
		if err := w.risk.Scan(ctx); err != nil {
			t.Fatal(err)
		}
		all := w.signals("rebound_spent")
		if len(all) != want {
			t.Fatalf("%d signals, not %d: %+v", len(all), want, all)
		}
		return all
	}
	w.binds(m, 1, 90*day)
	w.order(m, buy{ago: time.Minute})
	look(0)
	w.unbinds(m, 1, 0)
	approve(2)
	look(0) // nothing spent yet
	w.order(m, buy{ago: time.Minute})
	s := look(1)[0]
	if s.Size != 1 || s.Score != 50 || s.UnionID != m.UnionID {
		t.Errorf("%+v", s)
	}
	if _, err := w.risk.Review(ctx, auditor(w.city), s.ID, risk.ReviewInput{Verdict: risk.StatusDismissed, Note: "本人换微信", Version: s.Version}); err != nil {
		t.Fatal(err)
	}
	w.order(m, buy{ago: time.Minute})
	if s = look(1)[0]; s.Status != risk.StatusDismissed {
		t.Errorf("each order asks again: %+v", s)
	}
	w.clock.Advance(2 * day)
	w.changes(m, true, 0)
	w.unbinds(m, 2, 0)
	w.binds(m, 3, 0)
	w.clock.Advance(time.Minute)
	w.order(m, buy{ago: time.Second})
	if all := look(2); all[1].Status != risk.StatusOpen || all[1].Size != 3 || all[1].Score != 100 {
		t.Errorf("%+v", all[1])
	}
}

// TestOnlyWhatIsNewIsLookedAt shows that a second look, a little later and without the first one's figures thrown away, finds what has
// been added meanwhile and updates the signal.
func TestOnlyWhatIsNewIsLookedAt(t *testing.T) {
	w := newTown(t)
	for i, m := range w.members(w.unions[0][0], 6) {
		w.order(m, buy{to: "仓库", ago: time.Duration(i+1) * day})
	}
	look := func() model.RiskSignal {
		t.Helper()
		w.clock.Advance(10 * time.Minute)
		if err := w.risk.Scan(context.Background()); err != nil {
			t.Fatal(err)
		}
		all := w.signals("same_address")
		if len(all) != 1 {
			t.Fatalf("%d signals", len(all))
		}
		return all[0]
	}
	if s := look(); s.Size != 6 || s.Version != 1 || s.Score != 50 {
		t.Errorf("%+v", s)
	}
	if s := look(); s.Version != 1 {
		t.Errorf("nothing new made %+v", s)
	}
	for _, m := range w.members(w.unions[1][0], 6) {
		w.order(m, buy{to: "仓库", ago: time.Minute})
	}
	if s := look(); s.Size != 12 || s.Version != 2 || s.Score != 100 || s.UnionID != w.city.ID {
		t.Errorf("%+v", s)
	}
}

// TestReview shows the queue's flow: a verdict on what was looked at only; a dismissed signal stays so until it grows; a confirmed one stays
// confirmed; and that once nothing of what was dismissed is left in the window, the next is a signal of its own.
func TestReview(t *testing.T) {
	w := newTown(t)
	ctx, city := context.Background(), auditor(w.city)
	add := func(n int) {
		for _, m := range w.members(w.unions[0][0], n) {
			w.order(m, buy{to: "仓库"})
		}
		w.scan()
	}
	only := func() model.RiskSignal {
		t.Helper()
		all := w.signals("same_address")
		if len(all) != 1 {
			t.Fatalf("%d signals", len(all))
		}
		return all[0]
	}
	add(6)
	s := only()
	if _, err := w.risk.Review(ctx, city, s.ID, risk.ReviewInput{Verdict: risk.StatusDismissed, Note: "收发室", Version: 2}); model.CodeOf(err) != model.CodeConflict {
		t.Errorf("another version: %v", err)
	}
	d, err := w.risk.Review(ctx, city, s.ID, risk.ReviewInput{Verdict: risk.StatusDismissed, Note: "收发室", Version: 1})
	if err != nil || d.Status != risk.StatusDismissed || d.Version != 2 || d.ReviewedSize == nil || *d.ReviewedSize != 6 || d.ReviewNote != "收发室" {
		t.Fatalf("%+v %v", d, err)
	}
	w.scan()
	if s = only(); s.Status != risk.StatusDismissed || s.Version != 2 {
		t.Errorf("looking again: %+v", s)
	}
	add(1)
	if s = only(); s.Status != risk.StatusOpen || s.Size != 7 || s.Version != 3 {
		t.Errorf("grown: %+v", s)
	}
	if _, err = w.risk.Review(ctx, city, s.ID, risk.ReviewInput{Verdict: risk.StatusConfirmed, Note: "套取", Version: 3}); err != nil {
		t.Fatal(err)
	}
	add(1)
	if s = only(); s.Status != risk.StatusConfirmed || s.Size != 8 {
		t.Errorf("confirmed: %+v", s)
	}
	if _, err = w.risk.Review(ctx, city, s.ID, risk.ReviewInput{Verdict: risk.StatusDismissed, Note: "误判", Version: s.Version}); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(31 * day)
	add(6)
	if all := w.signals("same_address"); len(all) != 2 || all[0].Status != risk.StatusDismissed || all[1].Status != risk.StatusOpen {
		t.Errorf("%+v", all)
	}
	var actions []string
	if err := w.db.Read(ctx).Model(&model.AuditEntry{}).Where("action LIKE 'risk.%'").Order("id").Pluck("action", &actions).Error; err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(actions, " "); got != "risk.dismiss risk.reopen risk.confirm risk.dismiss" {
		t.Error(got)
	}
}

// TestRulesAreSet shows that a rule that is set works with its new figures through its whole window, that one switched off is silent, and
// what is refused.
func TestRulesAreSet(t *testing.T) {
	w := newTown(t)
	ctx, city, yes, no := context.Background(), auditor(w.city), true, false
	for _, m := range w.members(w.unions[0][0], 4) {
		w.order(m, buy{to: "宿舍", ago: 3 * day})
	}
	put := func(on *bool, params ...risk.ParamInput) error {
		_, err := w.risk.PutRule(ctx, city, "same_address", risk.RuleInput{Enabled: on, Params: params})
		return err
	}
	scan := func() int {
		t.Helper()
		if err := w.risk.Scan(ctx); err != nil {
			t.Fatal(err)
		}
		return len(w.signals("same_address"))
	}
	if n := scan(); n != 0 {
		t.Errorf("%d", n)
	}
	if err := put(&no, risk.ParamInput{Name: "threshold", Value: 4}); err != nil || scan() != 0 {
		t.Error("switched off, but", err, scan())
	}
	if err := put(&yes, risk.ParamInput{Name: "threshold", Value: 4}); err != nil || scan() != 1 {
		t.Error("set to four, but", err, scan())
	}
	if s := w.signals("same_address")[0]; !strings.Contains(s.Basis, "有 4 名及以上") {
		t.Error(s.Basis)
	}
	for _, p := range [][]risk.ParamInput{{{Name: "percent", Value: 5}}, {{Name: "threshold", Value: 0}}, {{Name: "window_days", Value: 61}}, {{Name: "threshold", Value: 4}, {Name: "threshold", Value: 5}}} {
		if err := put(&yes, p...); model.CodeOf(err) != model.CodeInvalid {
			t.Errorf("%+v: %v", p, err)
		}
	}
	if _, err := w.risk.PutRule(ctx, city, "none", risk.RuleInput{Enabled: &yes}); model.CodeOf(err) != model.CodeNotFound {
		t.Error(err)
	}
}

// TestTwoProcessesFindOnce shows that processes that look at the same time make one signal.
func TestTwoProcessesFindOnce(t *testing.T) {
	w := newTown(t)
	for _, m := range w.members(w.unions[0][0], 7) {
		w.order(m, buy{to: "仓库"})
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := w.risk.Scan(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if all := w.signals("same_address"); len(all) != 1 {
		t.Errorf("%+v", all)
	}
}
