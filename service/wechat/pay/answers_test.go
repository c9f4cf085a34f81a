package pay_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"bangfu/model"
	"bangfu/service/wechat/pay"
)

// FuzzAnswers: whatever WeChat Pay answers, signed or not: a payment, a closing or a refund is understood as what it is or it is CodeWechat;
// nothing that is not signed is believed, and what is believed is about what was asked.
func FuzzAnswers(f *testing.F) {
	const payment, refund = "P000001", "R000001"
	f.Add(200, true, []byte(`{"mchid":"1900000001","appid":"wx0000000000000001","out_trade_no":"P000001","transaction_id":"4200","trade_state":"SUCCESS","success_time":"2025-03-03T09:00:00+08:00","amount":{"total":500,"payer_total":500,"currency":"CNY"},"payer":{"openid":"oPayer"}}`))
	f.Add(200, true, []byte(`{"out_trade_no":"P000001","trade_state":"SUCCESS"}`))
	f.Add(200, true, []byte(`{"out_trade_no":"P000002","trade_state":"NOTPAY","amount":{"total":-5}}`))
	f.Add(200, false, []byte(`{"out_trade_no":"P000001","trade_state":"NOTPAY"}`))
	f.Add(200, true, []byte(`{"refund_id":"5000","out_refund_no":"R000001","out_trade_no":"P000001","transaction_id":"4200","status":"SUCCESS","success_time":"2025-03-03T09:00:00+08:00","amount":{"total":500,"refund":100}}`))
	f.Add(200, true, []byte(`{"refund_id":"5000","out_refund_no":"R000001","out_trade_no":"P000001","status":"PROCESSING","amount":{"total":500,"refund":9223372036854775807}}`))
	f.Add(200, true, []byte(`{"refund_id":"5000","out_refund_no":"R000001","out_trade_no":"P000001","status":"SUCCESS","success_time":"0000-01-01T00:00:00+23:59","amount":{"total":50,"refund":100}}`))
	f.Add(200, true, []byte(`{"prepay_id":"wx1"}`))
	f.Add(200, true, []byte(`null`))
	f.Add(204, true, []byte(nil))
	f.Add(202, true, []byte(`{"code":"USERPAYING"}`))
	f.Add(404, true, []byte(`{"code":"ORDER_NOT_EXIST","message":"x"}`))
	f.Add(400, true, []byte(`{"code":"ORDERPAID"}`))
	f.Add(404, false, []byte(`{"code":"RESOURCE_NOT_EXISTS"}`))
	f.Add(302, true, []byte(`[`))
	s := newSigner(f)
	var status atomic.Int64
	var head, body atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for name, values := range head.Load().(http.Header) {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(int(status.Load()))
		_, _ = w.Write(body.Load().([]byte))
	}))
	f.Cleanup(server.Close)
	o := s.options
	o.BaseURL = server.URL
	c, err := pay.New(o)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, code int, signed bool, said []byte) {
		if code < 200 || code > 599 {
			code = 200 // others are no HTTP
		}
		header := http.Header{}
		if signed {
			sent := said
			if code == http.StatusNoContent || code == http.StatusNotModified {
				sent = nil // HTTP has none there
			}
			header = s.sign(t, sent)
		}
		status.Store(int64(code))
		head.Store(header)
		body.Store(said)
		well := func(what string, err error) bool {
			t.Helper()
			if err != nil && (model.CodeOf(err) != model.CodeWechat || strings.Contains(err.Error(), fuzzAPIv3Key)) {
				t.Errorf("%s: %v", what, err)
			}
			if err == nil && !signed && code < 300 {
				t.Errorf("%s: believed without a signature", what)
			}
			return err == nil
		}
		if trade, err := c.Query(t.Context(), payment); well("query", err) {
			if trade.PaymentNo != payment || trade.State == "" || trade.Paid() && (unstorable(trade.PaidAt.UTC().Year()) || trade.TransactionID == "") {
				t.Errorf("query: %+v", trade)
			}
			if c.JudgeTrade(trade, payment, 500) == pay.NoMismatch && (trade.AmountTotal != 500 || trade.MchID != "1900000001" || trade.AppID != appID) {
				t.Errorf("judged as ours: %+v", trade)
			}
		}
		if closing, err := c.Close(t.Context(), payment); well("close", err) && closing != pay.ClosedNow && closing != pay.AlreadyPaid && closing != pay.NoSuchTrade {
			t.Errorf("close: %q", closing)
		}
		done := func(what string, r pay.RefundResult) {
			if r.RefundNo != refund || r.Status == "" || r.Status != pay.RefundUnknown && (r.Amount <= 0 || r.Amount > r.Total || r.Total > model.MaxFen || r.RefundID == "") ||
				r.Status == pay.RefundSuccess && unstorable(r.DoneAt.UTC().Year()) {
				t.Errorf("%s: %+v", what, r)
			}
		}
		if r, err := c.Refund(t.Context(), pay.RefundRequest{RefundNo: refund, PaymentNo: payment, Amount: 100, Total: 500}); well("refund", err) {
			if done("refund", r); r.Amount != 100 || r.PaymentNo != payment {
				t.Errorf("refund: %+v", r)
			}
		}
		if r, err := c.QueryRefund(t.Context(), refund); well("query refund", err) {
			done("query refund", r)
		}
		asked := pay.Prepayment{PaymentNo: payment, Description: "x", Amount: 500, OpenID: openID, ExpireAt: s.clock.Now()}
		if p, err := c.Prepay(t.Context(), asked); well("prepay", err) && (p.PaySign == "" || p.Package == "prepay_id=") {
			t.Errorf("prepay: %+v", p)
		}
	})
}

// unstorable tells of a year that not every database can hold it.
func unstorable(year int) bool { return year < 1900 || year > 9999 }
