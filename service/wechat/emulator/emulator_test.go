package emulator_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/service/wechat/emulator"
)

const (
	appID  = "wx0000000000000001"
	secret = "emulated-secret"
	phone  = "10012345678"
)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) advance(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

type bench struct {
	t     *testing.T
	emu   *emulator.Emulator
	clock *clock
	base  string
}

// newBench serves a fresh emulator under a prefix, as the product does.
func newBench(t *testing.T) *bench {
	t.Helper()
	c := &clock{now: time.Date(2025, 3, 1, 1, 0, 0, 0, time.UTC)}
	emu := emulator.New(emulator.Options{AppID: appID, AppSecret: secret, Clock: c})
	srv := httptest.NewServer(http.StripPrefix("/emulator", emu))
	t.Cleanup(srv.Close)
	return &bench{t: t, emu: emu, clock: c, base: srv.URL + "/emulator"}
}

// call sends one request and decodes a JSON answer; the body stands under "body" when it is not JSON.
func (b *bench) call(method, path, body string) (int, map[string]any) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	out := map[string]any{}
	if json.Unmarshal(text, &out) != nil {
		out["body"] = string(text)
	}
	return res.StatusCode, out
}

func session(code, withSecret string) string {
	return "/sns/jscode2session?" + url.Values{"appid": {appID}, "secret": {withSecret}, "js_code": {code}, "grant_type": {"authorization_code"}}.Encode()
}

func (b *bench) wantErrcode(got map[string]any, want int) {
	b.t.Helper()
	if got["errcode"] != float64(want) {
		b.t.Errorf("errcode %v (%v), want %d", got["errcode"], got["errmsg"], want)
	}
}

func (b *bench) stableToken(force bool) string {
	b.t.Helper()
	in, _ := json.Marshal(map[string]any{"grant_type": "client_credential", "appid": appID, "secret": secret, "force_refresh": force})
	_, out := b.call("POST", "/cgi-bin/stable_token", string(in))
	token, _ := out["access_token"].(string)
	if token == "" {
		b.t.Fatalf("no token: %v", out)
	}
	return token
}

func TestLoginCode(t *testing.T) {
	b := newBench(t)
	_, made := b.call("POST", "/_emulator/users/zhang-san/login-code", "")
	code, _ := made["code"].(string)

	_, out := b.call("GET", session(code, "wrong"), "")
	b.wantErrcode(out, 40125)
	_, out = b.call("GET", strings.Replace(session(code, secret), appID, "wx9", 1), "")
	b.wantErrcode(out, 40013)
	_, out = b.call("GET", session("", secret), "")
	b.wantErrcode(out, 41008)
	_, out = b.call("POST", session(code, secret), "")
	b.wantErrcode(out, 43001)

	_, out = b.call("GET", session(code, secret), "")
	if out["openid"] != b.emu.OpenID("zhang-san") || out["unionid"] != b.emu.UnionID("zhang-san") || len(out["session_key"].(string)) != 24 {
		t.Errorf("a good code gave %v", out)
	}
	_, out = b.call("GET", session(code, secret), "")
	b.wantErrcode(out, 40163)
	_, out = b.call("GET", session("unheard-of", secret), "")
	b.wantErrcode(out, 40029)

	late, err := b.emu.LoginCode("zhang-san")
	if err != nil {
		t.Fatal(err)
	}
	b.clock.advance(5 * time.Minute)
	_, out = b.call("GET", session(late, secret), "")
	b.wantErrcode(out, 40029)
}

func TestOpenIDSurvivesRestartAndDependsOnTheApp(t *testing.T) {
	one := emulator.New(emulator.Options{AppID: appID, AppSecret: secret})
	again := emulator.New(emulator.Options{AppID: appID, AppSecret: "another"})
	other := emulator.New(emulator.Options{AppID: "wx0000000000000002", AppSecret: secret})
	if one.OpenID("li-si") != again.OpenID("li-si") || len(one.OpenID("li-si")) != 28 {
		t.Errorf("openid %q, then %q", one.OpenID("li-si"), again.OpenID("li-si"))
	}
	if one.OpenID("li-si") == other.OpenID("li-si") || one.OpenID("li-si") == one.OpenID("wang-wu") {
		t.Error("two people or two apps share an openid")
	}
	if one.UnionID("li-si") != other.UnionID("li-si") {
		t.Error("the unionid differs between apps")
	}
}

