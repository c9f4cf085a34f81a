package app_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"bangfu/api"
	"bangfu/model"
	"bangfu/service/identity"
)

// TestNewPrivacyNoticeIsAskedFor shows that a bound member who agreed to an earlier notice only gets no further than to read the
// one in force, agree to it or leave, on every route, and goes on where it was once it has agreed.
func TestNewPrivacyNoticeIsAskedFor(t *testing.T) {
	h := newHouse(t)
	c := h.memberAs(h.rosterMember(h.root(), "陈晓明", phoneA, idNumberA).PersonID)
	c.get("/api/v1/member/profile").ok(nil)
	if err := h.DB.Read(context.Background()).Model(&model.Consent{}).Where("1 = 1").UpdateColumn("version", "0.9").Error; err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, r := range h.Server.Routes() {
		if r.Audience != api.Member {
			continue
		}
		asked++
		path := ginParam.ReplaceAllString(r.Path, "1")
		e := c.do(request{method: r.Method, path: path, header: map[string]string{"Idempotency-Key": "consent-1"}}).fails(model.CodeConsentRequired)
		if !strings.Contains(e.Message, "隐私政策") || string(e.Data) != `{"version":"`+identity.PrivacyVersion+`"}` {
			t.Errorf("%s %s: %+v", r.Method, path, e)
		}
	}
	if asked < 10 {
		t.Errorf("only %d routes of members were tried", asked)
	}
	for _, path := range []string{"/api/v1/privacy-notice", "/api/v1/member/binding", "/api/v1/products", "/api/v1/product-filters"} {
		c.get(path).ok(nil)
	}
	var b identity.Binding
	if c.get("/api/v1/member/binding").ok(&b); b.State != identity.BindingBound || b.Consented {
		t.Errorf("%+v", b)
	}
	c.post("/api/v1/member/consents", map[string]string{"version": "0.9"}).fails(model.CodeConflict)
	c.post("/api/v1/member/consents", map[string]string{"version": identity.PrivacyVersion}).ok(nil)
	c.get("/api/v1/member/profile").ok(nil)
	if err := h.DB.Read(context.Background()).Where("1 = 1").Delete(&model.Consent{}).Error; err != nil {
		t.Fatal(err)
	}
	if a := c.post("/api/v1/member/sessions/revoke-all", nil); a.Status != http.StatusNoContent { // who does not agree can still leave
		t.Errorf("%d %s", a.Status, a.Body)
	}
	c.get("/api/v1/privacy-notice").ok(nil)
	c.get("/api/v1/member/profile").fails(model.CodeUnauthenticated)
}
