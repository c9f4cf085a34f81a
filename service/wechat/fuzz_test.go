package wechat_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"bangfu/model"
	"bangfu/service/wechat"
)

// FuzzAnswers: whatever WeChat, or what stands in its place, answers to a login, to the exchange of a phone number, to the request for
// a token and to a message: the call gives what was asked for or an error that may be shown, and never the secret.
func FuzzAnswers(f *testing.F) {
	f.Add(200, `{"openid":"o1","session_key":"k","unionid":"u"}`, `{"access_token":"t","expires_in":7200}`)
	f.Add(200, `{"errcode":0,"phone_info":{"phoneNumber":"10012345678","purePhoneNumber":"10012345678","countryCode":"86"}}`, `{"access_token":"t","expires_in":7200}`)
	f.Add(200, `{"errcode":40029,"errmsg":"invalid code, rid: 1-2"}`, `{"errcode":-1,"errmsg":"top-secret-of-the-app"}`)
	f.Add(200, `{"errcode":40001}`, `{"access_token":"t","expires_in":-1}`)
	f.Add(200, `{"errcode":0,"phone_info":{"purePhoneNumber":"99990000","countryCode":"852"}}`, `{"access_token":"t","expires_in":9223372036854775807}`)
	f.Add(200, `{"openid":7}`, `{"access_token":""}`)
	f.Add(502, `<html>top-secret-of-the-app`, `null`)
	f.Add(302, ``, `[`)
	f.Add(200, "{\"openid\":\"a\nb\"}", `{"access_token":"a b&c","expires_in":1}`)
	f.Add(200, `{"openid":"\u0000`+strings.Repeat("x", 500)+`"}`, `{"access_token":"t","expires_in":"7200"}`)
	var status atomic.Int64
	var answer, token atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(int(status.Load()))
		if r.URL.Path == tokenPath {
			say(w, token.Load().(string))
			return
		}
		say(w, answer.Load().(string))
	}))
	f.Cleanup(server.Close)
	cache, err := miniredis.Run()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(cache.Close)
	rdb := redis.NewClient(&redis.Options{Addr: cache.Addr()})
	f.Cleanup(func() { _ = rdb.Close() })
	openID := regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	f.Fuzz(func(t *testing.T, code int, said, saidToken string) {
		if code < 200 || code > 599 {
			code = 200 // others are no HTTP
		}
		status.Store(int64(code))
		answer.Store(said)
		token.Store(saidToken)
		cache.FlushAll()
		c, err := wechat.New(wechat.Options{BaseURL: server.URL, AppID: appID, AppSecret: secret, Cache: wechat.NewTokenCache(rdb, "bf:", nil), Timeout: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		well := func(what string, err error, codes ...model.Code) {
			t.Helper()
			kind := model.CodeOf(err)
			for _, one := range append(codes, model.CodeWechat, model.CodeRateLimited, model.CodeForbidden) {
				if kind == one {
					kind = ""
				}
			}
			if kind != "" || strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if id, err := c.Login(t.Context(), "code"); err != nil {
			well("login", err, model.CodeInvalid)
		} else if !openID.MatchString(id.OpenID) || id.UnionID != "" && !openID.MatchString(id.UnionID) || code != http.StatusOK {
			t.Errorf("login: %+v", id)
		}
		if number, err := c.PhoneNumber(t.Context(), "code"); err != nil {
			well("phone", err, model.CodeInvalid)
		} else if len(number) != 11 || number[0] != '1' || strings.Trim(number, "0123456789") != "" || code != http.StatusOK {
			t.Errorf("phone: %q", number)
		}
		if err := c.SendSubscribe(t.Context(), wechat.Subscribe{OpenID: "o", TemplateID: "t"}); err != nil {
			well("message", err, model.CodeInvalid)
		} else if code != http.StatusOK || !strings.Contains(strings.ToLower(said), "errcode") {
			t.Errorf("the message counts as sent after %d %q", code, said)
		}
	})
}
