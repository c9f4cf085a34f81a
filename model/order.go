package model

import "time"

// Order is one purchase by one member.
type Order struct {
	ID            ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	OrderNo       string     `gorm:"column:order_no"` // shown to people
	PersonID      ID         `gorm:"column:person_id"`
	MemberID      ID         `gorm:"column:member_id"`
	UnionID       ID         `gorm:"column:union_id"`                  // the member's union at the time: the form counts it here
	ChannelID     ID         `gorm:"column:channel_id"`                // the form's row
	Year          Year       `gorm:"column:year"`                      // of the allowance spent
	Kind          string     `gorm:"column:kind"`                      // online | counter | group
	Status        string     `gorm:"column:status"`                    // pending | paid | shipped | completed | cancelled | closed
	GoodsFen      Fen        `gorm:"column:goods_fen"`                 // sum of lines
	AllowanceFen  Fen        `gorm:"column:allowance_fen"`             // paid from allowances
	WechatFen     Fen        `gorm:"column:wechat_fen" default0:"y"`   // paid through WeChat
	RefundedFen   Fen        `gorm:"column:refunded_fen" default0:"y"` // given back so far, of both
	Consignee     string     `gorm:"column:consignee"`
	PhoneSealed   string     `gorm:"column:phone_sealed"`
	AddressSealed string     `gorm:"column:address_sealed"`
	AddressHash   string     `gorm:"column:address_hash"` // of the normalised address; empty: to nobody's address (counter, group)
	Note          string     `gorm:"column:note" default0:"y"`
	PlacedAt      time.Time  `gorm:"column:placed_at"`
	PayBefore     *time.Time `gorm:"column:pay_before"` // with WeChat money: closed if not paid by then
	PaidAt        *time.Time `gorm:"column:paid_at"`
	CompletedAt   *time.Time `gorm:"column:completed_at"`
	CancelledAt   *time.Time `gorm:"column:cancelled_at"`
	CancelReason  string     `gorm:"column:cancel_reason" default0:"y"`
	UpdatedAt     time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Order) TableName() string { return "orders" }

// OrderLine is one SKU of an order, priced as it was.
type OrderLine struct {
	ID          ID     `gorm:"column:id;primaryKey;autoIncrement:false"`
	OrderID     ID     `gorm:"column:order_id"`
	ParcelID    ID     `gorm:"column:parcel_id"`
	SupplierID  ID     `gorm:"column:supplier_id"`
	ProductID   ID     `gorm:"column:product_id"`
	SKUID       ID     `gorm:"column:sku_id"`
	RegionID    ID     `gorm:"column:region_id"`
	ProductName string `gorm:"column:product_name"`
	Spec        string `gorm:"column:spec"`
	PriceFen    Fen    `gorm:"column:price_fen"`
	Quantity    int64  `gorm:"column:quantity"`
	AmountFen   Fen    `gorm:"column:amount_fen"` // price times quantity
}

// TableName implements gorm's Tabler.
func (OrderLine) TableName() string { return "order_lines" }

// Parcel is one supplier's part of an order.
type Parcel struct {
	ID         ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	OrderID    ID         `gorm:"column:order_id"`
	SupplierID ID         `gorm:"column:supplier_id"`
	UnionID    ID         `gorm:"column:union_id"`
	AmountFen  Fen        `gorm:"column:amount_fen"`
	Status     string     `gorm:"column:status"` // waiting | shipped | received | cancelled
	Carrier    string     `gorm:"column:carrier" default0:"y"`
	TrackingNo string     `gorm:"column:tracking_no" default0:"y"`
	ShippedAt  *time.Time `gorm:"column:shipped_at"`
	ReceivedAt *time.Time `gorm:"column:received_at"`
	ReceivedBy string     `gorm:"column:received_by" default0:"y"` // member | staff (of a group order) | clock | counter
	CreatedAt  time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt  time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Parcel) TableName() string { return "parcels" }

// Refund is money given back for an order: one row per refund, its parts are transfers.
type Refund struct {
	ID           ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	OrderID      ID        `gorm:"column:order_id"`
	UnionID      ID        `gorm:"column:union_id"`
	Kind         string    `gorm:"column:kind"` // cancel | after_sale | void
	AmountFen    Fen       `gorm:"column:amount_fen"`
	AllowanceFen Fen       `gorm:"column:allowance_fen"`
	WechatFen    Fen       `gorm:"column:wechat_fen"`
	Reason       string    `gorm:"column:reason"`
	RefundedAt   time.Time `gorm:"column:refunded_at"` // when the money went back: the form counts it then
}

// TableName implements gorm's Tabler.
func (Refund) TableName() string { return "refunds" }
