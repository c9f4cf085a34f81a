// Package risk looks for what an auditor would look for (收货地址、退款、设备、柜台、囤购 and the like), says why, and keeps a queue
// of it for people to review. A signal is a reason to look, never a verdict: nothing here changes an order, an allowance or an account,
// and nothing else reads signals to refuse anything.
package risk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
)

// Service is the use cases of risk signals and their rules.
type Service struct {
	db     *model.DB
	sealer *model.Sealer
}

// New makes the service. sealer opens the district of an address for display.
func New(db *model.DB, sealer *model.Sealer) *Service { return &Service{db: db, sealer: sealer} }

// The states of a signal.
const (
	StatusOpen      = "open"      // waits for review
	StatusConfirmed = "confirmed" // somebody found that something is wrong
	StatusDismissed = "dismissed" // somebody found nothing wrong
)

// late is how far back of where a rule has looked it looks again: a transaction's time is read before it commits.
const late = 5 * time.Minute

// maxEvidence bounds the ids of one kind that a signal keeps; its figures count all.
const maxEvidence = 50

// look is what a rule is given to look at.
type look struct {
	tx    *gorm.DB
	now   time.Time
	from  time.Time // start of the rule's window
	since time.Time // what happened before was looked at; never before from
	set   model.RiskRule
	basis string // the rule in one sentence with these settings
}

// finding is something that fired a rule.
type finding struct {
	key         string            // of the subject
	subject     model.ID          // instead of key, where the subject has an id
	unions      unionSet          // that it is about; none: only the city federation sees it
	supplier    *model.ID         //
	first, last time.Time         // of what is seen
	bucket      model.Date        // where each day (or date) is a signal of its own; else empty
	size        int64             // what the rule counts
	share       int64             // percent, where the rule judges by one
	persons     map[model.ID]bool // that a rule counts while it looks
	figures     []figure          //
	evidence    evidence          //
}

// figure is one number that fired a rule.
type figure struct {
	Name  string `json:"name"`
	Value int64  `json:"value"`
}

// evidence are the ids of what a signal rests on.
type evidence struct {
	Orders  []model.ID `json:"orders,omitempty"`
	Members []model.ID `json:"members,omitempty"`
	Claims  []model.ID `json:"claims,omitempty"`
	Entries []model.ID `json:"entries,omitempty"` // of the audit trail
}

type unionSet map[model.ID]bool

// Scan looks by every enabled rule that is due and records what it finds. It may be repeated and run in several processes at any
// time: what was seen before becomes no second signal. A rule that fails does not keep the others from looking.
func (s *Service) Scan(ctx context.Context) error {
	now := s.db.Now()
	tx := s.db.Read(ctx)
	sets, err := settings(tx)
	if err != nil {
		return err
	}
	var runs []model.RiskRun
	if err := tx.Find(&runs).Error; err != nil {
		return err
	}
	looked := map[string]time.Time{}
	for _, r := range runs {
		looked[r.Code] = r.LookedTo
	}
	t, err := readTree(tx)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range rules {
		if !sets[r.code].Enabled || now.Sub(looked[r.code]) < r.every-time.Minute {
			continue
		}
		if err := s.apply(ctx, r, sets[r.code], now, looked[r.code], t); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.code, err))
		}
	}
	return errors.Join(errs...)
}

// apply looks by one rule and records what it finds and how far it has looked.
func (s *Service) apply(ctx context.Context, r rule, set model.RiskRule, now, looked time.Time, t tree) error {
	began := time.Now()
	l := look{tx: s.db.Read(ctx), now: now, from: now.AddDate(0, 0, -max(set.WindowDays, 1)), set: set, basis: r.basis(set)}
	l.since = l.from
	if since := looked.Add(-late); since.After(l.from) || set.WindowDays == 0 && !looked.IsZero() {
		l.since = since
	}
	found, err := r.find(l)
	if err != nil {
		return err
	}
	for _, f := range found {
		if err := s.db.Tx(ctx, func(tx *gorm.DB) error { return s.record(tx, now, r, l, t, f) }); err != nil {
			return err
		}
	}
	run := model.RiskRun{Code: r.code, LookedTo: now, Found: len(found), TookMS: time.Since(began).Milliseconds()}
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		res := tx.Model(&model.RiskRun{}).Where("code = ?", r.code).UpdateColumns(map[string]any{"looked_to": now, "found": run.Found, "took_ms": run.TookMS})
		if res.Error != nil || res.RowsAffected == 1 {
			return res.Error
		}
		if err := tx.Create(&run).Error; !model.Duplicate(err) {
			return err
		}
		return nil
	})
}