func TestPhoneCode(t *testing.T) {
	b := newBench(t)
	_, made := b.call("POST", "/_emulator/users/li-si/phone-code", `{"phone":"`+phone+`"}`)
	in, _ := json.Marshal(made)
	ask := func(token, body string) map[string]any {
		_, out := b.call("POST", "/wxa/business/getuserphonenumber?access_token="+token, body)
		return out
	}
	b.wantErrcode(ask("", string(in)), 41001)
	b.wantErrcode(ask("wrong", string(in)), 40001)
	token := b.stableToken(false)
	b.wantErrcode(ask(token, "{"), 47001)
	b.wantErrcode(ask(token, "{}"), 41008)

	out := ask(token, string(in))
	b.wantErrcode(out, 0)
	info, _ := out["phone_info"].(map[string]any)
	if info["purePhoneNumber"] != phone || info["countryCode"] != "86" || info["watermark"].(map[string]any)["appid"] != appID {
		t.Errorf("phone_info %v", info)
	}
	b.wantErrcode(ask(token, string(in)), 40163)

	login, _ := b.emu.LoginCode("li-si")
	b.wantErrcode(ask(token, `{"code":"`+login+`"}`), 40029)
	b.clock.advance(2 * time.Hour)
	b.wantErrcode(ask(token, string(in)), 42001)
}

func TestStableTokenStaysUntilItEndsOrIsForced(t *testing.T) {
	b := newBench(t)
	first := b.stableToken(false)
	b.clock.advance(time.Hour)
	if b.stableToken(false) != first {
		t.Error("the token changed within its life")
	}
	second := b.stableToken(true)
	if second == first {
		t.Error("a forced token is the old one")
	}
	_, out := b.call("POST", "/wxa/business/getuserphonenumber?access_token="+first, "{}")
	b.wantErrcode(out, 40001)
	b.clock.advance(2*time.Hour - 4*time.Minute)
	third := b.stableToken(false)
	if third == second {
		t.Error("the token was not renewed five minutes before its end")
	}
	_, out = b.call("POST", "/wxa/business/getuserphonenumber?access_token="+second, "{}")
	b.wantErrcode(out, 41008) // still good until its end
	_, out = b.call("POST", "/cgi-bin/stable_token", `{"grant_type":"client_credential","appid":"`+appID+`","secret":"x"}`)
	b.wantErrcode(out, 40125)
	_, out = b.call("GET", "/cgi-bin/stable_token", "")
	b.wantErrcode(out, 43002)
}

func TestPlainTokenChangesAtEveryCall(t *testing.T) {
	b := newBench(t)
	ask := func() string {
		_, out := b.call("GET", "/cgi-bin/token?grant_type=client_credential&appid="+appID+"&secret="+secret, "")
		token, _ := out["access_token"].(string)
		return token
	}
	stable, first, second := b.stableToken(false), ask(), ask()
	if first == "" || first == second {
		t.Errorf("tokens %q, %q", first, second)
	}
	b.clock.advance(5 * time.Minute)
	for token, want := range map[string]int{stable: 41008, first: 42001, second: 41008} {
		_, out := b.call("POST", "/wxa/business/getuserphonenumber?access_token="+token, "{}")
		b.wantErrcode(out, want)
	}
	_, out := b.call("GET", "/cgi-bin/token?grant_type=other&appid="+appID+"&secret="+secret, "")
	b.wantErrcode(out, 40002)
}

