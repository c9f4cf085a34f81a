package app_test

import (
	"context"
	"fmt"
	"testing"

	"bangfu/model"
	"bangfu/service/claim"
	"bangfu/service/union/rosterfile"
)

// channel is the id of a recognised channel by its place in the notice's lists.
func (h *house) channel(level, no string) model.ID {
	h.t.Helper()
	var c model.Channel
	if err := h.DB.Read(context.Background()).Where("level = ? AND no = ?", level, no).Take(&c).Error; err != nil {
		h.t.Fatal(err)
	}
	return c.ID
}

// evidence uploads a document of the union's.
func (t *treasury) evidence() model.ID {
	t.h.t.Helper()
	var f struct{ ID model.ID }
	t.admin.upload(console+"/unions/"+t.union.ID.String()+"/files", "发票.pdf", []byte("%PDF-1.4\n%%EOF\n"), map[string]string{"kind": "evidence"}).ok(&f)
	return f.ID
}

// bill is an invented number of a 数电票.
func bill(n int) string { return fmt.Sprintf("2544%016d", n) }

// claimInput is a claim of 1,200 yuan on the 832 platform for 4 persons, who are not listed, changed by change.
func (t *treasury) claimInput(no string, change map[string]any) map[string]any {
	t.h.t.Helper()
	in := map[string]any{"channel_id": t.h.channel("province", "3"), "purchased_on": "2025-03-01", "amount_fen": 120000, "purse": "extra", "invoice_no": no, "person_times": 4}
	for k, v := range change {
		if in[k] = v; v == nil {
			delete(in, k)
		}
	}
	if in["file_ids"] == nil {
		in["file_ids"] = []model.ID{t.evidence()}
	}
	return in
}

func (t *treasury) claimsPath() string { return console + "/unions/" + t.union.ID.String() + "/claims" }

func claimPath(id model.ID) string { return console + "/claims/" + id.String() }

func (t *treasury) tryClaim(in map[string]any) *answer {
	t.h.t.Helper()
	return t.admin.money(t.claimsPath(), t.nextKey(), in)
}

func (t *treasury) claim(in map[string]any) (v claim.View) {
	t.h.t.Helper()
	t.tryClaim(in).ok(&v)
	return v
}

func (t *treasury) tryPass(v claim.View) *answer {
	t.h.t.Helper()
	return t.approver.money(claimPath(v.ID)+"/approve", t.nextKey(), map[string]any{"version": v.Version, "note": "已核对"})
}

func (t *treasury) pass(v claim.View) claim.View {
	t.h.t.Helper()
	t.tryPass(v).ok(&v)
	return v
}

func (t *treasury) unpass(v claim.View) *answer {
	t.h.t.Helper()
	return t.approver.money(claimPath(v.ID)+"/revoke", t.nextKey(), map[string]any{"reason": "发票已作废"})
}

// listing names members as a claim's persons, with shares if there are any.
func listing(members []model.Member, shares ...model.Fen) []map[string]any {
	list := make([]map[string]any, len(members))
	for i, m := range members {
		list[i] = map[string]any{"member_id": m.ID}
		if len(shares) > 0 {
			list[i]["amount_fen"] = shares[i]
		}
	}
	return list
}

// capOf is what counts under the person's cap of 2025.
func (h *house) capOf(m model.Member) model.Fen {
	h.t.Helper()
	var c model.PersonCap
	if err := h.DB.Read(context.Background()).Where("person_id = ? AND year = 2025", m.PersonID).Limit(1).Find(&c).Error; err != nil {
		h.t.Fatal(err)
	}
	return c.GrantedFen
}

// formRow is a row of a union's form for a period of 2025, as it stands.
type formRow struct {
	Times    int       `json:"person_times"`
	Amount   model.Fen `json:"amount_fen"`
	Invested model.Fen `json:"invested_fen"`
}

func (h *house) period(t testing.TB, seq int) string {
	t.Helper()
	var p model.ReportingPeriod
	if err := h.DB.Read(context.Background()).Where("year = 2025 AND seq = ?", seq).Take(&p).Error; err != nil {
		t.Fatal(err)
	}
	return p.ID.String()
}

func (t *treasury) form(seq int) string {
	return console + "/unions/" + t.union.ID.String() + "/statements/" + t.h.period(t.h.t, seq)
}

func (t *treasury) formRow(seq, row int) formRow {
	t.h.t.Helper()
	var v struct{ Rows []formRow }
	t.admin.get(t.form(seq)).ok(&v)
	return v.Rows[row-1]
}

// buyerLine begins a csv line about the i-th of purseHolders; the amount follows.
func buyerLine(i int) string {
	return "职工" + string(rune('甲'+i%3)) + "," + rosterfile.DemoIDNumber(i) + ",,"
}
