package counter

import (
	"strings"
	"testing"
)

// FuzzCode: a scanned code is found by one hash, whatever case and spaces the scanner adds.
func FuzzCode(f *testing.F) {
	f.Add("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	f.Add(" abc\r\n")
	f.Add("ı")
	f.Fuzz(func(t *testing.T, code string) {
		h := hashOf(code)
		if len(h) != 64 || h != hashOf(" "+strings.ToUpper(code)+"\r\n") {
			t.Errorf("%q", code)
		}
	})
}
