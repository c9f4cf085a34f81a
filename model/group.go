package model

import "time"

// GroupPurchase is a union's purchase for many of its members (集体采购), from the draft to the last sign-off.
type GroupPurchase struct {
	ID              ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	UnionID         ID         `gorm:"column:union_id"`
	FundID          ID         `gorm:"column:fund_id"`
	Purse           Purse      `gorm:"column:purse"`
	Year            Year       `gorm:"column:year"`
	Title           string     `gorm:"column:title"`
	Selection       string     `gorm:"column:selection"` // roster | filter | list
	FilterJSON      string     `gorm:"column:filter_json"`
	Division        string     `gorm:"column:division"`  // even: the total is split evenly | each: by sets, at their price
	Consignee       string     `gorm:"column:consignee"` // who takes delivery at the unit
	PhoneSealed     string     `gorm:"column:phone_sealed"`
	AddressSealed   string     `gorm:"column:address_sealed"` // JSON, as in orders
	Note            string     `gorm:"column:note"`           // for the suppliers
	Receivers       int        `gorm:"column:receivers"`
	TotalFen        Fen        `gorm:"column:total_fen"` // at the prices of the draft; approving checks them
	Status          string     `gorm:"column:status"`    // draft | ordered | rejected | cancelled
	OrderID         *ID        `gorm:"column:order_id"`  // once approved
	DraftedBy       ID         `gorm:"column:drafted_by"`
	DraftedAt       time.Time  `gorm:"column:drafted_at"`
	DecidedBy       *ID        `gorm:"column:decided_by"`
	DecidedAt       *time.Time `gorm:"column:decided_at"`
	DecisionNote    string     `gorm:"column:decision_note"`
	CancelAskedBy   *ID        `gorm:"column:cancel_asked_by"` // somebody asks to cancel the order
	CancelAskedAt   *time.Time `gorm:"column:cancel_asked_at"`
	CancelReason    string     `gorm:"column:cancel_reason"`
	CancelDecidedBy *ID        `gorm:"column:cancel_decided_by"` // a second person has it cancelled
	CancelDecidedAt *time.Time `gorm:"column:cancel_decided_at"`
	UpdatedAt       time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (GroupPurchase) TableName() string { return "group_purchases" }

// GroupLine is one SKU of a group purchase.
type GroupLine struct {
	ID          ID     `gorm:"column:id;primaryKey;autoIncrement:false"`
	PurchaseID  ID     `gorm:"column:purchase_id"`
	SKUID       ID     `gorm:"column:sku_id"`
	ProductName string `gorm:"column:product_name"`
	Spec        string `gorm:"column:spec"`
	PriceFen    Fen    `gorm:"column:price_fen"`
	PerSet      int64  `gorm:"column:per_set"`  // division each: pieces in a set; even: 0
	Quantity    int64  `gorm:"column:quantity"` // in all
}

// TableName implements gorm's Tabler.
func (GroupLine) TableName() string { return "group_lines" }

// GroupReceiver is one member for whom a group purchase is made.
type GroupReceiver struct {
	ID          ID    `gorm:"column:id;primaryKey;autoIncrement:false"`
	PurchaseID  ID    `gorm:"column:purchase_id"`
	MemberID    ID    `gorm:"column:member_id"`
	PersonID    ID    `gorm:"column:person_id"`
	Sets        int64 `gorm:"column:sets"` // division each: how many sets; even: 0
	ShareFen    Fen   `gorm:"column:share_fen"`
	ReturnedFen Fen   `gorm:"column:returned_fen"` // the share's part of all refunds of the order
}

// TableName implements gorm's Tabler.
func (GroupReceiver) TableName() string { return "group_receivers" }

// GroupSignoff says that a receiver of a group purchase has received. A row is never deleted; undoing it ends it at that moment.
type GroupSignoff struct {
	ID             ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	PurchaseID     ID         `gorm:"column:purchase_id"`
	ReceiverID     ID         `gorm:"column:receiver_id"`
	LiveReceiverID *ID        `gorm:"column:live_receiver_id"` // the same until undone, then nil: nobody has signed twice
	Method         string     `gorm:"column:method"`           // member: in the mini-program | paper: entered by staff
	SignedBy       ID         `gorm:"column:signed_by"`        // the person, or the staff who entered it
	SignedAt       time.Time  `gorm:"column:signed_at"`        // when it was signed or entered: the form counts it from then
	Note           string     `gorm:"column:note"`
	UndoneBy       *ID        `gorm:"column:undone_by"`
	UndoneAt       *time.Time `gorm:"column:undone_at"` // the form counts it up to then
	UndoReason     string     `gorm:"column:undo_reason"`
}

// TableName implements gorm's Tabler.
func (GroupSignoff) TableName() string { return "group_signoffs" }
