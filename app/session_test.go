package app_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"bangfu/api"
	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/identity"
	"bangfu/service/report"
)

const goodPassword = "a-long-pass-phrase"

// consoleLogin tries to log in; the client keeps cookie and CSRF token of a session that it got.
func (h *house) consoleLogin(login, password, code string) (*client, *answer) {
	h.t.Helper()
	c := h.client()
	body := map[string]string{"login": login, "password": password}
	if code != "" {
		body["totp"] = code
	}
	a := c.post("/api/v1/console/login", body)
	if a.Status == http.StatusOK {
		var session identity.ConsoleSession
		a.ok(&session)
		c.csrf = session.CSRFToken
		for _, cookie := range (&http.Response{Header: a.Header}).Cookies() {
			if cookie.Name == api.StaffCookie {
				c.cookie = cookie.Value
			}
		}
	}
	return c, a
}

// account makes a console account with goodPassword through the product and logs in with it.
func (h *house) account(role identity.Role, u model.Union, login string) *client {
	h.t.Helper()
	var made identity.NewStaff
	h.staffAs(identity.RoleOperator, h.root()).post("/api/v1/console/unions/"+u.ID.String()+"/staff", map[string]any{"login": login, "name": "林工", "role": role}).ok(&made)
	c, a := h.consoleLogin(login, made.InitialPassword, "")
	a.ok(nil)
	c.post("/api/v1/console/password", map[string]string{"old": made.InitialPassword, "new": goodPassword}).ok(nil)
	c.staff = model.Staff{ID: made.Staff.ID, Login: login, UnionID: u.ID}
	return c
}

func (h *house) totpCode(secret string) string {
	h.t.Helper()
	code, err := totp.GenerateCode(secret, h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return code
}

// enrol binds an authenticator and returns its secret.
func (c *client) enrol(password string) string {
	c.t.Helper()
	var e identity.TOTPEnrolment
	c.post("/api/v1/console/totp", map[string]string{"password": password}).ok(&e)
	c.post("/api/v1/console/totp/confirm", map[string]string{"code": c.h.totpCode(e.Secret)}).ok(nil)
	return e.Secret
}

func (c *client) session() identity.ConsoleSession {
	c.t.Helper()
	var s identity.ConsoleSession
	c.get("/api/v1/console/session").ok(&s)
	return s
}

// TestFirstStart walks the first operator from the password file to a session that may manage accounts.
func TestFirstStart(t *testing.T) {
	h := newHouse(t)
	path := filepath.Join(h.Config.DataDir, "secrets", "admin-password")
	kept, err := os.ReadFile(path)
	info, _ := os.Stat(path)
	if err != nil || strings.TrimSpace(string(kept)) != h.FirstPassword || len(h.FirstPassword) < 16 || info.Mode().Perm() != 0o600 {
		t.Fatalf("first password %q, kept %q, %v", h.FirstPassword, kept, err)
	}
	first := h.FirstPassword
	h.FirstPassword = ""
	if err := h.Setup(context.Background()); err != nil || h.FirstPassword != "" {
		t.Errorf("the second set-up made %q, %v", h.FirstPassword, err)
	}
	c, a := h.consoleLogin("Admin", first, "")
	var s identity.ConsoleSession
	a.ok(&s)
	if !s.MustChangePassword || !s.EnrolmentRequired || s.SecondFactor || s.Staff.Role != string(identity.RoleOperator) {
		t.Errorf("%+v", s)
	}
	cookie := a.Header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("%s is missing in the cookie", want)
		}
	}
	if strings.Contains(string(a.Body), c.cookie) {
		t.Error("the session's token is in the body")
	}

	staff := "/api/v1/console/unions/" + h.root().ID.String() + "/staff"
	for _, a := range []*answer{c.get(staff), c.post("/api/v1/console/totp", map[string]string{"password": first}), c.get("/api/v1/console/roles")} {
		if e := a.fails(model.CodeForbidden); !strings.Contains(e.Message, "初始密码") {
			t.Errorf("%+v", e)
		}
	}
	c.post("/api/v1/console/password", map[string]string{"old": first, "new": goodPassword}).ok(nil)
	c.get(staff).ok(nil)
	c.post(staff, map[string]any{"login": "auditor", "name": "审计", "role": "auditor"}).fails(model.CodeSecondFactor)
	secret := c.enrol(goodPassword)
	c.post(staff, map[string]any{"login": "auditor", "name": "审计", "role": "auditor"}).ok(nil)
	if s := c.session(); s.MustChangePassword || s.EnrolmentRequired || !s.SecondFactor || s.CSRFToken != c.csrf {
		t.Errorf("%+v", s)
	}
	h.noSecretsLogged(first, goodPassword, secret, c.cookie, c.csrf)
}

