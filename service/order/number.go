package order

import (
	"fmt"
	"math/rand/v2"
	"time"

	"bangfu/model"
)

// newNumber makes an order number that people can read out: the China date, nine random digits and a check digit
// (Luhn), such as 202503031234567897. It tells nothing about how many orders there are. Two of one day may meet; the
// unique index finds that and the order takes another number.
func newNumber(at time.Time) string {
	body := fmt.Sprintf("%s%09d", at.In(model.China).Format("20060102"), rand.IntN(1_000_000_000))
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
