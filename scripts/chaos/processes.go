package main

import (
	"context"
	"slices"
	"time"
)

// The goals of several processes on one database.
const (
	fairShare  = 0.5             // of an equal share, that each process must get at least
	longestGap = 5 * time.Second // that any client may have to wait between two acknowledgements
)

// processes has two, then three processes work on the same members, SKUs and keys, and kills one.
func processes() Scenario {
	return Scenario{
		Name: "processes", Fault: "two and three processes on the same members, SKUs and keys; one killed",
		Setup: Setup{Products: 2, City: Plan{Members: 600}},
		Play: func(ctx context.Context, s *Stage) error {
			// A multiple of six clients, so that each process has as many of them; every tenth request goes to two processes at once.
			clients := max(6, s.Options.Clients/6*6)
			l := s.Load(ctx, Traffic{Clients: clients, Replay: 0.05, Twins: 0.1, Shared: true})
			s.Sleep(ctx, 2*time.Second)
			two := s.fair(ctx, l, 2, clients)
			if err := s.Start(ctx, 1); err != nil {
				return err
			}
			s.Sleep(ctx, 2*time.Second)
			three := s.fair(ctx, l, 3, clients)
			s.Note("two processes: %.0f orders/s, three: %.0f", two, three)
			killed := time.Now()
			if err := s.Products[2].Kill(); err != nil {
				return err
			}
			s.Down(2) // as a load balancer does that asks /readyz
			s.Recovered(l.AwaitAck(ctx, killed))
			left := s.fair(ctx, l, 2, clients)
			l.Stop()
			s.Pace(two, three, left)
			return nil
		},
	}
}

// fair lets the load run for a while and holds each process' and each client's part against an equal one.
func (s *Stage) fair(ctx context.Context, l *Load, n, clients int) float64 {
	from := time.Now()
	s.Sleep(ctx, s.Seconds(10, 4))
	to := time.Now()
	parts := make([]float64, len(s.Products))
	last := slices.Repeat([]time.Time{from}, clients+1)
	gap, sum := time.Duration(0), 0.0
	for _, a := range l.seen() {
		if a.class != Acked || a.at.Before(from) || a.at.After(to) {
			continue
		}
		parts[a.base]++
		sum++
		if a.worker < clients {
			gap = max(gap, a.at.Sub(last[a.worker]))
			last[a.worker] = a.at
		}
	}
	for _, at := range last[:clients] {
		gap = max(gap, to.Sub(at))
	}
	least := slices.Min(parts[:n]) / (sum / float64(n))
	s.Goal(least >= fairShare, "%d processes: the one with the fewest orders has %.0f %% of an equal share (at least %.0f %%)", n, 100*least, 100*fairShare)
	s.Goal(gap <= longestGap, "%d processes: no client waited longer than %s between two acknowledgements (%s)", n, longestGap, gap.Round(10*time.Millisecond))
	return l.Throughput(from, to)
}