func TestFaultsActInOrderAndEnd(t *testing.T) {
	b := newBench(t)
	for _, f := range []string{
		`{"path":"/sns/jscode2session","mode":"error","errcode":45011,"times":2}`,
		`{"path":"/sns/jscode2session","mode":"down","times":1}`,
		`{"path":"/sns/jscode2session","mode":"garbage"}`,
	} {
		if status, out := b.call("POST", "/_emulator/faults", f); status != http.StatusNoContent {
			t.Fatalf("fault %s: %d %v", f, status, out)
		}
	}
	code, _ := b.emu.LoginCode("li-si")
	for range 2 {
		_, out := b.call("GET", session(code, secret), "")
		b.wantErrcode(out, 45011)
	}
	if status, _ := b.call("GET", session(code, secret), ""); status != http.StatusServiceUnavailable {
		t.Errorf("down answered %d", status)
	}
	for range 3 {
		if status, out := b.call("GET", session(code, secret), ""); status != http.StatusOK || out["body"] == nil {
			t.Errorf("garbage answered %d %v", status, out)
		}
	}
	if status, _ := b.call("DELETE", "/_emulator/faults", ""); status != http.StatusNoContent {
		t.Errorf("clearing answered %d", status)
	}
	if _, out := b.call("GET", session(code, secret), ""); out["openid"] == nil {
		t.Errorf("the faults used the code up: %v", out)
	}
}

func TestControlRefusesBadInput(t *testing.T) {
	b := newBench(t)
	for name, c := range map[string]struct{ path, body, field string }{
		"UserInCapitals":   {"/_emulator/users/Zhang/login-code", "", "user"},
		"UserTooLong":      {"/_emulator/users/" + strings.Repeat("a", 33) + "/login-code", "", "user"},
		"PhoneTooShort":    {"/_emulator/users/li-si/phone-code", `{"phone":"100"}`, "phone"},
		"PhoneOfUnknown":   {"/_emulator/users/li.si/phone-code", `{"phone":"` + phone + `"}`, "user"},
		"UnknownField":     {"/_emulator/users/li-si/phone-code", `{"telephone":"` + phone + `"}`, "body"},
		"NotJSON":          {"/_emulator/faults", `path=x`, "body"},
		"TooLarge":         {"/_emulator/faults", `{"path":"` + strings.Repeat("x", 70<<10) + `"}`, "body"},
		"UnknownPath":      {"/_emulator/faults", `{"path":"/x","mode":"down"}`, "path"},
		"UnknownMode":      {"/_emulator/faults", `{"path":"/cgi-bin/token","mode":"odd"}`, "mode"},
		"SlowWithoutDelay": {"/_emulator/faults", `{"path":"/cgi-bin/token","mode":"slow"}`, "delay_ms"},
		"DelayTooLong":     {"/_emulator/faults", `{"path":"/cgi-bin/token","mode":"slow","delay_ms":60001}`, "delay_ms"},
		"ErrorWithoutCode": {"/_emulator/faults", `{"path":"/cgi-bin/token","mode":"error"}`, "errcode"},
		"NegativeTimes":    {"/_emulator/faults", `{"path":"/cgi-bin/token","mode":"down","times":-1}`, "times"},
	} {
		t.Run(name, func(t *testing.T) {
			status, out := b.call("POST", c.path, c.body)
			e, _ := out["error"].(map[string]any)
			if status != http.StatusBadRequest || e["code"] != string(model.CodeInvalid) || !strings.Contains(toJSON(e["fields"]), `"name":"`+c.field+`"`) {
				t.Errorf("%d %v, want 400 on field %s", status, out, c.field)
			}
		})
	}
}

func toJSON(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

func TestHelpPageAndUnknownPaths(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/_emulator", "/_emulator/"} {
		status, out := b.call("GET", path, "")
		text, _ := out["body"].(string)
		if status != http.StatusOK || !strings.Contains(text, "微信模拟器") || !strings.Contains(text, appID) || strings.Contains(text, secret) {
			t.Errorf("help at %s: %d %s", path, status, text)
		}
	}
	if status, _ := b.call("GET", "/wxa/unknown", ""); status != http.StatusNotFound {
		t.Errorf("an unknown path answered %d", status)
	}
	if status, _ := b.call("POST", "/wxa/business/getuserphonenumber", strings.Repeat("x", 70<<10)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body over the limit answered %d", status)
	}
}

func TestOldCodesAreForgotten(t *testing.T) {
	b := newBench(t)
	old, _ := b.emu.LoginCode("li-si")
	_, out := b.call("GET", session(old, secret), "")
	if out["openid"] == nil {
		t.Fatal(out)
	}
	b.clock.advance(11 * time.Minute)
	if _, err := b.emu.LoginCode("li-si"); err != nil {
		t.Fatal(err)
	}
	_, out = b.call("GET", session(old, secret), "")
	b.wantErrcode(out, 40029) // no longer 40163: it is not remembered
}
