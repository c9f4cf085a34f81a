package model

import (
	"regexp"
	"strings"
	"unicode"
)

var plainNumber = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

// CellText is text as it goes into a cell of a spreadsheet that people download. A text cell is never a formula, but once the
// sheet is saved as csv and opened again, a text that begins like a formula (= + - @, their full-width forms, or anything unseen
// before them) becomes one: such a text gets an apostrophe in front, which our own readers take off again. Plain numbers,
// such as -12.50, stay as they are.
func CellText(text string) string {
	bare := strings.TrimLeftFunc(text, unseen)
	if bare == "" || plainNumber.MatchString(text) {
		return text
	}
	if strings.ContainsAny(bare[:1], "=+-@") || strings.HasPrefix(bare, "＝") || strings.HasPrefix(bare, "＋") || strings.HasPrefix(bare, "－") || strings.HasPrefix(bare, "＠") {
		return "'" + text
	}
	return text
}

// unseen tells whether a rune at the beginning of a cell shows nothing, so that a program may skip it: spaces, controls, byte order and direction marks,
// zero-width characters, fillers, and marks that have no letter to stand on.
func unseen(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\u2800' || unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me, unicode.Other_Default_Ignorable_Code_Point)
}
