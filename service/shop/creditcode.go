package shop

import "strings"

// creditAlphabet are the characters of a 统一社会信用代码 (GB 32100-2015) in the order of their values.
const creditAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// CreditCode brings a 统一社会信用代码 to capitals and checks its length, characters and check character
// (GB 32100-2015: weights 3^i mod 31, sum and check divisible by 31).
func CreditCode(text string) (code string, ok bool) {
	code = strings.ToUpper(strings.TrimSpace(text))
	if len(code) != 18 {
		return code, false
	}
	sum, weight := 0, 1
	for _, r := range code[:17] {
		v := strings.IndexRune(creditAlphabet, r)
		if v < 0 {
			return code, false
		}
		sum += v * weight
		weight = weight * 3 % 31
	}
	return code, creditAlphabet[(31-sum%31)%31] == code[17]
}
