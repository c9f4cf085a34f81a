package main

import (
	"context"
	"time"
)

// mariadbStopped freezes the database: first for less than a request's deadline, then for longer.
func mariadbStopped() Scenario {
	return Scenario{
		Name: "mariadb-stopped", Fault: "SIGSTOP of MariaDB for 10 s, then for longer than a request may take", Quick: false,
		Play: func(ctx context.Context, s *Stage) error {
			l := s.Load(ctx, Traffic{Replay: 0.05})
			start := time.Now()
			s.Sleep(ctx, s.Seconds(5, 2))
			first := time.Now()
			for _, frozen := range []time.Duration{10 * time.Second, s.Seconds(deadline.Seconds()+8, 3)} {
				if err := s.MariaDB.Pause(); err != nil {
					return err
				}
				s.Sleep(ctx, frozen)
				if err := s.MariaDB.Continue(); err != nil {
					return err
				}
				took := l.AwaitAck(ctx, time.Now())
				s.Recovered(took)
				s.Goal(took <= backAfterDatabase, "frozen for %s: orders are placed again %s after it goes on (at most %s)", frozen, took.Round(time.Millisecond), backAfterDatabase)
				s.Sleep(ctx, s.Seconds(3, 1))
			}
			last := time.Now()
			s.Sleep(ctx, s.Seconds(5, 2))
			l.Stop()
			s.Pace(l.Throughput(start, first), l.Throughput(first, last), l.Throughput(last, time.Now()))
			return nil
		},
	}
}
