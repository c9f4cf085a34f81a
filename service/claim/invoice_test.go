package claim

import (
	"testing"

	"bangfu/model"
)

// TestInvoiceForms shows which numbers are taken, and that one bill has one key however it is typed.
func TestInvoiceForms(t *testing.T) {
	for _, c := range []struct{ code, no, key string }{
		{"", "25442000000012345678", "25442000000012345678"},
		{"", " 2544 2000 0000 1234 5678 ", "25442000000012345678"},
		{"", "２５４４２０００００００１２３４５６７８", "25442000000012345678"},
		{"044001900111", "12345678", "044001900111-12345678"},
		{"0440 0190-0111", "1234 5678", "044001900111-12345678"},
		{"", "04400190011112345678", "044001900111-12345678"}, // code and number typed as one
		{"4400191130", "12345678", "4400191130-12345678"},
		{"44060124", "0012345678", "44060124-0012345678"},
		{"", "yue-2025-00012", "YUE202500012"},
	} {
		i, err := parseInvoice(c.code, c.no)
		if err != nil || i.key() != c.key {
			t.Errorf("%q %q: %q, %v; want %q", c.code, c.no, i.key(), err, c.key)
		}
	}
	for _, c := range []struct{ code, no, field string }{
		{"", "", "invoice_no"},
		{"", "—", "invoice_no"},
		{"", "12345678", "invoice_code"},
		{"", "2544200000001234567", "invoice_no"},
		{"", "254420000000123456789", "invoice_no"},
		{"25442000000012345678", "25442000000012345678", "invoice_no"},
		{"244001900111", "12345678", "invoice_no"},
		{"044001900111", "1234567", "invoice_no"},
		{"04400190011A", "12345678", "invoice_no"},
		{"代码", "12345678", "invoice_code"},
		{"", "A1234", "invoice_no"},
		{"", "发票25442000000012", "invoice_no"},
	} {
		_, err := parseInvoice(c.code, c.no)
		var shown *model.Error
		if e, ok := err.(*model.Error); ok {
			shown = e
		}
		if shown == nil || shown.Fields[0].Name != c.field {
			t.Errorf("%q %q: %v, want a mistake in %s", c.code, c.no, err, c.field)
		}
	}
}

// TestSplit shows that shares are whole fen that add up and differ by one at most.
func TestSplit(t *testing.T) {
	for _, c := range []struct {
		fen  model.Fen
		n    int
		want []model.Fen
	}{{100, 3, []model.Fen{34, 33, 33}}, {3, 3, []model.Fen{1, 1, 1}}, {101, 2, []model.Fen{51, 50}}, {7, 1, []model.Fen{7}}} {
		persons := make([]model.ClaimPerson, c.n)
		for i := range persons {
			persons[i].MemberID = model.ID(c.n - i)
		}
		if err := split(persons, c.fen); err != nil {
			t.Fatal(err)
		}
		for i, p := range persons {
			if p.AmountFen != c.want[i] || p.MemberID != model.ID(i+1) {
				t.Errorf("%d among %d: %+v", c.fen, c.n, persons)
			}
		}
	}
	if err := split(make([]model.ClaimPerson, 3), 2); model.CodeOf(err) != model.CodeInvalid {
		t.Errorf("less than a fen each: %v", err)
	}
}
