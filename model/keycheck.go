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

// ErrKeyUnserved says that no serving process has sealed with the current field key yet.
var ErrKeyUnserved = errors.New("no serving process has had this key at the front of its FIELD_KEYS yet")

// NoteServedKey notes that a serving process seals with the current field key.
func (db *DB) NoteServedKey(ctx context.Context, s *Sealer) error {
	sealed, err := s.Seal(markText, fieldKeyMark)
	if err != nil {
		return err
	}
	_, err = db.firstMark(ctx, servedMark(s), sealed)
	return err
}

// CheckServedKey refuses, with ErrKeyUnserved, a current field key that no serving process was noted to have: what is sealed with it could be read by
// whoever gave it alone. The key of the mark, which the database was made with or was sealed with again, needs no such note.
func (db *DB) CheckServedKey(ctx context.Context, s *Sealer) error {
	var marks []Installation
	if err := db.Read(ctx).Where("name IN ?", []string{fieldKeyMark, servedMark(s)}).Find(&marks).Error; err != nil {
		return err
	}
	for _, m := range marks {
		if text, err := s.Open(m.Value, fieldKeyMark); err == nil && text == markText && !s.NeedsRotation(m.Value) {
			return nil
		}
	}
	return fmt.Errorf("FIELD_KEYS: %q: %w", s.current, ErrKeyUnserved)
}

func servedMark(s *Sealer) string { return fieldKeyMark + "-served-" + s.current }

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
