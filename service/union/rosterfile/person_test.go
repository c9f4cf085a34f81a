package rosterfile

import (
	"strings"
	"testing"

	"bangfu/model"
)

func TestNormalizeName(t *testing.T) {
	for in, want := range map[string]string{
		"张三": "张三", " 张　三 ": "张三", "张 三 丰": "张三丰", "'张三": "张三", "\u200b张三\ufeff": "张三",
		"阿卜杜拉•买买提": "阿卜杜拉·买买提", "阿卜杜拉 . 买买提": "阿卜杜拉·买买提", "阿卜杜拉．买买提": "阿卜杜拉·买买提",
		"Ｌｉ　Ｍｉｎｇ": "Li Ming", "Li   Ming": "Li Ming", "𠮷野": "𠮷野", "Ａ君": "A君",
	} {
		if got, err := NormalizeName(in); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", " ", "张", "张3", "张三\n(退休)", "=张三", "张三;", "Li.Ming", "🌾🌾", strings.Repeat("长", 31)} {
		if got, err := NormalizeName(in); model.CodeOf(err) != model.CodeInvalid {
			t.Errorf("%q accepted as %q: %v", in, got, err)
		}
	}
}

func TestNormalizePhone(t *testing.T) {
	for _, in := range []string{"10000000001", " 10000000001\t", "100-0000-0001", "100 0000 0001", "+8610000000001", "+86 100 0000 0001",
		"8610000000001", "008610000000001", "(86)10000000001", "＋８６ １０００００００００１", "10000000001.0", "1.0000000001E10",
		"1.0000000001e+10", "'10000000001", `="10000000001"`, "\u202d10000000001\u202c"} {
		if got, err := NormalizePhone(in); err != nil || got != "10000000001" {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "1000000000", "100000000011", "20000000001", "0759-2000000", "1.00E+10", "1E+10", "1000000000a",
		"10000000001/10000000002", "+8520000001", "-", "１"} {
		if got, err := NormalizePhone(in); model.CodeOf(err) != model.CodeInvalid {
			t.Errorf("%q accepted as %q: %v", in, got, err)
		}
	}
}

func TestValidIDNumber(t *testing.T) {
	born := func(day string) string {
		first17 := "999999" + day + "001"
		return first17 + string(idCheckDigit(first17))
	}
	for _, day := range []string{"19000101", "19990228", "20000229", "20261120"} {
		if err := ValidIDNumber(born(day), today); err != nil {
			t.Error(day, err)
		}
	}
	for _, c := range [][2]string{
		{born("20261121"), "晚于今天"}, {born("18991231"), "出生日期不正确"}, {born("19990229"), "出生日期不正确"},
		{born("19991301"), "出生日期不正确"}, {"", "18 位"}, {"99999919900101001x", "18 位"}, {"９99999199001010019", "18 位"},
		{"9999991990010100X1", "18 位"}, {"99999919900101001", "有 17 位"}, {"9999991990010100111", "有 19 位"},
		{"999999199001010000", "000"}, {strings.Repeat("9", 15), "15 位"}, {"999999 19900101001", "18 位"},
	} {
		err := ValidIDNumber(c[0], today)
		if model.CodeOf(err) != model.CodeInvalid || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%q: %v", c[0], err)
		}
	}
	// The check character catches every single wrong digit and every swap of neighbours.
	id := born("19900101")
	for i := range 17 {
		for d := byte('0'); d <= '9'; d++ {
			if wrong := id[:i] + string(d) + id[i+1:]; wrong != id && ValidIDNumber(wrong, today) == nil {
				t.Error("accepted", wrong)
			}
		}
		if swapped := id[:i] + id[i+1:i+2] + id[i:i+1] + id[i+2:]; swapped != id && ValidIDNumber(swapped, today) == nil {
			t.Error("accepted", swapped)
		}
	}
}

func TestCheckCharacterIsTheStandards(t *testing.T) {
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} // the table of GB 11643
	for n := range 5000 {
		id, sum := DemoIDNumber(n), 0
		for i, weight := range weights {
			sum += weight * int(id[i]-'0')
		}
		if want := "10X98765432"[sum%11]; id[17] != want {
			t.Fatalf("%s: want %c", id, want)
		}
	}
}

func TestNormalizeIDNumber(t *testing.T) {
	n := 0
	for DemoIDNumber(n)[17] != 'X' {
		n++
	}
	want := DemoIDNumber(n)
	for _, in := range []string{want, strings.ToLower(want), " " + want[:6] + " " + want[6:14] + " " + want[14:], "'" + want,
		strings.Replace(want, "X", "Ｘ", 1), strings.Replace(want, "X", "×", 1), strings.Replace(want, "9", "９", 3)} {
		if got, err := NormalizeIDNumber(in, today); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func TestDemoNumbersAreValidAndDistinct(t *testing.T) {
	seen := map[string]bool{}
	for n := range 60_000 {
		id, phone := DemoIDNumber(n), DemoPhone(n)
		if err := ValidIDNumber(id, today); err != nil || !strings.HasPrefix(id, "999999") {
			t.Fatal(id, err)
		}
		if normal, err := NormalizePhone(phone); err != nil || normal != phone {
			t.Fatal(phone, err)
		}
		if seen[id] || seen[phone] {
			t.Fatal("twice:", id, phone)
		}
		seen[id], seen[phone] = true, true
	}
}

func FuzzIDNumber(f *testing.F) {
	f.Add(DemoIDNumber(1))
	f.Add("'999999 19900101 001Ｘ")
	f.Add("9.99999199001011E+17")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := NormalizeIDNumber(s, today)
		if err != nil {
			return
		}
		if len(got) != 18 || ValidIDNumber(got, today) != nil {
			t.Errorf("%q became %q", s, got)
		}
		if again, err := NormalizeIDNumber(got, today); err != nil || again != got {
			t.Errorf("%q is not stable: %q, %v", got, again, err)
		}
	})
}
