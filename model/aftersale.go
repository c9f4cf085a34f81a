package model

import "time"

// AfterSale is one after-sales case: a member, or a union for what it bought for a group, asks for money back for lines of
// one parcel.
type AfterSale struct {
	ID               ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	OrderID          ID         `gorm:"column:order_id"`
	ParcelID         ID         `gorm:"column:parcel_id"`
	SupplierID       ID         `gorm:"column:supplier_id"`
	UnionID          ID         `gorm:"column:union_id"`  // of the order, for scope
	PersonID         ID         `gorm:"column:person_id"` // who asks; 0: the union
	Kind             string     `gorm:"column:kind"`      // refund_only | return_goods
	Reason           string     `gorm:"column:reason"`    // quality | shortage | mismatch | damaged | lost | unwanted | other
	Description      string     `gorm:"column:description"`
	Status           string     `gorm:"column:status"`           // open: requested | refused | agreed | returning | escalated; ended: refunded | rejected | withdrawn | closed
	AmountFen        Fen        `gorm:"column:amount_fen"`       // of its lines
	ReturnToSealed   string     `gorm:"column:return_to_sealed"` // where the goods are to be sent; empty until agreed
	ReturnCarrier    string     `gorm:"column:return_carrier"`
	ReturnTrackingNo string     `gorm:"column:return_tracking_no"`
	ReturnedAt       *time.Time `gorm:"column:returned_at"` // when the goods were sent back
	RefundID         *ID        `gorm:"column:refund_id"`   // the refund that it ended in
	DeadlineAt       *time.Time `gorm:"column:deadline_at"` // when the clock moves it on; nil: it waits for the platform, or has ended
	Urgency          int64      `gorm:"column:urgency"`     // order of lists: open cases by deadline, then the ended ones, the last ended first
	CreatedAt        time.Time  `gorm:"column:created_at;autoCreateTime:false"`
	EndedAt          *time.Time `gorm:"column:ended_at"`
	UpdatedAt        time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (AfterSale) TableName() string { return "after_sales" }

// OpenAfterSale are the states of a case that is not over: nothing else may happen to its pieces, and its supplier is not
// paid for the order.
var OpenAfterSale = []string{"requested", "refused", "agreed", "returning", "escalated"}

// AfterSaleLine is how many pieces of one order line a case is about.
type AfterSaleLine struct {
	CaseID    ID    `gorm:"column:case_id;primaryKey;autoIncrement:false"`
	LineID    ID    `gorm:"column:line_id;primaryKey;autoIncrement:false"`
	Quantity  int64 `gorm:"column:quantity"`
	AmountFen Fen   `gorm:"column:amount_fen"`
}

// TableName implements gorm's Tabler.
func (AfterSaleLine) TableName() string { return "after_sale_lines" }

// AfterSaleEvent is one step in a case's history; never changed, never deleted.
type AfterSaleEvent struct {
	ID     ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	CaseID ID        `gorm:"column:case_id"`
	At     time.Time `gorm:"column:at"`
	Party  string    `gorm:"column:party"`  // member | union | supplier | platform | clock
	Actor  string    `gorm:"column:actor"`  // "person:1", "staff:2", "clock"
	Action string    `gorm:"column:action"` // open | agree | refuse | send_back | receive | withdraw | escalate | decide | expire
	Status string    `gorm:"column:status"` // of the case after it
	Note   string    `gorm:"column:note"`
}

// TableName implements gorm's Tabler.
func (AfterSaleEvent) TableName() string { return "after_sale_events" }

// AfterSalePicture is a picture that goes with a case as evidence.
type AfterSalePicture struct {
	CaseID ID  `gorm:"column:case_id;primaryKey;autoIncrement:false"`
	Seq    int `gorm:"column:seq;primaryKey;autoIncrement:false"`
	FileID ID  `gorm:"column:file_id"`
}

// TableName implements gorm's Tabler.
func (AfterSalePicture) TableName() string { return "after_sale_pictures" }
