package wechat_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/sirupsen/logrus"

	"bangfu/model"
	"bangfu/service/wechat"
	"bangfu/service/wechat/emulator"
)

const (
	appID  = "wx0000000000000001"
	secret = "top-secret-of-the-app"
	phone  = "10012345678"

	sessionPath = "/sns/jscode2session"
	tokenPath   = "/cgi-bin/stable_token"
	phonePath   = "/wxa/business/getuserphonenumber"
)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) advance(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

// logs collects what is logged by several goroutines.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }

func (l *logs) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// platform is an HTTP server standing for WeChat that counts the calls of each path.
type platform struct {
	URL string
	mu  sync.Mutex
	n   map[string]int
}

func serve(t *testing.T, h http.Handler) *platform {
	t.Helper()
	p := &platform{n: map[string]int{}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.n[r.URL.Path]++
		p.mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	p.URL = srv.URL
	return p
}

// say answers with text; the caller may have hung up.
func say(w http.ResponseWriter, text string) { _, _ = io.WriteString(w, text) }

func (p *platform) calls(path string) int { p.mu.Lock(); defer p.mu.Unlock(); return p.n[path] }

// bench is a client with its own emulator and Redis.
type bench struct {
	*wechat.Client
	t     *testing.T
	emu   *emulator.Emulator
	wx    *platform
	clock *clock
	redis *miniredis.Miniredis
	logs  *logs
}

func newBench(t *testing.T, timeout time.Duration) *bench {
	t.Helper()
	b := &bench{t: t, clock: &clock{now: time.Date(2025, 3, 1, 1, 0, 0, 0, time.UTC)}, redis: miniredis.RunT(t), logs: &logs{}}
	b.emu = emulator.New(emulator.Options{AppID: appID, AppSecret: secret, Clock: b.clock})
	b.wx = serve(t, b.emu)
	b.Client = newClient(t, b.wx.URL, b.redis.Addr(), timeout, b.logs)
	return b
}

func newClient(t *testing.T, base, redisAddr string, timeout time.Duration, l *logs) *wechat.Client {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: redisAddr})
	t.Cleanup(func() { _ = rdb.Close() })
	logger := slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c, err := wechat.New(wechat.Options{
		BaseURL: base, AppID: appID, AppSecret: secret, Timeout: timeout, Logger: logger,
		Cache: wechat.NewTokenCache(rdb, "bf:", logger),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (b *bench) loginCode(user string) string {
	b.t.Helper()
	code, err := b.emu.LoginCode(user)
	if err != nil {
		b.t.Fatal(err)
	}
	return code
}

func (b *bench) phoneCode(user string) string {
	b.t.Helper()
	code, err := b.emu.PhoneCode(user, phone)
	if err != nil {
		b.t.Fatal(err)
	}
	return code
}

func (b *bench) fault(f emulator.Fault) {
	b.t.Helper()
	if err := b.emu.InjectFault(f); err != nil {
		b.t.Fatal(err)
	}
}

// rotate makes another process's forced refresh: the client's token is worth nothing afterwards.
func (b *bench) rotate() {
	b.t.Helper()
	body := fmt.Sprintf(`{"grant_type":"client_credential","appid":%q,"secret":%q,"force_refresh":true}`, appID, secret)
	rec := httptest.NewRecorder()
	b.emu.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, tokenPath, strings.NewReader(body)))
	if !strings.Contains(rec.Body.String(), "access_token") {
		b.t.Fatal(rec.Body)
	}
}

func (b *bench) wantPhone() {
	b.t.Helper()
	got, err := b.PhoneNumber(b.t.Context(), b.phoneCode("li-si"))
	if err != nil || got != phone {
		b.t.Fatalf("phone %q, error %v", got, err)
	}
}

func wantCode(t *testing.T, err error, want model.Code) {
	t.Helper()
	if got := model.CodeOf(err); got != want {
		t.Errorf("code %q (%v), want %q", got, err, want)
	}
}

// wantBadCode checks for CodeInvalid on the field "code" with the message that members read.
func wantBadCode(t *testing.T, err error, message string) {
	t.Helper()
	var e *model.Error
	if !errors.As(err, &e) || e.Code != model.CodeInvalid || len(e.Fields) != 1 || e.Fields[0].Name != "code" || e.Message != message {
		t.Errorf("error %v, want invalid code: %s", err, message)
	}
}

func TestLogin(t *testing.T) {
	const message = "登录凭证无效或已过期，请重新进入小程序"
	t.Run("OK", func(t *testing.T) {
		b := newBench(t, 0)
		got, err := b.Login(t.Context(), b.loginCode("zhang-san"))
		want := wechat.Identity{OpenID: b.emu.OpenID("zhang-san"), UnionID: b.emu.UnionID("zhang-san")}
		if err != nil || got != want {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	})
	t.Run("UnderAPathPrefix", func(t *testing.T) {
		b := newBench(t, 0)
		wx := serve(t, http.StripPrefix("/emulator", b.emu))
		c := newClient(t, wx.URL+"/emulator/", b.redis.Addr(), 0, b.logs)
		if _, err := c.Login(t.Context(), b.loginCode("zhang-san")); err != nil {
			t.Error(err)
		}
	})
	t.Run("ReusedCode", func(t *testing.T) {
		b := newBench(t, 0)
		code := b.loginCode("zhang-san")
		if _, err := b.Login(t.Context(), code); err != nil {
			t.Fatal(err)
		}
		_, err := b.Login(t.Context(), code)
		wantBadCode(t, err, message)
	})
	t.Run("ExpiredCode", func(t *testing.T) {
		b := newBench(t, 0)
		code := b.loginCode("zhang-san")
		b.clock.advance(5 * time.Minute)
		_, err := b.Login(t.Context(), code)
		wantBadCode(t, err, message)
	})
	t.Run("PhoneCodeIsNoLoginCode", func(t *testing.T) {
		b := newBench(t, 0)
		_, err := b.Login(t.Context(), b.phoneCode("zhang-san"))
		wantBadCode(t, err, message)
	})
	t.Run("BadFormIsRefusedBeforeTheNetwork", func(t *testing.T) {
		b := newBench(t, 0)
		for _, code := range []string{"", "a b", "x&secret=y", "a\n", "代码", strings.Repeat("a", 129), "a/../b", "%00"} {
			_, err := b.Login(t.Context(), code)
			wantBadCode(t, err, message)
			_, err = b.PhoneNumber(t.Context(), code)
			wantCode(t, err, model.CodeInvalid)
		}
		if n := b.wx.calls(sessionPath) + b.wx.calls(phonePath) + b.wx.calls(tokenPath); n != 0 {
			t.Errorf("%d calls went out", n)
		}
	})
	t.Run("AnswerWithoutOpenID", func(t *testing.T) {
		wx := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { say(w, `{}`) }))
		c := newClient(t, wx.URL, miniredis.RunT(t).Addr(), 0, &logs{})
		_, err := c.Login(t.Context(), "abc")
		wantCode(t, err, model.CodeWechat)
	})
}

