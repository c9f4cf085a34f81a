package model

import "time"

// Claim is a purchase that a union made through another recognised channel and entered with its evidence. It counts in
// the channel's row of the statistics form from the moment at which a second person approved it.
type Claim struct {
	ID           ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	UnionID      ID         `gorm:"column:union_id"`
	ChannelID    ID         `gorm:"column:channel_id"`
	PurchasedOn  Date       `gorm:"column:purchased_on"` // China date
	Year         Year       `gorm:"column:year"`         // of PurchasedOn
	AmountFen    Fen        `gorm:"column:amount_fen"`
	PersonTimes  int64      `gorm:"column:person_times"` // 人次: how many persons are listed, or as entered
	Listed       bool       `gorm:"column:listed"`       // ClaimPersons says who
	EvenSplit    bool       `gorm:"column:even_split"`   // the listed persons' shares were split evenly by the program
	Purse        Purse      `gorm:"column:purse"`
	InvoiceCode  string     `gorm:"column:invoice_code"` // of a bill with a code and a number, else empty
	InvoiceNo    string     `gorm:"column:invoice_no"`
	LiveInvoice  *string    `gorm:"column:live_invoice"` // code and number until withdrawn, rejected or revoked, then nil: one bill counts once in the city
	Note         string     `gorm:"column:note"`
	Status       string     `gorm:"column:status"`     // entered | approved | rejected | withdrawn | revoked
	Version      int        `gorm:"column:version"`    // rises with every correction: what is approved is what was looked at
	EnteredBy    ID         `gorm:"column:entered_by"` // who entered what stands there now
	EnteredAt    time.Time  `gorm:"column:entered_at"`
	DecidedBy    *ID        `gorm:"column:decided_by"`
	DecidedAt    *time.Time `gorm:"column:decided_at"`
	DecisionNote string     `gorm:"column:decision_note"`
	CountedAt    *time.Time `gorm:"column:counted_at"` // when it was approved: the form counts it from then on
	RevokedBy    *ID        `gorm:"column:revoked_by"`
	RevokedAt    *time.Time `gorm:"column:revoked_at"` // the form takes it off from then on
	RevokeReason string     `gorm:"column:revoke_reason"`
	UpdatedAt    time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Claim) TableName() string { return "claims" }

// ClaimPerson is one who took part in a listed claim, and their share of it.
type ClaimPerson struct {
	ClaimID   ID  `gorm:"column:claim_id;primaryKey;autoIncrement:false"`
	MemberID  ID  `gorm:"column:member_id;primaryKey;autoIncrement:false"`
	PersonID  ID  `gorm:"column:person_id"`
	AmountFen Fen `gorm:"column:amount_fen"` // the shares add up to the claim
}

// TableName implements gorm's Tabler.
func (ClaimPerson) TableName() string { return "claim_persons" }

// ClaimFile is a picture or document that proves a claim.
type ClaimFile struct {
	ClaimID ID  `gorm:"column:claim_id;primaryKey;autoIncrement:false"`
	Seq     int `gorm:"column:seq;primaryKey;autoIncrement:false"`
	FileID  ID  `gorm:"column:file_id"`
}

// TableName implements gorm's Tabler.
func (ClaimFile) TableName() string { return "claim_files" }
