package pay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/wechat/emulator"
	"bangfu/service/wechat/pay"
)

const (
	appID  = "wx0000000000000001"
	openID = "oPayer"
)

// delivery is one notice as it came in.
type delivery struct {
	header http.Header
	body   []byte
}

// desk is a client, an emulator behind HTTP, and a place where notices arrive.
type desk struct {
	*pay.Client
	t       *testing.T
	emu     *emulator.Emulator
	clock   *modeltest.Clock
	options pay.Options

	mu      sync.Mutex
	answer  int // to notices
	arrived []delivery
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, clock: modeltest.NewClock(modeltest.At("2025-03-03 09:00")), answer: http.StatusNoContent}
	d.emu = emulator.New(emulator.Options{AppID: appID, AppSecret: "s", Clock: d.clock})
	d.emu.RetryNotices()
	t.Cleanup(d.emu.Close)
	server := httptest.NewServer(http.StripPrefix("/emulator", d.emu))
	t.Cleanup(server.Close)
	notices := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.arrived = append(d.arrived, delivery{r.Header.Clone(), body})
		w.WriteHeader(d.answer)
	}))
	t.Cleanup(notices.Close)
	m := d.emu.Merchant()
	d.options = pay.Options{
		BaseURL: server.URL + "/emulator", AppID: appID, MchID: m.MchID, SerialNo: m.SerialNo, PrivateKeyPEM: m.PrivateKeyPEM, APIv3Key: m.APIv3Key,
		PublicKeyID: m.PublicKeyID, PublicKeyPEM: m.PublicKeyPEM, NotifyURL: notices.URL + "/notices", Clock: d.clock, Timeout: 2 * time.Second,
	}
	d.Client = d.client(func(*pay.Options) {})
	return d
}

