// Package allowance is the money that unions give their members: policy years, the unions' funds, grants that issue
// from a fund to many members, the members' allowances, and the year's end. Every movement goes through the ledger.
package allowance

import (
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/job"
)

// Service is the use cases of policies, funds, grants and allowances.
type Service struct {
	db     *model.DB
	jobs   *job.Runner
	sealer *model.Sealer
}

// New makes the service and registers its background work with jobs.
func New(db *model.DB, jobs *job.Runner, sealer *model.Sealer) *Service {
	s := &Service{db: db, jobs: jobs, sealer: sealer}
	jobs.Handle(jobPrepare, s.prepare, s.prepareFailed)
	jobs.Handle(jobIssue, s.issue, s.issueFailed)
	jobs.Handle(jobSweep, s.sweep, nil)
	jobs.Handle(jobRemind, s.remind, nil)
	return s
}

// locked makes a query lock the rows it reads until the transaction ends. The embedded database, whose transactions
// run one at a time, needs and has no row locks.
func locked(tx *gorm.DB) *gorm.DB { return tx.Clauses(clause.Locking{Strength: "UPDATE"}) }
