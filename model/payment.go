package model

import "time"

// Hold is how one source is going to pay one supplier of a pending order. A row with an allowance has that much in the
// allowance's held_fen while its status is held; once captured it has become a transfer.
type Hold struct {
	ID          ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	OrderID     ID        `gorm:"column:order_id"`
	SupplierID  ID        `gorm:"column:supplier_id"`
	AllowanceID *ID       `gorm:"column:allowance_id"` // nil: the part that WeChat money pays
	UnionID     ID        `gorm:"column:union_id"`
	Purse       Purse     `gorm:"column:purse"` // empty: WeChat money
	Year        Year      `gorm:"column:year"`
	AmountFen   Fen       `gorm:"column:amount_fen"`
	Status      string    `gorm:"column:status"` // held | captured | released
	CreatedAt   time.Time `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt   time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Hold) TableName() string { return "holds" }

// Payment is the WeChat payment of one order.
type Payment struct {
	ID            ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	PaymentNo     string     `gorm:"column:payment_no"` // out_trade_no
	OrderID       ID         `gorm:"column:order_id"`
	PersonID      ID         `gorm:"column:person_id"`
	UnionID       ID         `gorm:"column:union_id"`
	AmountFen     Fen        `gorm:"column:amount_fen"` // asked for
	Status        string     `gorm:"column:status"`     // created | prepaid | paid | closed
	PayBefore     time.Time  `gorm:"column:pay_before"`
	PrepayID      string     `gorm:"column:prepay_id"`
	PrepaidAt     *time.Time `gorm:"column:prepaid_at"`
	TransactionID string     `gorm:"column:transaction_id"` // WeChat's number
	PaidFen       Fen        `gorm:"column:paid_fen"`       // what WeChat says was paid
	PaidAt        *time.Time `gorm:"column:paid_at"`        // when, says WeChat
	ClosedAt      *time.Time `gorm:"column:closed_at"`      // when WeChat confirmed that it can no longer be paid
	Problem       string     `gorm:"column:problem"`        // in Chinese: what somebody should look at
	Attempts      int        `gorm:"column:attempts"`       // of asking WeChat since something last changed
	NextTryAt     *time.Time `gorm:"column:next_try_at"`    // when to ask WeChat again; nil: nothing to ask
	CreatedAt     time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt     time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Payment) TableName() string { return "payments" }

// WechatRefund is WeChat money on its way back to its payer: one row and one number, however often it is tried.
type WechatRefund struct {
	ID             ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	RefundNo       string     `gorm:"column:refund_no"` // out_refund_no
	PaymentID      ID         `gorm:"column:payment_id"`
	RefundID       *ID        `gorm:"column:refund_id"` // nil: money that came for an order which was closed, or too much
	UnionID        ID         `gorm:"column:union_id"`
	AmountFen      Fen        `gorm:"column:amount_fen"`
	Reason         string     `gorm:"column:reason"` // shown to the payer
	Status         string     `gorm:"column:status"` // waiting | processing | done | failed
	WechatRefundID string     `gorm:"column:wechat_refund_id"`
	Problem        string     `gorm:"column:problem"` // in Chinese, when failed
	Attempts       int        `gorm:"column:attempts"`
	NextTryAt      *time.Time `gorm:"column:next_try_at"`
	DoneAt         *time.Time `gorm:"column:done_at"` // when, says WeChat
	CreatedAt      time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt      time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (WechatRefund) TableName() string { return "wechat_refunds" }

// RefundLine is what of one order line a refund gave back.
type RefundLine struct {
	ID        ID    `gorm:"column:id;primaryKey;autoIncrement:false"`
	RefundID  ID    `gorm:"column:refund_id"`
	OrderID   ID    `gorm:"column:order_id"`
	LineID    ID    `gorm:"column:line_id"`
	Quantity  int64 `gorm:"column:quantity"`
	AmountFen Fen   `gorm:"column:amount_fen"`
	Restocked bool  `gorm:"column:restocked"` // the goods went back on the shelf
}

// TableName implements gorm's Tabler.
func (RefundLine) TableName() string { return "refund_lines" }
