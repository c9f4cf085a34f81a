package model

import "time"

// SupplierBankAccount is where a supplier's money is sent, one row a version.
type SupplierBankAccount struct {
	ID                ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	SupplierID        ID         `gorm:"column:supplier_id"`
	Version           int        `gorm:"column:version"`      // 1, 2 … of the supplier
	AccountName       string     `gorm:"column:account_name"` // 户名
	Bank              string     `gorm:"column:bank"`         // 开户行, with its branch
	AccountNoSealed   string     `gorm:"column:account_no_sealed"`
	AccountNoTail     string     `gorm:"column:account_no_tail"`     // its last four digits, to be shown
	Status            string     `gorm:"column:status"`              // entered | confirmed | rejected | replaced
	OpenSupplierID    *ID        `gorm:"column:open_supplier_id"`    // the supplier while the row awaits its confirmation, else NULL
	CurrentSupplierID *ID        `gorm:"column:current_supplier_id"` // the supplier while this is the account in use, else NULL
	EnteredBy         ID         `gorm:"column:entered_by"`
	EnteredAt         time.Time  `gorm:"column:entered_at"`
	DecidedBy         *ID        `gorm:"column:decided_by"`
	DecidedAt         *time.Time `gorm:"column:decided_at"`
	DecisionNote      string     `gorm:"column:decision_note"`
}

// TableName implements gorm's Tabler.
func (SupplierBankAccount) TableName() string { return "supplier_bank_accounts" }

// SettlementBatch is one run of paying suppliers: made by one person, confirmed by another.
type SettlementBatch struct {
	ID              ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	UnionID         ID         `gorm:"column:union_id"`          // the federation that pays
	PeriodFrom      Date       `gorm:"column:period_from"`       // China date of the oldest movement in it; empty while nothing is in it
	PeriodTo        Date       `gorm:"column:period_to"`         // China date: what was due by its end is in it
	CutAt           time.Time  `gorm:"column:cut_at"`            // the same as a moment, not after the making
	SuppliersJSON   string     `gorm:"column:suppliers_json"`    // ids of the chosen suppliers; [] all
	AfterSupplierID ID         `gorm:"column:after_supplier_id"` // how far the preparation has come
	Status          string     `gorm:"column:status"`            // preparing | draft | confirmed | exported | paid | failed | cancelled
	Note            string     `gorm:"column:note"`
	StopReason      string     `gorm:"column:stop_reason"` // why it was cancelled
	Settlements     int        `gorm:"column:settlements"`
	TotalFen        Fen        `gorm:"column:total_fen"` // sum of its settlements
	PaidFen         Fen        `gorm:"column:paid_fen"`  // of these paid
	Exports         int        `gorm:"column:exports"`   // how often the bank file was made
	ExportedAt      *time.Time `gorm:"column:exported_at"`
	MadeBy          ID         `gorm:"column:made_by"`
	MadeAt          time.Time  `gorm:"column:made_at"`
	ConfirmedBy     *ID        `gorm:"column:confirmed_by"`
	ConfirmedAt     *time.Time `gorm:"column:confirmed_at"`
	ClosedAt        *time.Time `gorm:"column:closed_at"`
	UpdatedAt       time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (SettlementBatch) TableName() string { return "settlement_batches" }

// Settlement is what one supplier is paid in a batch.
type Settlement struct {
	ID             ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	BatchID        ID         `gorm:"column:batch_id"`
	SupplierID     ID         `gorm:"column:supplier_id"`
	BankAccountID  *ID        `gorm:"column:bank_account_id"` // version of the account that the money goes to; NULL if skipped
	AmountFen      Fen        `gorm:"column:amount_fen"`      // sum of its items
	Items          int        `gorm:"column:items"`
	Status         string     `gorm:"column:status"`      // open | paid | failed | cancelled | skipped
	Reason         string     `gorm:"column:reason"`      // why failed or skipped
	EvidenceNo     string     `gorm:"column:evidence_no"` // number of the bank's receipt
	EvidenceFileID *ID        `gorm:"column:evidence_file_id"`
	DecidedBy      *ID        `gorm:"column:decided_by"` // who marked it paid or failed
	DecidedAt      *time.Time `gorm:"column:decided_at"`
	CreatedAt      time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt      time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Settlement) TableName() string { return "settlements" }

// SettlementItem is a transfer of a supplier's account that a settlement pays. Never deleted.
type SettlementItem struct {
	SettlementID   ID  `gorm:"column:settlement_id;primaryKey;autoIncrement:false"`
	TransferID     ID  `gorm:"column:transfer_id;primaryKey;autoIncrement:false"`
	LiveTransferID *ID `gorm:"column:live_transfer_id"` // the same until the settlement failed or was cancelled, then NULL
	SupplierID     ID  `gorm:"column:supplier_id"`
	OrderID        ID  `gorm:"column:order_id"`
	AmountFen      Fen `gorm:"column:amount_fen"` // signed: spends are positive, refunds negative
}

// TableName implements gorm's Tabler.
func (SettlementItem) TableName() string { return "settlement_items" }
