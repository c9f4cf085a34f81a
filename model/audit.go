package model

import (
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"
)

// Audit appends who did what to what, in the transaction it tells of. object is "kind:id"; unionID is the
// union concerned, or 0; detail is written as JSON and must hold no personal data. An unknown actor is an error.
func (db *DB) Audit(tx *gorm.DB, actor Actor, now time.Time, action, object string, unionID ID, detail any) error {
	if actor.Kind == "" {
		return errors.New("audit without an actor: " + action)
	}
	text, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	e := AuditEntry{ID: db.NewID(), At: now, Actor: actor.Ref(), Action: action, Object: object, Detail: string(text), RequestID: actor.RequestID}
	if unionID != 0 {
		e.UnionID = &unionID
	}
	return tx.Create(&e).Error
}
