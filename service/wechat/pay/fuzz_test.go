package pay_test

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strconv"
	"testing"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/wechat/pay"
)

const fuzzAPIv3Key = "0123456789abcdef0123456789abcdef"

// signer is WeChat Pay's side of a client: it signs whatever it is given.
type signer struct {
	*pay.Client
	key     *rsa.PrivateKey
	clock   model.Clock
	options pay.Options
}

func newSigner(f *testing.F) signer {
	f.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024) // short: each worker makes its own, and each input is signed
	if err != nil {
		f.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		f.Fatal(err)
	}
	inPEM := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	clock := modeltest.NewClock(modeltest.At("2025-03-03 09:00"))
	o := pay.Options{BaseURL: "http://127.0.0.1:1", AppID: appID, MchID: "1900000001", SerialNo: "AB12", PrivateKeyPEM: inPEM("PRIVATE KEY", private), APIv3Key: fuzzAPIv3Key,
		PublicKeyID: "PUB_KEY_ID_FUZZ", PublicKeyPEM: inPEM("PUBLIC KEY", public), NotifyURL: "http://127.0.0.1:1/notices", Clock: clock}
	c, err := pay.New(o)
	if err != nil {
		f.Fatal(err)
	}
	return signer{c, key, clock, o}
}

// sign makes the headers of a notice that really is WeChat's.
func (s signer) sign(t *testing.T, body []byte) http.Header {
	t.Helper()
	stamp := strconv.FormatInt(s.clock.Now().Unix(), 10)
	sum := sha256.Sum256([]byte(stamp + "\nn\n" + string(body) + "\n"))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set("Wechatpay-Serial", "PUB_KEY_ID_FUZZ")
	h.Set("Wechatpay-Timestamp", stamp)
	h.Set("Wechatpay-Nonce", "n")
	h.Set("Wechatpay-Signature", base64.StdEncoding.EncodeToString(signature))
	return h
}

// answered holds what a notice may be answered with, and what one that is taken must say.
func answered(t *testing.T, n pay.Notice, err error) {
	t.Helper()
	if err != nil {
		switch model.CodeOf(err) {
		case model.CodeForbidden, model.CodeInvalid, model.CodeTooLarge:
		default:
			t.Errorf("answered with %v", err)
		}
		return
	}
	if (n.Payment == nil) == (n.Refund == nil) {
		t.Errorf("%+v", n)
	}
	if n.Refund != nil && (n.Refund.Amount <= 0 || n.Refund.Amount > n.Refund.Total || n.Refund.Total > model.MaxFen || n.Refund.RefundNo == "" || n.Refund.Status == pay.RefundSuccess && unstorable(n.Refund.DoneAt.UTC().Year())) {
		t.Errorf("%+v", n.Refund)
	}
	if n.Payment != nil && n.Payment.Paid() && unstorable(n.Payment.PaidAt.UTC().Year()) {
		t.Errorf("%+v", n.Payment)
	}
}

// FuzzNoticeHeaders: whoever does not have WeChat's key is turned away, whatever headers and body are sent.
func FuzzNoticeHeaders(f *testing.F) {
	s := newSigner(f)
	f.Add("PUB_KEY_ID_FUZZ", "1740963600", "n", "AAAA", "", []byte(`{}`))
	f.Add("", "", "", "", "WECHATPAY2-SHA256-RSA2048", []byte(nil))
	f.Add("PUB_KEY_ID_FUZZ", "99999999999999999999", "\n", "%%%", "x", []byte("\xff"))
	f.Add("PUB_KEY_ID_FUZZ", "-9223372036854775808", "n", "AAAA", "", []byte(`{}`))
	f.Fuzz(func(t *testing.T, serial, stamp, nonce, signature, kind string, body []byte) {
		header := map[string]string{"Wechatpay-Serial": serial, "Wechatpay-Timestamp": stamp, "Wechatpay-Nonce": nonce, "Wechatpay-Signature": signature, "Wechatpay-Signature-Type": kind}
		_, err := s.ParseNotice(t.Context(), func(name string) string { return header[name] }, body)
		if code := model.CodeOf(err); code != model.CodeForbidden && code != model.CodeTooLarge {
			t.Errorf("not turned away: %v", err)
		}
	})
}

// FuzzNoticeEnvelope: a signed notice with anything in its envelope is understood or refused, without a panic.
func FuzzNoticeEnvelope(f *testing.F) {
	s := newSigner(f)
	f.Add([]byte(`{"id":"1","event_type":"TRANSACTION.SUCCESS","resource":{"algorithm":"AEAD_AES_256_GCM","nonce":"0123456789ab","ciphertext":"AAAA","original_type":"transaction"}}`))
	f.Add([]byte(`{"resource":{"algorithm":"AEAD_AES_256_GCM","nonce":"x"}}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := s.ParseNotice(t.Context(), s.sign(t, body).Get, body)
		answered(t, n, err)
	})
}

// FuzzNoticeContent: a notice that is signed and sealed as WeChat does, with anything inside.
func FuzzNoticeContent(f *testing.F) {
	s := newSigner(f)
	block, err := aes.NewCipher([]byte(fuzzAPIv3Key))
	if err != nil {
		f.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("transaction", []byte(`{"mchid":"1900000001","appid":"wx0000000000000001","out_trade_no":"P00001","transaction_id":"4200","trade_state":"SUCCESS","success_time":"2025-03-03T09:00:00+08:00","amount":{"total":500,"payer_total":500,"currency":"CNY"},"payer":{"openid":"oPayer"}}`))
	f.Add("refund", []byte(`{"mchid":"1900000001","out_trade_no":"P00001","out_refund_no":"R1","refund_status":"SUCCESS","success_time":"2025-03-03T09:00:00+08:00","amount":{"total":500,"refund":100}}`))
	f.Add("refund", []byte(`{"amount":{"refund":-1}}`))
	f.Add("", []byte(`null`))
	f.Fuzz(func(t *testing.T, about string, plain []byte) {
		const nonce = "0123456789ab"
		body, err := json.Marshal(map[string]any{"id": "1", "event_type": "X", "resource": map[string]string{
			"algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "original_type": about, "ciphertext": base64.StdEncoding.EncodeToString(gcm.Seal(nil, []byte(nonce), plain, nil))}})
		if err != nil {
			t.Fatal(err)
		}
		n, err := s.ParseNotice(t.Context(), s.sign(t, body).Get, body)
		answered(t, n, err)
	})
}
