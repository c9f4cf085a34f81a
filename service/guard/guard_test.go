package guard

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"bangfu/model"
)

// patient is the timing for tests of what Redis answers, so that a slow machine does not turn them
// into tests of failing open.
var patient = timing{5 * time.Second, 5 * time.Second, 10 * time.Second, 10 * time.Second, time.Second, 100 * time.Millisecond}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// realRedis is the addresses in TEST_REDIS_ADDRS (comma-separated; more than one is a cluster).
func realRedis() []string {
	if s := os.Getenv("TEST_REDIS_ADDRS"); s != "" {
		return strings.Split(s, ",")
	}
	return nil
}

// start opens a guard whose keys no other run shares.
func start(t testing.TB, o Options, tm timing) *Guard {
	t.Helper()
	o.Prefix = "bftest:" + rand.Text() + ":"
	if o.Logger == nil {
		o.Logger = quiet
	}
	g, err := open(context.Background(), o, tm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return g
}

// onEach runs a test on the in-process Redis and on the real one.
func onEach(t *testing.T, test func(t *testing.T, o Options)) {
	t.Run("embedded", func(t *testing.T) { test(t, Options{}) })
	t.Run("redis", func(t *testing.T) {
		if realRedis() == nil {
			t.Skip("TEST_REDIS_ADDRS is not set")
		}
		test(t, Options{Addrs: realRedis()})
	})
}

// together calls f n times at the same moment and counts how often it said true.
func together(n int, f func(i int) bool) int {
	var yes atomic.Int64
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-gate
			if f(i) {
				yes.Add(1)
			}
		})
	}
	close(gate)
	wg.Wait()
	return int(yes.Load())
}

func TestOnce(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		ctx := context.Background()
		g := start(t, o, patient)

		t.Run("OneOfManyAtATime", func(t *testing.T) {
			var inside, most atomic.Int64
			got := together(200, func(int) bool {
				release, ok := g.Once(ctx, "gate", time.Minute)
				defer release()
				if ok {
					n := inside.Add(1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					time.Sleep(time.Millisecond)
					inside.Add(-1)
				}
				return ok
			})
			if got == 0 || most.Load() != 1 {
				t.Errorf("%d got in, at most %d at a time; want some, 1 at a time", got, most.Load())
			}
		})
		t.Run("HeldLetsNobodyIn", func(t *testing.T) {
			if got := together(200, func(int) bool { _, ok := g.Once(ctx, "held", time.Minute); return ok }); got != 1 {
				t.Errorf("%d got in, want 1", got)
			}
		})
		t.Run("ReleasedLetsNextIn", func(t *testing.T) {
			for range 3 {
				release, ok := g.Once(ctx, "next", time.Minute)
				if !ok {
					t.Fatal("refused after release")
				}
				release()
				release()
			}
		})
		t.Run("LateReleaseLeavesTheNextHoldAlone", func(t *testing.T) {
			late, _ := g.Once(ctx, "late", 50*time.Millisecond)
			time.Sleep(400 * time.Millisecond) // its hold has ended
			if _, ok := g.Once(ctx, "late", time.Minute); !ok {
				t.Fatal("hold outlived its ttl")
			}
			late()
			if _, ok := g.Once(ctx, "late", time.Minute); ok {
				t.Error("a late release opened somebody else's hold")
			}
		})
		t.Run("ReleaseWorksAfterTheRequestEnded", func(t *testing.T) {
			request, end := context.WithCancel(ctx)
			release, _ := g.Once(request, "ended", time.Minute)
			end()
			release()
			if _, ok := g.Once(ctx, "ended", time.Minute); !ok {
				t.Error("still held")
			}
		})
	})
}

