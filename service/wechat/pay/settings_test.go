package pay_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"strings"
	"testing"

	"bangfu/service/wechat/emulator"
	"bangfu/service/wechat/pay"
)

// emulatorKey is the key of somebody who is not the merchant.
func emulatorKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestSettingsAreChecked(t *testing.T) {
	d := newDesk(t)
	for name, change := range map[string]func(*pay.Options){
		"NoMerchant": func(o *pay.Options) { o.MchID = "" }, "Serial": func(o *pay.Options) { o.SerialNo = "a b" }, "App": func(o *pay.Options) { o.AppID = "" },
		"ShortKey": func(o *pay.Options) { o.APIv3Key = "short" }, "Private": func(o *pay.Options) { o.PrivateKeyPEM = "x" }, "Public": func(o *pay.Options) { o.PublicKeyPEM = "x" },
		"KeyID": func(o *pay.Options) { o.PublicKeyID = "" }, "Notify": func(o *pay.Options) { o.NotifyURL = "/x" }, "NotifyQuery": func(o *pay.Options) { o.NotifyURL = "https://example.org/x?y=1" },
		"Base": func(o *pay.Options) { o.BaseURL = "ftp://example.org" },
	} {
		o := d.options
		change(&o)
		if _, err := pay.New(o); err == nil || strings.Contains(err.Error(), o.APIv3Key) || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNothingSecretIsLogged shows that neither logs nor errors hold keys, signatures or the payer.
func TestNothingSecretIsLogged(t *testing.T) {
	d := newDesk(t)
	var log bytes.Buffer
	c := d.client(func(o *pay.Options) {
		o.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	texts := ""
	for _, mode := range []emulator.Fault{{Mode: emulator.Down}, {Mode: emulator.Garbage}, {Mode: emulator.Lost}, {Mode: emulator.Error, Status: 400, Code: "PARAM_ERROR"}} {
		mode.Path, mode.Times = "/v3/pay/transactions/jsapi", 1
		if err := d.emu.InjectFault(mode); err != nil {
			t.Fatal(err)
		}
		_, err := c.Prepay(t.Context(), d.asked("P00001", 1))
		if err == nil {
			t.Fatalf("%s: no error", mode.Mode)
		}
		texts += err.Error()
	}
	texts += log.String()
	if !strings.Contains(texts, "PARAM_ERROR") || !strings.Contains(texts, "http status 503") {
		t.Error("the log does not say what happened:\n" + texts)
	}
	for _, secret := range []string{d.options.APIv3Key, d.options.SerialNo, openID, "signature", "Wechatpay"} {
		if strings.Contains(texts, secret) {
			t.Errorf("%q is in\n%s", secret, texts)
		}
	}
}
