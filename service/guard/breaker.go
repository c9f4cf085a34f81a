package guard

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// tripAfter is the number of pipelines in a row that must fail for the breaker to open.
const tripAfter = 3

// breaker remembers whether Redis answers. Open means that nobody is to ask it.
type breaker struct {
	open  atomic.Bool // written under mu
	mu    sync.Mutex
	fails int // in a row
	since time.Time
	last  error
}

// fail counts one failure and says whether that opened the breaker; now opens it at the first one.
func (b *breaker) fail(err error, now bool) (opened bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fails++
	b.last = err
	if b.open.Load() || (!now && b.fails < tripAfter) {
		return false
	}
	b.since = time.Now()
	b.open.Store(true)
	return true
}

// ok forgets failures. It does not close an open breaker: an answer that comes late proves little.
func (b *breaker) ok() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fails = 0
}

// heal closes the breaker and says whether it was open and for how long.
func (b *breaker) heal() (was bool, away time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fails, b.last = 0, nil
	if !b.open.Load() {
		return false, 0
	}
	b.open.Store(false)
	return true, time.Since(b.since)
}

// state is nil while the breaker is closed, else why and when it opened.
func (b *breaker) state() (since time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open.Load() {
		return time.Time{}, nil
	}
	return b.since, b.last
}

// answering says whether the last contact with Redis succeeded.
func (b *breaker) answering() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.open.Load() && b.fails == 0
}

// report tells the breaker of a pipeline.
func (g *Guard) report(err error) {
	if err == nil {
		g.breaker.ok()
		return
	}
	if g.breaker.fail(err, false) {
		g.log.Warn("redis is away: the guard lets everything through", "error", err)
	}
}

// tripped opens the breaker at once.
func (g *Guard) tripped(err error) {
	if g.breaker.fail(err, true) {
		g.log.Warn("redis is away: the guard lets everything through", "error", err)
	}
}

// supervise probes Redis for as long as the guard is open, so that its loss is noticed without
// traffic and its return without risking a caller's time.
func (g *Guard) supervise() {
	for {
		wait := g.time.probeShut
		if g.breaker.open.Load() {
			wait = g.time.probeOpen
		}
		wait += time.Duration(rand.Int64N(int64(wait/5) + 1)) // processes must not knock all at once
		select {
		case <-g.stop:
			return
		case <-time.After(wait):
		}
		err := g.probe(context.Background())
		if err == nil {
			err = g.flushDoomed()
		}
		if err != nil {
			g.tripped(err)
			continue
		}
		if was, away := g.breaker.heal(); was {
			g.log.Info("redis is back", "away_ms", away.Milliseconds())
		}
	}
}

// probe asks Redis for what the guard needs: a write, and in a cluster a sign of life of every master.
func (g *Guard) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, g.time.batch)
	defer cancel()
	if err := g.client.Set(ctx, g.prefix+"{probe}", 1, time.Second).Err(); err != nil {
		return err
	}
	if c, ok := g.client.(*redis.ClusterClient); ok {
		return c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			return node.Ping(ctx).Err()
		})
	}
	return nil
}
