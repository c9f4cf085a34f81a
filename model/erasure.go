package model

import "time"

// Erasure is a person's demand to have its personal data erased: asked by the member or entered for it, drafted by one, approved by another.
type Erasure struct {
	ID           ID         `gorm:"column:id;primaryKey;autoIncrement:false"`
	PersonID     ID         `gorm:"column:person_id"`
	OpenPersonID *ID        `gorm:"column:open_person_id"` // the same until it has ended, then NULL: one at a time
	AccountID    *ID        `gorm:"column:account_id"`     // the WeChat account that was bound when it was approved
	UnionID      ID         `gorm:"column:union_id"`
	ByMember     bool       `gorm:"column:by_member"`     // asked in the mini-program
	WaiveBalance bool       `gorm:"column:waive_balance"` // what is left of the year may go back to the union
	Reason       string     `gorm:"column:reason"`        // the drafter's
	Status       string     `gorm:"column:status"`        // requested | drafted | approved | blocked | done | rejected | withdrawn
	RequestedAt  time.Time  `gorm:"column:requested_at"`
	DraftedBy    *ID        `gorm:"column:drafted_by"`
	DraftedAt    *time.Time `gorm:"column:drafted_at"`
	DecidedBy    *ID        `gorm:"column:decided_by"`
	DecidedAt    *time.Time `gorm:"column:decided_at"`
	DecisionNote string     `gorm:"column:decision_note"`
	Problem      string     `gorm:"column:problem"` // why it is blocked, in Chinese
	FinishedAt   *time.Time `gorm:"column:finished_at"`
	UpdatedAt    time.Time  `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Erasure) TableName() string { return "erasures" }

// ErasedName stands where the name of an erased person stood.
const ErasedName = "已注销职工"

// CapTombstone is how much of a year's cap an erased person had used, so that coming back in the same year does not give the year anew.
type CapTombstone struct {
	ID          ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	PersonID    ID        `gorm:"column:person_id"` // who was erased
	Hash        *string   `gorm:"column:hash"`      // see CapHash; NULL when the year is over or somebody came back
	Year        Year      `gorm:"column:year"`
	GrantedFen  Fen       `gorm:"column:granted_fen"`
	NewPersonID *ID       `gorm:"column:new_person_id"` // who came back: its year begins with GrantedFen
	CreatedAt   time.Time `gorm:"column:created_at;autoCreateTime:false"`
}

// TableName implements gorm's Tabler.
func (CapTombstone) TableName() string { return "cap_tombstones" }

// CapHash is by what a tombstone is found when somebody with the hash of an ID number enters a roster in the year. It differs from
// year to year and from every other hash of the ID number.
func (s *Sealer) CapHash(year Year, idNumberHash string) string {
	return s.Hash("cap_tombstone", ID(year).String()+":"+idNumberHash)
}
