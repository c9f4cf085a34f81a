package model

import "time"

// TallyEvent is one change of a counted figure. Events are stored in bundles.
type TallyEvent struct {
	Kind        string    // order | group | refund | ungroup | spend | back | sign | fund | grant | revoke | sweep | claim | move
	RefID       ID        // order and group: the order; refund and ungroup: the refund; else 0
	MemberID    ID        // order: who bought; else 0
	UnionID     ID        // whose figures change; move: which union was moved
	Year        Year      // of the money; move: 0
	ChannelID   ID        // the form's row; 0: row 2, the product's own platform
	Purse       Purse     // of PurseFen; empty: none
	Times       int64     // 人次, signed
	AmountFen   Fen       // 消费总金额, signed
	WechatFen   Fen       // of it, signed
	InvestedFen Fen       // signed
	PurseFen    Fen       // what the kind moves of the purse, signed
	Holders     int64     // how many allowances of the purse have money left now that had none before, less those the other way round
	At          time.Time // as the form counts it
}

// TallyBundle is the events of one moment of one transaction, written in it. It waits in the queue until a worker has added its events to
// the rollups (done), and is kept for a while after that so that forms can count up to a moment of the last hour.
type TallyBundle struct {
	ID     ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	At     time.Time `gorm:"column:at"`     // of all its events
	Done   bool      `gorm:"column:done"`   // the rollups have them
	Events int64     `gorm:"column:events"` // how many
	Body   string    `gorm:"column:body"`   // the events, see package tally
}

// TableName implements gorm's Tabler.
func (TallyBundle) TableName() string { return "tally_bundles" }

// TallyState says whether the rollups can be used; its one row (id 1) is locked by whoever changes them.
type TallyState struct {
	ID       ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	Status   string    `gorm:"column:status"`    // building | ready
	Token    ID        `gorm:"column:token"`     // of the rebuild that made them or is making them
	PurgedTo time.Time `gorm:"column:purged_to"` // events that are done and before this moment may be gone
	BuiltAt  time.Time `gorm:"column:built_at"`  // when the present rebuild began
}

// TableName implements gorm's Tabler.
func (TallyState) TableName() string { return "tally_state" }

// TallyNode is where the rollups have a union in the tree. It follows unions.path as soon as the move has been taken from the queue.
type TallyNode struct {
	UnionID ID     `gorm:"column:union_id;primaryKey;autoIncrement:false"`
	Path    string `gorm:"column:path"`
}

// TableName implements gorm's Tabler.
func (TallyNode) TableName() string { return "tally_nodes" }

// TallyForm is what one union (without those below it) adds to the statistics forms of a year.
type TallyForm struct {
	Year        Year  `gorm:"column:year;primaryKey;autoIncrement:false"`
	UnionID     ID    `gorm:"column:union_id;primaryKey;autoIncrement:false"`
	ChannelID   ID    `gorm:"column:channel_id;primaryKey;autoIncrement:false"` // 0: row 2
	Times       int64 `gorm:"column:times"`
	AmountFen   Fen   `gorm:"column:amount_fen"`
	InvestedFen Fen   `gorm:"column:invested_fen"`
}

// TableName implements gorm's Tabler.
func (TallyForm) TableName() string { return "tally_forms" }

// TallyDay is the part of a TallyForm that falls on one China day, or in one month.
type TallyDay struct {
	Year        Year  `gorm:"column:year;primaryKey;autoIncrement:false"`
	Day         int   `gorm:"column:day;primaryKey;autoIncrement:false"` // yyyymmdd, or yyyymm for the whole month; it may lie after the year
	UnionID     ID    `gorm:"column:union_id;primaryKey;autoIncrement:false"`
	ChannelID   ID    `gorm:"column:channel_id;primaryKey;autoIncrement:false"`
	Times       int64 `gorm:"column:times"`
	AmountFen   Fen   `gorm:"column:amount_fen"`
	InvestedFen Fen   `gorm:"column:invested_fen"`
}

