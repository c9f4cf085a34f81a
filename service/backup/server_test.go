package backup

import (
	"strings"
	"testing"
)

// TestSayings shows that of a failed client's stderr the error stays, however long the statement is that it repeats before it.
func TestSayings(t *testing.T) {
	var s sayings
	for _, piece := range []string{"WARNING: old op", "tion\n--------------\nBINLOG '\n", strings.Repeat("c2VjcmV0", 2000), "\n", strings.Repeat("c2VjcmV0\n", 2000), "'\n--------------\n\nERROR 1227 (42000) at line 7: Access denied"} {
		if n, err := s.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := s.text(); got != "WARNING: old option\nERROR 1227 (42000) at line 7: Access denied" {
		t.Errorf("%q", got)
	}
	for range 10_000 {
		_, _ = s.Write([]byte("one more line\n"))
	}
	if n := len(s.text()); n > maxSaid {
		t.Errorf("%d bytes kept", n)
	}
}
