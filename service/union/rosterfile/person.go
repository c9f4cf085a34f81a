package rosterfile

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"bangfu/model"
)

// Lengths in characters.
const (
	minName       = 2
	maxName       = 30
	maxEmployeeNo = 32
	maxDepartment = 64
)

// NormalizeName brings a person's name to the form in which it is stored and compared: half-width
// letters, no spaces beside Chinese characters, the middle dot as "·". It must then have 2 to 30
// Chinese characters, letters and "·". The error is a model.Error about the field "name".
func NormalizeName(s string) (string, error) { return named("name")(checkName(s)) }

// NormalizePhone brings a mobile number to its 11 digits: without +86, 86 or 0086, spaces, dashes and
// what spreadsheets add. The error is a model.Error about the field "phone".
func NormalizePhone(s string) (string, error) { return named("phone")(checkPhone(s)) }

// NormalizeIDNumber brings an ID number to its 18 characters, the last possibly a capital X, and checks
// it as ValidIDNumber does. The error is a model.Error about the field "id_number".
func NormalizeIDNumber(s string, today model.Date) (string, error) {
	return named("id_number")(checkIDNumber(s, today))
}

// NormalizeEmployeeNo brings an employee number to the form in which it is stored; it may be empty, and has at most 32
// characters. The error is a model.Error about the field "employee_no".
func NormalizeEmployeeNo(s string) (string, error) {
	return named("employee_no")(checkText(s, colEmployeeNo.title(), maxEmployeeNo))
}

// NormalizeDepartment brings a department's name to the form in which it is stored; it may be empty, and has at most 64
// characters. The error is a model.Error about the field "department".
func NormalizeDepartment(s string) (string, error) {
	return named("department")(checkText(s, colDepartment.title(), maxDepartment))
}

// ValidIDNumber tells what is wrong with a normalised ID number (GB 11643): 18 characters, a birth date
// that exists, from 1900 on and not after today, and the check character. The address code is free. The
// error is a model.Error about the field "id_number".
func ValidIDNumber(s string, today model.Date) error {
	if message := idNumberProblem(s, today); message != "" {
		return model.Invalid("id_number", message)
	}
	return nil
}

func named(field string) func(value, message string) (string, error) {
	return func(value, message string) (string, error) {
		if message != "" {
			return "", model.Invalid(field, message)
		}
		return value, nil
	}
}

func checkName(cell string) (value, message string) {
	s := tightenHan(cleanCell(cell))
	if strings.ContainsFunc(s, isHan) {
		s = strings.NewReplacer("•", "·", "・", "·", "‧", "·", "∙", "·", "⋅", "·", "．", "·", ".", "·").Replace(s)
	}
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return s, "姓名没有填写"
	case n < minName || n > maxName:
		return s, fmt.Sprintf("姓名应为 %d 至 %d 个字", minName, maxName)
	}
	for _, r := range s {
		if !isHan(r) && !unicode.Is(unicode.Latin, r) && r != '·' && r != ' ' {
			return s, "姓名只能用汉字、字母和间隔号“·”"
		}
	}
	if strings.HasPrefix(s, "·") || strings.HasSuffix(s, "·") {
		return s, "姓名的间隔号“·”前后都要有字"
	}
	return s, ""
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

// tightenHan removes the spaces that people put into Chinese names to align them; one between letters stays.
func tightenHan(s string) string {
	if !strings.Contains(s, " ") {
		return s
	}
	letter := func(r rune) bool { return unicode.Is(unicode.Latin, r) }
	runes, out := []rune(s), make([]rune, 0, len(s))
	for i, r := range runes {
		if r == ' ' && (!letter(runes[i-1]) || !letter(runes[i+1])) { // outer spaces are gone already
			continue
		}
		out = append(out, r)
	}
	return string(out)
}

var phoneNoise = strings.NewReplacer(" ", "", "-", "", "—", "", "–", "", "‐", "", "−", "", "(", "", ")", "")

