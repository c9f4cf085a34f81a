package wechat

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/silenceper/wechat/v2/credential"
	"github.com/silenceper/wechat/v2/util"
)

const (
	// tokenMargin is how long before its end a token is given up, as the library does.
	tokenMargin = 5 * time.Minute
	// borrowedFor is how long a token read from Redis is believed before it is read again.
	borrowedFor = time.Minute
	// tokenLife is the longest that WeChat lets a token live.
	tokenLife = 2 * time.Hour
)

// tokens holds the mini-program's stable access token: a copy in memory, then the shared cache, then
// WeChat. The library's own holder is not used for this: it makes every caller wait in line under a
// mutex that ignores their deadlines, and it cannot replace a token that WeChat refuses.
type tokens struct {
	source *credential.StableAccessToken
	cache  *TokenCache
	key    string
	turn   chan struct{} // one fetch at a time; a channel, so that waiting ends with the context

	mu    sync.Mutex
	token string
	until time.Time
}

func newTokens(appID, appSecret, host string, cache *TokenCache) *tokens {
	return &tokens{
		source: credential.NewStableAccessToken(appID, appSecret, credential.CacheKeyMiniProgramPrefix, cache).(*credential.StableAccessToken),
		cache:  cache,
		key:    "wechat:token:" + host + ":" + appID,
		turn:   make(chan struct{}, 1),
	}
}

// get returns a token other than refused, the one that WeChat has just turned down ("" for none). A
// refused token is dropped from memory and from the shared cache, but a newer one that another caller
// has fetched meanwhile is kept.
func (t *tokens) get(ctx context.Context, refused string) (string, error) {
	if token := t.remembered(); token != "" && token != refused {
		return token, nil
	}
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if token := t.remembered(); token != "" && token != refused {
		return token, nil
	}
	if token, ok := t.cache.Get(t.key).(string); ok && token != "" {
		if token != refused {
			t.remember(token, borrowedFor)
			return token, nil
		}
		_ = t.cache.Delete(t.key) // logged by the cache; the new token overwrites it anyway
	}
	t.remember("", 0)
	return t.fetch(ctx, refused)
}

// fetch asks WeChat for the token. Unforced, the stable interface gives everybody the current token, so
// processes do not fight over it; only where the current one is the refused one is a new one forced.
func (t *tokens) fetch(ctx context.Context, refused string) (string, error) {
	res, err := t.ask(ctx, false)
	if err == nil && res.AccessToken == refused {
		res, err = t.ask(ctx, true)
	}
	if err != nil {
		return "", err
	}
	life := min(time.Duration(res.ExpiresIn)*time.Second, tokenLife)
	life = max(life-tokenMargin, life/2)
	t.remember(res.AccessToken, life)
	_ = t.cache.Set(t.key, res.AccessToken, life) // logged by the cache; the copy in memory serves
	return res.AccessToken, nil
}

func (t *tokens) ask(ctx context.Context, force bool) (credential.ResAccessToken, error) {
	res, err := t.source.GetAccessTokenDirectly(ctx, force)
	if res.ErrCode != 0 { // the library's error is plain text here
		return res, util.NewCommonError("stable_token", res.ErrCode, res.ErrMsg)
	}
	if err == nil && (res.AccessToken == "" || res.ExpiresIn <= 0) {
		err = errors.New("the answer has no access token")
	}
	return res, err
}

// remembered is the copy in memory, "" when there is none or its time is over.
func (t *tokens) remembered() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !time.Now().Before(t.until) {
		return ""
	}
	return t.token
}

func (t *tokens) remember(token string, life time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token, t.until = token, time.Now().Add(life)
}
