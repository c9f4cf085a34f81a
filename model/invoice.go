package model

import "time"

// InvoiceRequest asks a supplier for an invoice for what a member or a union paid, net of refunds.
type InvoiceRequest struct {
	ID          ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	SupplierID  ID         `gorm:"column:supplier_id"`
	UnionID     ID         `gorm:"column:union_id"`   // of the orders, for scope
	PersonID    ID         `gorm:"column:person_id"`  // who asks; 0: the union
	TitleKind   string     `gorm:"column:title_kind"` // personal | unit
	Title       string     `gorm:"column:title"`      // 抬头
	TaxNo       string     `gorm:"column:tax_no"`     // 统一社会信用代码 of a unit; empty of a person
	AmountFen   Fen        `gorm:"column:amount_fen"` // sum of its orders: as asked for, then as issued
	RedFen      Fen        `gorm:"column:red_fen"`    // of that taken back by red invoices
	Status      string     `gorm:"column:status"`     // requested | issued | voided | rejected | cancelled
	Reason      string     `gorm:"column:reason"`     // why rejected
	RequestedBy string     `gorm:"column:requested_by"`
	RequestedAt time.Time  `gorm:"column:requested_at"`
	DecidedBy   *ID        `gorm:"column:decided_by"` // the supplier's account that issued or rejected it
	DecidedAt   *time.Time `gorm:"column:decided_at"`
	UpdatedAt   time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (InvoiceRequest) TableName() string { return "invoice_requests" }

// InvoiceRequestOrder is an order that a request is about.
type InvoiceRequestOrder struct {
	RequestID   ID  `gorm:"column:request_id;primaryKey;autoIncrement:false"`
	OrderID     ID  `gorm:"column:order_id;primaryKey;autoIncrement:false"`
	SupplierID  ID  `gorm:"column:supplier_id"`
	LiveOrderID *ID `gorm:"column:live_order_id"` // the same while the request is open or issued, else NULL
	AmountFen   Fen `gorm:"column:amount_fen"`    // net of refunds: as asked for, then as issued
}

// TableName implements gorm's Tabler.
func (InvoiceRequestOrder) TableName() string { return "invoice_request_orders" }

// Invoice is an invoice that a supplier uploaded. Never changed, never deleted.
type Invoice struct {
	ID          ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	RequestID   ID        `gorm:"column:request_id"`
	Kind        string    `gorm:"column:kind"`         // normal | red
	InvoiceCode string    `gorm:"column:invoice_code"` // of a bill with a code and a number, else empty
	InvoiceNo   string    `gorm:"column:invoice_no"`
	NumberKey   string    `gorm:"column:number_key"` // code and number: one bill is uploaded once in the city
	IssuedOn    Date      `gorm:"column:issued_on"`  // China date
	AmountFen   Fen       `gorm:"column:amount_fen"` // of a red one what it takes back
	FileID      ID        `gorm:"column:file_id"`
	UploadedBy  ID        `gorm:"column:uploaded_by"`
	UploadedAt  time.Time `gorm:"column:uploaded_at"`
}

// TableName implements gorm's Tabler.
func (Invoice) TableName() string { return "invoices" }
