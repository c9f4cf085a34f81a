package model

import "time"

// Hall is an offline hall (专馆) where members buy with a code that they show.
type Hall struct {
	ID             ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	ChannelID      ID        `gorm:"column:channel_id"`  // its sales count in this channel's row of the form
	SupplierID     ID        `gorm:"column:supplier_id"` // who operates it and is owed the money
	Name           string    `gorm:"column:name"`
	Address        string    `gorm:"column:address"`
	OpenHours      string    `gorm:"column:open_hours"`
	ConfirmOverFen Fen       `gorm:"column:confirm_over_fen"` // above this the member confirms on the phone; 0: always
	Status         string    `gorm:"column:status"`           // active | closed
	CreatedAt      time.Time `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt      time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Hall) TableName() string { return "halls" }

// CounterCode is a code that a member shows at a counter; kept as its hash, works once.
type CounterCode struct {
	CodeHash     string     `gorm:"column:code_hash;primaryKey"`
	PersonID     ID         `gorm:"column:person_id"`
	LivePersonID *ID        `gorm:"column:live_person_id"` // the person while the code can be used, then NULL: at most one each
	CreatedAt    time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	ExpiresAt    time.Time  `gorm:"column:expires_at"` // shown until then; accepted for a grace after it
	UsedAt       *time.Time `gorm:"column:used_at"`
	UsedBy       *ID        `gorm:"column:used_by"` // the cashier
}

// TableName implements gorm's Tabler.
func (CounterCode) TableName() string { return "counter_codes" }

// Redemption is one use of a member's code at a hall, from the scan to its end.
type Redemption struct {
	ID         ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	HallID     ID         `gorm:"column:hall_id"`
	SupplierID ID         `gorm:"column:supplier_id"`
	PersonID   ID         `gorm:"column:person_id"`
	CashierID  ID         `gorm:"column:cashier_id"` // who scanned
	CodeHash   string     `gorm:"column:code_hash"`
	Status     string     `gorm:"column:status"` // scanned | awaiting_member | paid | refused | cancelled | expired | voided
	Sale       string     `gorm:"column:sale"`   // JSON: what is bought, fixed when the member is asked or charged
	TotalFen   Fen        `gorm:"column:total_fen"`
	OrderID    *ID        `gorm:"column:order_id"`
	ScannedAt  time.Time  `gorm:"column:scanned_at"`
	AskedAt    *time.Time `gorm:"column:asked_at"`
	ExpiresAt  time.Time  `gorm:"column:expires_at"` // of the state scanned or awaiting_member
	PaidAt     *time.Time `gorm:"column:paid_at"`
	PaidOn     Date       `gorm:"column:paid_on"`  // China date of PaidAt: it can be voided on that day; empty until paid
	EndedAt    *time.Time `gorm:"column:ended_at"` // refused, cancelled or expired without a payment
	VoidedAt   *time.Time `gorm:"column:voided_at"`
	VoidedBy   *ID        `gorm:"column:voided_by"`
	VoidReason string     `gorm:"column:void_reason"`
	UpdatedAt  time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Redemption) TableName() string { return "redemptions" }
