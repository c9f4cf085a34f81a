// Package report tells what was bought: the statistics form 附件3 with its submission, roll-up, drill-down and exports,
// and the audit trail.
package report

import (
	"time"

	"bangfu/model"
)

// Service is the use cases of the statistics form and of the audit trail.
type Service struct {
	db     *model.DB
	sealer *model.Sealer
}

// New makes the service.
func New(db *model.DB, sealer *model.Sealer) *Service { return &Service{db: db, sealer: sealer} }

// settle is how far behind the clock a form counts. A purchase bears the time that its transaction began with; only when
// every transaction that began before a moment must have ended may that moment be frozen, or a purchase that commits late
// would be missing in the form for ever. Requests live 20 seconds at most; the rest is for clocks that differ.
const settle = 30 * time.Second
