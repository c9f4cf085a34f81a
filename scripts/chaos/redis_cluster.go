package main

import (
	"context"
	"strings"
	"time"

	"bangfu/scripts/lab"
)

// clusterBack is how long the guard may be away when a master of the Redis Cluster dies.
const clusterBack = 10 * time.Second

// redisCluster kills masters of a Redis Cluster of six under load; their replicas take over.
func redisCluster() Scenario {
	return Scenario{
		Name: "redis-cluster", Fault: "kill -9 of a master of a Redis Cluster of six", Quick: false,
		Setup: Setup{Products: -1},
		Play: func(ctx context.Context, s *Stage) error {
			cluster, err := lab.StartRedisCluster(ctx, 3)
			if err != nil {
				return err
			}
			defer func() { _ = cluster.Stop() }()
			s.env = append(s.env, "REDIS_ADDRS="+strings.Join(cluster.Addrs(), ","))
			if err := s.Start(ctx, 1); err != nil {
				return err
			}
			l := s.Load(ctx, Traffic{Replay: 0.05})
			start := time.Now()
			s.Sleep(ctx, s.Seconds(8, 3))
			first := time.Now()
			worst, slowest := time.Duration(0), time.Duration(0)
			for _, master := range cluster.Nodes[:s.Times(2, 1)] {
				lost := time.Now()
				if err := master.Kill(); err != nil {
					return err
				}
				slowest = max(slowest, l.AwaitAck(ctx, lost))
				worst = max(worst, s.guardedAgain(ctx, lost))
				s.Sleep(ctx, s.Seconds(6, 2))
				if err := master.Restart(ctx); err != nil {
					return err
				}
				if err := cluster.WaitWhole(ctx); err != nil {
					return err
				}
				s.Sleep(ctx, s.Seconds(3, 1))
			}
			last := time.Now()
			s.Sleep(ctx, s.Seconds(5, 2))
			l.Stop()
			s.Recovered(worst)
			s.Pace(l.Throughput(start, first), l.Throughput(first, last), l.Throughput(last, time.Now()))
			s.Goal(worst <= clusterBack, "the guard is whole again %s after a master was killed (at most %s)", worst.Round(10*time.Millisecond), clusterBack)
			s.Goal(slowest <= 2*time.Second, "orders go on meanwhile: the next one %s after the kill", slowest.Round(time.Millisecond))
			return s.replaceProducts(ctx)
		},
	}
}

// guardedAgain waits until health has said for three seconds on end that Redis is there, and tells how long after the moment that began.
func (s *Stage) guardedAgain(ctx context.Context, since time.Time) time.Duration {
	ok := time.Time{}
	for time.Since(since) < 4*clusterBack && ctx.Err() == nil {
		switch {
		case s.redisHealth(ctx) != "ok":
			ok = time.Time{}
		case ok.IsZero():
			ok = time.Now()
		case time.Since(ok) > 3*time.Second:
			return ok.Sub(since)
		}
		s.Sleep(ctx, 50*time.Millisecond)
	}
	return time.Since(since)
}

// replaceProducts starts the product anew on the shared Redis for the verdict, since the cluster ends with the scenario.
func (s *Stage) replaceProducts(ctx context.Context) error {
	for _, p := range s.Products {
		if err := p.StopGently(); err != nil {
			return err
		}
	}
	for i := range s.Products {
		s.Down(i)
	}
	s.env = append(s.env, "REDIS_ADDRS="+s.Redis.Addr())
	return s.Start(ctx, 1)
}
