package config_test

import (
	"strings"
	"testing"

	"bangfu/config"
)

// FuzzLoad: settings of any content are taken or refused with words that name the variable and never quote a secret; what is taken
// keeps the emulator on loopback and away from proxies.
func FuzzLoad(f *testing.F) {
	f.Add("HTTP_ADDR", "0.0.0.0:8080", "MYSQL_DSN", "root:secret@tcp(127.0.0.1)/x")
	f.Add("FIELD_KEYS", "k1:"+strings.Repeat("A", 43), "HASH_KEY", strings.Repeat("A", 43))
	f.Add("TRUSTED_PROXIES", "10.0.0.0/8,::1", "REDIS_ADDRS", "127.0.0.1:6379,localhost:0")
	f.Add("SESSION_IDLE_STAFF", "30m", "SESSION_MAX_STAFF", "1s")
	f.Add("WECHAT_TEMPLATE_ALLOWANCE_ISSUED", "aaaaaaaaaaaaaaaaaaaaaaaa,thing1=union", "PICTURE_STORE", "s3")
	f.Add("WECHATPAY_NOTIFY_URL", "https://h/api/v1/wechatpay/notices", "WECHAT_BASE_URL", "http://[::1]:80")
	secrets := map[string]bool{"MYSQL_DSN": true, "REDIS_PASSWORD": true, "WECHAT_APP_SECRET": true, "WECHATPAY_APIV3_KEY": true, "S3_SECRET_KEY": true, "FIELD_KEYS": true, "HASH_KEY": true}
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		if strings.HasSuffix(name1, "_FILE") || strings.HasSuffix(name2, "_FILE") || strings.Contains(value1+value2, "\x00") {
			return // would read any file of this machine, as they should
		}
		c, err := config.Load([]string{name1 + "=" + value1, name2 + "=" + value2})
		if err != nil {
			for name, value := range map[string]string{name1: value1, name2: value2} {
				if secrets[name] && len(value) > 24 && strings.Contains(err.Error(), value) {
					t.Errorf("%s is quoted: %v", name, err)
				}
			}
			return
		}
		if c.Emulated() && (!c.Loopback() || len(c.TrustedProxies) > 0) {
			t.Errorf("the emulator is served to others: %q, %q", c.HTTPAddr, c.TrustedProxies)
		}
	})
}