// TestSecondFactor shows that a code is asked for, that it works within a step, and works once.
func TestSecondFactor(t *testing.T) {
	h := newHouse(t)
	c := h.account(identity.RoleUnionApprover, h.union(h.root(), "grassroots", "示范小学工会"), "approver")
	c.post("/api/v1/console/totp/confirm", map[string]string{"code": "000000"}).fails(model.CodeConflict) // not begun
	c.post("/api/v1/console/totp", map[string]string{"password": "something-else"}).fails(model.CodeInvalid)
	var e identity.TOTPEnrolment
	c.post("/api/v1/console/totp", map[string]string{"password": goodPassword}).ok(&e)
	if !strings.HasPrefix(e.URI, "otpauth://totp/") || !strings.Contains(e.URI, e.Secret) || !strings.HasPrefix(e.QR, "data:image/png;base64,iVBOR") {
		t.Errorf("%.300s", fmt.Sprint(e))
	}
	c.post("/api/v1/console/totp/confirm", map[string]string{"code": "12345"}).fails(model.CodeInvalid)
	wrong := "000000"
	if h.totpCode(e.Secret) == wrong {
		wrong = "111111"
	}
	c.post("/api/v1/console/totp/confirm", map[string]string{"code": wrong}).fails(model.CodeSecondFactor)
	_, a := h.consoleLogin("approver", goodPassword, "")
	a.ok(nil) // not confirmed yet: not asked for
	c.post("/api/v1/console/totp/confirm", map[string]string{"code": h.totpCode(e.Secret)}).ok(nil)
	c.post("/api/v1/console/totp", map[string]string{"password": goodPassword}).fails(model.CodeConflict)

	code := h.totpCode(e.Secret)
	_, a = h.consoleLogin("approver", goodPassword, "")
	a.fails(model.CodeSecondFactor)
	_, a = h.consoleLogin("approver", goodPassword, code)
	a.fails(model.CodeSecondFactor) // used by the enrolment
	h.clock.Advance(30 * time.Second)
	early := h.totpCode(e.Secret)
	h.clock.Advance(30 * time.Second) // one step late is within reach
	results := together(3, func(int) model.Code {
		_, a := h.consoleLogin("approver", goodPassword, early)
		return codeOf(a)
	})
	if results[""] != 1 || results[model.CodeSecondFactor] != 2 {
		t.Errorf("one code three times at once: %v", results)
	}
	code = h.totpCode(e.Secret)
	h.clock.Advance(61 * time.Second)
	_, a = h.consoleLogin("approver", goodPassword, code)
	a.fails(model.CodeSecondFactor) // too late
	c, a = h.consoleLogin("approver", goodPassword, h.totpCode(e.Secret))
	a.ok(nil)
	if !c.session().SecondFactor {
		t.Error("the session is not one with a second factor")
	}
	h.noSecretsLogged(e.Secret, code, early)
}

