package model

// SupplierSum is what was received of a supplier's goods, less refunds. Every receipt, and every refund of what was received, changes it.
type SupplierSum struct {
	SupplierID  ID   `gorm:"column:supplier_id;primaryKey;autoIncrement:false"`
	ReceivedFen Fen  `gorm:"column:received_fen"`
	Counted     bool `gorm:"column:counted"` // receipts of before this table are in it, here and in SupplierHour
}

// TableName implements gorm's Tabler.
func (SupplierSum) TableName() string { return "supplier_sums" }

// SupplierHour is the part of SupplierSum that was received within an hour.
type SupplierHour struct {
	SupplierID  ID    `gorm:"column:supplier_id;primaryKey;autoIncrement:false"`
	Hour        int64 `gorm:"column:hour;primaryKey;autoIncrement:false"` // hours since 1970 at the end of it: a receipt on the full hour belongs to the hour that ends then
	ReceivedFen Fen   `gorm:"column:received_fen"`
}

// TableName implements gorm's Tabler.
func (SupplierHour) TableName() string { return "supplier_hours" }

// SupplierDay is the movements of a supplier's account on a China day, as far as SupplierMark says.
type SupplierDay struct {
	SupplierID    ID  `gorm:"column:supplier_id;primaryKey;autoIncrement:false"`
	Day           int `gorm:"column:day;primaryKey;autoIncrement:false"` // yyyymmdd
	SoldFen       Fen `gorm:"column:sold_fen"`
	RefundedFen   Fen `gorm:"column:refunded_fen"`
	PaidFen       Fen `gorm:"column:paid_fen"`
	FirstTransfer ID  `gorm:"column:first_transfer"` // lowest id of these movements
	LastTransfer  ID  `gorm:"column:last_transfer"`  // highest
}

// TableName implements gorm's Tabler.
func (SupplierDay) TableName() string { return "supplier_days" }

// SupplierMark is how far transfers are in SupplierDay; its one row (id 1) is locked by whoever adds to them.
type SupplierMark struct {
	ID   ID `gorm:"column:id;primaryKey;autoIncrement:false"`
	UpTo ID `gorm:"column:up_to"` // transfers with ids up to this one
}

// TableName implements gorm's Tabler.
func (SupplierMark) TableName() string { return "supplier_mark" }
