package main

import (
	"context"
	"time"
)

// readyAgain is how long the product may take from being started until it is ready.
const readyAgain = 2 * time.Second

// productKilled kills the product again and again in the middle of full load.
func productKilled() Scenario {
	return Scenario{
		Name: "product-killed", Fault: "kill -9 of the product, 20 times under load", Quick: true,
		Play: func(ctx context.Context, s *Stage) error {
			l := s.Load(ctx, Traffic{Replay: 0.05})
			start := time.Now()
			s.Sleep(ctx, s.Seconds(5, 3))
			first := time.Now()
			times, worst, slow := s.Times(20, 4), time.Duration(0), 0
			for range times {
				p := s.Products[0]
				if err := p.Kill(); err != nil {
					return err
				}
				again := time.Now()
				if err := p.Spawn(); err != nil {
					return err
				}
				if err := p.WaitReady(ctx); err != nil {
					return err
				}
				took := time.Since(again)
				if worst = max(worst, took); took > readyAgain {
					slow++
				}
				s.Recovered(l.AwaitAck(ctx, again))
				s.Sleep(ctx, time.Second)
			}
			last := time.Now()
			s.Sleep(ctx, s.Seconds(5, 2))
			l.Stop()
			s.Pace(l.Throughput(start, first), l.Throughput(first, last), l.Throughput(last, time.Now()))
			s.Goal(slow == 0, "ready again within %s of each of %d starts (worst %s)", readyAgain, times, worst.Round(time.Millisecond))
			return nil
		},
	}
}
