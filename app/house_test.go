package app_test

import (
	"net/http"
	"strings"
	"testing"

	"bangfu/model"
)

// TestHouse shows the addresses outside the contract: health, metrics, docs, unknown ones.
func TestHouse(t *testing.T) {
	h := newHouse(t)
	c := h.client()
	for path, want := range map[string]string{
		"/healthz": `"ok"`, "/readyz": `"database":"ok"`, "/metrics": "http_request_duration_seconds", "/docs/": "<html", "/docs/openapi.yaml": "openapi: 3.1.0",
	} {
		if a := c.get(path); a.Status != http.StatusOK || !strings.Contains(string(a.Body), want) {
			t.Errorf("%s: %d, no %q in %.200s", path, a.Status, want, a.Body)
		}
	}
	c.get("/nowhere").fails(model.CodeNotFound)
	if a := c.post("/healthz", nil); a.Status != http.StatusMethodNotAllowed {
		t.Errorf("POST /healthz: %d", a.Status)
	}
	if !strings.Contains(h.log.String(), `"request_id"`) {
		t.Error("requests are not logged with their ids")
	}
}
