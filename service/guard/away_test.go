package guard

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"

	"bangfu/model"
)

// hole is a listener that accepts and never answers.
func hole(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	return l.Addr().String()
}

// closed is an address on which nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// link is a TCP link to a Redis that can be cut (connections drop, new ones are refused), stalled
// (accepted, nothing passes) and mended.
type link struct {
	target string
	addr   string
	stall  atomic.Bool
	mu     sync.Mutex
	l      net.Listener
	conns  []net.Conn
}

func newLink(t *testing.T, target string) *link {
	t.Helper()
	k := &link{target: target, addr: "127.0.0.1:0"}
	k.mend(t)
	t.Cleanup(k.cut)
	return k
}

func (k *link) mend(t *testing.T) {
	t.Helper()
	k.stall.Store(false)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.l != nil {
		return
	}
	l, err := net.Listen("tcp", k.addr)
	if err != nil {
		t.Fatal(err)
	}
	k.l, k.addr = l, l.Addr().String()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", k.target)
			if err != nil {
				c.Close()
				continue
			}
			k.mu.Lock()
			k.conns = append(k.conns, c, up)
			k.mu.Unlock()
			go k.pass(up, c)
			go k.pass(c, up)
		}
	}()
}

func (k *link) pass(dst, src net.Conn) {
	defer dst.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		for k.stall.Load() {
			time.Sleep(5 * time.Millisecond)
		}
		if _, werr := dst.Write(buf[:n]); werr != nil || err != nil {
			return
		}
	}
}

func (k *link) cut() {
	k.stall.Store(false)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.l != nil {
		k.l.Close()
		k.l = nil
	}
	for _, c := range k.conns {
		c.Close()
	}
	k.conns = nil
}

// everything makes one call of each kind, fails the test if one is not let through, and returns how
// long each took.
func everything(t *testing.T, g *Guard, i int) []time.Duration {
	t.Helper()
	ctx := context.Background()
	var took []time.Duration
	timed := func(what string, f func() bool) {
		start := time.Now()
		if !f() {
			t.Errorf("%s was refused", what)
		}
		took = append(took, time.Since(start))
	}
	timed("Door", func() bool {
		v, release := g.Door(ctx, model.ID(1000+i), []model.ID{1, 2})
		release()
		return v.Outcome == Pass
	})
	timed("Once", func() bool { release, ok := g.Once(ctx, fmt.Sprint("k", i), time.Minute); release(); return ok })
	timed("Allow", func() bool { ok, _ := g.Allow(ctx, "login", fmt.Sprint(i), 1, time.Minute); return ok })
	timed("CacheSet", func() bool { g.CacheSet(ctx, "session", "k", []byte("x"), time.Minute); return true })
	timed("CacheGet", func() bool { g.CacheGet(ctx, "session", "k"); return true })
	timed("CacheDel", func() bool { g.CacheDel(ctx, "session", "k"); return true })
	timed("MarkSoldOut", func() bool { g.MarkSoldOut(ctx, 999, time.Second); return true })
	timed("ClearSoldOut", func() bool { g.ClearSoldOut(ctx, 999); return true })
	return took
}

