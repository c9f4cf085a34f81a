package main

import (
	"context"
	"errors"
	"time"
)

// keysReplayed sends many keys again, at the same time and later, and some of them with another cart. The members have little money, so that
// the verdict's replays come when it is spent and the scarce SKU is sold out: the answer is still the one that was given.
func keysReplayed() Scenario {
	return Scenario{
		Name: "keys-replayed", Fault: "30 % replayed keys, also both at once; the same key with another cart", Quick: true,
		Setup: Setup{Products: 2, Form: true, City: Plan{Members: 400, Allow: 5_00}},
		Play: func(ctx context.Context, s *Stage) error {
			l := s.Load(ctx, Traffic{Replay: 0.3, Other: 0.1, Twins: 0.1})
			s.Sleep(ctx, time.Second)
			from := time.Now()
			s.Sleep(ctx, s.Seconds(20, 6))
			l.Stop()
			s.Pace(0, l.Throughput(from, time.Now()), 0)
			if err := s.spent(ctx); err != nil {
				return err
			}
			s.Goal(l.replays > 0 && l.others > 0, "%d keys sent again, %d with another cart and refused", l.replays, l.others)
			return nil
		},
	}
}

// spent notes how many members can buy no more.
func (s *Stage) spent(ctx context.Context) error {
	db, err := s.DB()
	if err != nil {
		return err
	}
	var n int
	err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM allowances WHERE balance_fen < ?", s.City.Goods[Hot].Price).Scan(&n)
	s.Note("%d of %d members have spent all when every key is sent once more", n, len(s.City.Members))
	return errors.Join(err, db.Close())
}