// TestLockOut shows that guesses close an account for a quarter of an hour, with Redis and without, and that a login which does not exist answers
// just the same: status, message, and how long to wait, at any minute, and also when a quarter of an hour or days lie between the guesses.
func TestLockOut(t *testing.T) {
	h := newHouseAt(t, modeltest.At("2025-03-03 09:07"))
	h.account(identity.RoleUnionAdmin, h.root(), "lin.gong")
	_ = h.Guard.Close()
	alike := func(wants model.Code) string {
		t.Helper()
		var said [2]string
		for i, login := range []string{"lin.gong", "nobody"} {
			_, a := h.consoleLogin(login, "not-the-password", "")
			said[i] = fmt.Sprint(a.Status, a.fails(wants).Message, " ", a.Header.Get("Retry-After"))
		}
		if said[0] != said[1] {
			t.Errorf("%s: a login that exists answers %s, one that does not %s", h.clock.Now(), said[0], said[1])
		}
		return said[0]
	}
	for range 4 {
		alike(model.CodeUnauthenticated)
	}
	h.clock.Advance(9 * time.Minute) // over 09:15
	alike(model.CodeUnauthenticated)
	if said := alike(model.CodeRateLimited); !strings.HasSuffix(said, " 900") {
		t.Errorf("closed at 09:16: %s", said)
	}
	h.clock.Advance(14*time.Minute + 30*time.Second) // over 09:30
	if said := alike(model.CodeRateLimited); !strings.HasSuffix(said, " 30") {
		t.Errorf("half a minute before the end: %s", said)
	}
	h.clock.Advance(30 * time.Second)
	for range 4 {
		alike(model.CodeUnauthenticated)
	}
	h.clock.Advance(4 * 24 * time.Hour)
	if err := h.Identity.PurgeExpired(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		alike(model.CodeUnauthenticated)
	}
	alike(model.CodeRateLimited)
	var trail model.List[report.AuditView]
	h.staffAs(identity.RoleAuditor, h.root()).get(console + "/audit?action=staff.lock").ok(&trail)
	if len(trail.Items) != 2 || trail.Items[0].ActionName != "控制台账号：连续登录失败，锁定" || trail.Items[0].ActorName != "未登录者" || trail.Items[0].RequestID == "" {
		t.Errorf("the trail tells of the lock-out as %+v", trail.Items)
	}
	h.clock.Advance(15*time.Minute - time.Second)
	_, a := h.consoleLogin("lin.gong", goodPassword, "")
	a.fails(model.CodeRateLimited)
	h.clock.Advance(time.Second)
	_, a = h.consoleLogin("lin.gong", goodPassword, "")
	a.ok(nil)
}

// TestGuessesOfPasswordsAtOnce shows that parallel guesses do not slip past the lock-out.
func TestGuessesOfPasswordsAtOnce(t *testing.T) {
	h := newHouse(t)
	h.account(identity.RoleUnionAdmin, h.root(), "lin.gong")
	_ = h.Guard.Close()
	results := together(12, func(int) model.Code {
		_, a := h.consoleLogin("lin.gong", "not-the-password", "")
		return codeOf(a)
	})
	if results[model.CodeUnauthenticated] != 5 || results[model.CodeRateLimited] != 7 {
		t.Errorf("%v", results)
	}
}

// TestLoginsFromOneAddressAreLimited shows the flood gate.
func TestLoginsFromOneAddressAreLimited(t *testing.T) {
	h := newHouse(t)
	results := together(90, func(n int) model.Code {
		_, a := h.consoleLogin(fmt.Sprintf("guess%d", n), "not-the-password", "")
		return codeOf(a)
	})
	refused := results[model.CodeRateLimited] > 0 || h.Guard.Health() != nil // a Redis too slow to answer refuses nobody
	if !refused || results[model.CodeUnauthenticated] < 60 {
		t.Errorf("%v", results)
	}
}

// TestCookieIsSecureBehindHTTPS shows that the session's cookie never travels in the clear where people come over HTTPS.
func TestCookieIsSecureBehindHTTPS(t *testing.T) {
	h := newHouseAt(t, modeltest.At("2025-03-03 09:00"), func(c *config.Config, _ *app.Options) {
		c.WechatBaseURL, c.WechatAppID, c.WechatAppSecret = "https://wechat.invalid", "wx0", "secret"
	})
	_, a := h.consoleLogin("admin", h.FirstPassword, "")
	if cookie := a.ok(nil).Header.Get("Set-Cookie"); !strings.Contains(cookie, "; Secure") {
		t.Error(cookie)
	}
}

