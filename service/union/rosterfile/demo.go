package rosterfile

import (
	"fmt"
	"time"
)

// DemoIDNumber makes the n-th invented ID number (n ≥ 0) for tests and demonstration data: valid, but
// with the address code 999999, which no place has. Births lie between 1960 and 1999; numbers repeat
// after 14 million.
func DemoIDNumber(n int) string {
	const days = 14_600
	birth := time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n*7919%days) // 7919 shares no factor with days: each day comes once in turn
	first17 := "999999" + birth.Format("20060102") + fmt.Sprintf("%03d", n/days%1000)
	return first17 + string(idCheckDigit(first17))
}

// DemoPhone makes the n-th invented mobile number (0 ≤ n < 100 million), in a range that is not assigned.
func DemoPhone(n int) string { return fmt.Sprintf("100%08d", n%100_000_000) }
