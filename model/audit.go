package model

import (
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"
)

// AuditEntry is who did what to what, written in the transaction it tells of; never changed, never deleted.
type AuditEntry struct {
	ID        ID        `gorm:"column:id;primaryKey;autoIncrement:false"`
	At        time.Time `gorm:"column:at"`
	Actor     string    `gorm:"column:actor"`    // "staff:1", "person:2", "account:3", "clock"
	Action    string    `gorm:"column:action"`   // e.g. grant.approve
	Object    string    `gorm:"column:object"`   // e.g. grant:123
	UnionID   *ID       `gorm:"column:union_id"` // the union concerned, for scope
	Detail    string    `gorm:"column:detail"`   // JSON, no personal data
	RequestID string    `gorm:"column:request_id" default0:"y"`
	MAC       string    `gorm:"column:mac"` // see AuditKeys.MAC; empty: written before there was one
}

// TableName implements gorm's Tabler.
func (AuditEntry) TableName() string { return "audit_entries" }

// errAppendOnly keeps gorm from changing what is only added to.
var errAppendOnly = errors.New("the audit trail is only added to")

// BeforeUpdate implements gorm's hook: an entry is never changed.
func (AuditEntry) BeforeUpdate(*gorm.DB) error { return errAppendOnly }

// BeforeDelete implements gorm's hook: an entry is never deleted.
func (AuditEntry) BeforeDelete(*gorm.DB) error { return errAppendOnly }

// AuditSeal is one link of the chain over the audit trail: some entries and the hash of the seal before it; never changed, never
// deleted. See service/audit.
type AuditSeal struct {
	Seq      int64     `gorm:"column:seq;primaryKey;autoIncrement:false"` // 1, 2, 3 …
	SealedAt time.Time `gorm:"column:sealed_at"`
	Entries  int       `gorm:"column:entries"`  // how many
	FirstID  ID        `gorm:"column:first_id"` // the lowest id among them
	LastID   ID        `gorm:"column:last_id"`  // the highest
	Members  string    `gorm:"column:members"`  // all ids, packed
	Hash     string    `gorm:"column:hash"`     // see AuditKeys.Link
}

// TableName implements gorm's Tabler.
func (AuditSeal) TableName() string { return "audit_seals" }

// BeforeUpdate implements gorm's hook: a seal is never changed.
func (AuditSeal) BeforeUpdate(*gorm.DB) error { return errAppendOnly }

// BeforeDelete implements gorm's hook: a seal is never deleted.
func (AuditSeal) BeforeDelete(*gorm.DB) error { return errAppendOnly }

// AuditEntry makes an entry of the trail, with a new id and its MAC, to be stored in the transaction it tells of; Audit stores
// one, bulk code many at once. object is "kind:id"; unionID is the union concerned, or 0; detail is written as JSON (nil: {}) and must
// hold no personal data. An unknown actor is an error, and so is a DB that was given no keys (UseAuditKeys).
func (db *DB) AuditEntry(actor Actor, now time.Time, action, object string, unionID ID, detail any) (AuditEntry, error) {
	if actor.Kind == "" {
		return AuditEntry{}, errors.New("audit without an actor: " + action)
	}
	if db.auditKeys == nil {
		return AuditEntry{}, errors.New("audit without keys: " + action)
	}
	if detail == nil {
		detail = struct{}{}
	}
	text, err := json.Marshal(detail)
	if err != nil {
		return AuditEntry{}, err
	}
	e := AuditEntry{ID: db.NewID(), At: Millis(now), Actor: actor.Ref(), Action: action, Object: object, Detail: string(text), RequestID: actor.RequestID}
	if unionID != 0 {
		e.UnionID = &unionID
	}
	e.MAC = db.auditKeys.MAC(e)
	return e, nil
}

// Audit appends who did what to what, in the transaction it tells of; see AuditEntry.
func (db *DB) Audit(tx *gorm.DB, actor Actor, now time.Time, action, object string, unionID ID, detail any) error {
	e, err := db.AuditEntry(actor, now, action, object, unionID, detail)
	if err != nil {
		return err
	}
	return tx.Create(&e).Error
}
