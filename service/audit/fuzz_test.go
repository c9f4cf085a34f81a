package audit

import (
	"slices"
	"strings"
	"testing"

	"bangfu/model"
)

// FuzzParseAnchor: an anchor is refused or is one seal's number and hash, and written as audit-head prints it reads the same.
func FuzzParseAnchor(f *testing.F) {
	for _, s := range []string{"12:1.abc", " 12:1.abc\n", "0:x", "-1:x", "+1:x", "012:x", "9223372036854775808:x", "12:", "12", ":x", "1:a:b", "1: x", "1:a b", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAnchor(text)
		if err != nil {
			if a != (Anchor{}) {
				t.Errorf("%q is refused and taken", text)
			}
			return
		}
		if a.Seq < 1 || a.Hash == "" || a.String() != strings.TrimSpace(text) {
			t.Errorf("%q is %+v", text, a)
		}
		if again, err := ParseAnchor(a.String()); err != nil || again != a {
			t.Errorf("%+v reads as %+v, %v", a, again, err)
		}
	})
}

// FuzzUnpack: what a seal says that it holds is refused or is rising ids, in the one form that pack writes.
func FuzzUnpack(f *testing.F) {
	for _, ids := range [][]model.ID{nil, {1}, {1, 2, 300}, {1 << 62, 1<<62 + 1}, {1<<63 - 1}} {
		f.Add(pack(ids))
	}
	for _, s := range []string{"AA", "gAA", "////", "_____________w", "AQ\n", "AR", "!"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := unpack(text)
		if err != nil {
			if ids != nil {
				t.Errorf("%q is refused and taken", text)
			}
			return
		}
		if len(ids) > len(text) {
			t.Errorf("%d ids in %d bytes", len(ids), len(text))
		}
		before := model.ID(0)
		for _, id := range ids {
			if id <= before {
				t.Errorf("%q: %d after %d", text, id, before)
			}
			before = id
		}
		if again := pack(ids); again != text {
			t.Errorf("%q is written %q", text, again)
		}
	})
}

// FuzzPack: rising ids come back as they were.
func FuzzPack(f *testing.F) {
	f.Add(int64(1), int64(2), int64(1<<62))
	f.Add(int64(1), int64(1), int64(1))
	f.Add(int64(1<<63-1), int64(0), int64(-1))
	f.Fuzz(func(t *testing.T, a, b, c int64) {
		ids := []model.ID{model.ID(a), model.ID(b), model.ID(c)}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if ids[0] <= 0 {
			return // no ids
		}
		if back, err := unpack(pack(ids)); err != nil || !slices.Equal(back, ids) {
			t.Errorf("%v came back as %v, %v", ids, back, err)
		}
	})
}
