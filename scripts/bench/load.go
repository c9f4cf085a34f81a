//go:build unix

package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"bangfu/scripts/lab"
	"bangfu/scripts/lab/world"
)

// run is what one variant did in one round.
type run struct {
	orders    int64           // acknowledged within the measured time
	seconds   float64         // measured
	latencies []time.Duration // of those orders, sorted
	all       int64           // acknowledged in all, warming up included
	failed    int64
	firstErr  error
	dbCPU     float64 // seconds of the database within the measured time
	ownCPU    float64 // of this process, load generator included
	batch     float64 // checkouts a transaction, 0 where it is not known
}

func (r *run) rate() float64        { return float64(r.orders) / r.seconds }
func (r *run) dbCPUMicros() float64 { return r.dbCPU * 1e6 / float64(r.orders) }
func (r *run) millis(part float64) float64 {
	return float64(lab.Quantile(r.latencies, part).Microseconds()) / 1000
}

// tally collects what the clients report.
type tally struct {
	mu       sync.Mutex
	lat      []time.Duration
	all      int64
	failed   int64
	firstErr error
}

func (t *tally) add(lat []time.Duration, all, failed int64, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lat = append(t.lat, lat...)
	t.all, t.failed = t.all+all, t.failed+failed
	if t.firstErr == nil {
		t.firstErr = err
	}
}

// meter reads the processor times at the start and the end of the measured time.
type meter struct {
	house    *house
	db, self float64
	from     time.Time
}

func startMeter(h *house) (*meter, error) {
	cpu, err := h.db.CPU()
	return &meter{house: h, db: cpu.Seconds(), self: lab.SelfCPU(), from: time.Now()}, err
}

func (m *meter) stop(r *run) error {
	cpu, err := m.house.db.CPU()
	r.dbCPU, r.ownCPU, r.seconds = cpu.Seconds()-m.db, lab.SelfCPU()-m.self, time.Since(m.from).Seconds()
	return err
}

// closedLoop has that many clients buy one after the other, without a pause. Each has members of its own, so that nobody buys twice at
// once.
func closedLoop(ctx context.Context, h *house, clients int, warm, measured time.Duration, goods []world.Goods, buy buyer) (*run, error) {
	var counting, stop atomic.Bool
	var t tally
	var wait sync.WaitGroup
	members := len(h.world.Members) - len(h.world.Members)%clients
	for i := range clients {
		wait.Go(func() {
			lat := make([]time.Duration, 0, 1<<14)
			var all, failed int64
			var first error
			for n := i; !stop.Load() && ctx.Err() == nil; n += clients {
				start := time.Now()
				err := buy(ctx, h.world.Members[n%members], goods[rand.IntN(len(goods))])
				switch {
				case err != nil:
					failed++
					first = err
					time.Sleep(time.Millisecond)
				default:
					all++
					if counting.Load() && !stop.Load() {
						lat = append(lat, time.Since(start))
					}
				}
			}
			t.add(lat, all, failed, first)
		})
	}
	sleep(ctx, warm)
	m, err := startMeter(h)
	counting.Store(true)
	sleep(ctx, measured)
	stop.Store(true)
	r := &run{}
	err = errors.Join(err, m.stop(r))
	wait.Wait()
	t.into(r)
	return r, errors.Join(err, ctx.Err())
}

// openLoop has buyers come by the clock, whether the ones before were served or not; what somebody waits is counted from when they
// meant to come.
func openLoop(ctx context.Context, h *house, perSecond int, warm, measured time.Duration, goods []world.Goods, buy buyer) (*run, error) {
	var t tally
	var wait sync.WaitGroup
	gap := time.Second / time.Duration(perSecond)
	begin := time.Now()
	var m *meter
	var err error
	for n := 0; ctx.Err() == nil; n++ {
		due := begin.Add(time.Duration(n) * gap)
		since := due.Sub(begin)
		if since >= warm+measured {
			break
		}
		if since >= warm && m == nil {
			m, err = startMeter(h)
		}
		time.Sleep(time.Until(due))
		wait.Go(func() {
			err := buy(ctx, h.world.Members[n%len(h.world.Members)], goods[rand.IntN(len(goods))])
			switch {
			case err != nil:
				t.add(nil, 0, 1, err)
			case since < warm:
				t.add(nil, 1, 0, nil)
			default:
				t.add([]time.Duration{time.Since(due)}, 1, 0, nil)
			}
		})
	}
	wait.Wait()
	r := &run{}
	if m != nil {
		err = errors.Join(err, m.stop(r))
	}
	t.into(r)
	return r, errors.Join(err, ctx.Err())
}

// batchLoop has the limit write as fast as it can.
func batchLoop(ctx context.Context, h *house, l *limit, warm, measured time.Duration, g world.Goods) (*run, error) {
	r := &run{batch: limitBatch}
	size := min(limitBatch, len(h.world.Members))
	var m *meter
	var err error
	begin := time.Now()
	for at := 0; ; at = (at + size) % len(h.world.Members) {
		if at+size > len(h.world.Members) {
			at = 0
		}
		start := time.Now()
		if m == nil && start.Sub(begin) >= warm {
			if m, err = startMeter(h); err != nil {
				return r, err
			}
		}
		if start.Sub(begin) >= warm+measured {
			break
		}
		if err := l.buy(ctx, h.world.Members[at:at+size], g); err != nil {
			return r, err
		}
		r.all += int64(size)
		if m != nil {
			r.orders += int64(size)
			r.latencies = append(r.latencies, time.Since(start))
		}
	}
	slices.Sort(r.latencies)
	return r, m.stop(r)
}

func (t *tally) into(r *run) {
	slices.Sort(t.lat)
	r.latencies, r.orders, r.all, r.failed, r.firstErr = t.lat, int64(len(t.lat)), t.all, t.failed, t.firstErr
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
