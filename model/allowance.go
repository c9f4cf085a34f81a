package model

import "time"

// Policy is one year of a notice: the basis for granting money in that year.
type Policy struct {
	ID                 ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	Year               Year      `gorm:"column:year"`
	DocumentNo         string    `gorm:"column:document_no"`          // e.g. 湛工总〔2023〕25号
	UpstreamDocumentNo string    `gorm:"column:upstream_document_no"` // e.g. 粤工总〔2023〕22号
	Title              string    `gorm:"column:title"`
	CapFen             Fen       `gorm:"column:cap_fen"`   // per person and year, extra purse
	StartsOn           Date      `gorm:"column:starts_on"` // China date, inclusive
	EndsOn             Date      `gorm:"column:ends_on"`   // China date, inclusive
	Demo               bool      `gorm:"column:demo"`      // true: made for the demonstration, not a real notice
	CreatedBy          ID        `gorm:"column:created_by"`
	CreatedAt          time.Time `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt          time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Policy) TableName() string { return "policies" }

// ReportingPeriod is a reporting date of a policy: the form covers 1 January of the year to the due date.
type ReportingPeriod struct {
	ID       ID     `gorm:"column:id;primaryKey;autoIncrement:false"`
	PolicyID ID     `gorm:"column:policy_id"`
	Year     Year   `gorm:"column:year"`
	Seq      int    `gorm:"column:seq"` // 1, 2, 3
	Name     string `gorm:"column:name"`
	DueOn    Date   `gorm:"column:due_on"` // China date; figures run to the end of this day
}

// TableName implements gorm's Tabler.
func (ReportingPeriod) TableName() string { return "reporting_periods" }

// Fund is a union's money for a purse and year.
type Fund struct {
	ID          ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	UnionID     ID        `gorm:"column:union_id"`
	Purse       Purse     `gorm:"column:purse"` // extra | festival | hardship | activity
	Year        Year      `gorm:"column:year"`
	BalanceFen  Fen       `gorm:"column:balance_fen"`
	ToppedUpFen Fen       `gorm:"column:topped_up_fen"` // put in from the bank; less the balance it is what went out to members and suppliers
	CreatedAt   time.Time `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt   time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Fund) TableName() string { return "funds" }

// Topup is money put into a fund: entered by one person, confirmed by another.
type Topup struct {
	ID             ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	FundID         ID         `gorm:"column:fund_id"`
	UnionID        ID         `gorm:"column:union_id"`
	AmountFen      Fen        `gorm:"column:amount_fen"`
	EvidenceNo     string     `gorm:"column:evidence_no"`      // number of the bank voucher
	LiveEvidenceNo *string    `gorm:"column:live_evidence_no"` // the same until rejected, then nil: one voucher counts once, a rejected one may be entered anew
	EvidenceFileID *ID        `gorm:"column:evidence_file_id"`
	Note           string     `gorm:"column:note"`
	Status         string     `gorm:"column:status"` // entered | confirmed | rejected
	EnteredBy      ID         `gorm:"column:entered_by"`
	EnteredAt      time.Time  `gorm:"column:entered_at"`
	DecidedBy      *ID        `gorm:"column:decided_by"`
	DecidedAt      *time.Time `gorm:"column:decided_at"`
	DecisionNote   string     `gorm:"column:decision_note"`
}

// TableName implements gorm's Tabler.
func (Topup) TableName() string { return "topups" }

// Grant is one act of issuing from a fund to many members.
type Grant struct {
	ID           ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	UnionID      ID         `gorm:"column:union_id"`
	FundID       ID         `gorm:"column:fund_id"`
	Purse        Purse      `gorm:"column:purse"`
	Year         Year       `gorm:"column:year"`
	Title        string     `gorm:"column:title"`
	Selection    string     `gorm:"column:selection"` // roster | filter | list
	FilterJSON   string     `gorm:"column:filter_json"`
	AmountFen    Fen        `gorm:"column:amount_fen"` // per member; 0 for a list with amounts of its own
	Status       string     `gorm:"column:status"`     // preparing | draft | approved | issuing | issued | rejected | cancelled
	TotalItems   int        `gorm:"column:total_items"`
	DoneItems    int        `gorm:"column:done_items"`
	IssuedItems  int        `gorm:"column:issued_items"` // in full
	CutItems     int        `gorm:"column:cut_items"`
	SkippedItems int        `gorm:"column:skipped_items"`
	TotalFen     Fen        `gorm:"column:total_fen"` // asked for
	IssuedFen    Fen        `gorm:"column:issued_fen"`
	CreatedBy    ID         `gorm:"column:created_by"`
	CreatedAt    time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	DecidedBy    *ID        `gorm:"column:decided_by"`
	DecidedAt    *time.Time `gorm:"column:decided_at"`
	DecisionNote string     `gorm:"column:decision_note"`
	IssuedAt     *time.Time `gorm:"column:issued_at"`
	StopReason   string     `gorm:"column:stop_reason"` // why preparing or issuing stopped half way, in Chinese
	UpdatedAt    time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Grant) TableName() string { return "grants" }

