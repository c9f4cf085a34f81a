package main

import (
	"context"
	"net/http"
	"time"
)

// The goals of losing Redis.
const (
	redisWithin = 5 * time.Second // after which throughput must be back at redisShare of what it was
	redisShare  = 0.8
	guardedSoon = 5 * time.Second // after Redis answers, the guard must be at work again
)

// redisFault is one way to lose Redis and to get it back.
type redisFault struct {
	name       string
	lose, back func(ctx context.Context) error
	away       bool // health must tell while it is lost
}

// redisLost takes Redis away in the middle of full load in three ways.
func redisLost() Scenario {
	return Scenario{
		Name: "redis-lost", Fault: "kill -9, FLUSHALL and SIGSTOP of Redis under load", Quick: true,
		Play: func(ctx context.Context, s *Stage) error {
			return s.loseRedis(ctx, []redisFault{
				{"kill -9", func(context.Context) error { return s.Redis.Kill() }, s.Redis.Restart, true},
				{"FLUSHALL", func(ctx context.Context) error { _, err := s.Redis.Do(ctx, "FLUSHALL"); return err }, func(context.Context) error { return nil }, false},
				{"SIGSTOP", func(context.Context) error { return s.Redis.Pause() }, func(context.Context) error { return s.Redis.Continue() }, true},
			})
		},
	}
}

// loseRedis plays the faults round after round and compares the throughput of all the times with Redis and without it, so that a machine
// that is busy with something else for a while does not decide.
func (s *Stage) loseRedis(ctx context.Context, faults []redisFault) error {
	l := s.Load(ctx, Traffic{Replay: 0.05})
	span, rounds, share := s.Seconds(4, 2), s.Times(3, 1), redisShare
	if s.Options.Quick {
		share /= 2 // one short round on a machine that does other things tells no more
	}
	measure := func() float64 {
		from := time.Now()
		s.Sleep(ctx, span)
		return l.Throughput(from, time.Now())
	}
	s.Sleep(ctx, 2*time.Second) // connections are made
	with := []float64{measure()}
	first := with[0]
	without := make([][]float64, len(faults))
	worst := make([]time.Duration, len(faults))
	for range rounds {
		for i, f := range faults {
			during, guarded, err := s.loseOnce(ctx, l, f, measure)
			if err != nil {
				return err
			}
			without[i] = append(without[i], during)
			worst[i] = max(worst[i], guarded)
			s.Sleep(ctx, time.Second)
			with = append(with, measure())
		}
	}
	l.Stop()
	s.Pace(first, mean(without[0]), with[len(with)-1])
	for i, f := range faults {
		got, usual := mean(without[i]), mean(with)
		s.Goal(got >= share*usual, "%s: %.0f orders/s from %s on without it, %.0f with it (%.0f %%, at least %.0f %%)", f.name, got, redisWithin, usual, 100*got/usual, 100*share)
		s.Goal(worst[i] <= guardedSoon, "%s: guarded again at most %s after Redis was back (at most %s)", f.name, worst[i].Round(10*time.Millisecond), guardedSoon)
		s.result.During = min(s.result.During, got)
	}
	return nil
}

func mean(list []float64) (m float64) {
	for _, v := range list {
		m += v / float64(len(list))
	}
	return m
}

// loseOnce takes Redis away and gives it back. It tells the throughput from redisWithin on and how long it took until the guard was at
// work again.
func (s *Stage) loseOnce(ctx context.Context, l *Load, f redisFault, measure func() float64) (during float64, guarded time.Duration, err error) {
	if err := f.lose(ctx); err != nil {
		return 0, 0, err
	}
	lost := time.Now()
	s.Recovered(l.AwaitAck(ctx, lost))
	s.Sleep(ctx, redisWithin-time.Since(lost))
	if health := s.redisHealth(ctx); f.away && health != "degraded" {
		s.Goal(false, "%s: health does not say that Redis is away while the product is ready (%q)", f.name, health)
	}
	during = measure()
	if err := f.back(ctx); err != nil {
		return 0, 0, err
	}
	returned := time.Now()
	for s.redisHealth(ctx) != "ok" && time.Since(returned) < 2*guardedSoon {
		s.Sleep(ctx, 50*time.Millisecond)
	}
	return during, time.Since(returned), nil
}

// redisHealth is what /readyz says of Redis; empty if the product is not ready.
func (s *Stage) redisHealth(ctx context.Context) string {
	var health struct {
		Ready bool
		Parts struct{ Redis string }
	}
	_, url := s.base(0)
	if r := s.client.call(ctx, http.MethodGet, url+"/readyz", "", nil, &health); r.Class != Acked || !health.Ready {
		return ""
	}
	return health.Parts.Redis
}
