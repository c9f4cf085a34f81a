package config

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// NoticePath is where this program takes WeChat Pay's notices; WECHATPAY_NOTIFY_URL ends with it.
const NoticePath = "/api/v1/wechatpay/notices"

// WechatPayKeys are the contents of the files that the settings of WeChat Pay name.
type WechatPayKeys struct {
	PrivateKeyPEM string // the merchant's
	PublicKeyPEM  string // WeChat Pay's
	APIv3Key      string // 32 bytes
}

// wechatPay lists the settings of the merchant, less the APIv3 key, which may be given in two ways.
func (c *Config) wechatPay() []string {
	return []string{
		"WECHATPAY_MCH_ID", c.WechatPayMchID, "WECHATPAY_SERIAL_NO", c.WechatPaySerialNo, "WECHATPAY_PRIVATE_KEY_FILE", c.WechatPayPrivateKeyFile,
		"WECHATPAY_PUBLIC_KEY_ID", c.WechatPayPublicKeyID, "WECHATPAY_PUBLIC_KEY_FILE", c.WechatPayPublicKeyFile, "WECHATPAY_NOTIFY_URL", c.WechatPayNotifyURL,
	}
}

// PaysByWechat tells whether a merchant of the real WeChat Pay is set. With the emulator, which has a merchant of its own,
// nothing is.
func (c *Config) PaysByWechat() bool { return c.WechatPayMchID != "" }

// checkWechatPay holds that the merchant's settings are there all or none, are readable, and are not mixed with the emulator.
func (c *Config) checkWechatPay() (mistakes []error) {
	wrong := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	pairs := append(c.wechatPay(), "WECHATPAY_APIV3_KEY or WECHATPAY_APIV3_KEY_FILE", c.WechatPayAPIv3Key+c.WechatPayAPIv3KeyFile)
	missing := missingOf(pairs...)
	if len(missing) == len(pairs)/2 {
		return nil
	}
	if c.Emulated() {
		wrong("settings of a WeChat Pay merchant are there, but WECHAT_BASE_URL is not: the built-in emulator has a merchant of its own")
		return mistakes
	}
	if len(missing) > 0 {
		wrong("a WeChat Pay merchant is set, but %s", areMissing(missing))
	}
	if c.WechatPayAPIv3Key != "" && c.WechatPayAPIv3KeyFile != "" {
		wrong("WECHATPAY_APIV3_KEY and WECHATPAY_APIV3_KEY_FILE are both set: one is enough")
	}
	if u, err := url.Parse(c.WechatPayNotifyURL); c.WechatPayNotifyURL != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || !strings.HasSuffix(u.Path, NoticePath)) {
		wrong("WECHATPAY_NOTIFY_URL %q is not https://host…%s", c.WechatPayNotifyURL, NoticePath)
	}
	_, bad := c.readWechatPay()
	return append(mistakes, bad...)
}

// ReadWechatPayKeys reads the files of the merchant's settings.
func (c *Config) ReadWechatPayKeys() (WechatPayKeys, error) {
	k, mistakes := c.readWechatPay()
	if len(mistakes) > 0 {
		return k, joined(mistakes)
	}
	return k, nil
}

// readWechatPay reads and checks what is set, and never quotes it.
func (c *Config) readWechatPay() (k WechatPayKeys, mistakes []error) {
	read := func(name, path string) string {
		if path == "" {
			return ""
		}
		b, err := os.ReadFile(path)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", name, err))
		}
		return strings.TrimSpace(string(b))
	}
	wrong := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	k.PrivateKeyPEM = read("WECHATPAY_PRIVATE_KEY_FILE", c.WechatPayPrivateKeyFile)
	k.PublicKeyPEM = read("WECHATPAY_PUBLIC_KEY_FILE", c.WechatPayPublicKeyFile)
	k.APIv3Key = c.WechatPayAPIv3Key
	if k.APIv3Key == "" {
		k.APIv3Key = read("WECHATPAY_APIV3_KEY_FILE", c.WechatPayAPIv3KeyFile)
	}
	if k.PrivateKeyPEM != "" && !isRSA(k.PrivateKeyPEM, "PRIVATE KEY", x509.ParsePKCS8PrivateKey) {
		wrong("WECHATPAY_PRIVATE_KEY_FILE is not an RSA private key in PEM (apiclient_key.pem)")
	}
	if k.PublicKeyPEM != "" && !isRSA(k.PublicKeyPEM, "PUBLIC KEY", x509.ParsePKIXPublicKey) {
		wrong("WECHATPAY_PUBLIC_KEY_FILE is not an RSA public key in PEM (pub_key.pem)")
	}
	if k.APIv3Key != "" && len(k.APIv3Key) != 32 {
		wrong("the APIv3 key of WeChat Pay is not 32 characters long")
	}
	return k, mistakes
}

// isRSA tells whether text is an RSA key of the kind in PEM.
func isRSA(text, kind string, parse func([]byte) (any, error)) bool {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != kind {
		return false
	}
	key, err := parse(block.Bytes)
	if err != nil {
		return false
	}
	switch key.(type) {
	case *rsa.PrivateKey, *rsa.PublicKey:
		return true
	}
	return false
}
