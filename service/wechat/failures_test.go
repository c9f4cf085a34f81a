package wechat_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"bangfu/model"
	"bangfu/service/wechat"
	"bangfu/service/wechat/emulator"
)

func TestTokenRecovery(t *testing.T) {
	t.Run("RotatedElsewhere", func(t *testing.T) {
		b := newBench(t, 0)
		b.wantPhone()
		b.rotate()
		b.wantPhone()
		b.wantPhone()
		if n := b.wx.calls(tokenPath); n != 2 {
			t.Errorf("%d token calls, want 2", n)
		}
	})
	t.Run("Expired", func(t *testing.T) {
		b := newBench(t, 0)
		b.wantPhone()
		b.clock.advance(3 * time.Hour)
		b.wantPhone()
	})
	t.Run("RefusedButStillCurrentIsForced", func(t *testing.T) {
		b := newBench(t, 0)
		b.wantPhone()
		b.fault(emulator.Fault{Path: phonePath, Mode: emulator.Error, ErrCode: 40014, Times: 1})
		b.wantPhone()
		if n := b.wx.calls(tokenPath); n != 3 {
			t.Errorf("%d token calls, want 3: first, same again, forced", n)
		}
	})
	t.Run("RefusedForEverIsRetriedOnce", func(t *testing.T) {
		b := newBench(t, 0)
		b.fault(emulator.Fault{Path: phonePath, Mode: emulator.Error, ErrCode: 40001})
		_, err := b.PhoneNumber(t.Context(), b.phoneCode("li-si"))
		wantCode(t, err, model.CodeWechat)
		if n := b.wx.calls(phonePath); n != 2 {
			t.Errorf("%d phone calls, want 2", n)
		}
	})
	t.Run("ManyCallersOneNewToken", func(t *testing.T) {
		b := newBench(t, 0)
		b.wantPhone()
		b.rotate()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				code, _ := b.emu.PhoneCode("li-si", phone)
				if _, err := b.PhoneNumber(t.Context(), code); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := b.wx.calls(tokenPath); n != 2 {
			t.Errorf("%d token calls, want 2", n)
		}
	})
	t.Run("SharedByProcesses", func(t *testing.T) {
		b := newBench(t, 0)
		b.wantPhone()
		other := newClient(t, b.wx.URL, b.redis.Addr(), 0, b.logs)
		if _, err := other.PhoneNumber(t.Context(), b.phoneCode("li-si")); err != nil {
			t.Fatal(err)
		}
		if n := b.wx.calls(tokenPath); n != 1 {
			t.Errorf("%d token calls of two processes, want 1", n)
		}
		b.rotate()
		if _, err := other.PhoneNumber(t.Context(), b.phoneCode("li-si")); err != nil {
			t.Fatal(err)
		}
		b.wantPhone() // its own copy is refused, the one in Redis is new
		if n := b.wx.calls(tokenPath); n != 2 {
			t.Errorf("%d token calls after a rotation, want 2", n)
		}
	})
	t.Run("TokenRefused", func(t *testing.T) {
		b := newBench(t, 0)
		b.fault(emulator.Fault{Path: tokenPath, Mode: emulator.Error, ErrCode: 40125})
		_, err := b.PhoneNumber(t.Context(), b.phoneCode("li-si"))
		wantCode(t, err, model.CodeWechat)
		if b.wx.calls(phonePath) != 0 || b.wx.calls(tokenPath) != 1 {
			t.Error("called on without a token")
		}
	})
}

func TestFailuresAreBounded(t *testing.T) {
	const timeout = 300 * time.Millisecond
	for _, path := range []string{sessionPath, tokenPath, phonePath} {
		for _, f := range []emulator.Fault{
			{Mode: emulator.Slow, DelayMS: 30_000}, {Mode: emulator.Down}, {Mode: emulator.Garbage}, {Mode: emulator.Never},
		} {
			t.Run(string(f.Mode)+path, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, timeout)
				f.Path = path
				b.fault(f)
				var err error
				begun := time.Now()
				if path == sessionPath {
					_, err = b.Login(t.Context(), b.loginCode("li-si"))
				} else {
					_, err = b.PhoneNumber(t.Context(), b.phoneCode("li-si"))
				}
				wantCode(t, err, model.CodeWechat)
				if took := time.Since(begun); took > timeout+2*time.Second {
					t.Errorf("took %v", took)
				}
				if late := f.Mode == emulator.Slow || f.Mode == emulator.Never; errors.Is(err, context.DeadlineExceeded) != late {
					t.Errorf("deadline exceeded: %v (%v)", !late, err)
				}
			})
		}
	}
}

func TestSlowButInTime(t *testing.T) {
	b := newBench(t, 0)
	b.fault(emulator.Fault{Path: sessionPath, Mode: emulator.Slow, DelayMS: 100, Times: 1})
	if _, err := b.Login(t.Context(), b.loginCode("li-si")); err != nil {
		t.Error(err)
	}
}

func TestCancellationIsHonoured(t *testing.T) {
	b := newBench(t, time.Minute)
	b.fault(emulator.Fault{Path: sessionPath, Mode: emulator.Never})
	b.fault(emulator.Fault{Path: tokenPath, Mode: emulator.Never})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	begun := time.Now()
	var wg sync.WaitGroup
	for range 5 { // all but one wait for their turn to fetch the token
		wg.Go(func() {
			_, err := b.PhoneNumber(ctx, "abc")
			wantCode(t, err, model.CodeWechat)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
		})
	}
	_, err := b.Login(ctx, "abc")
	wg.Wait()
	if !errors.Is(err, context.Canceled) || time.Since(begun) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(begun), err)
	}
}