func TestWeChatErrorCodes(t *testing.T) {
	for errcode, want := range map[int]model.Code{
		40029: model.CodeInvalid, 40163: model.CodeInvalid, 41008: model.CodeInvalid,
		45011: model.CodeRateLimited, 40226: model.CodeForbidden,
		-1: model.CodeWechat, 40013: model.CodeWechat, 40125: model.CodeWechat, 45009: model.CodeWechat, 87009: model.CodeWechat,
	} {
		b := newBench(t, 0)
		b.fault(emulator.Fault{Path: sessionPath, Mode: emulator.Error, ErrCode: errcode})
		b.fault(emulator.Fault{Path: phonePath, Mode: emulator.Error, ErrCode: errcode})
		_, err := b.Login(t.Context(), b.loginCode("li-si"))
		wantCode(t, err, want)
		_, err = b.PhoneNumber(t.Context(), b.phoneCode("li-si"))
		wantCode(t, err, want)
		if !strings.Contains(b.logs.String(), fmt.Sprintf(`"errcode":%d`, errcode)) {
			t.Errorf("the log does not name %d: %s", errcode, b.logs)
		}
	}
}

func TestPhoneNumber(t *testing.T) {
	const message = "手机号授权无效或已过期，请重新点击授权手机号"
	t.Run("OKWithOneTokenForManyCalls", func(t *testing.T) {
		b := newBench(t, 0)
		for range 3 {
			b.wantPhone()
		}
		if n := b.wx.calls(tokenPath); n != 1 {
			t.Errorf("%d token calls", n)
		}
	})
	t.Run("ReusedCode", func(t *testing.T) {
		b := newBench(t, 0)
		code := b.phoneCode("li-si")
		if _, err := b.PhoneNumber(t.Context(), code); err != nil {
			t.Fatal(err)
		}
		_, err := b.PhoneNumber(t.Context(), code)
		wantBadCode(t, err, message)
	})
	t.Run("ExpiredCode", func(t *testing.T) {
		b := newBench(t, 0)
		code := b.phoneCode("li-si")
		b.clock.advance(6 * time.Minute)
		_, err := b.PhoneNumber(t.Context(), code)
		wantBadCode(t, err, message)
	})
	for name, c := range map[string]struct {
		info string
		want model.Code
	}{
		"FromAbroad":     {`{"phoneNumber":"+85299990000","purePhoneNumber":"99990000","countryCode":"852"}`, model.CodeInvalid},
		"NoNumber":       {`{"countryCode":"86"}`, model.CodeWechat},
		"NotElevenLong":  {`{"purePhoneNumber":"1001234567","countryCode":"86"}`, model.CodeWechat},
		"WithoutCountry": {`{"purePhoneNumber":"` + phone + `"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			wx := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == tokenPath {
					say(w, `{"access_token":"t","expires_in":7200}`)
					return
				}
				say(w, `{"errcode":0,"errmsg":"ok","phone_info":`+c.info+`}`)
			}))
			client := newClient(t, wx.URL, miniredis.RunT(t).Addr(), 0, &logs{})
			_, err := client.PhoneNumber(t.Context(), "abc")
			wantCode(t, err, c.want)
		})
	}
}

func TestNewRefusesBadSettings(t *testing.T) {
	cache := wechat.NewTokenCache(redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}), "", nil)
	good := wechat.Options{AppID: appID, AppSecret: secret, Cache: cache}
	if _, err := wechat.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*wechat.Options){
		"NoAppID":         func(o *wechat.Options) { o.AppID = "" },
		"AppIDWithAmp":    func(o *wechat.Options) { o.AppID = "wx&x" },
		"NoSecret":        func(o *wechat.Options) { o.AppSecret = "" },
		"SecretWithSpace": func(o *wechat.Options) { o.AppSecret = secret + " x" },
		"NoCache":         func(o *wechat.Options) { o.Cache = nil },
		"NegativeTimeout": func(o *wechat.Options) { o.Timeout = -1 },
		"OtherScheme":     func(o *wechat.Options) { o.BaseURL = "ftp://127.0.0.1" },
		"NoHost":          func(o *wechat.Options) { o.BaseURL = "http://" },
		"UserInURL":       func(o *wechat.Options) { o.BaseURL = "http://u:" + secret + "@127.0.0.1" },
		"QueryInURL":      func(o *wechat.Options) { o.BaseURL = "http://127.0.0.1/?secret=" + secret },
		"Unreadable":      func(o *wechat.Options) { o.BaseURL = "http://%zz" + secret },
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			change(&o)
			_, err := wechat.New(o)
			if err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// The library's root package turns the global logrus to debug on stdout when it is imported; the adapter
// uses its inner packages only, and this test fails when somebody brings the root in.
func TestTheLibraryLeavesTheGlobalLoggerAlone(t *testing.T) {
	b := newBench(t, 0)
	b.wantPhone()
	if logrus.GetLevel() != logrus.InfoLevel || logrus.StandardLogger().Out != os.Stderr {
		t.Errorf("logrus is at level %v", logrus.GetLevel())
	}
}

func TestTwoPlatformsAtOnce(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 3 { // the same app id everywhere: only the target tells them apart
		b := newBench(t, 0)
		user := fmt.Sprintf("user-%d", i)
		for range 20 {
			wg.Go(func() {
				login, _ := b.emu.LoginCode(user)
				if id, err := b.Login(ctx, login); err != nil || id.OpenID != b.emu.OpenID(user) {
					t.Errorf("login: %v, %v", id, err)
				}
				own := fmt.Sprintf("100%08d", i)
				code, _ := b.emu.PhoneCode(user, own)
				if got, err := b.PhoneNumber(ctx, code); err != nil || got != own {
					t.Errorf("phone: %q, %v", got, err)
				}
			})
		}
		defer func() {
			if n := b.wx.calls(tokenPath); n != 1 {
				t.Errorf("%d token calls for 20 callers at once", n)
			}
		}()
	}
	wg.Wait()
}
