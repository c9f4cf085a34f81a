// Package guard is everything that Redis does here: once-only gates, rate limits, the checkout door,
// sold-out marks and small caches. It is a guard and never the truth: when Redis is away, slow or
// empty, every call lets the caller through (or misses) within milliseconds, and the database alone
// keeps each promise about money, stock and logins. Nothing here may be relied upon for correctness.
//
// All calls go to Redis in pipelines of whatever is waiting at the moment, so that many callers share
// a round trip. A breaker stops asking after a few failures in a row; a probe in the background, never
// a caller, finds out when Redis is back.
package guard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// Options says which Redis to use and how.
type Options struct {
	// Addrs are host:port. None: an in-process Redis. One: a single server. More: a Redis Cluster.
	Addrs []string
	// Password of the server or of every node; empty for none. The in-process Redis makes its own.
	Password string
	// TLS verifies the server or every node; nil: plain TCP.
	TLS *tls.Config
	// Prefix of every key; empty means "bf:".
	Prefix string
	// DoorLimit is how many checkouts one member may try in DoorPer; 0 means DefaultDoorLimit,
	// below 0 no limit (load tests).
	DoorLimit int
	// Logger hears of Redis being lost and found again; nil means slog.Default().
	Logger *slog.Logger
	// Metrics is where guard_up, guard_breaker_open and guard_calls_total are registered; nil: nowhere.
	Metrics prometheus.Registerer
}

// timing is how long things may take.
type timing struct {
	dial, io  time.Duration // of one connection
	batch     time.Duration // of one pipeline, whatever the client does inside it
	patience  time.Duration // of one caller, waiting for its turn included
	probeShut time.Duration // between probes while Redis answers
	probeOpen time.Duration // between probes while it does not
}

// Timings of a Redis behind a network, and of the one in this process, which cannot hang but may be
// slow on a crowded machine.
var (
	networkTiming  = timing{100 * time.Millisecond, 50 * time.Millisecond, 150 * time.Millisecond, 100 * time.Millisecond, time.Second, 500 * time.Millisecond}
	embeddedTiming = timing{time.Second, time.Second, 2 * time.Second, time.Second, time.Second, 500 * time.Millisecond}
)

// handshake is how much longer a connection may take to come up where it begins with a TLS handshake.
const handshake = 5

// embeddedTick is how often time passes in the in-process Redis; keys may live or die that much early or late.
const embeddedTick = 100 * time.Millisecond

// Guard asks Redis. It is safe for concurrent use.
type Guard struct {
	client    redis.UniversalClient
	embedded  *miniredis.Miniredis // nil unless in-process
	cluster   bool
	prefix    string
	doorLimit int
	time      timing
	log       *slog.Logger
	calls     *prometheus.CounterVec
	breaker   breaker
	doomed    doomed
	lifted    atomic.Bool         // rate limits
	lanes     [senders]chan *call // one a sender; calls of one lane are carried out in their order
	next      atomic.Uint32       // lane of the next call that may take any
	stop      chan struct{}
	stopOnce  sync.Once
	running   sync.WaitGroup
}

// Open starts the guard. A Redis that does not answer is no error: the guard logs it, starts degraded
// and heals by itself. Errors are those of settings: metrics registered twice, or no port for the
// in-process Redis. Close it when done.
func Open(ctx context.Context, o Options) (*Guard, error) {
	t := networkTiming
	switch {
	case len(o.Addrs) == 0:
		t = embeddedTiming
	case o.TLS != nil:
		t.dial *= handshake
	}
	return open(ctx, o, t)
}

