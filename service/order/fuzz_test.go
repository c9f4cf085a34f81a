package order

import (
	"strings"
	"testing"
	"unicode/utf8"

	"bangfu/model"
)

// FuzzShipment: a shipment is refused in words or in the form in which it is stored: short, printable, a number of letters, digits and
// hyphens, and once is enough.
func FuzzShipment(f *testing.F) {
	f.Add("顺丰速运", "SF1000000000001")
	f.Add(" 中通 ", " zt-100000001 ")
	f.Add("", "")
	f.Add("a\nb", "100000\n")
	f.Add("\u200b", "ſſſſſſ")
	f.Add(strings.Repeat("长", 41), strings.Repeat("1", 41))
	f.Add("\xff", "１２３４５６")
	f.Fuzz(func(t *testing.T, carrier, number string) {
		sh, err := Shipment{Carrier: carrier, TrackingNo: number}.Clean()
		if err != nil {
			if model.CodeOf(err) != model.CodeInvalid {
				t.Errorf("%v", err)
			}
			return
		}
		if again, err := sh.Clean(); err != nil || again != sh {
			t.Errorf("%+v is cleaned to %+v, %v", sh, again, err)
		}
		if n := utf8.RuneCountInString(sh.Carrier); n < 1 || n > 40 || !utf8.ValidString(sh.Carrier) || strings.ContainsFunc(sh.Carrier, unprintable) || strings.TrimSpace(sh.Carrier) != sh.Carrier {
			t.Errorf("the carrier %q", sh.Carrier)
		}
		if n := len(sh.TrackingNo); n < 6 || n > 40 || strings.Trim(sh.TrackingNo, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			t.Errorf("the number %q", sh.TrackingNo)
		}
		if !strings.EqualFold(sh.TrackingNo, strings.TrimSpace(number)) || !strings.Contains(carrier, sh.Carrier) {
			t.Errorf("%q, %q became %+v", carrier, number, sh)
		}
	})
}

// FuzzReason: the same of what is said on cancelling.
func FuzzReason(f *testing.F) {
	for _, s := range []string{"", "拍错了", " a ", "a\nb", "\u202e", "\xff", strings.Repeat("长", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		reason, err := cleanReason(text)
		if err != nil {
			if model.CodeOf(err) != model.CodeInvalid {
				t.Errorf("%v", err)
			}
			return
		}
		if again, err := cleanReason(reason); err != nil || again != reason || !utf8.ValidString(reason) || strings.ContainsFunc(reason, unprintable) || utf8.RuneCountInString(reason) > maxNote {
			t.Errorf("%q is %q and then %q, %v", text, reason, again, err)
		}
	})
}
