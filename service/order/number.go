package order

import (
	"fmt"
	"math/rand/v2"
	"time"

	"bangfu/model"
)

// newNumber makes an order number that people can read out: the China date as YYMMDD, eleven random digits and a check digit
// (Luhn), such as 250303012345678908. It tells nothing about how many orders there are. Two of one day may meet, though of a million orders
// one in a hundred thousand does; the unique index finds that and the order takes another number. (Before 2026-11-28 the date had four digits for the
// year and nine random digits followed.)
func newNumber(at time.Time) string {
	body := fmt.Sprintf("%s%011d", at.In(model.China).Format("060102"), rand.Int64N(100_000_000_000))
	return body + string(rune('0'+checkDigit(body)))
}

// ValidNumber tells whether a typed order number is well-formed and its check digit right: any one wrong digit and
// nearly every swap of two neighbours is found.
func ValidNumber(no string) bool {
	if len(no) != 18 {
		return false
	}
	for _, r := range no {
		if r < '0' || r > '9' {
			return false
		}
	}
	return checkDigit(no[:17]) == int(no[17]-'0')
}

func checkDigit(body string) int {
	sum := 0
	for i := range len(body) {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return (10 - sum%10) % 10
}
