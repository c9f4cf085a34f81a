package model_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"bangfu/model"
)

// shown fails the target when an error about outside input is not one that a person may see.
func shown(t *testing.T, err error) {
	t.Helper()
	if model.CodeOf(err) != model.CodeInvalid {
		t.Errorf("not an error to be shown: %v", err)
	}
}

// FuzzParseYuan: what is taken lies within bounds and its own rendering reads back as the same amount.
func FuzzParseYuan(f *testing.F) {
	for _, s := range []string{"600", "12.5", "1,234.50", "¥ 0.01元", "￥600.00", "100000000", "100000000.01", "-1", "1e3", "00.10", ".5", "5.", "1.234", "９"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fen, err := model.ParseYuan(text)
		if err != nil {
			shown(t, err)
			return
		}
		if fen < 0 || fen > model.MaxFen {
			t.Errorf("%q is %d fen", text, fen)
		}
		if again, err := model.ParseYuan(fen.Yuan()); err != nil || again != fen {
			t.Errorf("%q is %s, which reads as %s, %v", text, fen.Yuan(), again.Yuan(), err)
		}
	})
}

// FuzzParseID: an id has one spelling, in text and in JSON.
func FuzzParseID(f *testing.F) {
	for _, s := range []string{"1", "9223372036854775807", "9223372036854775808", "0", "01", "-1", "+1", "", "1 ", "１"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := model.ParseID(text)
		if err != nil {
			shown(t, err)
			return
		}
		if id <= 0 || id.String() != text {
			t.Errorf("%q is %d", text, id)
		}
		var back model.ID
		if b, err := json.Marshal(id); err != nil || json.Unmarshal(b, &back) != nil || back != id {
			t.Errorf("%d through JSON is %d, %v", id, back, err)
		}
	})
}

