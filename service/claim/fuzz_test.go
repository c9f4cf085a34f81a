package claim

import (
	"testing"

	"bangfu/model"
)

// FuzzInvoice: numbers of a bill have one form, so that no bill is entered twice in two spellings.
func FuzzInvoice(f *testing.F) {
	f.Add("", "25442000000012345678")
	f.Add("044002000111", "12345678")
	f.Add("", "044002000111 1234-5678")
	f.Add("", "ＡＢ－１２３４５６")
	f.Add("０", "x")
	f.Fuzz(func(t *testing.T, code, no string) {
		c, n, key, err := ParseInvoice(code, no)
		if err != nil {
			if model.CodeOf(err) != model.CodeInvalid {
				t.Errorf("%v", err)
			}
			return
		}
		c2, n2, key2, err := ParseInvoice(c, n)
		if err != nil || c2 != c || n2 != n || key2 != key || key == "" || len(n) > 30 || len(c) > 12 {
			t.Errorf("%q %q is %q %q (%s), then %q %q (%s), %v", code, no, c, n, key, c2, n2, key2, err)
		}
	})
}