// client is another client with changed settings.
func (d *desk) client(change func(*pay.Options)) *pay.Client {
	d.t.Helper()
	o := d.options
	change(&o)
	c, err := pay.New(o)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

func (d *desk) prepay(no string, amount model.Fen) pay.JSAPI {
	d.t.Helper()
	out, err := d.Prepay(d.t.Context(), d.asked(no, amount))
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

func (d *desk) asked(no string, amount model.Fen) pay.Prepayment {
	return pay.Prepayment{PaymentNo: no, Description: "帮扶农产品", Amount: amount, OpenID: openID, ExpireAt: d.clock.Now().Add(30 * time.Minute)}
}

func (d *desk) payNow(no string, notice *emulator.NoticeRule) {
	d.t.Helper()
	if err := d.emu.Pay(no, emulator.PaySuccess, notice); err != nil {
		d.t.Fatal(err)
	}
	d.emu.Settle()
}

func (d *desk) refund(no, of string, amount, total model.Fen) (pay.RefundResult, error) {
	return d.Refund(d.t.Context(), pay.RefundRequest{RefundNo: no, PaymentNo: of, Amount: amount, Total: total, Reason: "商品有坏果，退一部分"})
}

// notices takes what has arrived.
func (d *desk) notices() []delivery {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.arrived
	d.arrived = nil
	return out
}

func (d *desk) parse(n delivery) (pay.Notice, error) {
	return d.ParseNotice(d.t.Context(), n.header.Get, n.body)
}

func (d *desk) wantState(no string, want pay.State) pay.Trade {
	d.t.Helper()
	got, err := d.Query(d.t.Context(), no)
	if err != nil || got.State != want {
		d.t.Fatalf("query %s: %+v, %v, want %s", no, got, err, want)
	}
	return got
}

func (d *desk) wantClosing(no string, want pay.Closing) {
	d.t.Helper()
	if got, err := d.Close(d.t.Context(), no); err != nil || got != want {
		d.t.Fatalf("close %s: %q, %v, want %q", no, got, err, want)
	}
}

// refusedWith tells whether err is shown as WeChat's trouble and carries the code as its reason.
func refusedWith(err error, code string) bool {
	var r *pay.Refusal
	return model.CodeOf(err) == model.CodeWechat && errors.As(err, &r) && r.Code == code
}

func TestPaymentFromPrepayToPaid(t *testing.T) {
	d := newDesk(t)
	d.wantState("P00001", pay.Unknown)
	out := d.prepay("P00001", 1234)
	if !strings.HasPrefix(out.Package, "prepay_id=wx") || out.SignType != "RSA" || out.NonceStr == "" || out.PaySign == "" || out.TimeStamp != "1740963600" {
		t.Errorf("%+v", out)
	}
	if again := d.prepay("P00001", 1234); again.Package != out.Package {
		t.Error("the same prepayment got another id")
	}
	d.wantState("P00001", pay.NotPaid)
	if err := d.emu.Pay("P00001", emulator.PayError, nil); err != nil {
		t.Fatal(err)
	}
	d.wantState("P00001", pay.PayError)
	d.payNow("P00001", nil)
	got := d.wantState("P00001", pay.Success)
	if got.AmountTotal != 1234 || got.OpenID != openID || len(got.TransactionID) != 28 || !got.PaidAt.Equal(d.clock.Now()) || d.JudgeTrade(got, "P00001", 1234) != pay.NoMismatch {
		t.Errorf("%+v", got)
	}
	arrived := d.notices()
	if len(arrived) != 1 {
		t.Fatalf("%d notices", len(arrived))
	}
	n, err := d.parse(arrived[0])
	if err != nil || n.Payment == nil || n.Refund != nil || *n.Payment != got || n.Event != "TRANSACTION.SUCCESS" {
		t.Errorf("%+v %+v, %v", n, n.Payment, err)
	}
	if _, err := d.Prepay(t.Context(), d.asked("P00001", 1234)); !refusedWith(err, "ORDERPAID") {
		t.Errorf("prepay of a paid payment: %v", err)
	}
	if err := d.emu.Pay("P00001", emulator.PaySuccess, nil); model.CodeOf(err) != model.CodeConflict {
		t.Errorf("paid twice: %v", err)
	}
}

func TestClosing(t *testing.T) {
	d := newDesk(t)
	d.wantClosing("P00001", pay.NoSuchTrade)
	d.prepay("P00001", 100)
	d.wantClosing("P00001", pay.ClosedNow)
	d.wantClosing("P00001", pay.ClosedNow)
	d.wantState("P00001", pay.Closed)
	if err := d.emu.Pay("P00001", emulator.PaySuccess, nil); model.CodeOf(err) != model.CodeConflict {
		t.Errorf("a closed payment was paid: %v", err)
	}
	if _, err := d.Prepay(t.Context(), d.asked("P00001", 100)); !refusedWith(err, "ORDER_CLOSED") {
		t.Errorf("prepay of a closed payment: %v", err)
	}
	d.prepay("P00002", 100)
	d.payNow("P00002", nil)
	d.wantClosing("P00002", pay.AlreadyPaid)
	d.prepay("P00003", 100)
	d.clock.Advance(31 * time.Minute)
	d.wantState("P00003", pay.Closed)
	if err := d.emu.Pay("P00003", emulator.PaySuccess, nil); model.CodeOf(err) != model.CodeConflict {
		t.Errorf("paid after its time: %v", err)
	}
}

func TestPrepayRefusals(t *testing.T) {
	d := newDesk(t)
	d.prepay("P00001", 100)
	other := d.asked("P00001", 101)
	if _, err := d.Prepay(t.Context(), other); !refusedWith(err, "INVALID_REQUEST") {
		t.Errorf("same number, other amount: %v", err)
	}
	late := d.asked("P00002", 100)
	late.ExpireAt = d.clock.Now()
	if _, err := d.Prepay(t.Context(), late); !refusedWith(err, "PARAM_ERROR") {
		t.Errorf("no time to pay: %v", err)
	}
	for name, p := range map[string]pay.Prepayment{"Number": d.asked("a/../b", 1), "Zero": d.asked("P00003", 0), "NoPayer": {PaymentNo: "P00003", Amount: 1}} {
		if _, err := d.Prepay(t.Context(), p); err == nil || model.CodeOf(err) != model.CodeInternal {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefundLife(t *testing.T) {
	d := newDesk(t)
	if err := d.emu.SetRefunds(emulator.RefundRule{Result: emulator.RefundNever}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.refund("R00001", "P00001", 1, 100); !refusedWith(err, "RESOURCE_NOT_EXISTS") {
		t.Errorf("refund of an unknown payment: %v", err)
	}
	d.prepay("P00001", 100)
	if _, err := d.refund("R00001", "P00001", 1, 100); !refusedWith(err, "INVALID_REQUEST") {
		t.Errorf("refund of an unpaid payment: %v", err)
	}
	d.payNow("P00001", nil)
	d.notices()
	first, err := d.refund("R00001", "P00001", 40, 100)
	if err != nil || first.Status != pay.RefundProcessing || first.Amount != 40 || first.Total != 100 || first.PaymentNo != "P00001" {
		t.Fatalf("%+v, %v", first, err)
	}
	d.wantState("P00001", pay.Refunded)
	if again, err := d.refund("R00001", "P00001", 40, 100); err != nil || again != first {
		t.Errorf("same number again: %+v, %v", again, err)
	}
	if _, err := d.refund("R00001", "P00001", 41, 100); !refusedWith(err, "INVALID_REQUEST") {
		t.Errorf("same number, other amount: %v", err)
	}
	if _, err := d.refund("R00002", "P00001", 61, 100); !refusedWith(err, "INVALID_REQUEST") {
		t.Errorf("more than was paid: %v", err)
	}
	if _, err := d.refund("R00002", "P00001", 60, 99); err == nil {
		t.Error("another total was accepted")
	}
	if err := d.emu.FinishRefund("R00001", emulator.RefundSuccess, nil); err != nil {
		t.Fatal(err)
	}
	d.emu.Settle()
	got, err := d.QueryRefund(t.Context(), "R00001")
	if err != nil || got.Status != pay.RefundSuccess || !got.DoneAt.Equal(d.clock.Now()) {
		t.Errorf("%+v, %v", got, err)
	}
	n, err := d.parse(d.notices()[0])
	if err != nil || n.Refund == nil || n.Payment != nil || *n.Refund != got || n.Event != "REFUND.SUCCESS" {
		t.Errorf("notice %+v %+v, %v", n, n.Refund, err)
	}
	if got, err := d.QueryRefund(t.Context(), "R00009"); err != nil || got.Status != pay.RefundUnknown {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRefundOutcomes(t *testing.T) {
	d := newDesk(t)
	d.prepay("P00001", 1000)
	d.payNow("P00001", nil)
	for _, c := range []struct {
		no     string
		result emulator.RefundOutcome
		want   pay.RefundStatus
	}{{"R00001", emulator.RefundSuccess, pay.RefundSuccess}, {"R00002", emulator.RefundAbnormal, pay.RefundAbnormal}, {"R00003", emulator.RefundClosed, pay.RefundClosed}} {
		d.notices()
		if err := d.emu.SetRefunds(emulator.RefundRule{Result: c.result, Times: 1, DelayMS: 1}); err != nil {
			t.Fatal(err)
		}
		if got, err := d.refund(c.no, "P00001", 10, 1000); err != nil || got.Status != pay.RefundProcessing {
			t.Fatalf("%+v, %v", got, err)
		}
		d.emu.Settle()
		if n, err := d.parse(d.notices()[0]); err != nil || n.Refund.Status != c.want {
			t.Errorf("%s: notice %+v, %v", c.result, n.Refund, err)
		}
		if got, err := d.QueryRefund(t.Context(), c.no); err != nil || got.Status != c.want {
			t.Errorf("%s: %+v, %v", c.result, got, err)
		}
	}
	if got, err := d.refund("R00002", "P00001", 10, 1000); err != nil || got.Status != pay.RefundAbnormal {
		t.Errorf("an abnormal refund asked again: %+v, %v", got, err)
	}
	if err := d.emu.FinishRefund("R00002", emulator.RefundSuccess, nil); err != nil {
		t.Error(err)
	}
	if got, err := d.refund("R00003", "P00001", 10, 1000); err != nil || got.Status != pay.RefundProcessing {
		t.Errorf("a closed refund asked again: %+v, %v", got, err)
	}
	d.emu.Settle()
	if got, err := d.QueryRefund(t.Context(), "R00003"); err != nil || got.Status != pay.RefundSuccess {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFiftyRefundsAtMost(t *testing.T) {
	d := newDesk(t)
	d.prepay("P00001", 1000)
	d.payNow("P00001", nil)
	for i := range 50 {
		if _, err := d.refund(fmt.Sprintf("R%05d", i), "P00001", 1, 1000); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.refund("R30000", "P00001", 1, 1000); !refusedWith(err, "INVALID_REQUEST") {
		t.Errorf("the 51st: %v", err)
	}
}

func TestNoticeFaults(t *testing.T) {
	for _, c := range []struct {
		rule  emulator.NoticeRule
		count int
		check func(*testing.T, *desk, []delivery)
	}{
		{emulator.NoticeRule{Mode: emulator.OnTime}, 1, sound},
		{emulator.NoticeRule{Mode: emulator.Late, DelayMS: 20}, 1, sound},
		{emulator.NoticeRule{Mode: emulator.Silent}, 0, nil},
		{emulator.NoticeRule{Mode: emulator.Doubled, Count: 3}, 3, sound},
		{emulator.NoticeRule{Mode: emulator.Replayed}, 2, sound}, // within five minutes a replay is accepted: the caller's state is the guard
		{emulator.NoticeRule{Mode: emulator.Held}, 0, nil},
		{emulator.NoticeRule{Mode: emulator.WrongAmount}, 1, mismatch(pay.WrongAmount)},
		{emulator.NoticeRule{Mode: emulator.WrongMerchant}, 1, mismatch(pay.WrongMerchant)},
		{emulator.NoticeRule{Mode: emulator.BadSignature}, 1, turnedDown(model.CodeForbidden)},
		{emulator.NoticeRule{Mode: emulator.TooOld}, 1, turnedDown(model.CodeForbidden)},
		{emulator.NoticeRule{Mode: emulator.Mangled}, 1, turnedDown(model.CodeInvalid)},
	} {
		t.Run(string(c.rule.Mode), func(t *testing.T) {
			d := newDesk(t)
			d.prepay("P00001", 500)
			d.payNow("P00001", &c.rule)
			got := d.notices()
			if len(got) != c.count {
				t.Fatalf("%d notices, want %d", len(got), c.count)
			}
			if c.check != nil {
				c.check(t, d, got)
			}
		})
	}
}

func sound(t *testing.T, d *desk, got []delivery) {
	for _, one := range got {
		if n, err := d.parse(one); err != nil || d.JudgeTrade(*n.Payment, "P00001", 500) != pay.NoMismatch {
			t.Errorf("%+v, %v", n, err)
		}
	}
}

func mismatch(want pay.Mismatch) func(*testing.T, *desk, []delivery) {
	return func(t *testing.T, d *desk, got []delivery) {
		n, err := d.parse(got[0])
		if err != nil || d.JudgeTrade(*n.Payment, "P00001", 500) != want {
			t.Errorf("%+v, %v", n, err)
		}
	}
}

func turnedDown(want model.Code) func(*testing.T, *desk, []delivery) {
	return func(t *testing.T, d *desk, got []delivery) {
		if _, err := d.parse(got[0]); model.CodeOf(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestJudgeTrade(t *testing.T) {
	d := newDesk(t)
	good := pay.Trade{State: pay.Success, PaymentNo: "P00001", MchID: d.options.MchID, AppID: appID, Currency: "CNY", AmountTotal: 5}
	for want, change := range map[pay.Mismatch]func(*pay.Trade){
		pay.NoMismatch: func(*pay.Trade) {}, pay.WrongNumber: func(t *pay.Trade) { t.PaymentNo = "P00002" }, pay.WrongMerchant: func(t *pay.Trade) { t.MchID = "1" },
		pay.WrongApp: func(t *pay.Trade) { t.AppID = "wx1" }, pay.WrongCurrency: func(t *pay.Trade) { t.Currency = "USD" }, pay.WrongAmount: func(t *pay.Trade) { t.AmountTotal-- },
	} {
		trade := good
		change(&trade)
		if got := d.JudgeTrade(trade, "P00001", 5); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestRefundNoticeBeforePaymentNotice shows that notices can be made to come out of order.
func TestRefundNoticeBeforePaymentNotice(t *testing.T) {
	d := newDesk(t)
	d.prepay("P00001", 500)
	if err := d.emu.SetNotices(emulator.NoticeRule{Mode: emulator.Held}); err != nil {
		t.Fatal(err)
	}
	d.payNow("P00001", nil)
	if _, err := d.refund("R00001", "P00001", 500, 500); err != nil {
		t.Fatal(err)
	}
	d.emu.Settle()
	d.emu.ReleaseNotices()
	d.emu.Settle()
	got := d.notices()
	if len(got) != 2 {
		t.Fatalf("%d notices", len(got))
	}
	if n, err := d.parse(got[0]); err != nil || n.Refund == nil {
		t.Errorf("first %+v, %v", n, err)
	}
	if n, err := d.parse(got[1]); err != nil || n.Payment == nil {
		t.Errorf("second %+v, %v", n, err)
	}
}

// TestNoticesAreRetried shows that a notice that is not accepted comes again.
func TestNoticesAreRetried(t *testing.T) {
	d := newDesk(t)
	d.emu.RetryNotices(time.Millisecond, time.Millisecond)
	d.answer = http.StatusInternalServerError
	d.prepay("P00001", 500)
	d.payNow("P00001", nil)
	if got := d.notices(); len(got) != 3 {
		t.Errorf("%d attempts, want 3", len(got))
	}
}

func TestNoticeTampering(t *testing.T) {
	d := newDesk(t)
	d.prepay("P00001", 500)
	d.payNow("P00001", nil)
	got := d.notices()[0]
	if _, err := d.parse(got); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(h http.Header, body []byte) []byte{
		"Body":        func(_ http.Header, b []byte) []byte { return []byte(strings.Replace(string(b), "id", "ID", 1)) },
		"Nonce":       func(h http.Header, b []byte) []byte { h.Set("Wechatpay-Nonce", "x"); return b },
		"Timestamp":   func(h http.Header, b []byte) []byte { h.Set("Wechatpay-Timestamp", "1740963601"); return b },
		"NotATime":    func(h http.Header, b []byte) []byte { h.Set("Wechatpay-Timestamp", "now"); return b },
		"Serial":      func(h http.Header, b []byte) []byte { h.Set("Wechatpay-Serial", "PUB_KEY_ID_1"); return b },
		"NoSignature": func(h http.Header, b []byte) []byte { h.Del("Wechatpay-Signature"); return b },
		"OtherKind": func(h http.Header, b []byte) []byte {
			h.Set("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3")
			return b
		},
		"NotBase64":    func(h http.Header, b []byte) []byte { h.Set("Wechatpay-Signature", "***"); return b },
		"EmptyBody":    func(http.Header, []byte) []byte { return nil },
		"TrailingByte": func(_ http.Header, b []byte) []byte { return append(b, ' ') },
	} {
		t.Run(name, func(t *testing.T) {
			h := got.header.Clone()
			body := change(h, append([]byte(nil), got.body...))
			if _, err := d.ParseNotice(t.Context(), h.Get, body); model.CodeOf(err) != model.CodeForbidden {
				t.Errorf("%v", err)
			}
		})
	}
	other := d.client(func(o *pay.Options) { o.APIv3Key = strings.Repeat("k", 32) })
	if _, err := other.ParseNotice(t.Context(), got.header.Get, got.body); model.CodeOf(err) != model.CodeForbidden {
		t.Errorf("opened with another key: %v", err)
	}
	if _, err := d.ParseNotice(t.Context(), got.header.Get, make([]byte, pay.MaxNotice+1)); model.CodeOf(err) != model.CodeTooLarge {
		t.Errorf("size: %v", err)
	}
}

// TestNoticeAge shows that a replay is taken within five minutes, which is why the caller deduplicates, and never after.
func TestNoticeAge(t *testing.T) {
	d := newDesk(t)
	d.prepay("P00001", 500)
	d.payNow("P00001", nil)
	got := d.notices()[0]
	d.clock.Advance(5 * time.Minute)
	if _, err := d.parse(got); err != nil {
		t.Errorf("after five minutes: %v", err)
	}
	d.clock.Advance(time.Second)
	if _, err := d.parse(got); model.CodeOf(err) != model.CodeForbidden {
		t.Errorf("after that: %v", err)
	}
	d.clock.Advance(-11 * time.Minute)
	if _, err := d.parse(got); model.CodeOf(err) != model.CodeForbidden {
		t.Errorf("from the future: %v", err)
	}
}

// TestMerchantIsChecked shows that the emulator turns down what the merchant did not sign.
func TestMerchantIsChecked(t *testing.T) {
	d := newDesk(t)
	stranger := emulatorKey(t)
	for name, c := range map[string]*pay.Client{
		"OtherKey":      d.client(func(o *pay.Options) { o.PrivateKeyPEM = stranger }),
		"OtherSerial":   d.client(func(o *pay.Options) { o.SerialNo = "00" }),
		"OtherMerchant": d.client(func(o *pay.Options) { o.MchID = "1900000009" }),
	} {
		if _, err := c.Query(t.Context(), "P00001"); !refusedWith(err, "SIGN_ERROR") {
			t.Errorf("%s: %v", name, err)
		}
	}
	otherApp := d.client(func(o *pay.Options) { o.AppID = "wx0000000000000002" })
	if _, err := otherApp.Prepay(t.Context(), d.asked("P00001", 1)); !refusedWith(err, "APPID_MCHID_NOT_MATCH") {
		t.Errorf("other app: %v", err)
	}
}

// TestAnswersAreChecked shows that an answer that WeChat Pay did not sign is not believed.
func TestAnswersAreChecked(t *testing.T) {
	d := newDesk(t)
	d.prepay("P00001", 1)
	impostor := d.client(func(o *pay.Options) { o.PublicKeyID = "PUB_KEY_ID_ANOTHER" })
	if _, err := impostor.Query(t.Context(), "P00001"); model.CodeOf(err) != model.CodeWechat {
		t.Errorf("other key id: %v", err)
	}
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"trade_state":"SUCCESS","out_trade_no":"P00001"}`)
	}))
	defer plain.Close()
	unsigned := d.client(func(o *pay.Options) { o.BaseURL = plain.URL })
	if got, err := unsigned.Query(t.Context(), "P00001"); model.CodeOf(err) != model.CodeWechat {
		t.Errorf("unsigned: %+v, %v", got, err)
	}
	large := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 300<<10)) }))
	defer large.Close()
	if _, err := d.client(func(o *pay.Options) { o.BaseURL = large.URL }).Query(t.Context(), "P00001"); model.CodeOf(err) != model.CodeWechat {
		t.Errorf("too large: %v", err)
	}
	away := httptest.NewServer(http.RedirectHandler("https://example.org/", http.StatusFound))
	defer away.Close()
	if _, err := d.client(func(o *pay.Options) { o.BaseURL = away.URL }).Query(t.Context(), "P00001"); model.CodeOf(err) != model.CodeWechat {
		t.Errorf("redirect: %v", err)
	}
}

func TestFaultsOfEveryCall(t *testing.T) {
	d := newDesk(t)
	d.Client = d.client(func(o *pay.Options) { o.Timeout = 300 * time.Millisecond })
	d.prepay("P00001", 100)
	d.prepay("P00002", 100)
	d.payNow("P00002", nil)
	for path, call := range map[string]func() error{
		"/v3/pay/transactions/jsapi":                   func() error { _, err := d.Prepay(t.Context(), d.asked("P00001", 100)); return err },
		"/v3/pay/transactions/out-trade-no/{no}":       func() error { _, err := d.Query(t.Context(), "P00001"); return err },
		"/v3/pay/transactions/out-trade-no/{no}/close": func() error { _, err := d.Close(t.Context(), "P00001"); return err },
		"/v3/refund/domestic/refunds":                  func() error { _, err := d.refund("R00001", "P00002", 1, 100); return err },
		"/v3/refund/domestic/refunds/{no}":             func() error { _, err := d.QueryRefund(t.Context(), "R00001"); return err },
	} {
		for _, f := range []emulator.Fault{
			{Mode: emulator.Down}, {Mode: emulator.Garbage}, {Mode: emulator.Never}, {Mode: emulator.Slow, DelayMS: 500}, {Mode: emulator.Error, Status: 500, Code: "SYSTEM_ERROR"},
		} {
			f.Path, f.Times = path, 1
			if err := d.emu.InjectFault(f); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			err := call()
			if model.CodeOf(err) != model.CodeWechat || time.Since(begun) > 2*time.Second {
				t.Errorf("%s %s: %v after %s", path, f.Mode, err, time.Since(begun))
			}
			if _, final := pay.RefusedFinally(err); final {
				t.Errorf("%s %s is taken for final", path, f.Mode)
			}
			if slow := f.Mode == emulator.Never || f.Mode == emulator.Slow; slow && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s %s: %v", path, f.Mode, err)
			}
		}
	}
}

// TestLostAnswer shows a call that takes effect though its answer never comes.
func TestLostAnswer(t *testing.T) {
	d := newDesk(t)
	d.prepay("P00001", 100)
	if err := d.emu.InjectFault(emulator.Fault{Path: "/v3/pay/transactions/out-trade-no/{no}/close", Mode: emulator.Lost, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Close(t.Context(), "P00001"); model.CodeOf(err) != model.CodeWechat {
		t.Errorf("%v", err)
	}
	d.wantState("P00001", pay.Closed)
}

func TestRefusedFinally(t *testing.T) {
	d := newDesk(t)
	_, err := d.refund("R00001", "P00001", 1, 100)
	if code, final := pay.RefusedFinally(err); code != "RESOURCE_NOT_EXISTS" || !final {
		t.Errorf("%q %v", code, final)
	}
	if code, final := pay.RefusedFinally(errors.New("x")); code != "" || final {
		t.Errorf("%q %v", code, final)
	}
	for status, code := range map[int]string{429: "FREQUENCY_LIMITED", 403: "RATELIMIT_EXCEEDED", 502: "BANKERROR"} {
		if err := d.emu.InjectFault(emulator.Fault{Path: "/v3/refund/domestic/refunds", Mode: emulator.Error, Status: status, Code: code, Times: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.refund("R00001", "P00001", 1, 100); !refusedWith(err, code) {
			t.Errorf("%v", err)
		} else if _, final := pay.RefusedFinally(err); final {
			t.Errorf("%s is taken for final", code)
		}
	}
}