// FuzzIDFromJSON: whatever stands in JSON for an id is refused or is the canonical string of one.
func FuzzIDFromJSON(f *testing.F) {
	for _, s := range []string{`"1"`, `1`, `"01"`, `null`, `""`, `"`, `"1`, `"\u0031"`, `[]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var id model.ID
		if id.UnmarshalJSON(b) == nil && string(b) != `"`+id.String()+`"` {
			t.Errorf("%q is %d", b, id)
		}
	})
}

// FuzzParseDate: a date that is taken is written canonically, lies in the years that every database can hold, and has one day
// between its ends.
func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"2025-08-25", "2024-02-29", "2025-02-29", "0000-01-01", "9999-12-31", "1899-12-31", "2200-01-01", "2025-8-25", "2025-08-25 ", "+025-08-25"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := model.ParseDate("on", text)
		if err != nil {
			shown(t, err)
			return
		}
		if y := d.Start().In(model.China).Year(); y < 1900 || y > 9999 {
			t.Errorf("%q is in the year %d", text, y)
		}
		if string(d) != text || model.DateOf(d.Start()) != d || model.DateOf(d.End().Add(-time.Millisecond)) != d || d.End().Before(d.Start().Add(23*time.Hour)) || d.End().UTC().Year() > 9999 {
			t.Errorf("%q: %v to %v", text, d.Start(), d.End())
		}
	})
}

func fuzzSealer(t testing.TB) *model.Sealer {
	t.Helper()
	s, err := model.NewSealer("k1:"+strings.Repeat("A", 43)+",k0:"+strings.Repeat("B", 42)+"E", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// FuzzSeal: what is sealed opens to the same text, in its own context only, never twice alike, and hides the text.
func FuzzSeal(f *testing.F) {
	f.Add("10000000001", "members.phone")
	f.Add("", "")
	f.Add("广东省湛江市\x00", "orders.address")
	f.Fuzz(func(t *testing.T, plain, context string) {
		s := fuzzSealer(t)
		sealed, err := s.Seal(plain, context)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := s.Open(sealed, context); err != nil || back != plain {
			t.Fatalf("%q came back as %q, %v", plain, back, err)
		}
		if plain == "" {
			return
		}
		if other, err := s.Seal(plain, context); err != nil || other == sealed {
			t.Error("the same text was sealed alike twice")
		}
		if _, err := s.Open(sealed, context+"x"); !errors.Is(err, model.ErrUnsealable) {
			t.Errorf("opened in another context: %v", err)
		}
		if s.NeedsRotation(sealed) {
			t.Error("a fresh text needs rotation")
		}
		if h := s.Hash(context, plain); len(h) != 43 || h != s.Hash(context, plain) || h == s.Hash(context+"x", plain) {
			t.Errorf("hash %q", h)
		}
	})
}

// FuzzOpenSealed: no text that was not made with the key opens; one that was opens in no other spelling.
func FuzzOpenSealed(f *testing.F) {
	for _, s := range []string{"", "v1.k1.AAAA", "v1.k1." + strings.Repeat("A", 60), "v2.k1.AAAA", "v1..", "....", "v1.k9.AAAA", "v1.k1.AAAA\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sealed string) {
		plain, err := fuzzSealer(t).Open(sealed, "members.phone")
		if sealed == "" {
			return
		}
		if err == nil || plain != "" || !errors.Is(err, model.ErrUnsealable) {
			t.Errorf("%q opened to %q, %v", sealed, plain, err)
		}
	})
}

// FuzzChangedSealed: a text that was truly sealed does not open once anything of it is changed: a byte, its length, its key's name, its
// alphabet or what stands around it.
func FuzzChangedSealed(f *testing.F) {
	f.Add("10000000001", "", uint16(0), byte(1), "")
	f.Add("10000000001", "", uint16(3), byte('1'^'0'), "")
	f.Add("10000000001", "", uint16(40), byte(32), "")
	f.Add("x", "\n", uint16(0), byte(0), "")
	f.Add("x", "", uint16(0), byte(0), "=")
	f.Add("x", "", uint16(9), byte(0), "\r\n")
	f.Add("广东省湛江市", " ", uint16(200), byte(4), ".")
	f.Fuzz(func(t *testing.T, plain, before string, at uint16, flip byte, put string) {
		if plain == "" {
			return // seals to nothing
		}
		s := fuzzSealer(t)
		sealed, err := s.Seal(plain, "members.phone")
		if err != nil {
			t.Fatal(err)
		}
		place := int(at) % len(sealed)
		b := []byte(sealed)
		b[place] ^= flip
		for _, changed := range []string{string(b), before + sealed, sealed + put, sealed[:place] + put + sealed[place:], sealed[:place], sealed[place:],
			strings.Replace(sealed, ".k1.", ".k0.", 1), strings.ToUpper(sealed), strings.NewReplacer("-", "+", "_", "/").Replace(sealed)} {
			if changed == sealed || changed == "" {
				continue
			}
			if got, err := s.Open(changed, "members.phone"); !errors.Is(err, model.ErrUnsealable) || got != "" {
				t.Errorf("%q was changed to %q and opens to %q, %v", sealed, changed, got, err)
			}
		}
	})
}

// FuzzKeyring: a keyring is taken or refused without any of its keys in the error, and one that is taken works.
func FuzzKeyring(f *testing.F) {
	f.Add("k1:" + strings.Repeat("A", 43))
	f.Add("a:b,c:d")
	f.Add("k1:" + strings.Repeat("A", 43) + ",k1:" + strings.Repeat("A", 43))
	f.Fuzz(func(t *testing.T, ring string) {
		s, err := model.NewSealer(ring, make([]byte, 32))
		if err != nil {
			for _, part := range strings.Split(ring, ",") {
				if _, key, ok := strings.Cut(part, ":"); ok && len(strings.TrimSpace(key)) > 20 && strings.Contains(err.Error(), strings.TrimSpace(key)) {
					t.Errorf("the error quotes a key: %v", err)
				}
			}
			return
		}
		sealed, err := s.Seal("x", "c")
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := s.Open(sealed, "c"); err != nil || plain != "x" {
			t.Errorf("%q, %v", plain, err)
		}
	})
}

// FuzzMasks: a mask keeps the length and never shows more than it says; addresses are normal in one step.
func FuzzMasks(f *testing.F) {
	f.Add("10000000001")
	f.Add("99999919900101001X")
	f.Add("张三丰")
	f.Add("赤坎区 虚拟路１号(2栋)、")
	f.Fuzz(func(t *testing.T, text string) {
		n := utf8.RuneCountInString(text)
		for name, x := range map[string]struct {
			masked string
			most   int
		}{"phone": {model.MaskPhone(text), 7}, "id": {model.MaskIDNumber(text), 4}, "name": {model.MaskName(text), 2}} {
			open := 0
			original := []rune(text)
			for i, r := range []rune(x.masked) {
				if r != '*' {
					open++
					if i >= len(original) || original[i] != r {
						t.Errorf("%s: %q became %q", name, text, x.masked)
					}
				}
			}
			if utf8.RuneCountInString(x.masked) != n || open > x.most || (n > 0 && open >= n && !strings.Contains(text, "*")) {
				t.Errorf("%s: %q is shown as %q", name, text, x.masked)
			}
		}
		if once := model.NormalAddress(text); model.NormalAddress(once) != once {
			t.Errorf("%q is normal as %q and then %q", text, once, model.NormalAddress(once))
		}
	})
}
