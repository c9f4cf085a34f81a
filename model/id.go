package model

import (
	"strconv"
)

// ID identifies a stored row. In JSON it is a string, because JavaScript cannot hold 64 bits.
// IDs are made by the program (see IDs), rise with time and never depend on the database's
// auto-increment order.
type ID int64

// String is the decimal form.
func (id ID) String() string { return strconv.FormatInt(int64(id), 10) }

// MarshalJSON writes the id as a JSON string.
func (id ID) MarshalJSON() ([]byte, error) { return []byte(`"` + id.String() + `"`), nil }

// UnmarshalJSON accepts a JSON string of digits only.
func (id *ID) UnmarshalJSON(b []byte) error {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return Invalid("id", "编号应为字符串")
	}
	v, err := ParseID(string(b[1 : len(b)-1]))
	if err != nil {
		return err
	}
	*id = v
	return nil
}

// ParseID reads the decimal form of an ID; it must be positive, of at most 19 digits and without leading zeros.
func ParseID(s string) (ID, error) {
	if s == "" || s[0] == '0' || len(s) > 19 || !digits(s) {
		return 0, Invalid("id", "编号“"+clip(s, 24)+"”不正确")
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v <= 0 {
		return 0, Invalid("id", "编号“"+clip(s, 24)+"”不正确")
	}
	return ID(v), nil
}