// GrantItem is what one member gets from a grant, and what came of it.
type GrantItem struct {
	ID          ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	GrantID     ID         `gorm:"column:grant_id"`
	MemberID    ID         `gorm:"column:member_id"`
	PersonID    ID         `gorm:"column:person_id"`
	AskedFen    Fen        `gorm:"column:asked_fen"`
	IssuedFen   Fen        `gorm:"column:issued_fen"`
	Status      string     `gorm:"column:status"` // pending | issued | cut | skipped
	Reason      string     `gorm:"column:reason"` // why cut or skipped, in Chinese
	AllowanceID *ID        `gorm:"column:allowance_id"`
	DecidedAt   *time.Time `gorm:"column:decided_at"`
}

// TableName implements gorm's Tabler.
func (GrantItem) TableName() string { return "grant_items" }

// PersonCap is how much of the extra purse a person has been granted in a year, over all unions: the cap's own row.
type PersonCap struct {
	PersonID   ID   `gorm:"column:person_id;primaryKey;autoIncrement:false"`
	Year       Year `gorm:"column:year;primaryKey;autoIncrement:false"`
	GrantedFen Fen  `gorm:"column:granted_fen"` // grants less revocations, and shares of approved claims
}

// TableName implements gorm's Tabler.
func (PersonCap) TableName() string { return "person_caps" }

// Allowance is what one member holds for a purse and year.
type Allowance struct {
	ID         ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	PersonID   ID        `gorm:"column:person_id"`
	MemberID   ID        `gorm:"column:member_id"`
	UnionID    ID        `gorm:"column:union_id"`
	FundID     ID        `gorm:"column:fund_id"`
	Purse      Purse     `gorm:"column:purse"`
	Year       Year      `gorm:"column:year"`
	BalanceFen Fen       `gorm:"column:balance_fen"` // free to spend
	HeldFen    Fen       `gorm:"column:held_fen"`    // held for orders that await a payment; not part of balance_fen
	Status     string    `gorm:"column:status"`      // active | revoked | ended
	CreatedAt  time.Time `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt  time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Allowance) TableName() string { return "allowances" }

// Transfer is one movement of money between two accounts; never changed, never deleted.
type Transfer struct {
	ID            ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	Kind          string    `gorm:"column:kind"`           // fund | grant | spend | refund | revoke | sweep | settle | pay …
	Cause         string    `gorm:"column:cause"`          // what made it, unique within the kind: "topup:123"
	DebitAccount  string    `gorm:"column:debit_account"`  // money leaves: "bank", "fund:1", "allowance:2", "supplier:3"
	CreditAccount string    `gorm:"column:credit_account"` // money arrives
	AmountFen     Fen       `gorm:"column:amount_fen"`
	Purse         Purse     `gorm:"column:purse"`
	Year          Year      `gorm:"column:year"`
	UnionID       ID        `gorm:"column:union_id"` // the union whose money it is
	OrderID       *ID       `gorm:"column:order_id"`
	At            time.Time `gorm:"column:at"`
}

// TableName implements gorm's Tabler.
func (Transfer) TableName() string { return "transfers" }

// Sweep is one run of the year's end.
type Sweep struct {
	ID              ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	Year            Year       `gorm:"column:year"`
	Status          string     `gorm:"column:status"` // running | done
	SweptAllowances int        `gorm:"column:swept_allowances"`
	SweptFen        Fen        `gorm:"column:swept_fen"`
	StartedBy       *ID        `gorm:"column:started_by"` // NULL: by the clock
	StartedAt       time.Time  `gorm:"column:started_at"`
	FinishedAt      *time.Time `gorm:"column:finished_at"`
}

// TableName implements gorm's Tabler.
func (Sweep) TableName() string { return "sweeps" }
