package main

import (
	"context"
	"time"
)

// backAfterDatabase is how long the product may take to place orders again once the database answers.
const backAfterDatabase = 5 * time.Second

// mariadbKilled kills the database in the middle of full load; the product is left alone.
func mariadbKilled() Scenario {
	return Scenario{
		Name: "mariadb-killed", Fault: "kill -9 of MariaDB, 5 times under load", Quick: true,
		Play: func(ctx context.Context, s *Stage) error {
			l := s.Load(ctx, Traffic{Replay: 0.05})
			start := time.Now()
			s.Sleep(ctx, s.Seconds(5, 3))
			first := time.Now()
			pid := s.Products[0].PID()
			times, worst := s.Times(5, 2), time.Duration(0)
			for range times {
				killed := time.Now()
				if err := s.MariaDB.Restart(ctx); err != nil { // which kills it first
					return err
				}
				answers := time.Now()
				took := l.AwaitAck(ctx, answers)
				worst = max(worst, took)
				s.Recovered(time.Since(killed))
				s.Sleep(ctx, s.Seconds(3, 1))
			}
			last := time.Now()
			s.Sleep(ctx, s.Seconds(5, 2))
			l.Stop()
			s.Pace(l.Throughput(start, first), l.Throughput(first, last), l.Throughput(last, time.Now()))
			s.Goal(worst <= backAfterDatabase, "orders are placed again within %s of the database answering, %d times (worst %s)", backAfterDatabase, times, worst.Round(time.Millisecond))
			s.Goal(pid != 0 && s.Products[0].PID() == pid, "the product recovered by itself: the same process all the time")
			return nil
		},
	}
}
