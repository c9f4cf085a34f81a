package model

import "time"

// Statement is a union's filled statistics form for a period.
type Statement struct {
	ID                ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	UnionID           ID         `gorm:"column:union_id"`
	UnionName         string     `gorm:"column:union_name"` // as it was called when it submitted
	PeriodID          ID         `gorm:"column:period_id"`
	Version           int        `gorm:"column:version"`             // 1, 2 …: a returned form is followed by the next version
	Status            string     `gorm:"column:status"`              // submitted | returned
	Filler            string     `gorm:"column:filler"`              // 填报人
	FillerPhoneSealed string     `gorm:"column:filler_phone_sealed"` // 联系电话
	AsOf              time.Time  `gorm:"column:as_of"`               // figures include what was paid or refunded before this moment
	SubmittedBy       ID         `gorm:"column:submitted_by"`
	SubmittedAt       time.Time  `gorm:"column:submitted_at"`
	ReturnedBy        *ID        `gorm:"column:returned_by"`
	ReturnedAt        *time.Time `gorm:"column:returned_at"`
	ReturnReason      string     `gorm:"column:return_reason"`
}

// TableName implements gorm's Tabler.
func (Statement) TableName() string { return "statements" }

// StatementRow is the frozen figures of a submitted form.
type StatementRow struct {
	StatementID ID    `gorm:"column:statement_id;primaryKey;autoIncrement:false"`
	RowNo       int   `gorm:"column:row_no;primaryKey;autoIncrement:false"` // 1 to 8
	PersonTimes int64 `gorm:"column:person_times"`                          // 人次
	AmountFen   Fen   `gorm:"column:amount_fen"`                            // 消费总金额, net of refunds
	InvestedFen Fen   `gorm:"column:invested_fen"`                          // 投入总额度: what was issued
}

// TableName implements gorm's Tabler.
func (StatementRow) TableName() string { return "statement_rows" }

// StatementPart is which unions a submitted form counts, each up to its own moment: nothing is counted twice.
type StatementPart struct {
	StatementID       ID        `gorm:"column:statement_id;primaryKey;autoIncrement:false"`
	UnionID           ID        `gorm:"column:union_id;primaryKey;autoIncrement:false"`
	AsOf              time.Time `gorm:"column:as_of"`
	SourceStatementID *ID       `gorm:"column:source_statement_id"` // the union's own or its federation's submitted form; NULL: counted as it stood
}

// TableName implements gorm's Tabler.
func (StatementPart) TableName() string { return "statement_parts" }
