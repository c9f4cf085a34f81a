package model

import "time"

// Basis says which of the two limits of 粤工总〔2018〕5号 a union chose for its holiday gifts of a year.
type Basis string

// The bases.
const (
	BasisBudget   Basis = "budget"   // of its own budget expenditure of the year (当年本级工会经费预算支出)
	BasisRetained Basis = "retained" // of its retained funds (工会留成经费)
)

// UnionBudget is one version of what a union entered as its budget of a year. Versions are only added; the latest confirmed
// one counts.
type UnionBudget struct {
	ID          ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	UnionID     ID         `gorm:"column:union_id"`
	Year        Year       `gorm:"column:year"`
	Version     int        `gorm:"column:version"`      // 1, 2 …
	BudgetFen   Fen        `gorm:"column:budget_fen"`   // 当年本级工会经费预算支出
	RetainedFen Fen        `gorm:"column:retained_fen"` // 工会留成经费
	Basis       Basis      `gorm:"column:basis"`        // budget | retained
	Headcount   int        `gorm:"column:headcount"`    // active members when it was entered, for the second person's judgement
	Note        string     `gorm:"column:note"`
	Status      string     `gorm:"column:status"` // entered | confirmed
	EnteredBy   ID         `gorm:"column:entered_by"`
	EnteredAt   time.Time  `gorm:"column:entered_at"`
	ConfirmedBy *ID        `gorm:"column:confirmed_by"`
	ConfirmedAt *time.Time `gorm:"column:confirmed_at"`
}

// TableName implements gorm's Tabler.
func (UnionBudget) TableName() string { return "union_budgets" }

// LimitRule is what the city federation set as the limits on holiday gifts of a year. A year without a row has those of the notice.
type LimitRule struct {
	Year             Year      `gorm:"column:year;primaryKey;autoIncrement:false"`
	WarnPercent      int       `gorm:"column:warn_percent"`       // of the budget: warned above
	MaxPercent       int       `gorm:"column:max_percent"`        // of the budget: the most
	RetainedPercent  int       `gorm:"column:retained_percent"`   // of the retained funds: the most
	AverageFen       Fen       `gorm:"column:average_fen"`        // a member and year, on average
	Enforce          bool      `gorm:"column:enforce"`            // what goes beyond is refused; else it is only warned of
	DocumentNo       string    `gorm:"column:document_no"`        // of the rule: 粤工总〔2018〕5号
	NoticeDocumentNo string    `gorm:"column:notice_document_no"` // of the notice that quotes it: 湛工总〔2023〕25号
	EnteredBy        ID        `gorm:"column:entered_by"`
	EnteredAt        time.Time `gorm:"column:entered_at"`
}

// TableName implements gorm's Tabler.
func (LimitRule) TableName() string { return "limit_rules" }
