package rosterfile

import (
	"strings"
	"unicode"
)

// cleanCell removes what spreadsheets, web pages and input methods add to a text: outer and repeated
// spaces, invisible format characters, the apostrophe or ="…" that marks a text, full-width digits and
// letters. Control characters inside stay, for checks to refuse.
func cleanCell(s string) string {
	if plainASCII(s) {
		return s
	}
	s = strings.Join(strings.FieldsFunc(strings.Map(halfWidth, s), unicode.IsSpace), " ")
	for before := ""; s != before; { // one mark may hide behind the other
		before = s
		if inner, found := strings.CutPrefix(s, `="`); found {
			s = strings.TrimSuffix(inner, `"`)
		}
		s = strings.TrimSpace(strings.TrimLeft(s, "'‘’`"))
	}
	return s
}

// plainASCII tells that cleanCell has nothing to do, which is so for most cells.
func plainASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '\'' || c == '`' || c == '=' {
			return false
		}
	}
	return true
}

func halfWidth(r rune) rune {
	switch {
	case r >= '０' && r <= '９', r >= 'Ａ' && r <= 'Ｚ', r >= 'ａ' && r <= 'ｚ':
		return r - '０' + '0'
	case unicode.Is(unicode.Cf, r): // zero-width and direction marks, byte order mark
		return -1
	}
	return r
}

// foldPunctuation makes full-width ASCII punctuation half-width.
func foldPunctuation(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			return r - '！' + '!'
		}
		return r
	}, s)
}

// clip shortens text of the file that is quoted to at most n characters.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}
