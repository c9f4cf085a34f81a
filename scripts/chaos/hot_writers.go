package main

import (
	"context"
	"time"
)

// The goals of other writers of hot stock beside the checkouts.
const (
	writerWait  = 5 * time.Second // that any of their deeds may take
	writerLeast = 3               // deeds of each kind
)

// hotWriters has everything else that writes hot stock go on beside the checkouts.
func hotWriters() Scenario {
	return Scenario{
		Name: "hot-writers", Fault: "counter sales, cancels, refunds and restock of hot stock beside the checkouts",
		Setup: Setup{City: Plan{Members: 1500, Cashiers: 4}},
		Play: func(ctx context.Context, s *Stage) error {
			l := s.Load(ctx, Traffic{Replay: 0.05})
			s.Sleep(ctx, time.Second)
			start := time.Now()
			s.Sleep(ctx, s.Seconds(5, 2))
			first := time.Now()
			n := len(s.City.Members)
			writers := []*Writer{
				restocker(Hot, 50, 50*time.Millisecond), restocker(Scarce, 2, 200*time.Millisecond), canceller(n-100, 50), canceller(n-200, 50), refunder(n-300, 50),
				seller(0, n-400, 25), seller(1, n-425, 25), seller(2, n-450, 25), seller(3, n-475, 25),
			}
			stop := s.WriteAll(ctx, writers)
			s.Sleep(ctx, s.Seconds(20, 8))
			last := time.Now()
			stop()
			s.Sleep(ctx, s.Seconds(5, 2))
			l.Stop()
			s.Pace(l.Throughput(start, first), l.Throughput(first, last), l.Throughput(last, time.Now()))
			for _, w := range writers {
				s.Goal(w.done >= writerLeast && w.worst() <= writerWait, "%s: %d done, %d refused, the longest took %s (at most %s)", w.Name, w.done, w.refused, w.worst().Round(time.Millisecond), writerWait)
			}
			p99 := quantile(l.seen(), 0.99, func(a attempt) bool { return a.class == Acked && a.at.After(first) && a.at.Before(last) })
			s.Goal(p99 <= writerWait && l.Throughput(first, last) > 0, "checkouts beside them: p99 %s (at most %s)", p99.Round(time.Millisecond), writerWait)
			return nil
		},
	}
}