func TestAllow(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		ctx := context.Background()
		g := start(t, o, patient)

		t.Run("ExactlyTheLimit", func(t *testing.T) {
			got := together(100, func(int) bool { ok, _ := g.Allow(ctx, "login", "a", 7, time.Hour); return ok })
			if got != 7 {
				t.Errorf("%d allowed, want 7", got)
			}
			ok, wait := g.Allow(ctx, "login", "a", 7, time.Hour)
			if ok || wait <= 8*time.Minute || wait > time.Hour/7 {
				t.Errorf("the 8th: ok %v, wait %v; want refused, a seventh of an hour", ok, wait)
			}
		})
		t.Run("SubjectsAndNamesApart", func(t *testing.T) {
			for _, who := range [][2]string{{"login", "b"}, {"bind", "b"}, {"bind", "c"}} {
				if ok, _ := g.Allow(ctx, who[0], who[1], 1, time.Hour); !ok {
					t.Errorf("%v refused at its first call", who)
				}
			}
		})
		t.Run("OneMoreAfterTheWait", func(t *testing.T) {
			for range 2 {
				if ok, _ := g.Allow(ctx, "slow", "d", 2, 2*time.Second); !ok {
					t.Fatal("refused within the limit")
				}
			}
			ok, wait := g.Allow(ctx, "slow", "d", 2, 2*time.Second)
			if ok || wait <= 0 || wait > time.Second {
				t.Fatalf("third: ok %v, wait %v", ok, wait)
			}
			time.Sleep(wait + 2*embeddedTick)
			if got := together(10, func(int) bool { ok, _ := g.Allow(ctx, "slow", "d", 2, 2*time.Second); return ok }); got != 1 {
				t.Errorf("%d allowed after the wait, want 1", got)
			}
		})
		t.Run("KeysHoldNoPersonalData", func(t *testing.T) {
			g.Allow(ctx, "sms", "10012345678", 1, time.Minute)
			g.CacheSet(ctx, "session", "bearer-10012345678", []byte("x"), time.Minute)
			g.Once(ctx, "bind 10012345678", time.Minute)
			if g.embedded == nil {
				return // the keys are the same on every Redis
			}
			keys := g.embedded.Keys()
			if len(keys) < 3 {
				t.Errorf("only %v stored", keys)
			}
			for _, k := range keys {
				if strings.Contains(k, "100123") || !strings.HasPrefix(k, g.prefix+"{") {
					t.Errorf("key %q", k)
				}
			}
		})
	})
}

func TestDoor(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		ctx := context.Background()
		g := start(t, o, patient)
		skus := []model.ID{11, 12, 13}

		t.Run("OneCheckoutOfAMemberAtATime", func(t *testing.T) {
			var releases sync.Map
			got := together(DefaultDoorLimit, func(i int) bool {
				v, release := g.Door(ctx, 1, skus)
				releases.Store(i, release)
				if v.Outcome != Pass && v.Outcome != InFlight {
					t.Errorf("outcome %d", v.Outcome)
				}
				return v.Outcome == Pass
			})
			if got != 1 {
				t.Errorf("%d passed, want 1", got)
			}
			releases.Range(func(_, release any) bool { release.(func())(); return true })
		})
		t.Run("FloodIsTurnedAwayWithAWait", func(t *testing.T) {
			v, _ := g.Door(ctx, 1, skus) // the limit was used up just now
			if v.Outcome != Flood || v.RetryAfter <= 0 || v.RetryAfter > DoorPer/DefaultDoorLimit {
				t.Errorf("%+v", v)
			}
		})
		t.Run("MembersDoNotMeet", func(t *testing.T) {
			if got := together(100, func(i int) bool { v, _ := g.Door(ctx, model.ID(100+i), skus); return v.Outcome == Pass }); got != 100 {
				t.Errorf("%d of 100 members passed", got)
			}
		})
		t.Run("SoldOutIsNamedAndHoldsNothing", func(t *testing.T) {
			g.MarkSoldOut(ctx, 12, time.Minute)
			for range 2 {
				if v, _ := g.Door(ctx, 2, skus); v.Outcome != SoldOut || v.SKU != 12 {
					t.Fatalf("%+v", v)
				}
			}
			if v, release := g.Door(ctx, 2, []model.ID{11, 13}); v.Outcome != Pass {
				t.Errorf("other SKUs: %+v", v)
			} else {
				release()
			}
			g.ClearSoldOut(ctx, 11, 12)
			if v, release := g.Door(ctx, 2, skus); v.Outcome != Pass {
				t.Errorf("after ClearSoldOut: %+v", v)
			} else {
				release()
			}
		})
		t.Run("StaleMarkHealsByItself", func(t *testing.T) {
			g.MarkSoldOut(ctx, 77, 300*time.Millisecond)
			if v, _ := g.Door(ctx, 3, []model.ID{77}); v.Outcome != SoldOut {
				t.Fatalf("%+v", v)
			}
			time.Sleep(300*time.Millisecond + 3*embeddedTick)
			if v, _ := g.Door(ctx, 3, []model.ID{77}); v.Outcome != Pass {
				t.Errorf("%+v", v)
			}
		})
		t.Run("ManyAtOnce", func(t *testing.T) {
			g.MarkSoldOut(ctx, 88, time.Minute)
			_, leave := g.Door(ctx, 42, []model.ID{87})
			callers := []Caller{{41, []model.ID{87, 88}}, {42, []model.ID{87}}, {43, []model.ID{87}}, {1, []model.ID{87}}, {44, []model.ID{86, 88}}, {45, nil}}
			want := []Verdict{{Outcome: SoldOut, SKU: 88}, {Outcome: InFlight}, {}, {Outcome: Flood}, {Outcome: SoldOut, SKU: 88}, {}}
			for range DefaultDoorLimit { // member 1 may have come back meanwhile
				g.Door(ctx, 1, nil)
			}
			got, release := g.Doors(ctx, callers)
			for i, v := range got {
				if v.RetryAfter = 0; v != want[i] {
					t.Errorf("caller %d: %+v, want %+v", i, v, want[i])
				}
			}
			release()
			got, release = g.Doors(ctx, []Caller{{42, nil}, {43, nil}, {45, nil}, {41, nil}, {44, nil}})
			for i, v := range got {
				if want := map[bool]Outcome{true: InFlight, false: Pass}[i == 0]; v.Outcome != want {
					t.Errorf("after release, caller %d: %+v", i, v)
				}
			}
			release()
			leave()
			if v, release := g.Door(ctx, 42, nil); v.Outcome != Pass {
				t.Errorf("a release took another's hold: %+v", v)
			} else {
				release()
			}
		})
		t.Run("NoLimitForLoadTests", func(t *testing.T) {
			o := o
			o.DoorLimit = -1
			g := start(t, o, patient)
			for range 3 * DefaultDoorLimit {
				v, release := g.Door(ctx, 1, skus)
				if v.Outcome != Pass {
					t.Fatalf("%+v", v)
				}
				release()
			}
		})
	})
}

