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
	bare := strings.TrimLeftFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	if bare == "" || plainNumber.MatchString(text) {
		return text
	}
	if strings.ContainsAny(bare[:1], "=+-@") || strings.HasPrefix(bare, "＝") || strings.HasPrefix(bare, "＋") || strings.HasPrefix(bare, "－") || strings.HasPrefix(bare, "＠") {
		return "'" + text
	}
	return text
}
