package main

import (
	"context"
	"time"
)

// keysReplayed sends many keys again, at the same time and later, and some of them with another cart.
func keysReplayed() Scenario {
	return Scenario{
		Name: "keys-replayed", Fault: "30 % replayed keys, also both at once; the same key with another cart", Quick: true,
		Setup: Setup{Products: 2, Form: true},
		Play: func(ctx context.Context, s *Stage) error {
			l := s.Load(ctx, Traffic{Replay: 0.3, Other: 0.1, Twins: 0.1})
			s.Sleep(ctx, time.Second)
			from := time.Now()
			s.Sleep(ctx, s.Seconds(20, 6))
			l.Stop()
			s.Pace(0, l.Throughput(from, time.Now()), 0)
			s.Goal(l.replays > 0 && l.others > 0, "%d keys sent again, %d with another cart and refused", l.replays, l.others)
			return nil
		},
	}
}
