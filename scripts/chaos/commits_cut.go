package main

import (
	"context"
	"time"

	"bangfu/scripts/lab"
)

// commitsCut breaks connections exactly around COMMIT: before the server hears of it, and after it has committed but before its
// answer arrives.
func commitsCut() Scenario {
	return Scenario{
		Name: "commits-cut", Fault: "sockets cut in the middle of COMMIT, before and after the server has committed", Quick: true,
		Setup: Setup{Proxy: true},
		Play: func(ctx context.Context, s *Stage) error {
			l := s.Load(ctx, Traffic{Replay: 0.05})
			start := time.Now()
			s.Sleep(ctx, s.Seconds(4, 2))
			first := time.Now()
			rounds := s.Times(80, 24)
			for i := range rounds {
				fault := lab.CutBeforeCommit
				if i%2 == 1 {
					fault = lab.CutAfterCommit
				}
				s.Proxy.CutCommits(fault, 1+7*(i%8/7)) // one, now and then eight in a row, which no transaction is tried again for
				if i%10 == 9 {
					s.Proxy.CutAll()
				}
				s.Sleep(ctx, 250*time.Millisecond)
			}
			s.Proxy.CutCommits(lab.CutBeforeCommit, 0)
			last := time.Now()
			s.Recovered(l.AwaitAck(ctx, last))
			s.Sleep(ctx, s.Seconds(4, 2))
			l.Stop()
			s.Pace(l.Throughput(start, first), l.Throughput(first, last), l.Throughput(last, time.Now()))
			s.Goal(s.Proxy.Cut() >= rounds/2, "%d COMMITs were cut in %d rounds", s.Proxy.Cut(), rounds)
			s.Goal(l.Throughput(first, last) > 0, "orders go on beside it")
			return nil
		},
	}
}
