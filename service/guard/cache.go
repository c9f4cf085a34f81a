package guard

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// maxCached is the largest value that is cached, in bytes.
const maxCached = 64 << 10

// CacheGet reads what CacheSet stored; ok is false when there is nothing, or Redis is away.
func (g *Guard) CacheGet(ctx context.Context, namespace, key string) (value []byte, ok bool) {
	k := g.key(namespace, key)
	if g.doomed.has(k) {
		g.count("cache_get", miss)
		return nil, false
	}
	var got *redis.StringCmd
	err := g.run(ctx, func(p redis.Pipeliner) { got = p.Get(context.Background(), k) })
	if err != nil {
		g.outcome("cache_get", err)
		return nil, false
	}
	value, missing := got.Bytes()
	if missing != nil {
		g.count("cache_get", miss)
		return nil, false
	}
	g.count("cache_get", hit)
	return value, true
}

// CacheSet keeps value for ttl (at least 1 ms), if it can; values over 64 KiB are not kept. A value
// read from the database just before another process changed it may be stored just after: ttl bounds
// how long that lasts, so keep it short (a minute) where stale means wrong, as with sessions.
func (g *Guard) CacheSet(ctx context.Context, namespace, key string, value []byte, ttl time.Duration) {
	if len(value) > maxCached {
		return
	}
	k := g.key(namespace, key)
	g.outcome("cache_set", g.run(ctx, func(p redis.Pipeliner) {
		p.Set(context.Background(), k, value, atLeastMilli(ttl))
	}))
}

// CacheDel forgets keys, after the change that made them stale has committed. If Redis is away, the
// keys miss in this process from now on and are deleted as soon as Redis is back, before anything is
// read from it; a process that dies before that leaves them to their ttl.
func (g *Guard) CacheDel(ctx context.Context, namespace string, keys ...string) {
	if len(keys) == 0 {
		return
	}
	full := make([]string, len(keys))
	for i, key := range keys {
		full[i] = g.key(namespace, key)
	}
	err := g.run(context.WithoutCancel(ctx), func(p redis.Pipeliner) {
		for _, k := range full {
			p.Del(context.Background(), k)
		}
	})
	if err != nil {
		g.doomed.add(full)
	}
	g.outcome("cache_del", err)
}

// maxDoomed bounds the memory of deletions that could not be made; beyond it their ttl must do.
const maxDoomed = 10_000

// doomed holds the keys whose deletion Redis has not heard of yet.
type doomed struct {
	mu   sync.Mutex
	keys map[string]struct{}
}

func (d *doomed) add(keys []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keys == nil {
		d.keys = make(map[string]struct{})
	}
	for _, k := range keys {
		if len(d.keys) < maxDoomed {
			d.keys[k] = struct{}{}
		}
	}
}

func (d *doomed) has(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.keys[key]
	return ok
}

func (d *doomed) list() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	keys := make([]string, 0, len(d.keys))
	for k := range d.keys {
		keys = append(keys, k)
	}
	return keys
}

func (d *doomed) remove(keys []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, k := range keys {
		delete(d.keys, k)
	}
}

// flushDoomed makes up for the deletions that failed. The supervisor calls it before it lets callers back in.
func (g *Guard) flushDoomed() error {
	keys := g.doomed.list()
	for len(keys) > 0 {
		part := keys[:min(len(keys), 500)]
		keys = keys[len(part):]
		ctx, cancel := context.WithTimeout(context.Background(), g.time.batch)
		cmds, _ := g.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, k := range part {
				p.Del(ctx, k)
			}
			return nil
		})
		cancel()
		if err := failure(cmds); err != nil {
			return err
		}
		g.doomed.remove(part)
	}
	return nil
}
