//go:build unix

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is a private Redis server that keeps nothing on disk.
type Redis struct {
	*Server
	Port int
}

// StartRedis starts a server and waits until it answers. Errors: ErrMissing.
func StartRedis(ctx context.Context) (*Redis, error) { return startRedis(ctx) }

func startRedis(ctx context.Context, flags ...string) (*Redis, error) {
	program, err := find("redis-server")
	if err != nil {
		return nil, err
	}
	dir, err := tempDir("redis", true)
	if err != nil {
		return nil, err
	}
	r := &Redis{}
	r.Server = &Server{name: "redis", dir: dir, program: program, ready: r.ping}
	if r.Port, err = FreePort(); err == nil {
		r.args = append([]string{"--bind", loopback, "--port", strconv.Itoa(r.Port), "--dir", dir, "--save", "", "--appendonly", "no", "--daemonize", "no"}, flags...)
		err = r.start(ctx)
	}
	if err != nil {
		_ = r.Stop()
		return nil, err
	}
	return r, nil
}

// Addr is the server's host:port, for REDIS_ADDRS.
func (r *Redis) Addr() string { return address(r.Port) }

// Client is a new connection to the server; close it.
func (r *Redis) Client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: r.Addr(), MaxRetries: -1, DialerRetries: 1, DialTimeout: time.Second, DisableIdentity: true, Protocol: 2})
}

// Do sends one command, such as FLUSHALL, and returns its answer.
func (r *Redis) Do(ctx context.Context, command ...any) (any, error) {
	c := r.Client()
	defer func() { _ = c.Close() }()
	return c.Do(ctx, command...).Result()
}

func (r *Redis) ping(ctx context.Context) error {
	probe, err := new(net.Dialer).DialContext(ctx, "tcp", r.Addr()) // the client library writes each failed dial to stderr
	if err != nil {
		return err
	}
	_ = probe.Close()
	_, err = r.Do(ctx, "PING")
	return err
}

// RedisCluster is a private Redis Cluster.
type RedisCluster struct {
	Nodes []*Redis // the masters first, then one replica of each
}

// slots is how many hash slots a Redis Cluster has.
const slots = 16384

// StartRedisCluster starts a cluster of that many masters (three or more) with one replica each and waits until all agree that it is
// whole. A master that does not answer for two seconds is replaced by its replica. Errors: ErrMissing.
func StartRedisCluster(ctx context.Context, masters int) (*RedisCluster, error) {
	c := &RedisCluster{}
	for range 2 * masters {
		bus, err := FreePort()
		var r *Redis
		if err == nil {
			r, err = startRedis(ctx, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-port", strconv.Itoa(bus), "--cluster-node-timeout", "2000")
		}
		if err == nil {
			c.Nodes = append(c.Nodes, r)
			if r != c.Nodes[0] {
				_, err = c.Nodes[0].Do(ctx, "CLUSTER", "MEET", loopback, r.Port, bus)
			}
		}
		if err != nil {
			return nil, errors.Join(err, c.Stop())
		}
	}
	if err := c.form(ctx, masters); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// form shares the slots out among the masters and gives each its replica.
func (c *RedisCluster) form(ctx context.Context, masters int) error {
	for i, r := range c.Nodes[:masters] {
		if _, err := r.Do(ctx, "CLUSTER", "ADDSLOTSRANGE", i*slots/masters, (i+1)*slots/masters-1); err != nil {
			return fmt.Errorf("slots: %w", err)
		}
	}
	for i, r := range c.Nodes[masters:] {
		id, err := c.Nodes[i].Do(ctx, "CLUSTER", "MYID")
		if err != nil {
			return err
		}
		if err := eventually(ctx, func() error { // the node has to hear of its master first
			_, err := r.Do(ctx, "CLUSTER", "REPLICATE", id)
			return err
		}); err != nil {
			return fmt.Errorf("replica: %w", err)
		}
	}
	for _, r := range c.Nodes[masters:] { // one that has never been in step cannot take over
		if err := eventually(ctx, func() error {
			info, err := r.Do(ctx, "INFO", "replication")
			if err == nil && !strings.Contains(fmt.Sprint(info), "master_link_status:up") {
				err = errors.New("replica is not in step")
			}
			return err
		}); err != nil {
			return err
		}
	}
	return c.WaitWhole(ctx)
}

// WaitWhole returns when every node that runs says that the cluster is whole and that nodes that run serve all its slots.
func (c *RedisCluster) WaitWhole(ctx context.Context) error {
	return eventually(ctx, func() error {
		running := map[string]bool{}
		for _, r := range c.Nodes {
			running[r.Addr()] = r.PID() != 0
		}
		for _, r := range c.Nodes {
			if r.PID() == 0 {
				continue
			}
			client := r.Client()
			info, err := client.ClusterInfo(ctx).Result()
			nodes, again := client.ClusterSlots(ctx).Result() //nolint:staticcheck // ClusterShards needs Redis 7; Debian's is older too
			_ = client.Close()
			if err := errors.Join(err, again); err != nil {
				return err
			}
			if !whole(info, nodes, running) {
				return errors.New("redis cluster is not whole")
			}
		}
		return nil
	})
}

func whole(info string, ranges []redis.ClusterSlot, running map[string]bool) bool {
	covered := 0
	for _, s := range ranges {
		if len(s.Nodes) > 0 && running[s.Nodes[0].Addr] {
			covered += s.End - s.Start + 1
		}
	}
	return covered == slots && strings.HasPrefix(info, "cluster_state:ok")
}

// eventually tries until it works or half a minute has passed.
func eventually(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// Addrs are the nodes' host:port, for REDIS_ADDRS.
func (c *RedisCluster) Addrs() []string {
	addrs := make([]string, len(c.Nodes))
	for i, r := range c.Nodes {
		addrs[i] = r.Addr()
	}
	return addrs
}

// Stop ends all nodes.
func (c *RedisCluster) Stop() error {
	var errs []error
	for _, r := range c.Nodes {
		errs = append(errs, r.Stop())
	}
	return errors.Join(errs...)
}
