package model_test

import (
	"strings"
	"testing"

	"bangfu/model"
)

// TestCellText shows which texts a spreadsheet program could take for formulas once they are in a csv, and that others stay as they are.
func TestCellText(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "张三": "张三", "A-1": "A-1", "-12.50": "-12.50", "+8613": "+8613", "0.5": "0.5", "'=1": "'=1", "-": "'-",
		"=1+1": "'=1+1", "+1-2": "'+1-2", "-2+3": "'-2+3", "@SUM(1)": "'@SUM(1)", "\t=1": "'\t=1", "\r\n=1": "'\r\n=1", "　=1": "'　=1", "＝1": "'＝1", "＠x": "'＠x", " -cmd": "' -cmd",
		"\ufeff=1": "'\ufeff=1", "\u200b=1": "'\u200b=1", "\u200b \u2060@x": "'\u200b \u2060@x", "\u202e+1-2": "'\u202e+1-2", "\u00ad-2+3": "'\u00ad-2+3", "\u3164＝1": "'\u3164＝1",
		"\u034f=1": "'\u034f=1", "\ufe0f=1": "'\ufe0f=1", "\u2800=1": "'\u2800=1", "\ufeff张三": "\ufeff张三", "\u200b-5": "'\u200b-5",
	} {
		if got := model.CellText(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// FuzzCellText: a cell never begins like a formula unless it is a number, nothing but an apostrophe is added, and once is enough.
func FuzzCellText(f *testing.F) {
	for _, s := range []string{"=1+1", "-12.50", "\t@x", "张三", "＋１", "+-1", "\xff=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := model.CellText(text)
		if got != text && got != "'"+text || model.CellText(got) != got {
			t.Errorf("%q becomes %q", text, got)
		}
		if first := strings.TrimSpace(got); first != "" && strings.ContainsAny(first[:1], "=+-@") && strings.Trim(got, "+-.0123456789") != "" {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
