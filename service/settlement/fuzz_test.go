package settlement

import (
	"strings"
	"testing"

	"bangfu/model"
)

// FuzzAccountNumber: a bank account's number is refused in words or is the 8 to 32 digits that were written, in their order, and
// once is enough.
func FuzzAccountNumber(f *testing.F) {
	for _, s := range []string{"1000 0000 0000 0000", "1000-0000-00000000", "\u300010000000", "１０００００００", "10000000\n", "1000000", strings.Repeat("1", 33), "1000\u00a00000", "-", "1000000٠"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		no, err := bareNumber(text)
		if err != nil {
			if model.CodeOf(err) != model.CodeInvalid || no != "" {
				t.Errorf("%q: %q, %v", text, no, err)
			}
			return
		}
		if len(no) < 8 || len(no) > 32 || strings.Trim(no, "0123456789") != "" {
			t.Errorf("%q is taken as %q", text, no)
		}
		if again, err := bareNumber(no); err != nil || again != no {
			t.Errorf("%q is %q and then %q", text, no, again)
		}
		digits := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, text)
		if digits != no {
			t.Errorf("%q is taken as %q", text, no)
		}
	})
}

// FuzzPeriod: a statement's period is refused in words or lies in order within what databases hold.
func FuzzPeriod(f *testing.F) {
	f.Add("2026-01-01", "2026-01-31")
	f.Add("2026-02-01", "2026-01-31")
	f.Add("1899-12-31", "9999-12-31")
	f.Add("", "2026-1-31")
	f.Fuzz(func(t *testing.T, from, to string) {
		p, err := ParsePeriod(from, to)
		if err != nil {
			if model.CodeOf(err) != model.CodeInvalid {
				t.Errorf("%v", err)
			}
			return
		}
		if string(p.From) != from || string(p.To) != to || !p.From.Start().Before(p.To.End()) {
			t.Errorf("%q to %q is %+v", from, to, p)
		}
	})
}
