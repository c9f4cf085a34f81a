package model

import (
	"fmt"
	"strconv"
	"strings"
)

// Fen is an amount of money in fen, one hundredth of a yuan. All money in the product is Fen;
// yuan exist only as text that a person reads or types.
type Fen int64

// MaxFen bounds any single amount that a person may enter: 100,000,000.00 yuan. It keeps sums far
// away from overflow (more than 9 million such amounts fit into an int64).
const MaxFen Fen = 10_000_000_000

// Yuan renders the amount as a person reads it: "1234.50", without grouping or unit.
func (f Fen) Yuan() string {
	sign := ""
	v := int64(f)
	if v < 0 {
		sign, v = "-", -v
	}
	return fmt.Sprintf("%s%d.%02d", sign, v/100, v%100)
}

// String renders the amount with its unit, for messages: "¥1234.50".
func (f Fen) String() string { return "¥" + f.Yuan() }

// ParseYuan reads yuan typed by a person ("600", "12.5", "1,234.50") into Fen without passing
// through a float. Negative amounts, more than two decimals and amounts above MaxFen are refused
// with CodeInvalid.
func ParseYuan(text string) (Fen, error) {
	s := strings.TrimSpace(text)
	s = strings.TrimPrefix(s, "¥")
	s = strings.TrimPrefix(s, "￥")
	s = strings.TrimSuffix(s, "元")
	s = strings.ReplaceAll(strings.TrimSpace(s), ",", "")
	whole, frac, hasFrac := strings.Cut(s, ".")
	if whole == "" || !digits(whole) || (hasFrac && (frac == "" || len(frac) > 2 || !digits(frac))) {
		return 0, Invalid("amount", "金额“"+clip(text, 20)+"”写法不对，应为最多两位小数的数字")
	}
	yuan, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || yuan > int64(MaxFen)/100 {
		return 0, Invalid("amount", "金额过大")
	}
	for len(frac) < 2 {
		frac += "0"
	}
	cents, err := strconv.ParseInt(frac, 10, 64)
	if err != nil {
		return 0, Invalid("amount", "金额写法不对")
	}
	if f := Fen(yuan*100 + cents); f <= MaxFen {
		return f, nil
	}
	return 0, Invalid("amount", "金额过大")
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

// clip shortens user text that is quoted in a message to at most n runes.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}
