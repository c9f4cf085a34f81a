package main

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// tablesLocked has somebody lock one table after the other from a console, as a careless administrator's tool does.
func tablesLocked() Scenario {
	return Scenario{
		Name: "tables-locked", Fault: "LOCK TABLES … WRITE from another connection, table after table", Quick: true,
		Play: func(ctx context.Context, s *Stage) error {
			l := s.Load(ctx, Traffic{Replay: 0.05})
			start := time.Now()
			s.Sleep(ctx, s.Seconds(5, 2))
			first := time.Now()
			worst := time.Duration(0)
			tables := []string{"orders", "allowances", "stocks", "idempotency_keys", "sessions", "audit_entries"}
			for _, table := range tables[:s.Times(len(tables), 2)] {
				if err := s.lock(ctx, table, s.Seconds(4, 2)); err != nil {
					return err
				}
				took := l.AwaitAck(ctx, time.Now())
				worst = max(worst, took)
				s.Recovered(took)
				s.Sleep(ctx, s.Seconds(3, 1))
			}
			last := time.Now()
			s.Sleep(ctx, s.Seconds(5, 2))
			l.Stop()
			s.Pace(l.Throughput(start, first), l.Throughput(first, last), l.Throughput(last, time.Now()))
			s.Goal(worst <= 2*time.Second, "orders are placed again at most %s after a table is free", worst.Round(time.Millisecond))
			return nil
		},
	}
}

// lock keeps a table for oneself for a while.
func (s *Stage) lock(ctx context.Context, table string, d time.Duration) (err error) {
	db, err := s.DB()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var c *sql.Conn
	if c, err = db.Conn(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.ExecContext(ctx, "LOCK TABLES `"+table+"` WRITE"); err != nil {
		return err
	}
	sleep(ctx, d)
	_, err = c.ExecContext(context.WithoutCancel(ctx), "UNLOCK TABLES")
	return err
}