func open(ctx context.Context, o Options, t timing) (*Guard, error) {
	g := &Guard{
		prefix:    o.Prefix,
		doorLimit: o.DoorLimit,
		cluster:   len(o.Addrs) > 1,
		time:      t,
		log:       o.Logger,
		stop:      make(chan struct{}),
	}
	for i := range g.lanes {
		g.lanes[i] = make(chan *call, queueSize)
	}
	if g.prefix == "" {
		g.prefix = "bf:"
	}
	if g.doorLimit == 0 {
		g.doorLimit = DefaultDoorLimit
	}
	if g.log == nil {
		g.log = slog.Default()
	}
	redis.SetLogger(clientLog{g.log}) // the library knows only one logger for all, and else writes bare lines to stderr
	if err := g.register(o.Metrics); err != nil {
		return nil, fmt.Errorf("guard metrics: %w", err)
	}
	if len(o.Addrs) == 0 {
		if err := g.startEmbedded(&o); err != nil {
			return nil, err
		}
	}
	g.client = connect(o, t)
	if err := g.probe(ctx); err != nil {
		g.tripped(err)
	}
	for _, lane := range g.lanes {
		g.running.Go(func() { g.send(lane) })
	}
	g.running.Go(g.supervise)
	return g, nil
}

// connect makes the client. Nothing is retried and dialling is tried once: go-redis by default dials
// five times with pauses, and whoever asks the guard should not wait for that.
func connect(o Options, t timing) redis.UniversalClient {
	if len(o.Addrs) > 1 {
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: o.Addrs, Password: o.Password,
			ClusterStateReloadInterval: 2 * time.Second, // the default leaves a dead master in use for 40 s and more
			MaxRedirects:               2, MinRetryBackoff: time.Millisecond, MaxRetryBackoff: 5 * time.Millisecond,
			DialTimeout: t.dial, DialerRetries: 1, DialerRetryTimeout: time.Millisecond,
			ReadTimeout: t.io, WriteTimeout: t.io, ContextTimeoutEnabled: true,
			PoolSize: poolSize, PoolTimeout: t.io, DisableIdentity: true, Protocol: 2, TLSConfig: o.TLS,
		})
	}
	return redis.NewClient(&redis.Options{
		Addr: o.Addrs[0], Password: o.Password,
		MaxRetries:  -1,
		DialTimeout: t.dial, DialerRetries: 1, DialerRetryTimeout: time.Millisecond,
		ReadTimeout: t.io, WriteTimeout: t.io, ContextTimeoutEnabled: true,
		PoolSize: poolSize, PoolTimeout: t.io, DisableIdentity: true, Protocol: 2, TLSConfig: o.TLS,
	})
}

// clientLog has what the Redis client says of its connections logged for debugging only: the guard
// itself tells of losing and finding Redis.
type clientLog struct{ log *slog.Logger }

// Printf implements the client's logger.
func (l clientLog) Printf(ctx context.Context, format string, args ...any) {
	if l.log.Enabled(ctx, slog.LevelDebug) {
		l.log.DebugContext(ctx, "redis client", "message", fmt.Sprintf(format, args...))
	}
}

// poolSize is the connections kept to one server; the guard itself uses one for each sender.
const poolSize = 16

// Client is the connection itself, for the WeChat token cache. It is not behind the breaker: its calls
// fail on their own short timeouts while Redis is away.
func (g *Guard) Client() redis.UniversalClient { return g.client }

// Health is nil while Redis answers. Otherwise it says since when it does not; the product goes on
// without it, so /readyz should report this as degraded and not as failing. It never waits.
func (g *Guard) Health() error {
	if since, err := g.breaker.state(); err != nil {
		return fmt.Errorf("redis away since %s, guard lets everything through: %w", since.UTC().Format(time.RFC3339), err)
	}
	return nil
}

// Close ends the guard's goroutines, connections and in-process Redis. Calls after it, and calls still
// waiting, are let through.
func (g *Guard) Close() error {
	var err error
	g.stopOnce.Do(func() {
		close(g.stop)
		g.running.Wait()
		err = g.client.Close()
		if g.embedded != nil {
			g.embedded.Close()
		}
	})
	if errors.Is(err, redis.ErrClosed) {
		return nil
	}
	return err
}
