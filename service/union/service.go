// Package union keeps the union tree and the rosters of its unions.
package union

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/files"
	"bangfu/service/job"
)

// Revoke takes back what a member who leaves has not spent, in the leaving's own transaction, and tells how much; see
// allowance.Service.RevokeMember, which this package must not import.
type Revoke func(tx *gorm.DB, actor model.Actor, member model.ID, now time.Time, reason string) (model.Fen, error)

// Service is the use cases of the union tree and its rosters.
type Service struct {
	db     *model.DB
	sealer *model.Sealer
	files  *files.Service
	jobs   *job.Runner
	revoke Revoke
	step   int   // rows that a preview or import handles in one transaction
	small  int64 // members of a scope that is searched as a whole
}

// The kinds of jobs.
const (
	jobPreview = "roster.preview"
	jobImport  = "roster.import"
)

// New makes the service and tells the runner what it does.
func New(db *model.DB, sealer *model.Sealer, store *files.Service, jobs *job.Runner, revoke Revoke) *Service {
	s := &Service{db: db, sealer: sealer, files: store, jobs: jobs, revoke: revoke, step: 1000, small: 12_000}
	jobs.Handle(jobPreview, s.preview, s.importFailed)
	jobs.Handle(jobImport, s.runImport, s.importFailed)
	return s
}

// EnsureRoot makes the root of the tree, the city federation, if there is none yet, and returns its id.
func (s *Service) EnsureRoot(ctx context.Context, name string) (model.ID, error) {
	var root model.Union
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		err := tx.Where("parent_id IS NULL").Take(&root).Error
		if !errors.Is(err, gorm.ErrRecordNotFound) {
			return err
		}
		now := s.db.Now()
		root = model.Union{ID: rootID, Name: name, Kind: "city", Path: "/" + rootID.String() + "/", Status: "active", CreatedAt: now, UpdatedAt: now}
		if err := tx.Create(&root).Error; err != nil {
			return err
		}
		if err := tx.Create(&model.UnionPath{UnionID: root.ID, FromAt: now, Path: root.Path}).Error; err != nil {
			return err
		}
		return s.db.Audit(tx, model.Actor{Kind: model.ActorSetup}, now, "union.create", "union:"+root.ID.String(), root.ID, map[string]string{"name": name})
	})
	if model.Duplicate(err) { // another process was first
		return rootID, nil
	}
	return root.ID, err
}

// rootID is the same on every database, so that processes starting at once cannot make two roots.
const rootID model.ID = 1