// TestSessionsEnd shows idle and absolute ends, logout, revocation and what is left of them.
func TestSessionsEnd(t *testing.T) {
	h := newHouse(t)
	h.rosterMember(h.root(), "陈晓明", phoneA, idNumberA)
	const profile, session = "/api/v1/member/profile", "/api/v1/console/session"
	c := h.consenting("chen")
	c.bind("chen", phoneA, "陈晓明", "010016", 0).ok(nil)
	tablet := h.wechatLogin("chen")
	tablet.get(profile).ok(nil)
	c.post("/api/v1/member/logout", nil).ok(nil)
	c.get(profile).fails(model.CodeUnauthenticated)
	tablet.get(profile).ok(nil) // another device's session goes on
	c = h.wechatLogin("chen")
	c.post("/api/v1/member/sessions/revoke-all", nil).ok(nil)
	c.get(profile).fails(model.CodeUnauthenticated)
	tablet.get(profile).fails(model.CodeUnauthenticated)

	idle, used := h.wechatLogin("chen"), h.wechatLogin("chen")
	for at := time.Duration(0); at < h.Config.SessionMaxMember-24*time.Hour; at += 20 * 24 * time.Hour {
		used.get(profile).ok(nil)
		h.clock.Advance(20 * 24 * time.Hour)
	}
	idle.get(profile).fails(model.CodeUnauthenticated)
	used.get(profile).fails(model.CodeUnauthenticated) // never idle, but past its absolute end

	staff := h.account(identity.RoleUnionAdmin, h.root(), "lin.gong")
	h.clock.Advance(h.Config.SessionIdleStaff)
	staff.get(session).ok(nil)
	h.clock.Advance(h.Config.SessionIdleStaff + time.Second)
	staff.get(session).fails(model.CodeUnauthenticated)
	staff, a := h.consoleLogin("lin.gong", goodPassword, "")
	a.ok(nil)
	for range 25 {
		staff.get(session).ok(nil)
		h.clock.Advance(h.Config.SessionIdleStaff - time.Minute)
	}
	staff.get(session).fails(model.CodeUnauthenticated)
	staff, _ = h.consoleLogin("lin.gong", goodPassword, "")
	out := staff.post("/api/v1/console/logout", nil).ok(nil)
	if !strings.Contains(out.Header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("cookie after logout: %s", out.Header.Get("Set-Cookie"))
	}
	staff.get(session).fails(model.CodeUnauthenticated)

	h.clock.Advance(31 * 24 * time.Hour)
	live := h.wechatLogin("chen")
	if err := h.Identity.PurgeExpired(context.Background()); err != nil {
		t.Fatal(err)
	}
	live.get(profile).ok(nil)
	var sessions, attempts int64
	h.DB.Read(context.Background()).Model(&model.Session{}).Where("expires_at < ?", h.clock.Now()).Count(&sessions)
	h.DB.Read(context.Background()).Model(&model.Attempt{}).Count(&attempts)
	if sessions != 0 || attempts != 0 {
		t.Errorf("%d sessions and %d attempts are left", sessions, attempts)
	}
}

// TestTokensAreNotInterchangeable shows that a member's token opens no console and the other way round, and that a made-up
// one opens nothing.
func TestTokensAreNotInterchangeable(t *testing.T) {
	h := newHouse(t)
	m, s := h.wechatLogin("chen"), h.account(identity.RoleUnionAdmin, h.root(), "lin.gong")
	for _, x := range []*client{{token: s.cookie}, {cookie: m.token, csrf: "x"}, {token: strings.Repeat("a", 43)}, {cookie: strings.Repeat("a", 43)}, {token: "short"}} {
		c := h.client()
		c.token, c.cookie, c.csrf = x.token, x.cookie, x.csrf
		c.get("/api/v1/console/session").fails(model.CodeUnauthenticated)
		c.get("/api/v1/member/binding").fails(model.CodeUnauthenticated)
	}
	var row model.Session
	if h.DB.Read(context.Background()).Where("token_hash = ? OR csrf_hash = ?", s.cookie, s.csrf).Take(&row).Error == nil {
		t.Error("a token is stored as it is")
	}
}

