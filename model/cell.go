package model

import (
	"regexp"
	"strings"
)

var plainNumber = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

// CellText is text as it goes into a cell of a spreadsheet that people download. A text cell is never a formula, but once the
// sheet is saved as csv and opened again, a text that begins like a formula (= + - @, their full-width forms, or a tab or line end
// before them) becomes one: such a text gets an apostrophe in front, which our own readers take off again. Plain numbers,
// such as -12.50, stay as they are.
func CellText(text string) string {
	bare := strings.TrimLeft(text, " \t\r\n\u3000\u00a0")
	if bare == "" || plainNumber.MatchString(text) {
		return text
	}
	if strings.ContainsAny(bare[:1], "=+-@") || strings.HasPrefix(bare, "＝") || strings.HasPrefix(bare, "＋") || strings.HasPrefix(bare, "－") || strings.HasPrefix(bare, "＠") {
		return "'" + text
	}
	return text
}
