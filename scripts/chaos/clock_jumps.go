package main

import (
	"context"
	"time"
)

// clockJumps moves the product's clock forward and back under load, as a machine does whose time service comes back.
func clockJumps() Scenario {
	return Scenario{
		Name: "clock-jumps", Fault: "the clock jumps forward and back, by seconds and by most of an hour",
		Setup: Setup{Starts: func(now time.Time) time.Time { return now }},
		Play: func(ctx context.Context, s *Stage) error {
			l := s.Load(ctx, Traffic{Replay: 0.05})
			start := time.Now()
			s.Sleep(ctx, s.Seconds(5, 2))
			first := time.Now()
			worst, failed := time.Duration(0), 0
			for _, added := range []time.Duration{20 * time.Minute, -25 * time.Minute, 3 * time.Second, -3 * time.Second, 0} {
				if err := s.SetClock(added); err != nil {
					return err
				}
				took := l.AwaitAck(ctx, time.Now())
				worst = max(worst, took)
				s.Recovered(took)
				s.Sleep(ctx, s.Seconds(5, 2))
			}
			last := time.Now()
			s.Sleep(ctx, s.Seconds(5, 2))
			l.Stop()
			for _, a := range l.seen() {
				if a.class == Unknown {
					failed++
				}
			}
			s.Pace(l.Throughput(start, first), l.Throughput(first, last), l.Throughput(last, time.Now()))
			s.Goal(failed == 0, "no request failed (%d did)", failed)
			s.Goal(worst <= 2*time.Second, "orders go on at once after each jump (worst %s)", worst.Round(time.Millisecond))
			return nil
		},
	}
}