func TestCache(t *testing.T) {
	onEach(t, func(t *testing.T, o Options) {
		ctx := context.Background()
		g := start(t, o, patient)

		if _, ok := g.CacheGet(ctx, "session", "k"); ok {
			t.Error("hit before set")
		}
		g.CacheSet(ctx, "session", "k", []byte("工会\x00"), time.Minute)
		if v, ok := g.CacheGet(ctx, "session", "k"); !ok || string(v) != "工会\x00" {
			t.Errorf("got %q, %v", v, ok)
		}
		if _, ok := g.CacheGet(ctx, "product", "k"); ok {
			t.Error("namespaces share keys")
		}
		g.CacheSet(ctx, "session", "k2", []byte("b"), time.Minute)
		g.CacheDel(ctx, "session", "k", "k2")
		if _, ok := g.CacheGet(ctx, "session", "k"); ok {
			t.Error("hit after delete")
		}
		g.CacheSet(ctx, "session", "big", make([]byte, maxCached+1), time.Minute)
		if _, ok := g.CacheGet(ctx, "session", "big"); ok {
			t.Error("a huge value was kept")
		}
		g.CacheSet(ctx, "session", "brief", []byte("x"), 200*time.Millisecond)
		if _, ok := g.CacheGet(ctx, "session", "brief"); !ok {
			t.Error("gone at once")
		}
		time.Sleep(200*time.Millisecond + 3*embeddedTick)
		if _, ok := g.CacheGet(ctx, "session", "brief"); ok {
			t.Error("outlived its ttl")
		}
	})
}

// Time passes in the in-process Redis: keys go for good, not only when they are looked at.
func TestEmbeddedClockExpiresKeys(t *testing.T) {
	g := start(t, Options{}, patient)
	g.CacheSet(context.Background(), "session", "k", []byte("x"), 300*time.Millisecond)
	if n := len(g.embedded.Keys()); n == 0 {
		t.Fatal("nothing stored")
	}
	time.Sleep(300*time.Millisecond + 3*embeddedTick)
	for _, k := range g.embedded.Keys() {
		if !strings.HasSuffix(k, "{probe}") {
			t.Errorf("%q is still there", k)
		}
	}
}

func TestEmbeddedRefusesStrangers(t *testing.T) {
	g := start(t, Options{}, patient)
	c := redis.NewClient(&redis.Options{Addr: g.embedded.Addr()})
	defer c.Close()
	if err := c.Get(context.Background(), "x").Err(); err == nil || err == redis.Nil {
		t.Errorf("a client without the password got %v", err)
	}
}

func TestMetrics(t *testing.T) {
	r := prometheus.NewRegistry()
	ctx := context.Background()
	g := start(t, Options{Metrics: r}, patient)
	g.Once(ctx, "a", time.Minute)
	g.Once(ctx, "a", time.Minute)
	g.CacheGet(ctx, "session", "none")
	got := metrics(t, r)
	for name, want := range map[string]float64{
		"guard_up": 1, "guard_breaker_open": 0,
		"guard_calls_total once ok": 1, "guard_calls_total once refused": 1, "guard_calls_total cache_get miss": 1,
	} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
	if _, err := Open(ctx, Options{Metrics: r, Logger: quiet}); err == nil {
		t.Error("metrics registered twice without an error")
	}
}

// metrics reads a registry as "name label…" → value.
func metrics(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			out[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return out
}
