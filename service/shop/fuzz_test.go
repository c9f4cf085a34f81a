package shop

import (
	"testing"

	"bangfu/model"
)

// FuzzPlace: a cursor of the list is one of ours for that sort or refused; its place makes a cursor that reads the same.
func FuzzPlace(f *testing.F) {
	f.Add(place{Sort: "price", Value: 1, Paired: 1, ID: 7}.cursor(), "price")
	f.Add("e30", "")
	f.Add("!", "price")
	f.Fuzz(func(t *testing.T, cursor, sort string) {
		p, err := readPlace(cursor, sort)
		if err != nil {
			if model.CodeOf(err) != model.CodeInvalid {
				t.Errorf("%v", err)
			}
			return
		}
		if again, err := readPlace(p.cursor(), sort); err != nil || again != p || p.ID <= 0 {
			t.Errorf("%+v is read back as %+v, %v", p, again, err)
		}
	})
}

// FuzzCreditCode: a code that is taken is 18 characters of the alphabet and its own normal form.
func FuzzCreditCode(f *testing.F) {
	f.Add("91440800MA00000000")
	f.Add(" 91440800ma0000000x ")
	f.Add("９１４４０８００ＭＡ")
	f.Fuzz(func(t *testing.T, text string) {
		code, ok := CreditCode(text)
		if !ok {
			return
		}
		if again, ok := CreditCode(code); !ok || again != code || len(code) != 18 {
			t.Errorf("%q is %q and then %q", text, code, again)
		}
		for _, r := range code {
			if r > 'Z' || r < '0' {
				t.Errorf("%q is taken", code)
			}
		}
	})
}