func TestRedisAway(t *testing.T) {
	t.Run("FromTheStart", func(t *testing.T) {
		b := newBench(t, 0)
		b.redis.Close()
		for range 3 {
			b.wantPhone()
		}
		if n := b.wx.calls(tokenPath); n != 1 {
			t.Errorf("%d token calls, want 1", n)
		}
		b.rotate()
		b.wantPhone()
		if !strings.Contains(b.logs.String(), "redis is away") {
			t.Error("nothing was logged")
		}
	})
	t.Run("SilentRedis", func(t *testing.T) { // accepts, never answers
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		b := newBench(t, 0)
		c := newClient(t, b.wx.URL, l.Addr().String(), 0, b.logs)
		begun := time.Now()
		if _, err := c.PhoneNumber(t.Context(), b.phoneCode("li-si")); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("took %v", took)
		}
	})
	t.Run("Emptied", func(t *testing.T) {
		b := newBench(t, 0)
		b.wantPhone()
		b.redis.FlushAll()
		b.wantPhone()
		if n := b.wx.calls(tokenPath); n != 1 {
			t.Errorf("%d token calls, want 1", n)
		}
	})
}

func TestTokenCache(t *testing.T) {
	server := miniredis.RunT(t)
	c := wechat.NewTokenCache(redis.NewClient(&redis.Options{Addr: server.Addr()}), "bf:", nil)
	if c.Get("k") != nil || c.IsExist("k") {
		t.Error("found what is not there")
	}
	if err := c.Set("k", "v", time.Minute); err != nil || c.Get("k") != "v" || !c.IsExist("k") || server.TTL("bf:k") != time.Minute {
		t.Errorf("set: %v, then %v for %v", err, c.Get("k"), server.TTL("bf:k"))
	}
	if err := c.Delete("k"); err != nil || c.IsExist("k") {
		t.Errorf("delete: %v", err)
	}
	if err := c.Set("k", "v", -time.Second); err != nil || c.IsExist("k") {
		t.Error("stored for ever what is over already")
	}
	if c.Set("k", 1, time.Minute) == nil {
		t.Error("stored a number")
	}
	server.Close()
	if c.Get("k") != nil || c.Set("k", "v", time.Minute) == nil || c.Delete("k") == nil {
		t.Error("no error without Redis")
	}
}

// TestSecretsStayInside lets the platform misbehave in every way that tempts a library to quote its request.
func TestSecretsStayInside(t *testing.T) {
	const token = "the-access-token"
	withToken := func(h http.HandlerFunc) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == tokenPath {
				say(w, `{"access_token":"`+token+`","expires_in":7200}`)
				return
			}
			h(w, r)
		})
	}
	hangUp := func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
	echo := func(w http.ResponseWriter, r *http.Request) {
		say(w, fmt.Sprintf(`{"errcode":40125,"errmsg":"bad call %s and %s and %s"}`, r.URL.String(), secret, token))
	}
	for name, h := range map[string]http.Handler{
		"Status500": withToken(func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, r.URL.String(), http.StatusInternalServerError)
		}),
		"Redirect": withToken(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/x?"+r.URL.RawQuery, http.StatusFound)
		}),
		"HangUp":       withToken(hangUp),
		"Echo":         withToken(echo),
		"WrongType":    withToken(func(w http.ResponseWriter, r *http.Request) { say(w, `{"errcode":"secret=`+secret+`"}`) }),
		"TooLarge":     withToken(func(w http.ResponseWriter, r *http.Request) { say(w, `"`+strings.Repeat(secret, 1<<17)+`"`) }),
		"NoTokenEcho":  http.HandlerFunc(echo),
		"NoTokenHang":  http.HandlerFunc(hangUp),
		"NoTokenLarge": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { say(w, strings.Repeat(" ", 2<<20)) }),
	} {
		t.Run(name, func(t *testing.T) {
			l := &logs{}
			c := newClient(t, serve(t, h).URL, miniredis.RunT(t).Addr(), 0, l)
			wantNoSecret(t, c, l, token)
		})
	}
	t.Run("NobodyListens", func(t *testing.T) {
		l := &logs{}
		wantNoSecret(t, newClient(t, "http://127.0.0.1:1", miniredis.RunT(t).Addr(), 0, l), l, token)
	})
}

func wantNoSecret(t *testing.T, c *wechat.Client, l *logs, token string) {
	t.Helper()
	const code = "the-login-code"
	_, loginErr := c.Login(t.Context(), code)
	_, phoneErr := c.PhoneNumber(t.Context(), code)
	wantCode(t, loginErr, model.CodeWechat)
	wantCode(t, phoneErr, model.CodeWechat)
	text := l.String()
	for _, err := range []error{loginErr, phoneErr} {
		for ; err != nil; err = errors.Unwrap(err) {
			text += fmt.Sprintf("\n%v %+v %#v", err, err, err)
		}
	}
	for _, hidden := range []string{secret, token, code} {
		if strings.Contains(text, hidden) {
			t.Errorf("%q is to be read in: %s", hidden, text)
		}
	}
	if !strings.Contains(l.String(), "wechat call failed") {
		t.Error("nothing was logged")
	}
}
