package app_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/service/identity"
)

// raw sends a request as it is and returns the answer, its body closed.
func (h *house) raw(method, path string, change func(*http.Request)) *http.Response {
	h.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, h.base+path, http.NoBody)
	if err != nil {
		h.t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

// realWechat are settings with which cookies are for TLS only.
func realWechat(c *config.Config, _ *app.Options) {
	c.WechatBaseURL, c.WechatAppID, c.WechatAppSecret = "https://wechat.invalid", "wx0000000000000001", "not-a-secret"
}

// TestSecurityHeaders holds the headers of every kind of answer: of the interface, of its errors, of health and of the page at /docs.
func TestSecurityHeaders(t *testing.T) {
	h := newHouseAt(t, time.Now(), realWechat)
	for _, path := range []string{"/api/v1/privacy-notice", "/api/v1/console/session", "/api/v1/nowhere", "/nowhere", "/healthz", "/readyz", "/docs/", "/docs/page.js"} {
		resp := h.raw("GET", path, nil)
		want := map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000; includeSubDomains", "Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
		if strings.HasPrefix(path, "/api/") {
			want["Content-Disposition"] = `attachment; filename="api.json"`
		}
		if strings.HasPrefix(path, "/docs/") {
			want["Cache-Control"], want["Content-Security-Policy"] = "no-cache", resp.Header.Get("Content-Security-Policy")
			if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self';") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe-eval") {
				t.Errorf("%s: %s", path, csp)
			}
		}
		for name, value := range want {
			if got := resp.Header.Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", path, name, got, value)
			}
		}
		for _, name := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Origin"} {
			if got := resp.Header.Get(name); got != "" {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
	for _, method := range []string{"TRACE", "OPTIONS", "PUT"} {
		if got := h.raw(method, "/api/v1/privacy-notice", nil).StatusCode; got != http.StatusMethodNotAllowed {
			t.Errorf("%s is answered with %d", method, got)
		}
	}
}

// TestHostCookie shows that over TLS the console's cookie can be set by no neighbouring host, and that the plain name counts no more.
func TestHostCookie(t *testing.T) {
	h := newHouseAt(t, time.Now(), realWechat)
	_, a := h.consoleLogin("admin", h.FirstPassword, "")
	cookie := a.ok(nil).Header.Get("Set-Cookie")
	value, rest, _ := strings.Cut(strings.TrimPrefix(cookie, "__Host-bf_staff="), ";")
	if !strings.HasPrefix(cookie, "__Host-bf_staff=") || strings.TrimSpace(rest) != "Path=/; HttpOnly; Secure; SameSite=Strict" {
		t.Errorf("%s", cookie)
	}
	for name, want := range map[string]int{"__Host-bf_staff": http.StatusOK, "bf_staff": http.StatusUnauthorized} {
		if got := h.raw("GET", "/api/v1/console/session", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: name, Value: value}) }).StatusCode; got != want {
			t.Errorf("%s is answered with %d", name, got)
		}
	}
}

