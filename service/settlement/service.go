// Package settlement pays suppliers: what each is owed by received orders less refunds, statements by period, and batches
// that one person makes, another confirms, and the bank carries out. A supplier's account is a sum of transfers; a
// settlement takes whole transfers of it, and a unique index lets each be taken once.
package settlement

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/job"
)

// The states of a batch.
const (
	batchPreparing = "preparing" // the job is still collecting what is due
	batchDraft     = "draft"     // waits for the second person
	batchConfirmed = "confirmed" // may be paid
	batchExported  = "exported"  // its bank file was made
	batchPaid      = "paid"      // every settlement is paid or failed, at least one paid
	batchFailed    = "failed"    // the bank refused all of it
	batchCancelled = "cancelled" // before it was confirmed
)

// The states of a settlement.
const (
	open      = "open"
	paid      = "paid"
	failed    = "failed"    // the bank refused it: its items are free again
	cancelled = "cancelled" // with its batch: its items are free again
	skipped   = "skipped"   // never had items: tells why the supplier is not in the batch
)

const jobMake = "settlement_make" // subject: the batch

// Options are what the service works with.
type Options struct {
	DB     *model.DB
	Jobs   *job.Runner
	Sealer *model.Sealer
	After  time.Duration // how long after a parcel was received its money may be paid out
}

// Service is the use cases of settlement.
type Service struct {
	db     *model.DB
	jobs   *job.Runner
	sealer *model.Sealer
	after  time.Duration
}

// New makes the service and registers its background work.
func New(o Options) *Service {
	s := &Service{db: o.DB, jobs: o.Jobs, sealer: o.Sealer, after: o.After}
	o.Jobs.Handle(jobMake, s.prepare, s.prepareFailed)
	return s
}

// lock reads the row with the id and locks it until the transaction ends; what names it in the error if there is none.
func lock(tx *gorm.DB, into any, id model.ID, what string) error {
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(into).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return model.NotFound(what)
	}
	return err
}

// one wants a guarded update to have changed one row; otherwise message says why it could not.
func one(res *gorm.DB, message string) error {
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected != 1 {
		return model.E(model.CodeConflict, "%s", message)
	}
	return nil
}

func batchObject(id model.ID) string { return "settlement_batch:" + id.String() }

// reasonText trims a reason that must be given; what names it.
func reasonText(text, what string) (string, error) {
	text = strings.TrimSpace(text)
	switch n := utf8.RuneCountInString(text); {
	case n == 0:
		return "", model.Invalid("reason", "请填写"+what)
	case n > 200:
		return "", model.Invalid("reason", what+"不能超过 200 个字")
	}
	return text, nil
}
