package tally

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
)

// Service keeps the rollups and answers from them.
type Service struct{ db *model.DB }

// New makes the service.
func New(db *model.DB) *Service { return &Service{db: db} }

const (
	ready    = "ready"
	building = "building"
	stateID  = model.ID(1)

	// keep is how long events stay after they are done: longer than the oldest moment that a form which is about to be submitted may
	// have been looked at (an hour), see Form.
	keep = 70 * time.Minute
	// perBatch bounds the events of one transaction, perRun the time of one run of the worker.
	perBatch = 5000
	perRun   = 5 * time.Second
	// behind is how old the oldest event may get before the worker rests less: well below the 5 seconds that answers may be old.
	behind = 2 * time.Second
)

// errNotReady says that the rollups are being built.
var errNotReady = errors.New("the rollups are not ready")

// stateOf reads whether the rollups can be used; a database whose rollups were never built has no row.
func stateOf(tx *gorm.DB) (st model.TallyState, err error) {
	err = tx.Where("id = ?", stateID).Limit(1).Find(&st).Error
	return st, err
}

// Waiting are the unions of which changes wait to be added to the rollups. known is false where the rollups cannot be used: while they are
// built, and where too much waits to be looked through.
func Waiting(tx *gorm.DB) (unions []model.ID, known bool, err error) {
	st, err := stateOf(tx)
	if err != nil || st.Status != ready {
		return nil, false, err
	}
	w, err := waiting(tx, maxTail)
	if err != nil || !w.all {
		return nil, false, err
	}
	events, err := w.events(tx)
	for _, e := range events {
		unions = append(unions, e.UnionID)
	}
	slices.Sort(unions)
	return slices.Compact(unions), err == nil, err
}

// lockState locks the rollups for this transaction. errNotReady if they are not ready.
func lockState(tx *gorm.DB) (st model.TallyState, err error) {
	err = tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", stateID).Limit(1).Find(&st).Error
	if err == nil && st.Status != ready {
		err = errNotReady
	}
	return st, err
}

// Absorb takes what waits in the queue into the rollups, for at most some seconds, and builds the rollups first where that was never done
// or broke off. Any number of processes may do so at once: each event is counted exactly once, since its bundle's mark is made in the
// transaction that adds it, under the lock of the state's row. While there is much to do it rests: two thirds of the time, since orders come
// first, but a third once it is behind.
func (s *Service) Absorb(ctx context.Context) error {
	for start := time.Now(); time.Since(start) < perRun; {
		began := time.Now()
		left, err := s.absorbSome(ctx)
		switch {
		case errors.Is(err, errNotReady):
			return s.buildIfNobodyElse(ctx)
		case err != nil:
			return err
		case left.all:
			return s.purge(ctx)
		}
		rest := 2 * time.Since(began)
		if s.db.Now().Sub(left.first) > behind {
			rest /= 4
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.purge(ctx)
}

// absorbSome takes one batch of events. It tells what it found: whether that was all, and how old.
func (s *Service) absorbSome(ctx context.Context) (w waitingEvents, err error) {
	var some []model.ID
	if err := s.db.Read(ctx).Model(&model.TallyBundle{}).Where("done = ?", false).Limit(1).Pluck("id", &some).Error; err != nil {
		return w, err
	}
	st, err := stateOf(s.db.Read(ctx))
	if err != nil || len(some) == 0 && st.Status == ready {
		return waitingEvents{all: true}, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if _, err := lockState(tx); err != nil {
			return err
		}
		if w, err = waiting(tx, perBatch); err != nil || len(w.bundles) == 0 {
			return err
		}
		return s.take(tx, w.bundles)
	})
	return w, err
}

// take adds bundles' events to the rollups and marks the bundles.
func (s *Service) take(tx *gorm.DB, bundles []model.ID) error {
	events, err := (waitingEvents{bundles: bundles}).events(tx)
	if err != nil {
		return err
	}
	unions := make([]model.ID, 0, len(events))
	for _, e := range events {
		if e.Kind != kindMove {
			unions = append(unions, e.UnionID)
			continue
		}
		if err := follow(tx, s.db, e.UnionID); err != nil {
			return err
		}
	}
	paths, err := track(tx, unions)
	if err != nil {
		return err
	}
	sums, err := fold(tx, events, paths, true)
	if err != nil {
		return err
	}
	if err := sums.store(tx, s.db, false); err != nil {
		return err
	}
	marked := int64(0)
	for some := range slices.Chunk(bundles, idsPerStatement) {
		res := tx.Model(&model.TallyBundle{}).Where("id IN ? AND done = ?", some, false).UpdateColumn("done", true)
		if res.Error != nil {
			return res.Error
		}
		marked += res.RowsAffected
	}
	if marked != int64(len(bundles)) {
		return fmt.Errorf("%d of %d bundles were marked: somebody takes them without the lock", marked, len(bundles))
	}
	return nil
}

// purge drops events that are done and old, once a minute at most.
func (s *Service) purge(ctx context.Context) error {
	before := s.db.Now().Add(-keep)
	st, err := stateOf(s.db.Read(ctx))
	if err != nil || st.Status != ready || before.Sub(st.PurgedTo) < time.Minute {
		return err
	}
	var old []model.ID
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if _, err := lockState(tx); err != nil {
			return err
		}
		return tx.Model(&model.TallyState{}).Where("id = ? AND purged_to < ?", stateID, before).UpdateColumn("purged_to", before).Error
	})
	for err == nil {
		if err = s.db.Read(ctx).Model(&model.TallyBundle{}).Where("done = ? AND at < ?", true, before).Limit(idsPerStatement).Pluck("id", &old).Error; err != nil || len(old) == 0 {
			break
		}
		err = s.db.Tx(ctx, func(tx *gorm.DB) error { return tx.Where("id IN ?", old).Delete(&model.TallyBundle{}).Error })
	}
	if errors.Is(err, errNotReady) {
		return nil
	}
	return err
}

// Queue is how many events wait to be counted and how old the oldest is.
type Queue struct {
	Waiting int64
	Lag     time.Duration // 0: none waits
}

// Queue reads what waits.
func (s *Service) Queue(ctx context.Context) (q Queue, err error) {
	tx := s.db.Read(ctx).Model(&model.TallyBundle{}).Where("done = ?", false)
	if err := model.ScanRow(tx.Session(&gorm.Session{}).Select("COALESCE(SUM(events), 0)"), &q.Waiting); err != nil || q.Waiting == 0 {
		return q, err
	}
	var oldest model.TallyBundle
	if err := tx.Session(&gorm.Session{}).Select("at").Order("at").Limit(1).Find(&oldest).Error; err != nil || oldest.At.IsZero() {
		return q, err
	}
	q.Lag = max(0, s.db.Now().Sub(oldest.At))
	return q, nil
}
