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

// loseRedis plays the faults one after the other. Throughput while Redis is lost is compared with the mean of what it was before and
// after, so that a machine that is busy with something else for a while does not decide.
func (s *Stage) loseRedis(ctx context.Context, faults []redisFault) error {
	l := s.Load(ctx, Traffic{Replay: 0.05})
	span := s.Seconds(8, 4)
	measure := func() float64 {
		from := time.Now()
		s.Sleep(ctx, span)
		return l.Throughput(from, time.Now())
	}
	s.Sleep(ctx, 2*time.Second) // connections are made
	before := measure()
	s.Pace(before, 0, 0)
	for _, f := range faults {
		if err := f.lose(ctx); err != nil {
			return err
		}
		lost := time.Now()
		s.Recovered(l.AwaitAck(ctx, lost))
		s.Sleep(ctx, redisWithin-time.Since(lost))
		if f.away {
			s.Goal(s.redisHealth(ctx) == "degraded", "%s: health says that Redis is away, and that the product is ready", f.name)
		}
		during := measure()
		if err := f.back(ctx); err != nil {
			return err
		}
		returned := time.Now()
		for s.redisHealth(ctx) != "ok" && time.Since(returned) < 2*guardedSoon {
			s.Sleep(ctx, 50*time.Millisecond)
		}
		guarded := time.Since(returned)
		s.Goal(guarded <= guardedSoon, "%s: guarded again %s after Redis was back (at most %s)", f.name, guarded.Round(10*time.Millisecond), guardedSoon)
		s.Sleep(ctx, time.Second)
		after := measure()
		usual := (before + after) / 2
		s.Goal(during >= redisShare*usual, "%s: %.0f orders/s from %s on without it, %.0f with it (%.0f %%, at least %.0f %%)", f.name, during, redisWithin, usual, 100*during/usual, 100*redisShare)
		if s.result.During == 0 || during < s.result.During {
			s.Pace(s.result.Before, during, after)
		}
		before = after
	}
	l.Stop()
	return nil
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
