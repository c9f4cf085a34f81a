package emulator_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"bangfu/service/wechat/emulator"
)

// FuzzEmulator: any request to the emulator is answered; it stands on loopback and in tests only, but must not take the process with it.
func FuzzEmulator(f *testing.F) {
	f.Add("GET", "/sns/jscode2session?appid="+appID+"&secret="+secret+"&js_code=x", "")
	f.Add("POST", "/cgi-bin/stable_token", `{"grant_type":"client_credential","appid":"`+appID+`","secret":"`+secret+`"}`)
	f.Add("POST", "/wxa/business/getuserphonenumber?access_token=x", `{"code":"1"}`)
	f.Add("POST", "/_emulator/users/chen/login-code", "")
	f.Add("POST", "/_emulator/users/chen/phone-code", `{"phone":"10000000001"}`)
	f.Add("POST", "/_emulator/faults", `{"path":"/sns/jscode2session","errcode":-1,"times":1}`)
	f.Add("POST", "/_emulator/notices", `{"drop":true}`)
	f.Add("PUT", "/_emulator/notices/retries", `{"seconds":[1]}`)
	f.Add("POST", "/_emulator/payments/P1/pay", `{}`)
	f.Add("POST", "/v3/pay/transactions/jsapi", `{}`)
	f.Fuzz(func(t *testing.T, method, target, body string) {
		if strings.Contains(body, "delay") || strings.Contains(body, "hang") || strings.Contains(body, "never") {
			return // those rules make it wait, as they should
		}
		req, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1/"+strings.TrimPrefix(target, "/"), strings.NewReader(body))
		if err != nil {
			return
		}
		e := emulator.New(emulator.Options{AppID: appID, AppSecret: secret, Clock: &clock{now: time.Date(2025, 3, 1, 1, 0, 0, 0, time.UTC)}})
		defer e.Close()
		w := httptest.NewRecorder()
		e.ServeHTTP(w, req)
		if w.Code >= 500 {
			t.Errorf("%s %s answered %d: %s", method, target, w.Code, w.Body)
		}
	})
}
