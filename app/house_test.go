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
	for _, page := range []struct{ path, want string }{
		{"/healthz", `"ok"`}, {"/readyz", `"database":"ok"`}, {"/docs/", "<html"}, {"/docs/openapi.yaml", "openapi: 3.1.0"},
		{"/metrics", "http_request_duration_seconds"}, // last: the series appears with the first request that ended
	} {
		if a := c.get(page.path); a.Status != http.StatusOK || !strings.Contains(string(a.Body), page.want) {
			t.Errorf("%s: %d, no %q in %.200s", page.path, a.Status, page.want, a.Body)
		}
	}
	metrics := string(c.get("/metrics").Body)
	for _, want := range []string{"checkout_total", "checkout_seconds", "job_queue_depth", "guard_up 1", "database_up 1", "go_sql_open_connections", "process_resident_memory_bytes"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s among the metrics", want)
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
