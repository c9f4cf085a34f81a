package model

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

var testHashKey = []byte(strings.Repeat("h", 32))

func newTestSealer(t *testing.T, keyring string) *Sealer {
	t.Helper()
	s, err := NewSealer(keyring, testHashKey)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustSeal(t *testing.T, s *Sealer, plain, context string) string {
	t.Helper()
	sealed, err := s.Seal(plain, context)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealRoundTrip(t *testing.T) {
	s := newTestSealer(t, "k1:"+GenerateKey())
	for _, plain := range []string{"", "10000000001", "999999199001010019", "张三", strings.Repeat("长", 1000)} {
		sealed := mustSeal(t, s, plain, "members.phone")
		if plain != "" && (!strings.HasPrefix(sealed, "v1.k1.") || strings.Contains(sealed, plain)) {
			t.Errorf("sealed %q as %q", plain, sealed)
		}
		if (sealed == "") != (plain == "") {
			t.Errorf("empty must seal to empty and only it: %q → %q", plain, sealed)
		}
		if got, err := s.Open(sealed, "members.phone"); err != nil || got != plain {
			t.Errorf("opened %q, %v; want %q", got, err, plain)
		}
	}
	first, second := mustSeal(t, s, "10000000001", "c"), mustSeal(t, s, "10000000001", "c")
	if first == second {
		t.Error("equal texts must seal differently")
	}
}

func TestOpenRefuses(t *testing.T) {
	keyA, keyB := GenerateKey(), GenerateKey()
	s := newTestSealer(t, "k1:"+keyA+",k2:"+keyB)
	sealed := mustSeal(t, s, "10000000001", "members.phone")

	t.Run("EveryChangedCharacter", func(t *testing.T) {
		for i := range sealed {
			swap := byte('A')
			if sealed[i] == swap {
				swap = 'B'
			}
			changed := sealed[:i] + string(swap) + sealed[i+1:]
			if got, err := s.Open(changed, "members.phone"); !errors.Is(err, ErrUnsealable) {
				t.Fatalf("character %d changed: %q, %v", i, got, err)
			}
		}
	})
	t.Run("OtherKeysIDOnTheSameBox", func(t *testing.T) {
		if _, err := s.Open(strings.Replace(sealed, "v1.k1.", "v1.k2.", 1), "members.phone"); !errors.Is(err, ErrUnsealable) {
			t.Fatal(err)
		}
	})
	t.Run("WrongContext", func(t *testing.T) {
		if _, err := s.Open(sealed, "members.id_number"); !errors.Is(err, ErrUnsealable) {
			t.Fatal(err)
		}
	})
	t.Run("UnknownKey", func(t *testing.T) {
		other := newTestSealer(t, "k9:"+keyA)
		_, err := other.Open(sealed, "members.phone")
		if !errors.Is(err, ErrUnsealable) || !strings.Contains(err.Error(), "k1") {
			t.Fatal(err)
		}
	})
	for _, bad := range []string{"x", "v1.k1", "v1.k1.", "v2.k1.AAAA", "v1.k1.%%%", "v1.k1.AAAA", sealed[:len(sealed)-8], sealed + ".x", sealed + "\n"} {
		if _, err := s.Open(bad, "members.phone"); !errors.Is(err, ErrUnsealable) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestSealerRotation(t *testing.T) {
	oldKey, newKey := GenerateKey(), GenerateKey()
	before := newTestSealer(t, "2025:"+oldKey)
	after := newTestSealer(t, "2026:"+newKey+", 2025:"+oldKey)
	sealed := mustSeal(t, before, "10000000001", "members.phone")
	if before.NeedsRotation(sealed) || !after.NeedsRotation(sealed) || after.NeedsRotation("") {
		t.Fatal("only what an older key sealed needs rotation")
	}
	plain, err := after.Open(sealed, "members.phone")
	if err != nil || plain != "10000000001" {
		t.Fatal(plain, err)
	}
	again := mustSeal(t, after, plain, "members.phone")
	if after.NeedsRotation(again) {
		t.Fatal("sealed anew, must be current")
	}
	if before.Hash("phone", plain) != after.Hash("phone", plain) {
		t.Fatal("rotation must not change hashes")
	}
}

func TestHash(t *testing.T) {
	s := newTestSealer(t, "k1:"+GenerateKey())
	h := s.Hash("phone", "10000000001")
	if len(h) != 43 || h != s.Hash("phone", "10000000001") {
		t.Fatal(h)
	}
	other, err := NewSealer("k1:"+GenerateKey(), []byte(strings.Repeat("x", 32)))
	if err != nil {
		t.Fatal(err)
	}
	for name, differs := range map[string]string{
		"kind":     s.Hash("employee_no", "10000000001"),
		"plain":    s.Hash("phone", "10000000002"),
		"key":      other.Hash("phone", "10000000001"),
		"boundary": s.Hash("phone1", "0000000001"),
	} {
		if differs == h {
			t.Errorf("another %s must hash differently", name)
		}
	}
	if s.Hash("phone", "") != "" {
		t.Error("empty must hash to empty")
	}
}

func TestNewSealerRefuses(t *testing.T) {
	key := GenerateKey()
	for name, ring := range map[string]string{
		"empty": "", "no id": key, "bad id": "a.b:" + key, "short": "k:" + key[:20], "not base64": "k:!!!!",
		"twice": "k:" + key + ",k:" + GenerateKey(), "trailing comma": "k:" + key + ",",
	} {
		_, err := NewSealer(ring, testHashKey)
		if err == nil || strings.Contains(err.Error(), key[:20]) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewSealer("k:"+key, []byte("short")); err == nil {
		t.Error("short hash key accepted")
	}
	s := newTestSealer(t, "k:"+key)
	for _, shown := range []string{fmt.Sprintf("%v", s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s)} {
		if shown != "Sealer(current k of 1)" {
			t.Error("printing a Sealer shows", shown)
		}
	}
	std := "+/" + strings.NewReplacer("-", "+", "_", "/").Replace(key[2:]) + "="
	if _, err := DecodeKey(std); err != nil {
		t.Error("standard base64 with padding:", err)
	}
}

func TestMasks(t *testing.T) {
	for _, c := range [][2]string{
		{MaskPhone("10000000001"), "100****0001"}, {MaskPhone("1000"), "****"}, {MaskPhone(""), ""},
		{MaskIDNumber("999999199001011234"), "**************1234"}, {MaskIDNumber("1234"), "****"},
		{MaskName("张三"), "张*"}, {MaskName("张小三"), "张*三"}, {MaskName("欧阳小三"), "欧**三"},
		{MaskName("张"), "*"}, {MaskName(""), ""},
	} {
		if c[0] != c[1] {
			t.Errorf("got %q, want %q", c[0], c[1])
		}
	}
}
