package app

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// chore is scheduled work. It must be harmless to repeat.
type chore struct {
	name  string
	every time.Duration
	do    func(ctx context.Context) error
}

func (a *App) chores() []chore {
	return []chore{
		{"year-end", time.Minute, a.Allowance.SweepDue},
		{"payments", 5 * time.Second, a.Payment.Complete},
		{"tally", time.Second, a.Tally.Absorb},
		{"dues", time.Minute, a.Dues.Keep},
		{"reminders", 10 * time.Minute, a.Allowance.RemindDue},
		{"auto-confirm", 10 * time.Minute, func(ctx context.Context) error { _, err := a.Order.AutoConfirm(ctx); return err }},
		{"after-sales", 10 * time.Minute, func(ctx context.Context) error { _, err := a.AfterSale.Expire(ctx); return err }},
		{"risk", 10 * time.Minute, a.Risk.Scan},
		{"recount-sales", 10 * time.Minute, a.Shop.RecountSales},
		{"counter", time.Minute, a.Counter.Tidy},
		{"audit-seal", 2 * time.Second, a.Audit.Seal},
		{"erasure", 6 * time.Hour, a.Erasure.Purge},
		{"purge-expired", 6 * time.Hour, a.Identity.PurgeExpired},
	}
}

// Run does the background work, jobs and chores, until ctx ends.
func (a *App) Run(ctx context.Context) {
	var working sync.WaitGroup
	holder := a.DB.NewID().String()
	for _, c := range a.chores() {
		working.Go(func() { a.repeat(ctx, c, holder) })
	}
	working.Go(func() { a.Notify.Run(ctx, 2) })
	a.Jobs.Run(ctx, 2)
	working.Wait()
}

// Tidy does every chore once, now, whoever holds its lease.
func (a *App) Tidy(ctx context.Context) error {
	for _, c := range a.chores() {
		if err := c.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// repeat does a chore now and every so often. Of several processes the one that holds the lease does it; when that one
// stops it gives the lease back, and when it dies the lease ends.
func (a *App) repeat(ctx context.Context, c chore, holder string) {
	tick := time.NewTicker(c.every)
	defer tick.Stop()
	for {
		mine, err := a.DB.Lease(ctx, "chore:"+c.name, holder, c.every+c.every/2)
		if err == nil && mine {
			err = c.do(ctx)
		}
		if err != nil && ctx.Err() == nil {
			a.log.ErrorContext(ctx, "chore", "name", c.name, "error", err.Error())
		}
		select {
		case <-ctx.Done():
			if err := a.DB.Unlease(context.WithoutCancel(ctx), "chore:"+c.name, holder); err != nil {
				a.log.WarnContext(ctx, "chore's lease", "name", c.name, "error", err.Error())
			}
			return
		case <-tick.C:
		}
	}
}

// measure registers what is measured besides requests and checkouts: the process, the pool, the database, the queues.
func (a *App) measure(pool *sql.DB) {
	a.metrics.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewDBStatsCollector(pool, string(a.DB.Dialect)),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "database_up", Help: "1 if the database answers."}, a.databaseUp),
		&queues{a}, &outbox{a}, &auditChain{a}, &tallyQueue{a},
	)
}

func (a *App) databaseUp() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if a.pingDB(ctx) != nil {
		return 0
	}
	return 1
}

func (a *App) pingDB(ctx context.Context) error {
	var one int
	return a.DB.Read(ctx).Raw("SELECT 1").Scan(&one).Error
}

// queues tells how many jobs wait, run and have failed, read when it is asked.
type queues struct{ app *App }

var queueDepth = prometheus.NewDesc("job_queue_depth", "Background jobs by state.", []string{"state"}, nil)

// Describe implements prometheus.Collector.
func (q *queues) Describe(ch chan<- *prometheus.Desc) { ch <- queueDepth }

// Collect implements prometheus.Collector.
func (q *queues) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	queued, running, failed, err := q.app.Jobs.Depth(ctx)
	if err != nil {
		return // database_up says so
	}
	for state, n := range map[string]int64{"queued": queued, "running": running, "failed": failed} {
		ch <- prometheus.MustNewConstMetric(queueDepth, prometheus.GaugeValue, float64(n), state)
	}
}

// outbox tells how many messages wait, are being sent and were given up, and how old the oldest is, read when it is asked.
type outbox struct{ app *App }

var (
	outboxDepth  = prometheus.NewDesc("outbox_depth", "Messages of the outbox by state: waiting, sending, dead.", []string{"state"}, nil)
	outboxOldest = prometheus.NewDesc("outbox_oldest_seconds", "Age of the oldest message that is neither sent nor given up.", nil, nil)
)

// Describe implements prometheus.Collector.
func (o *outbox) Describe(ch chan<- *prometheus.Desc) { ch <- outboxDepth; ch <- outboxOldest }

// Collect implements prometheus.Collector.
func (o *outbox) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	d, err := o.app.Notify.Depth(ctx)
	if err != nil {
		return // database_up says so
	}
	for state, n := range map[string]int64{"waiting": d.Waiting, "sending": d.Sending, "dead": d.Dead} {
		ch <- prometheus.MustNewConstMetric(outboxDepth, prometheus.GaugeValue, float64(n), state)
	}
	ch <- prometheus.MustNewConstMetric(outboxOldest, prometheus.GaugeValue, d.OldestSeconds)
}

// auditChain tells how long the audit trail's chain is and how far it lags behind, read when it is asked.
type auditChain struct{ app *App }

var (
	auditLength = prometheus.NewDesc("audit_chain_seq", "Number of the last seal of the audit trail's chain.", nil, nil)
	auditLag    = prometheus.NewDesc("audit_chain_lag_seconds", "How much younger the newest audit entry is than the newest sealed one.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c *auditChain) Describe(ch chan<- *prometheus.Desc) { ch <- auditLength; ch <- auditLag }

// Collect implements prometheus.Collector.
func (c *auditChain) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	h, err := c.app.Audit.Head(ctx)
	if err != nil {
		return // database_up says so
	}
	lag, err := c.app.Audit.Lag(ctx)
	if err != nil {
		return
	}
	ch <- prometheus.MustNewConstMetric(auditLength, prometheus.GaugeValue, float64(h.Seq))
	ch <- prometheus.MustNewConstMetric(auditLag, prometheus.GaugeValue, lag.Seconds())
}

// tallyQueue tells how far the figures are behind what happened, read when it is asked.
type tallyQueue struct{ app *App }

var (
	tallyWaiting = prometheus.NewDesc("tally_events_waiting", "Changes that the rolled-up figures do not have yet; answers add up to some thousands of them while they read.", nil, nil)
	tallyLag     = prometheus.NewDesc("tally_lag_seconds", "Age of the oldest change that the rolled-up figures do not have yet.", nil, nil)
)

// Describe implements prometheus.Collector.
func (q *tallyQueue) Describe(ch chan<- *prometheus.Desc) { ch <- tallyWaiting; ch <- tallyLag }

// Collect implements prometheus.Collector.
func (q *tallyQueue) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	queue, err := q.app.Tally.Queue(ctx)
	if err != nil {
		return // database_up says so
	}
	ch <- prometheus.MustNewConstMetric(tallyWaiting, prometheus.GaugeValue, float64(queue.Waiting))
	ch <- prometheus.MustNewConstMetric(tallyLag, prometheus.GaugeValue, queue.Lag.Seconds())
}
