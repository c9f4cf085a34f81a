package model

// Purse says what money may be used for. Only the extra purse is capped per person and exempt from
// the limits on ordinary holiday gifts (notice 湛工总〔2023〕25号, section 二).
type Purse string

// The purses.
const (
	PurseExtra    Purse = "extra"
	PurseFestival Purse = "festival"
	PurseHardship Purse = "hardship"
	PurseActivity Purse = "activity"
)

var purseNames = map[Purse]string{
	PurseExtra: "消费帮扶增加额度", PurseFestival: "节日慰问", PurseHardship: "困难帮扶", PurseActivity: "职工活动",
}

// Name is the purse's name in the words of the policy; "" if there is no such purse.
func (p Purse) Name() string { return purseNames[p] }

// Capped tells whether the policy's yearly cap per person applies to the purse.
func (p Purse) Capped() bool { return p == PurseExtra }
