package wechat

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/silenceper/wechat/v2/miniprogram/config"
	"github.com/silenceper/wechat/v2/util"
)

// A library function that drops the context must fail instead of sending the secret to the real platform.
func TestRouterRefusesCallsWithoutTarget(t *testing.T) {
	installRouter()
	if _, err := util.HTTPGet("https://" + platformHost + "/sns/x"); !errors.Is(err, errNoTarget) {
		t.Errorf("get: %v", err)
	}
	if _, err := util.PostJSON("https://"+platformHost+"/sns/x", map[string]string{"a": "b"}); !errors.Is(err, errNoTarget) {
		t.Errorf("post: %v", err)
	}
}

func TestRouterServesThePlatformOnly(t *testing.T) {
	c := &Client{target: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, timeout: DefaultTimeout}
	ctx, cancel := c.begin(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://elsewhere.example/x", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (router{next: http.DefaultTransport}).RoundTrip(req); !errors.Is(err, errNotPlatform) {
		t.Errorf("error %v", err)
	}
}

func TestRedactHidesWhatAnErrorMayQuote(t *testing.T) {
	c := &Client{config: &config.Config{AppSecret: "shh"}}
	for in, want := range map[string]string{
		"get /x?appid=wx1&secret=abc&js_code=def&g=1": "get /x?appid=wx1&secret=***&js_code=***&g=1",
		`{"access_token": "abc","expires_in":7200}`:   `{"access_token": "***","expires_in":7200}`,
		`{"session_key":"a/b=="}`:                     `{"session_key":"***"}`,
		"it is shh, really":                           "it is ***, really",
		"errcode 40001":                               "errcode 40001",
	} {
		if got := c.redact(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestAnswersAreReducedToCodeAndRequestID(t *testing.T) {
	err := util.NewCommonError("x", 40125, "invalid appsecret abc rid: 65f0-aa-1")
	if got := bare(err); got != "errcode 40125, rid 65f0-aa-1" {
		t.Error(got)
	}
}
