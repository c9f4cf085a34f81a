package audit

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// noteEvery is how often at most the head of the chain is noted.
const noteEvery = time.Minute

// NoteIn has Seal note the head of the chain in a file, so that something outside the database knows how far the chain had come: an end, or a
// whole trail, that somebody takes away in the database is missed at once, not only by whoever noted a head. A noted head that is no longer in the
// chain is an error in the log, and the note stays as it is.
func (s *Service) NoteIn(path string) { s.notePath = path }

// note notes the head, unless the noted one is gone.
func (s *Service) note(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.notePath == "" || time.Since(s.notedAt) < noteEvery {
		return nil
	}
	noted, err := ReadNote(s.notePath)
	if err != nil {
		return err
	}
	tx := s.db.Read(ctx)
	if noted != nil {
		held, err := Holds(tx, *noted)
		if err != nil {
			return err
		}
		if !held {
			s.notedAt = time.Now()
			s.log.ErrorContext(ctx, "THE AUDIT TRAIL WAS CUT OFF OR CHANGED: the noted head is not in its chain", "noted", noted.String(), "file", s.notePath)
			return nil
		}
	}
	h, err := head(tx)
	if err != nil || h.Seq == 0 || noted != nil && noted.Seq == h.Seq {
		return err
	}
	if err := writeNote(s.notePath, Anchor{Seq: h.Seq, Hash: h.Hash}); err != nil {
		return err
	}
	s.notedAt = time.Now()
	return nil
}

// Holds tells whether the chain has the noted head.
func Holds(tx *gorm.DB, noted Anchor) (bool, error) {
	var seals []model.AuditSeal
	err := tx.Select("seq", "hash").Where("seq = ?", noted.Seq).Find(&seals).Error
	return len(seals) == 1 && seals[0].Hash == noted.Hash, err
}

// ReadNote reads what Seal noted in a file; nil: nothing yet.
func ReadNote(path string) (*Anchor, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a, err := ParseAnchor(string(text))
	return &a, err
}

// writeNote replaces the file at once, so that it is never half written.
func writeNote(path string, a Anchor) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".audit-head-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(a.String() + "\n")
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
