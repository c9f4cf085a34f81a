package audit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// How far back Seal looks for entries whose transactions committed late: every time, every few minutes, and once a day through the
// whole trail, so that none is missed however late it came.
const (
	nearBack  = 3 * time.Second
	wideBack  = 10 * time.Minute
	wideEvery = 5 * time.Minute
	fullEvery = 24 * time.Hour
)

// readEntries is how many entries are looked at in one step.
const readEntries = 20_000

// sweptMark names, in the installation, when the whole trail was last looked through.
const sweptMark = "audit-swept"

// Service seals the audit trail and tells how far its chain has come.
type Service struct {
	db  *model.DB
	log *slog.Logger

	notePath string // see NoteIn

	mu      sync.Mutex
	wideAt  time.Time // when Seal last looked far back, in this process
	notedAt time.Time // when the head was last noted
}

// New makes the service. The DB must have its audit keys (model.DB.UseAuditKeys).
func New(db *model.DB, log *slog.Logger) *Service { return &Service{db: db, log: log} }

// Head is the end of the chain. Noted outside the database it proves later that nothing before it was taken away.
type Head struct {
	Seq      int64      `json:"seq"`  // of the last seal; 0: nothing is sealed yet
	Hash     string     `json:"hash"` // of the last seal
	SealedAt *time.Time `json:"sealed_at"`
}

// Head tells the end of the chain.
func (s *Service) Head(ctx context.Context) (Head, error) { return head(s.db.Read(ctx)) }

func head(tx *gorm.DB) (Head, error) {
	var seals []model.AuditSeal
	err := tx.Select("seq", "hash", "sealed_at").Order("seq DESC").Limit(1).Find(&seals).Error
	if err != nil || len(seals) == 0 {
		return Head{}, err
	}
	return Head{Seq: seals[0].Seq, Hash: seals[0].Hash, SealedAt: &seals[0].SealedAt}, nil
}

// Lag is how much younger the newest entry is than the newest sealed one: seconds while all is well.
func (s *Service) Lag(ctx context.Context) (time.Duration, error) {
	var newest []model.AuditEntry
	if err := s.db.Read(ctx).Select("id").Order("id DESC").Limit(1).Find(&newest).Error; err != nil || len(newest) == 0 {
		return 0, err
	}
	last, err := lastSealed(s.db.Read(ctx))
	return max(0, newest[0].ID.Time().Sub(last.Time())), err
}

// Seal puts every committed entry that has no seal yet into the chain, as far as it looks back. Any number of processes may do it at
// once: of two that make the same next seal one fails and leaves it to the other. It may be stopped at any time.
func (s *Service) Seal(ctx context.Context) error {
	from, full, err := s.from(ctx)
	if err != nil {
		return err
	}
	for done := false; !done; {
		if from, done, err = s.sealNext(ctx, from); err != nil {
			if model.Duplicate(err) {
				return nil // another process seals
			}
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if full {
		if err := s.swept(ctx); err != nil {
			return err
		}
	}
	return s.note(ctx)
}

// SealAll is Seal through the whole trail.
func (s *Service) SealAll(ctx context.Context) error {
	if err := s.db.Read(ctx).Where("name = ?", sweptMark).Delete(&model.Installation{}).Error; err != nil {
		return err
	}
	return s.Seal(ctx)
}

// from tells from which id on to look; full: it is the whole trail.
func (s *Service) from(ctx context.Context) (from model.ID, full bool, err error) {
	now := time.Now() // ids are made on the machine's own time
	last, err := lastSealed(s.db.Read(ctx))
	if err != nil {
		return 0, false, err
	}
	var mark model.Installation
	err = s.db.Read(ctx).Where("name = ?", sweptMark).Take(&mark).Error
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return 0, false, err
	}
	swept, _ := time.Parse(time.RFC3339, mark.Value)
	if last == 0 || now.Sub(swept).Abs() > fullEvery {
		return 0, true, nil
	}
	back := nearBack
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.wideAt).Abs() > wideEvery {
		back, s.wideAt = wideBack, now
	}
	return later(reached(last, now), -back), false, nil
}