// allThrough makes calls of all kinds from many goroutines and returns the median and the longest.
func allThrough(t *testing.T, g *Guard) (median, longest time.Duration) {
	t.Helper()
	var mu sync.Mutex
	var took []time.Duration
	together(32, func(i int) bool {
		for j := range 5 {
			d := everything(t, g, i*100+j)
			mu.Lock()
			took = append(took, d...)
			mu.Unlock()
		}
		return true
	})
	slices.Sort(took)
	median, longest = took[len(took)/2], took[len(took)-1]
	t.Logf("%d calls: median %v, longest %v", len(took), median, longest)
	if median > 50*time.Millisecond {
		t.Errorf("median %v, want at most 50ms", median)
	}
	return median, longest
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, within time.Duration, is func() bool) {
	t.Helper()
	start := time.Now()
	for !is() {
		if time.Since(start) > within {
			t.Fatalf("%s: not within %v", what, within)
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Logf("%s after %v", what, time.Since(start).Round(time.Millisecond))
}

func TestNeverThere(t *testing.T) {
	for _, c := range []struct {
		name  string
		addrs []string
	}{
		{"ClosedPort", []string{closed(t)}},
		{"Hangs", []string{hole(t)}},
		{"ClusterClosed", []string{closed(t), closed(t), closed(t)}},
		{"ClusterHangs", []string{hole(t), hole(t), hole(t)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := prometheus.NewRegistry()
			begin := time.Now()
			g := start(t, Options{Addrs: c.addrs, Metrics: r}, networkTiming)
			if d := time.Since(begin); d > time.Second {
				t.Errorf("Open took %v", d)
			}
			if g.Health() == nil {
				t.Error("healthy without a Redis")
			}
			allThrough(t, g)
			got := metrics(t, r)
			if got["guard_up"] != 0 || got["guard_breaker_open"] != 1 || got["guard_calls_total door open"] == 0 {
				t.Errorf("metrics %v", got)
			}
		})
	}
}

// The caller's patience holds also before the breaker knows: nobody waits for the client's own ways.
func TestFirstCallsDoNotWaitLong(t *testing.T) {
	for name, addrs := range map[string][]string{"Hangs": {hole(t)}, "ClusterHangs": {hole(t), hole(t), hole(t)}} {
		t.Run(name, func(t *testing.T) {
			g := start(t, Options{Addrs: addrs}, networkTiming)
			g.breaker.heal()
			if _, longest := allThrough(t, g); longest > 2*networkTiming.patience {
				t.Errorf("longest %v", longest)
			}
		})
	}
}

// onEachLink runs a test on a Redis behind a link: an in-process one, and the real one if it is a single server.
func onEachLink(t *testing.T, test func(t *testing.T, g *Guard, k *link, r *prometheus.Registry)) {
	run := func(t *testing.T, target string) {
		k, r := newLink(t, target), prometheus.NewRegistry()
		g := start(t, Options{Addrs: []string{k.addr}, Metrics: r}, networkTiming)
		eventually(t, "up at first", 5*time.Second, func() bool { return g.Health() == nil })
		test(t, g, k, r)
	}
	t.Run("miniredis", func(t *testing.T) { run(t, miniredis.RunT(t).Addr()) })
	t.Run("redis", func(t *testing.T) {
		if len(realRedis()) != 1 {
			t.Skip("TEST_REDIS_ADDRS is not set to a single server")
		}
		run(t, realRedis()[0])
	})
}

func TestLostAndFoundAgain(t *testing.T) {
	ctx := context.Background()
	for name, lose := range map[string]func(*link){
		"Killed": (*link).cut,
		"Hangs":  func(k *link) { k.stall.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			onEachLink(t, func(t *testing.T, g *Guard, k *link, r *prometheus.Registry) {
				// a hold taken before the loss is forgotten neither by Redis nor by its owner
				release := taken(t, g, "survivor")
				lose(k)
				allThrough(t, g)
				if g.Health() == nil {
					t.Error("healthy while away")
				}
				if _, ok := g.Once(ctx, "survivor", time.Minute); !ok {
					t.Error("refused while away")
				}
				k.mend(t)
				eventually(t, "healed", 3*time.Second, func() bool { return g.Health() == nil })
				eventually(t, "gate closed again", 2*time.Second, func() bool { _, ok := g.Once(ctx, "survivor", time.Minute); return !ok })
				release()
				taken(t, g, "survivor")
				if got := metrics(t, r); got["guard_breaker_open"] != 0 {
					t.Errorf("metrics %v", got)
				}
			})
		})
	}
}

// taken takes a gate, trying again where a crowded machine made the guard fail open.
func taken(t *testing.T, g *Guard, key string) (release func()) {
	t.Helper()
	eventually(t, "gate taken", 5*time.Second, func() bool {
		var ok bool
		release, ok = g.Once(context.Background(), key, time.Minute)
		again, open := g.Once(context.Background(), key, time.Minute)
		if ok && open { // let through unasked: not held
			release()
			again()
		}
		return ok && !open
	})
	return release
}

// The loss is noticed without any traffic.
func TestNoticesLossWhenIdle(t *testing.T) {
	onEachLink(t, func(t *testing.T, g *Guard, k *link, _ *prometheus.Registry) {
		k.cut()
		eventually(t, "noticed", 3*time.Second, func() bool { return g.Health() != nil })
	})
}

// What was deleted while Redis was away must not come back with it: a session that was ended, say.
func TestDeletedWhileAwayStaysDeleted(t *testing.T) {
	ctx := context.Background()
	onEachLink(t, func(t *testing.T, g *Guard, k *link, _ *prometheus.Registry) {
		for _, key := range []string{"ended", "kept"} {
			eventually(t, "cached", 5*time.Second, func() bool {
				g.CacheSet(ctx, "session", key, []byte("x"), time.Minute)
				_, ok := g.CacheGet(ctx, "session", key)
				return ok
			})
		}
		k.stall.Store(true)
		g.CacheDel(ctx, "session", "ended")
		if _, ok := g.CacheGet(ctx, "session", "ended"); ok {
			t.Error("hit while away")
		}
		eventually(t, "noticed", 3*time.Second, func() bool { return g.Health() != nil })
		k.mend(t)
		eventually(t, "the kept one is back", 5*time.Second, func() bool { _, ok := g.CacheGet(ctx, "session", "kept"); return ok })
		eventually(t, "deletion made up for", 3*time.Second, func() bool { return len(g.doomed.list()) == 0 })
		if _, ok := g.CacheGet(ctx, "session", "ended"); ok {
			t.Error("the deleted one is back as well")
		}
	})
}

// A request that its client gave up says nothing about Redis.
func TestCancelledRequestsDoNotOpenTheBreaker(t *testing.T) {
	g := start(t, Options{}, patient)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 10 * tripAfter {
		if _, ok := g.Once(ctx, "k", time.Minute); !ok {
			t.Fatal("refused")
		}
	}
	if err := g.Health(); err != nil {
		t.Error(err)
	}
}

// Without waiting places callers are let through at once instead of queueing.
func TestFullQueueLetsThrough(t *testing.T) {
	tm := patient
	tm.io, tm.batch = time.Second, time.Second
	g := start(t, Options{Addrs: []string{hole(t)}}, tm)
	g.breaker.heal()
	var slow atomic.Int64
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	got := together(queueSize+1000, func(int) bool {
		begin := time.Now()
		ok, _ := g.Allow(ctx, "login", "x", 1, time.Minute)
		if time.Since(begin) > 3*time.Second {
			slow.Add(1)
		}
		return ok
	})
	if got != queueSize+1000 || slow.Load() > 0 {
		t.Errorf("%d let through, %d of them slowly", got, slow.Load())
	}
}

func TestClosedLetsThrough(t *testing.T) {
	g := start(t, Options{}, patient)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	everything(t, g, 1)
	if d := time.Since(begin); d > 50*time.Millisecond {
		t.Errorf("took %v", d)
	}
}
