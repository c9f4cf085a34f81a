package model

import (
	"context"
	"errors"

	"gorm.io/gorm"
)

// ErrHashKey says that the hash key is not the one with which the database's people were entered.
var ErrHashKey = errors.New("HASH_KEY is not the one that this database was made with: people could not be found again, and one " +
	"person could be granted twice. Give the right key (in the settings or in DATA_DIR/secrets/hash-key of the first process)")

// CheckHashKey refuses, with ErrHashKey, a hash key other than the first one that was ever used on the database. The yearly
// cap rests on it: a person is known by the keyed hash of the ID number.
func (db *DB) CheckHashKey(ctx context.Context, s *Sealer) error {
	mark := Installation{Name: "hash-key", Value: s.Hash("installation", "bangfu")}
	var first Installation
	err := db.Read(ctx).Where("name = ?", mark.Name).Take(&first).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		if err = db.Read(ctx).Create(&mark).Error; err == nil {
			return nil
		}
		if Duplicate(err) { // another process was first
			err = db.Read(ctx).Where("name = ?", mark.Name).Take(&first).Error
		}
	}
	if err != nil {
		return err
	}
	if first.Value != mark.Value {
		return ErrHashKey
	}
	return nil
}
