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
	perBatch = 1000
	perRun   = 5 * time.Second
)

// errNotReady says that the rollups are being built.
var errNotReady = errors.New("the rollups are not ready")

// stateOf reads whether the rollups can be used; a database whose rollups were never built has no row.
func stateOf(tx *gorm.DB) (st model.TallyState, err error) {
	err = tx.Where("id = ?", stateID).Limit(1).Find(&st).Error
	return st, err
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
// or broke off. Any number of processes may do so at once: each event is counted exactly once, since its mark is made in the transaction
// that adds it, under the lock of the state's row. While there is much to do it rests two thirds of the time: orders come first.
func (s *Service) Absorb(ctx context.Context) error {
	for start := time.Now(); time.Since(start) < perRun; {
		began := time.Now()
		n, err := s.absorbSome(ctx)
		switch {
		case errors.Is(err, errNotReady):
			return s.buildIfNobodyElse(ctx)
		case err != nil:
			return err
		case n < perBatch:
			return s.purge(ctx)
		}
		select {
		case <-time.After(2 * time.Since(began)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.purge(ctx)
}

// absorbSome takes one batch of events and tells how many there were.
func (s *Service) absorbSome(ctx context.Context) (n int, err error) {
	var waiting []model.ID
	if err := s.db.Read(ctx).Model(&model.TallyEvent{}).Where("done = ?", false).Limit(1).Pluck("id", &waiting).Error; err != nil {
		return 0, err
	}
	st, err := stateOf(s.db.Read(ctx))
	if err != nil || len(waiting) == 0 && st.Status == ready {
		return 0, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		n = 0
		if _, err := lockState(tx); err != nil {
			return err
		}
		var events []model.TallyEvent
		if err := tx.Where("done = ?", false).Order("at").Limit(perBatch).Find(&events).Error; err != nil || len(events) == 0 {
			return err
		}
		n = len(events)
		return s.take(tx, events)
	})
	return n, err
}

// take adds events to the rollups and marks them.
func (s *Service) take(tx *gorm.DB, events []model.TallyEvent) error {
	ids, unions := make([]model.ID, len(events)), []model.ID{}
	for i, e := range events {
		ids[i] = e.ID
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
	for some := range slices.Chunk(ids, idsPerStatement) {
		res := tx.Model(&model.TallyEvent{}).Where("id IN ? AND done = ?", some, false).UpdateColumn("done", true)
		if res.Error != nil {
			return res.Error
		}
		marked += res.RowsAffected
	}
	if marked != int64(len(events)) {
		return fmt.Errorf("%d of %d events were marked: somebody takes events without the lock", marked, len(events))
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
		if err = s.db.Read(ctx).Model(&model.TallyEvent{}).Where("done = ? AND at < ?", true, before).Limit(idsPerStatement).Pluck("id", &old).Error; err != nil || len(old) == 0 {
			break
		}
		err = s.db.Tx(ctx, func(tx *gorm.DB) error { return tx.Where("id IN ?", old).Delete(&model.TallyEvent{}).Error })
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
	tx := s.db.Read(ctx)
	if err := tx.Model(&model.TallyEvent{}).Where("done = ?", false).Count(&q.Waiting).Error; err != nil || q.Waiting == 0 {
		return q, err
	}
	var oldest model.TallyEvent
	if err := tx.Select("at").Where("done = ?", false).Order("at").Limit(1).Find(&oldest).Error; err != nil || oldest.At.IsZero() {
		return q, err
	}
	q.Lag = max(0, s.db.Now().Sub(oldest.At))
	return q, nil
}