// TableName implements gorm's Tabler.
func (TallyDay) TableName() string { return "tally_days" }

// TallyMonth is what was bought in a union and all below it in a China month.
type TallyMonth struct {
	NodeID            ID    `gorm:"column:node_id;primaryKey;autoIncrement:false"`
	Year              Year  `gorm:"column:year;primaryKey;autoIncrement:false"`
	Month             int   `gorm:"column:month;primaryKey;autoIncrement:false"` // yyyymm; 0: buyers alone
	Buyers            int64 `gorm:"column:buyers"`                               // memberships that bought in the year, in month 0
	Orders            int64 `gorm:"column:orders"`
	Times             int64 `gorm:"column:times"`
	PaidFen           Fen   `gorm:"column:paid_fen"`
	WechatFen         Fen   `gorm:"column:wechat_fen"` // of paid
	Refunds           int64 `gorm:"column:refunds"`
	RefundedFen       Fen   `gorm:"column:refunded_fen"`
	RefundedWechatFen Fen   `gorm:"column:refunded_wechat_fen"` // of refunded
	Claims            int64 `gorm:"column:claims"`
	ClaimedTimes      int64 `gorm:"column:claimed_times"`
	ClaimedFen        Fen   `gorm:"column:claimed_fen"`
}

// TableName implements gorm's Tabler.
func (TallyMonth) TableName() string { return "tally_months" }

// TallyGood is what was bought of a product in a union and all below it in a year.
type TallyGood struct {
	NodeID           ID    `gorm:"column:node_id;primaryKey;autoIncrement:false"`
	Year             Year  `gorm:"column:year;primaryKey;autoIncrement:false"`
	ProductID        ID    `gorm:"column:product_id;primaryKey;autoIncrement:false"` // 0: typed at a counter
	SupplierID       ID    `gorm:"column:supplier_id;primaryKey;autoIncrement:false"`
	RegionID         ID    `gorm:"column:region_id;primaryKey;autoIncrement:false"` // 0: typed at a counter
	Quantity         int64 `gorm:"column:quantity"`
	AmountFen        Fen   `gorm:"column:amount_fen"`
	RefundedQuantity int64 `gorm:"column:refunded_quantity"`
	RefundedFen      Fen   `gorm:"column:refunded_fen"`
}

// TableName implements gorm's Tabler.
func (TallyGood) TableName() string { return "tally_goods" }

// TallyPurse is what became of a purse's money of a year in a union and all below it.
type TallyPurse struct {
	NodeID      ID    `gorm:"column:node_id;primaryKey;autoIncrement:false"`
	Year        Year  `gorm:"column:year;primaryKey;autoIncrement:false"`
	Purse       Purse `gorm:"column:purse;primaryKey"`
	FundedFen   Fen   `gorm:"column:funded_fen"`   // put into funds
	GrantedFen  Fen   `gorm:"column:granted_fen"`  // out of funds into allowances
	ReturnedFen Fen   `gorm:"column:returned_fen"` // out of allowances, or refunded past them, into funds
	SpentFen    Fen   `gorm:"column:spent_fen"`    // out of allowances, less refunds
	GroupFen    Fen   `gorm:"column:group_fen"`    // out of funds for group orders, less refunds
	Holders     int64 `gorm:"column:holders"`      // allowances with money left, free or held
}

// UnspentFen is what allowances have left, free or held.
func (p TallyPurse) UnspentFen() Fen { return p.GrantedFen - p.ReturnedFen - p.SpentFen }

// TableName implements gorm's Tabler.
func (TallyPurse) TableName() string { return "tally_purses" }

// TallyBuyer is a membership that has bought in a year.
type TallyBuyer struct {
	Year     Year `gorm:"column:year;primaryKey;autoIncrement:false"`
	MemberID ID   `gorm:"column:member_id;primaryKey;autoIncrement:false"`
}

// TableName implements gorm's Tabler.
func (TallyBuyer) TableName() string { return "tally_buyers" }