// TestNotForTheWorld shows that metrics and emulator are not reached through a proxy, nor the emulator by a page whose name was made to
// mean this machine.
func TestNotForTheWorld(t *testing.T) {
	h := newHouse(t)
	for _, x := range []struct {
		path   string
		change func(*http.Request)
		want   int
	}{
		{"/metrics", nil, 200},
		{"/metrics", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1") }, 403},
		{"/emulator/_emulator", nil, 200},
		{"/emulator/_emulator", func(r *http.Request) { r.Host = "localhost:1" }, 200},
		{"/emulator/_emulator", func(r *http.Request) { r.Header.Set("Forwarded", "for=192.0.2.1") }, 403},
		{"/emulator/_emulator", func(r *http.Request) { r.Host = "evil.example" }, 403},
		{"/debug/pprof/", nil, 404},
	} {
		if got := h.raw("GET", x.path, x.change).StatusCode; got != x.want {
			t.Errorf("%s is answered with %d, want %d", x.path, got, x.want)
		}
	}
	resp := h.raw("GET", "/", func(r *http.Request) { r.Host = "evil.example" })
	if got := resp.Header.Get("Location"); got != "/docs/" {
		t.Errorf("redirected to %q", got)
	}
}

// TestClosedUnionsAccounts shows that with a union its accounts are closed: their sessions end and nobody logs in.
func TestClosedUnionsAccounts(t *testing.T) {
	h := newHouse(t)
	u := h.union(h.root(), "grassroots", "示范小学工会")
	c := h.account(identity.RoleUnionAdmin, u, "lin.gong")
	c.get("/api/v1/console/session").ok(nil)
	h.DB.Read(t.Context()).Model(&model.Union{}).Where("id = ?", u.ID).UpdateColumn("status", "closed")
	c.get("/api/v1/console/session").fails(model.CodeUnauthenticated)
	_, a := h.consoleLogin("lin.gong", goodPassword, "")
	a.fails(model.CodeUnauthenticated)
}

// TestLoginsAreAudited shows what the trail tells of logins: each that failed, each that came to be, logouts, and the showing of a secret.
func TestLoginsAreAudited(t *testing.T) {
	h := newHouse(t)
	c := h.account(identity.RoleUnionAdmin, h.root(), "lin.gong")
	h.consoleLogin("lin.gong", "not-the-password", "")
	c.post("/api/v1/console/totp", map[string]string{"password": "not-the-password"}).fails(model.CodeInvalid)
	c.post("/api/v1/console/totp", map[string]string{"password": goodPassword}).ok(nil)
	c.post("/api/v1/console/logout", nil).ok(nil)
	for action, want := range map[string]int64{"staff.login_fail": 2, "staff.totp_begin": 1, "staff.logout": 1} {
		var n int64
		h.DB.Read(t.Context()).Model(&model.AuditEntry{}).Where("action = ?", action).Count(&n)
		if n != want {
			t.Errorf("%d entries of %s, want %d", n, action, want)
		}
	}
	h.noSecretsLogged("not-the-password", goodPassword)
}

// TestAddressQuota shows that an address that failed too often, whichever accounts it tried, is turned away without Redis too, that a
// login that comes to be does not count, and that the whole of an IPv6 line is one address.
func TestAddressQuota(t *testing.T) {
	h := newHouse(t)
	h.Guard.LiftLimits(true) // as while Redis is away
	h.account(identity.RoleUnionAdmin, h.root(), "lin.gong")
	try := func(n int, login, password string) model.Code {
		_, err := h.Identity.LoginStaff(t.Context(), identity.StaffLogin{Login: login, Password: password, IP: fmt.Sprintf("2001:db8:0:1::%x", n), RequestID: "test-0000"})
		return model.CodeOf(err)
	}
	for n := range 100 {
		if got := try(n+1, fmt.Sprintf("nobody%d", n), goodPassword); got != model.CodeUnauthenticated {
			t.Fatalf("try %d: %s", n, got)
		}
		if n%20 == 0 {
			if got := try(n+1, "lin.gong", goodPassword); got != "" {
				t.Fatalf("a right login after %d tries: %s", n, got)
			}
		}
	}
	if got := try(7, "lin.gong", goodPassword); got != model.CodeRateLimited {
		t.Errorf("after 100 failures: %q", got)
	}
	_, err := h.Identity.LoginStaff(t.Context(), identity.StaffLogin{Login: "lin.gong", Password: goodPassword, IP: "2001:db8:0:2::1", RequestID: "test-0000"})
	if err != nil {
		t.Errorf("from another address: %v", err)
	}
	h.clock.Advance(time.Hour)
	if got := try(7, "lin.gong", goodPassword); got != "" {
		t.Errorf("an hour later: %q", got)
	}
}

// TestOversizedRequests shows that bodies and heads over their limits are turned away.
func TestOversizedRequests(t *testing.T) {
	h := newHouse(t)
	c := h.account(identity.RoleUnionAdmin, h.root(), "lin.gong")
	big := []byte(`{"old":"` + strings.Repeat("a", 2<<20) + `"}`)
	c.do(request{method: "POST", path: "/api/v1/console/password", raw: big, contentType: "application/json"}).fails(model.CodeTooLarge)
	c.do(request{method: "POST", path: "/api/v1/wechatpay/notices", raw: big, contentType: "application/json"}).fails(model.CodeTooLarge)
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("a", 2<<20)+"\r\n\r\n")
	answer, _ := io.ReadAll(io.LimitReader(conn, 64))
	if len(answer) > 0 && !strings.Contains(string(answer), "431") {
		t.Errorf("%q", answer)
	}
}
