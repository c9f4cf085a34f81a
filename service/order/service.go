// Package order is buying: checkout, the order's life, its parcels, and cancelling. An order is paid from
// the allowances of one membership (docs/adr/0006-one-membership-pays.md) and split into one parcel a supplier.
package order

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"bangfu/model"
	"bangfu/service/allowance"
	"bangfu/service/guard"
)

// The states of an order. An order is "shipped" when all its parcels are, "completed" when all were received.
const (
	StatusPending   = "pending" // goods and allowances set aside until the WeChat payment is known
	StatusPaid      = "paid"
	StatusShipped   = "shipped"
	StatusCompleted = "completed"
	StatusCancelled = "cancelled" // all given back before it was shipped, or voided at the counter
	StatusClosed    = "closed"    // never paid
)

// The kinds of orders.
const (
	KindOnline  = "online"  // by a member, to an address
	KindCounter = "counter" // by a member's code, at a hall
	KindGroup   = "group"   // by a union for many members
)

// The states of a parcel.
const (
	ParcelWaiting   = "waiting"
	ParcelShipped   = "shipped"
	ParcelReceived  = "received"
	ParcelCancelled = "cancelled"
)

// Options are what the service works with.
type Options struct {
	DB          *model.DB
	Guard       *guard.Guard
	Allowances  *allowance.Service
	Sealer      *model.Sealer
	Metrics     prometheus.Registerer
	AutoConfirm time.Duration // after which a shipped parcel counts as received
	Wechat      bool          // WeChat Pay can be used
}

// Service is the use cases of orders.
type Service struct {
	db          *model.DB
	guard       *guard.Guard
	allowances  *allowance.Service
	sealer      *model.Sealer
	autoConfirm time.Duration
	wechat      bool
	checkouts   *prometheus.CounterVec
	seconds     prometheus.Histogram
	engine      *engine
	marks       soldOutMarks
	channels    ownChannel
}

// New makes the service, starts its checkout engine (Close ends it), and registers checkout_total (by outcome), checkout_seconds,
// checkout_batch_orders and checkout_queue.
func New(o Options) (*Service, error) {
	s := &Service{
		db: o.DB, guard: o.Guard, allowances: o.Allowances, sealer: o.Sealer, autoConfirm: o.AutoConfirm, wechat: o.Wechat,
		checkouts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "checkout_total", Help: "Checkouts by outcome: ok, replay, in_flight, or the code of the refusal.",
		}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "checkout_seconds", Help: "Duration of checkouts, refused ones included.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
	for _, outcome := range []string{outcomeOK, outcomeReplay, outcomeInFlight, string(model.CodeSoldOut), string(model.CodePriceChanged), string(model.CodeInsufficientBalance)} {
		s.checkouts.WithLabelValues(outcome)
	}
	sizes := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "checkout_batch_orders", Help: "Checkouts that were decided in one transaction.", Buckets: prometheus.ExponentialBuckets(1, 2, 9),
	})
	queued := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "checkout_queue", Help: "Checkouts that wait for a transaction."},
		func() float64 { return float64(s.engine.queue.length()) })
	for _, c := range []prometheus.Collector{s.checkouts, s.seconds, sizes, queued} {
		if err := o.Metrics.Register(c); err != nil {
			return nil, fmt.Errorf("order metrics: %w", err)
		}
	}
	s.engine = newEngine(s, sizes.Observe)
	return s, nil
}

// Close answers the checkouts that are waiting and takes no more: CodeBusy.
func (s *Service) Close() { s.engine.close() }

// object is how the audit trail names an order.
func object(id model.ID) string { return "order:" + id.String() }
