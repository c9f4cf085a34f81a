package wechat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/silenceper/wechat/v2/cache"
)

// redisWait bounds one visit to Redis, whatever the client's own time limits and retries are.
const redisWait = 300 * time.Millisecond

// TokenCache keeps WeChat's access tokens in Redis, where all processes of an installation find them.
// It is the library's cache interface. Losing Redis loses nothing: a missing token is fetched again,
// and WeChat's stable interface gives the same one.
type TokenCache struct {
	redis  redis.UniversalClient
	prefix string
	logger *slog.Logger
}

var _ cache.Cache = (*TokenCache)(nil)

// NewTokenCache makes a cache over rdb whose keys all begin with prefix. A nil logger is silence.
func NewTokenCache(rdb redis.UniversalClient, prefix string, logger *slog.Logger) *TokenCache {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &TokenCache{redis: rdb, prefix: prefix, logger: logger}
}

// Get returns the string stored under key, or nil when there is none or Redis is away.
func (c *TokenCache) Get(key string) any {
	value, err := visit(func(ctx context.Context) (string, error) { return c.redis.Get(ctx, c.prefix+key).Result() })
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		_ = c.away("get", err) // a miss is the answer
		return nil
	}
	return value
}

// Set stores a string for the given time. A time that is not positive stores nothing: Redis would take
// it as "for ever". A value that is not a string is an error.
func (c *TokenCache) Set(key string, value any, timeout time.Duration) error {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("wechat: the token cache holds strings, not %T", value)
	}
	if timeout <= 0 {
		return nil
	}
	_, err := visit(func(ctx context.Context) (string, error) {
		return c.redis.Set(ctx, c.prefix+key, text, timeout).Result()
	})
	return c.away("set", err)
}

// IsExist tells whether key is stored; false when Redis is away.
func (c *TokenCache) IsExist(key string) bool { return c.Get(key) != nil }

// Delete removes key; a missing key is no error.
func (c *TokenCache) Delete(key string) error {
	_, err := visit(func(ctx context.Context) (int64, error) { return c.redis.Del(ctx, c.prefix+key).Result() })
	return c.away("delete", err)
}

// away logs that Redis did not serve, and hands the error on.
func (c *TokenCache) away(op string, err error) error {
	if err != nil {
		c.logger.Warn("wechat token cache: redis is away", "op", op, "error", err)
	}
	return err
}

// visit runs one Redis command and stops waiting after redisWait. The command runs beside the caller
// because a client without ContextTimeoutEnabled reads on past its context's end; it ends by the
// client's own limits.
func visit[T any](command func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(context.Background(), redisWait)
	defer cancel()
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		value, err := command(ctx)
		done <- answer{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
