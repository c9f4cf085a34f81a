package config_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bangfu/config"
)

// merchant writes the files of an invented merchant and returns its settings, the real WeChat's included.
func merchant(t *testing.T) (dir string, environ []string) {
	t.Helper()
	dir = t.TempDir()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"key.pem": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		"pub.pem": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})), "apiv3": strings.Repeat("k", 32) + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, append(slices.Clone(realWechat), "WECHATPAY_MCH_ID=1900000001", "WECHATPAY_SERIAL_NO=AB12", "WECHATPAY_PRIVATE_KEY_FILE="+dir+"/key.pem",
		"WECHATPAY_APIV3_KEY_FILE="+dir+"/apiv3", "WECHATPAY_PUBLIC_KEY_ID=PUB_KEY_ID_1", "WECHATPAY_PUBLIC_KEY_FILE="+dir+"/pub.pem",
		"WECHATPAY_NOTIFY_URL=https://example.org/api/v1/wechatpay/notices")
}

func TestWechatPayMerchant(t *testing.T) {
	_, environ := merchant(t)
	c, err := config.Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	k, err := c.ReadWechatPayKeys()
	if err != nil || !c.PaysByWechat() || k.APIv3Key != strings.Repeat("k", 32) || !strings.HasPrefix(k.PrivateKeyPEM, "-----BEGIN PRIVATE") {
		t.Errorf("%v", err)
	}
	if c, err := config.Load(realWechat); err != nil || c.PaysByWechat() {
		t.Errorf("without a merchant: %v", err)
	}
}

func TestWechatPayMistakes(t *testing.T) {
	dir, environ := merchant(t)
	with := func(changes ...string) []string { return append(slices.Clone(environ), changes...) }
	for name, c := range map[string]struct {
		environ []string
		want    []string
	}{
		"Missing":    {with("WECHATPAY_SERIAL_NO=", "WECHATPAY_APIV3_KEY_FILE="), []string{"WECHATPAY_SERIAL_NO and WECHATPAY_APIV3_KEY or WECHATPAY_APIV3_KEY_FILE are missing"}},
		"Emulator":   {[]string{"WECHATPAY_MCH_ID=1"}, []string{"the built-in emulator has a merchant of its own"}},
		"NoSuchFile": {with("WECHATPAY_PRIVATE_KEY_FILE=" + dir + "/none"), []string{"WECHATPAY_PRIVATE_KEY_FILE: open"}},
		"WrongFiles": {with("WECHATPAY_PRIVATE_KEY_FILE="+dir+"/pub.pem", "WECHATPAY_PUBLIC_KEY_FILE="+dir+"/apiv3"),
			[]string{"WECHATPAY_PRIVATE_KEY_FILE is not an RSA private key", "WECHATPAY_PUBLIC_KEY_FILE is not an RSA public key"}},
		"ShortKey":  {with("WECHATPAY_APIV3_KEY_FILE=", "WECHATPAY_APIV3_KEY=short"), []string{"APIv3 key of WeChat Pay is not 32"}},
		"BothKeys":  {with("WECHATPAY_APIV3_KEY=" + strings.Repeat("x", 32)), []string{"are both set"}},
		"Plain":     {with("WECHATPAY_NOTIFY_URL=http://example.org/api/v1/wechatpay/notices"), []string{"WECHATPAY_NOTIFY_URL"}},
		"OtherPath": {with("WECHATPAY_NOTIFY_URL=https://example.org/notices"), []string{"WECHATPAY_NOTIFY_URL"}},
	} {
		got := mistakes(t, c.environ...)
		if len(got) != len(c.want) {
			t.Errorf("%s: %q", name, got)
			continue
		}
		for i, part := range c.want {
			if !strings.Contains(got[i], part) || strings.Contains(got[i], "kkkk") {
				t.Errorf("%s: %q, want %q", name, got[i], part)
			}
		}
	}
}