// TestCSRF shows that a write without the session's own token is refused, and a body that a foreign form could send too.
func TestCSRF(t *testing.T) {
	h := newHouse(t)
	c, mate := h.account(identity.RoleUnionAdmin, h.root(), "lin.gong"), h.account(identity.RoleUnionAdmin, h.root(), "mate")
	right := c.csrf
	for _, wrong := range []string{"", "x", mate.csrf, c.cookie} {
		c.csrf = wrong
		c.get("/api/v1/console/session").ok(nil) // reading needs none
		c.post("/api/v1/console/logout", nil).fails(model.CodeForbidden)
	}
	c.csrf = right
	c.do(request{method: "POST", path: "/api/v1/console/password", raw: []byte(`{"old":"a","new":"b"}`), contentType: "text/plain"}).fails(model.CodeInvalid)
	c.post("/api/v1/console/logout", nil).ok(nil)
}

// TestSessionIsRenewed: once an authenticator is bound or the password changed, the session goes on under another cookie and CSRF token, and those
// that it had before are worth nothing.
func TestSessionIsRenewed(t *testing.T) {
	h := newHouse(t)
	c := h.account(identity.RoleUnionApprover, h.union(h.root(), "grassroots", "示范小学工会"), "approver")
	for _, step := range []func(){
		func() { c.enrol(goodPassword) },
		func() {
			c.post(console+"/password", map[string]string{"old": goodPassword, "new": "another-pass-phrase"}).ok(nil)
		},
	} {
		before := h.client()
		before.cookie, before.csrf = c.cookie, c.csrf
		before.get(console + "/session").ok(nil)
		step()
		before.get(console + "/session").fails(model.CodeUnauthenticated)
		before.post(console+"/logout", nil).fails(model.CodeUnauthenticated)
		if s := c.session(); c.cookie == before.cookie || c.csrf == before.csrf || s.CSRFToken != c.csrf || !s.SecondFactor {
			t.Errorf("the session goes on as %+v", s)
		}
		before.cookie = c.cookie // with the CSRF token of the old one
		before.post(console+"/logout", nil).fails(model.CodeForbidden)
	}
	c.post(console+"/logout", nil).ok(nil)
}

// TestPasswords shows which new passwords are refused, and that a change ends the other sessions.
func TestPasswords(t *testing.T) {
	h := newHouse(t)
	c := h.account(identity.RoleUnionAdmin, h.root(), "lin.gong")
	other, _ := h.consoleLogin("lin.gong", goodPassword, "")
	for name, x := range map[string]struct{ old, next, field string }{
		"WrongOld":  {"not-the-password", "another-pass-phrase", "old"},
		"Same":      {goodPassword, goodPassword, "new"},
		"Short":     {goodPassword, "九个字的密码不行啊", "new"},
		"Long":      {goodPassword, strings.Repeat("长", 129), "new"},
		"Login":     {goodPassword, "my-Lin.Gong-password", "new"},
		"Common":    {goodPassword, "Password123", "new"},
		"OneLetter": {goodPassword, "zzzzzzzzzzzzzz", "new"},
		"Empty":     {goodPassword, "", "new"},
	} {
		t.Run(name, func(t *testing.T) {
			e := c.post("/api/v1/console/password", map[string]string{"old": x.old, "new": x.next}).fails(model.CodeInvalid)
			if len(e.Fields) != 1 || e.Fields[0].Name != x.field {
				t.Errorf("%+v", e)
			}
		})
	}
	other.get("/api/v1/console/session").ok(nil)
	c.post("/api/v1/console/password", map[string]string{"old": goodPassword, "new": "another-pass-phrase"}).ok(nil)
	c.get("/api/v1/console/session").ok(nil)
	other.get("/api/v1/console/session").fails(model.CodeUnauthenticated)
	_, a := h.consoleLogin("lin.gong", goodPassword, "")
	a.fails(model.CodeUnauthenticated)
	for range 4 { // the login just before was the first
		c.post("/api/v1/console/password", map[string]string{"old": "not-the-password", "new": goodPassword}).fails(model.CodeInvalid)
	}
	c.post("/api/v1/console/password", map[string]string{"old": "another-pass-phrase", "new": goodPassword}).fails(model.CodeRateLimited)
}