// swept notes that the whole trail was looked through, and brings the head of the chain into the log once a day.
func (s *Service) swept(ctx context.Context) error {
	at := time.Now().UTC().Format(time.RFC3339)
	tx := s.db.Read(ctx)
	res := tx.Model(&model.Installation{}).Where("name = ?", sweptMark).UpdateColumn("value", at)
	if res.Error == nil && res.RowsAffected == 0 {
		res.Error = tx.Create(&model.Installation{Name: sweptMark, Value: at}).Error
	}
	if res.Error != nil && !model.Duplicate(res.Error) {
		return res.Error
	}
	h, err := s.Head(ctx)
	if err == nil && h.Seq > 0 {
		s.log.InfoContext(ctx, "audit chain head", "seq", h.Seq, "hash", h.Hash, "sealed_at", h.SealedAt)
	}
	return err
}

// sealNext seals what is open among the next entries from an id on, in one transaction, and tells where to go on. The head is read
// first: if another process adds to the chain meanwhile, this one's next seal is a duplicate.
func (s *Service) sealNext(ctx context.Context, from model.ID) (next model.ID, done bool, err error) {
	read := s.db.Read(ctx)
	at, err := head(read)
	if err != nil {
		return from, false, err
	}
	open, next, done, err := unsealed(read, from, readEntries)
	if err != nil || len(open) == 0 {
		return next, done, err
	}
	rows, err := storedMACs(read, open)
	if err != nil {
		return next, done, err
	}
	if rows, err = s.withMACs(read, rows); err != nil || len(rows) == 0 {
		return next, done, err
	}
	var seals []model.AuditSeal
	for part := range cut(rows) {
		seal := s.link(at, part)
		seals = append(seals, seal)
		at = Head{Seq: seal.Seq, Hash: seal.Hash}
	}
	return next, done, s.db.Tx(ctx, func(tx *gorm.DB) error { return tx.CreateInBatches(&seals, s.db.BatchRows()).Error })
}

// link makes the seal of the entries, which rise by id and bear MACs, after the head.
func (s *Service) link(at Head, entries []model.AuditEntry) model.AuditSeal {
	ids, macs := make([]model.ID, len(entries)), make([]string, len(entries))
	for i, e := range entries {
		ids[i], macs[i] = e.ID, e.MAC
	}
	seal := model.AuditSeal{Seq: at.Seq + 1, SealedAt: s.db.Now(), Entries: len(ids), FirstID: ids[0], LastID: ids[len(ids)-1], Members: pack(ids)}
	seal.Hash = s.db.AuditKeys().Link(at.Hash, seal, macs)
	return seal
}

// cut divides entries into those of one seal each.
func cut(rows []model.AuditEntry) func(yield func([]model.AuditEntry) bool) {
	return func(yield func([]model.AuditEntry) bool) {
		for start := 0; start < len(rows); {
			end := start + 1
			for end < len(rows) && end-start < sealEntries && rows[end].ID.Time().Sub(rows[start].ID.Time()) <= sealSpan {
				end++
			}
			if !yield(rows[start:end]) {
				return
			}
			start = end
		}
	}
}

// withMACs gives entries of before there were MACs the one that their content has, and leaves out those that should have had one: such
// are not sealed, and verifying names them.
func (s *Service) withMACs(tx *gorm.DB, rows []model.AuditEntry) ([]model.AuditEntry, error) {
	var bare []model.ID
	for _, r := range rows {
		if r.MAC == "" {
			bare = append(bare, r.ID)
		}
	}
	if len(bare) == 0 {
		return rows, nil
	}
	last, err := lastSealed(tx)
	if err != nil {
		return nil, err
	}
	keys := s.db.AuditKeys()
	content := map[model.ID]model.AuditEntry{}
	if last < later(keys.Since, legacyGrace) {
		if content, err = entriesOf(tx, bare); err != nil {
			return nil, err
		}
	}
	fit := rows[:0]
	for _, r := range rows {
		if r.MAC == "" {
			e, known := content[r.ID]
			mac, ok := keys.MACOf(e)
			if !known || !ok {
				continue
			}
			r.MAC = mac
		}
		fit = append(fit, r)
	}
	return fit, nil
}
