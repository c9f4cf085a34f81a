package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"bangfu/model"
)

// TestPayControls shows that the controls of WeChat Pay answer, and refuse nonsense by field.
func TestPayControls(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/_emulator/notices", `{"about":"refund","mode":"doubled","count":3,"times":1}`},
		{"POST", "/_emulator/notices", `{"mode":"late","delay_ms":5}`},
		{"POST", "/_emulator/notices/release", ""},
		{"PUT", "/_emulator/notices/retries", `{"delays_ms":[10,20]}`},
		{"POST", "/_emulator/refunds", `{"result":"never"}`},
		{"DELETE", "/_emulator/rules", ""},
		{"POST", "/_emulator/faults", `{"path":"/v3/refund/domestic/refunds","mode":"error","status":500,"code":"SYSTEM_ERROR"}`},
	} {
		if status, out := b.call(c.method, c.path, c.body); status != http.StatusNoContent {
			t.Errorf("%s %s: %d %v", c.method, c.path, status, out)
		}
	}
	if status, out := b.call("GET", "/_emulator/notices", ""); status != http.StatusOK || out["items"] == nil {
		t.Errorf("%d %v", status, out)
	}
	for name, c := range map[string]struct{ method, path, body, want string }{
		"Mode":       {"POST", "/_emulator/notices", `{"mode":"odd"}`, `"name":"mode"`},
		"About":      {"POST", "/_emulator/notices", `{"mode":"silent","about":"x"}`, `"name":"about"`},
		"NoDelay":    {"POST", "/_emulator/notices", `{"mode":"late"}`, `"name":"delay_ms"`},
		"Count":      {"POST", "/_emulator/notices", `{"mode":"doubled","count":1}`, `"name":"count"`},
		"Times":      {"POST", "/_emulator/notices", `{"mode":"silent","times":-1}`, `"name":"times"`},
		"Result":     {"POST", "/_emulator/refunds", `{"result":"lost"}`, `"name":"result"`},
		"Retries":    {"PUT", "/_emulator/notices/retries", `{"delays_ms":[0]}`, `"name":"delays_ms"`},
		"Verdict":    {"POST", "/_emulator/payments/P1/pay", `{"verdict":"maybe"}`, `"name":"verdict"`},
		"PayUnknown": {"POST", "/_emulator/payments/P1/pay", `{"verdict":"success"}`, string(model.CodeNotFound)},
		"PayRule":    {"POST", "/_emulator/payments/P1/pay", `{"verdict":"success","notice":{"mode":"x"}}`, `"name":"mode"`},
		"NoRefund":   {"POST", "/_emulator/refunds/R1/result", `{"result":"success"}`, string(model.CodeNotFound)},
		"Never":      {"POST", "/_emulator/refunds/R1/result", `{"result":"never"}`, `"name":"result"`},
		"FaultCode":  {"POST", "/_emulator/faults", `{"path":"/v3/refund/domestic/refunds","mode":"error","status":500}`, `"name":"code"`},
		"FaultState": {"POST", "/_emulator/faults", `{"path":"/v3/refund/domestic/refunds","mode":"error","errcode":1}`, `"name":"status"`},
	} {
		if status, out := b.call(c.method, c.path, c.body); status != http.StatusBadRequest || !strings.Contains(toJSON(out), c.want) {
			t.Errorf("%s: %d %v", name, status, out)
		}
	}
	if status, out := b.call("GET", "/v3/pay/transactions/out-trade-no/P00001?mchid=1", ""); status != http.StatusUnauthorized || out["code"] != "SIGN_ERROR" {
		t.Errorf("unsigned: %d %v", status, out)
	}
}
