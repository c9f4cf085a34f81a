package model

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
)

// ErrKeys says that a key is not the one with which the database's people were entered.
var ErrKeys = errors.New("a key is not the one that this database was made with; give the right one in the settings, or bring back " +
	"DATA_DIR/secrets of the process that made it")

// The marks that the keys leave in the database, and what is hashed or sealed for them.
const (
	hashKeyMark  = "hash-key"
	fieldKeyMark = "field-keys"
	markText     = "bangfu"
)

// CheckKeys refuses, with ErrKeys, keys other than those that the database was made with. The yearly cap rests on the hash
// key (a person is known by the keyed hash of the ID number, so with another key known people would be taken for new
// ones), and without the field key nothing personal can be read. On a new database the given keys become the right ones.
func (db *DB) CheckKeys(ctx context.Context, s *Sealer) error {
	hash := s.Hash(hashKeyMark, markText)
	first, err := db.firstMark(ctx, hashKeyMark, hash)
	if err != nil {
		return err
	}
	if first != hash {
		return fmt.Errorf("HASH_KEY: %w", ErrKeys)
	}
	sealed, err := s.Seal(markText, fieldKeyMark)
	if err != nil {
		return err
	}
	if first, err = db.firstMark(ctx, fieldKeyMark, sealed); err != nil {
		return err
	}
	if text, err := s.Open(first, fieldKeyMark); err != nil || text != markText {
		return fmt.Errorf("FIELD_KEYS: %w", ErrKeys)
	}
	return nil
}

// RenewKeyMark seals the field keys' mark with the current key, so that the database can be opened without the older ones.
func (db *DB) RenewKeyMark(ctx context.Context, s *Sealer) error {
	sealed, err := s.Seal(markText, fieldKeyMark)
	if err != nil {
		return err
	}
	return db.Read(ctx).Model(&Installation{}).Where("name = ?", fieldKeyMark).UpdateColumn("value", sealed).Error
}

// firstMark stores value under name if nothing is there yet, and returns what was stored first.
func (db *DB) firstMark(ctx context.Context, name, value string) (string, error) {
	var first Installation
	err := db.Read(ctx).Where("name = ?", name).Take(&first).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		if err = db.Read(ctx).Create(&Installation{Name: name, Value: value}).Error; err == nil {
			return value, nil
		}
		if Duplicate(err) { // another process was first
			err = db.Read(ctx).Where("name = ?", name).Take(&first).Error
		}
	}
	return first.Value, err
}