// record makes a finding a signal, or brings the figures of the signal that it is already up to date. Findings of a window that moves are
// the same as long as what they rest on overlaps. A dismissed signal is left alone until its size goes beyond what was
// reviewed, which opens it again.
func (s *Service) record(tx *gorm.DB, now time.Time, r rule, l look, t tree, f finding) error {
	next, err := f.signal(r, l, t)
	if err != nil {
		return err
	}
	var cur model.RiskSignal
	q := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("rule = ? AND subject_type = ? AND subject_key = ?", r.code, r.subject, next.SubjectKey)
	if f.bucket != "" {
		q = q.Where("bucket = ?", f.bucket)
	}
	err = q.Order("last_at DESC").Limit(1).Take(&cur).Error
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return err
	}
	if err != nil || cur.Bucket != next.Bucket && cur.LastAt.Before(f.first) {
		next.ID, next.Status, next.Version, next.CreatedAt, next.UpdatedAt = s.db.NewID(), StatusOpen, 1, now, now
		if err := tx.Create(&next).Error; !model.Duplicate(err) {
			return err
		}
		return model.ErrRerun // another process has just found it
	}
	reopened := cur.Status == StatusDismissed && next.Size > cur.ReviewedSize
	if !reopened && (cur.Status == StatusDismissed || next.Size <= cur.Size && !next.LastAt.After(cur.LastAt)) {
		return nil
	}
	if reopened {
		cur.Status = StatusOpen
		detail := map[string]any{"rule": r.code, "size": next.Size, "reviewed_size": cur.ReviewedSize}
		if err := s.db.Audit(tx, model.Clockwork(), now, "risk.reopen", ref(cur.ID), next.UnionID, detail); err != nil {
			return err
		}
	}
	return tx.Model(&model.RiskSignal{}).Where("id = ?", cur.ID).UpdateColumns(map[string]any{"union_id": next.UnionID, "supplier_id": next.SupplierID, "first_at": next.FirstAt,
		"last_at": next.LastAt, "size": next.Size, "score": next.Score, "basis": next.Basis, "figures_json": next.FiguresJSON, "evidence_json": next.EvidenceJSON,
		"status": cur.Status, "version": cur.Version + 1, "updated_at": now}).Error
}

// signal is a finding as it is stored, without what only a stored one has.
func (f finding) signal(r rule, l look, t tree) (model.RiskSignal, error) {
	figures, err := json.Marshal(f.figures)
	if err != nil {
		return model.RiskSignal{}, err
	}
	f.evidence.Orders, f.evidence.Members, f.evidence.Claims = clip(f.evidence.Orders), clip(f.evidence.Members), clip(f.evidence.Claims)
	f.evidence.Entries = clip(f.evidence.Entries)
	seen, err := json.Marshal(f.evidence)
	if err != nil {
		return model.RiskSignal{}, err
	}
	sig := model.RiskSignal{Rule: r.code, SubjectType: r.subject, SubjectKey: f.key, Bucket: f.bucket, UnionID: t.common(f.unions), SupplierID: f.supplier,
		FirstAt: f.first, LastAt: f.last, Size: f.size, Score: f.score(l.set), Basis: l.basis, FiguresJSON: string(figures), EvidenceJSON: string(seen)}
	if f.subject != 0 {
		sig.SubjectKey = f.subject.String()
	}
	if sig.Bucket == "" {
		sig.Bucket = model.DateOf(f.first)
	}
	return sig, nil
}

// score is 50 where a rule has just fired and 100 from twice its threshold on.
func (f finding) score(set model.RiskRule) int {
	score := 50 * f.size / max(set.Threshold, 1)
	if set.Percent > 0 && set.Least > 0 { // either of the two fires it
		score = max(score, 50*f.share/set.Percent)
	}
	return int(min(max(score, 50), 100))
}

func clip(ids []model.ID) []model.ID { return ids[:min(len(ids), maxEvidence)] }

func ref(id model.ID) string { return "risk_signal:" + id.String() }