func checkPhone(cell string) (value, message string) {
	kept := cleanCell(cell)
	if kept == "" {
		return "", "手机号没有填写"
	}
	s, lost := unscientific(foldPunctuation(kept))
	if lost {
		return kept, scientific("手机号")
	}
	s = strings.TrimSuffix(phoneNoise.Replace(s), ".0")
	switch {
	case strings.HasPrefix(s, "+86"):
		s = s[3:]
	case strings.HasPrefix(s, "0086"):
		s = s[4:]
	case strings.HasPrefix(s, "86") && len(s) == 13:
		s = s[2:]
	}
	if !digits(s) {
		return kept, "手机号只能填一个 11 位数字的号码"
	}
	if len(s) != 11 {
		return kept, fmt.Sprintf("手机号有 %d 位，应为 11 位", len(s))
	}
	if s[0] != '1' {
		return kept, "手机号应以 1 开头"
	}
	return s, ""
}

var idNumberNoise = strings.NewReplacer(" ", "", "-", "", "x", "X", "×", "X", "х", "X", "Х", "X", "Ⅹ", "X")

func checkIDNumber(cell string, today model.Date) (value, message string) {
	kept := cleanCell(cell)
	if kept == "" {
		return "", "身份证号没有填写"
	}
	s, lost := unscientific(foldPunctuation(kept))
	if lost {
		return kept, scientific("身份证号")
	}
	s = idNumberNoise.Replace(s)
	if message := idNumberProblem(s, today); message != "" {
		return kept, message
	}
	return s, ""
}

func idNumberProblem(s string, today model.Date) string {
	switch {
	case len(s) == 15 && digits(s):
		return "身份证号是 15 位的旧号码，请填 18 位的号码"
	case len(s) < 17 || !digits(s[:len(s)-1]) || (s[len(s)-1] != 'X' && !digits(s[len(s)-1:])):
		return "身份证号应为 18 位，只有最后一位可以是 X"
	case len(s) != 18:
		return fmt.Sprintf("身份证号有 %d 位，应为 18 位", len(s))
	}
	birth, err := time.Parse("20060102", s[6:14])
	switch {
	case err != nil || birth.Year() < 1900:
		return "身份证号里的出生日期不正确"
	case birth.Format(time.DateOnly) > string(today):
		return "身份证号里的出生日期晚于今天"
	}
	if idCheckDigit(s[:17]) != s[17] {
		if strings.HasSuffix(s, "000") {
			return "身份证号末三位被表格软件改成了 000，请把该列设为文本后重新填写"
		}
		return "身份证号不正确（校验位不符），请核对"
	}
	return ""
}

// idCheckDigit is the last character of the ID number that begins with these 17 digits (ISO 7064 MOD 11-2).
func idCheckDigit(first17 string) byte {
	sum := 0
	for i := range 17 {
		sum = (sum + int(first17[i]-'0')) * 2 % 11
	}
	return "0123456789X"[(12-sum)%11]
}

func checkText(cell, title string, most int) (value, message string) {
	s := cleanCell(cell)
	plain, lost := unscientific(s)
	switch {
	case lost:
		return s, scientific(title)
	case utf8.RuneCountInString(s) > most:
		return s, fmt.Sprintf("%s不能超过 %d 个字", title, most)
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }):
		return s, title + "里有看不见的控制字符，请重新填写"
	}
	return plain, ""
}

func scientific(title string) string {
	return title + "被表格软件改成了科学计数法，请把该列设为文本后重新填写"
}

var scientificNumber = regexp.MustCompile(`^([0-9])(?:\.([0-9]+))?[eE]\+?([0-9]{1,2})$`)

// unscientific undoes scientific notation. lost tells that digits are missing, as in 1.00E+10; where
// all are there, as in 1.0000000001E10, the number is written out. Other text, such as the employee
// number 3E7 without point and sign, is left alone.
func unscientific(s string) (plain string, lost bool) {
	m := scientificNumber.FindStringSubmatch(s)
	if m == nil || !strings.ContainsAny(s, ".+") {
		return s, false
	}
	exponent := int(m[3][0] - '0')
	if len(m[3]) == 2 {
		exponent = exponent*10 + int(m[3][1]-'0')
	}
	if len(m[2]) != exponent {
		return s, true
	}
	return m[1] + m[2], false
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
