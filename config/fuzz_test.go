package config_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"bangfu/config"
)

// secretSettings are never quoted; each may be in a file.
var secretSettings = []string{"MYSQL_DSN", "BACKUP_MYSQL_DSN", "REDIS_PASSWORD", "WECHAT_APP_SECRET", "WECHATPAY_APIV3_KEY", "S3_SECRET_KEY", "FIELD_KEYS", "HASH_KEY"}

// notQuoted fails when an error quotes a secret long enough to be one.
func notQuoted(t *testing.T, err error, name, value string) {
	t.Helper()
	if len(strings.TrimSpace(value)) > 24 && strings.Contains(err.Error(), strings.TrimSpace(value)) {
		t.Errorf("%s is quoted: %v", name, err)
	}
}

// FuzzLoad: settings of any content are taken or refused with words that name the variable and never quote a secret; what is taken
// keeps the emulator on loopback and away from proxies.
func FuzzLoad(f *testing.F) {
	f.Add("HTTP_ADDR", "0.0.0.0:8080", "MYSQL_DSN", "root:secret@tcp(127.0.0.1)/x")
	f.Add("FIELD_KEYS", "k1:"+strings.Repeat("A", 43), "HASH_KEY", strings.Repeat("A", 43))
	f.Add("TRUSTED_PROXIES", "10.0.0.0/8,::1", "REDIS_ADDRS", "127.0.0.1:6379,localhost:0")
	f.Add("SESSION_IDLE_STAFF", "30m", "SESSION_MAX_STAFF", "1s")
	f.Add("WECHAT_TEMPLATE_ALLOWANCE_ISSUED", "aaaaaaaaaaaaaaaaaaaaaaaa,thing1=union", "PICTURE_STORE", "s3")
	f.Add("WECHATPAY_NOTIFY_URL", "https://h/api/v1/wechatpay/notices", "WECHAT_BASE_URL", "http://[::1]:80")
	f.Add("BACKUP_MYSQL_DSN", "keeper:secret@tcp(127.0.0.1:3306)", "REDIS_TLS", "perhaps")
	f.Add("REDIS_CA_FILE", "ca.pem", "REDIS_PREFIX", "")
	f.Add("AUTO_CONFIRM_DAYS", "99999999999999999999", "SETTLE_AFTER_DAYS", "-1")
	f.Add("AFTER_SALE_REPLY_HOURS", "0", "AFTER_SALE_RETURN_DAYS", "1e1")
	f.Add("S3_SECURE", "no", "S3_ENDPOINT", "s3.example")
	f.Add("CITY_UNION_NAME", " ", "LOG_LEVEL", "loud")
	f.Add("SESSION_IDLE_MEMBER", "9223372036s", "SESSION_MAX_MEMBER", "-1h")
	f.Add("HTTP_ADDR", "localhost:http", "DATA_DIR", "")
	f.Add("HTTP_ADDR", "[::1%lo]:8080", "HTTP_ADDR", "[::]:8080")
	f.Add("", "=", "=", "")
	secrets := map[string]bool{}
	for _, name := range secretSettings {
		secrets[name] = true
	}
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		if strings.HasSuffix(name1, "_FILE") || strings.HasSuffix(name2, "_FILE") || strings.Contains(value1+value2, "\x00") {
			return // would read any file of this machine, as they should
		}
		c, err := config.Load([]string{name1 + "=" + value1, name2 + "=" + value2})
		if err != nil {
			for name, value := range map[string]string{name1: value1, name2: value2} {
				if secrets[name] {
					notQuoted(t, err, name, value)
				}
			}
			return
		}
		if c.Emulated() && (!c.Loopback() || len(c.TrustedProxies) > 0) {
			t.Errorf("the emulator is served to others: %q, %q", c.HTTPAddr, c.TrustedProxies)
		}
	})
}

// FuzzSecretFiles: a secret in a file counts as the same text in the setting, white space around it aside, and is never quoted; both at
// once are refused.
func FuzzSecretFiles(f *testing.F) {
	key := strings.Repeat("A", 43)
	for i, s := range []string{"keeper:secret-secret-secret@tcp(127.0.0.1:3306)/bangfu\n", "keeper:secret-secret-secret@nowhere", "password", " secret of the app ", strings.Repeat("k", 32), "\xff\x00", "k1:" + key + "\r\n", key} {
		f.Add(uint8(i), []byte(s), false)
		f.Add(uint8(i), []byte(s), true)
	}
	f.Add(uint8(0), []byte(nil), false)
	f.Add(uint8(6), []byte("\u3000\ufeff"), false)
	f.Fuzz(func(t *testing.T, which uint8, content []byte, both bool) {
		name := secretSettings[int(which)%len(secretSettings)]
		if name == "WECHATPAY_APIV3_KEY" {
			return // wants a whole merchant: FuzzWechatPayKeys
		}
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		text := strings.TrimSpace(string(content))
		set := []string{name + "_FILE=" + path}
		if both {
			set = append(set, name+"=x")
		}
		fromFile, err := config.Load(set)
		if err != nil {
			notQuoted(t, err, name, text)
		}
		if err == nil && (both || text == "") {
			t.Errorf("%s: both %v, or an empty file, were taken", name, both)
		}
		if both || text == "" {
			return
		}
		direct, directErr := config.Load([]string{name + "=" + text})
		if (err == nil) != (directErr == nil) {
			t.Errorf("%s: %v from the file, %v without", name, err, directErr)
		}
		if err == nil && directErr == nil {
			if !reflect.DeepEqual(clearFiles(*fromFile).Interface(), clearFiles(*direct).Interface()) {
				t.Errorf("%s: the file counts as something else", name)
			}
		}
	})
}

// clearFiles is the settings without the paths of files with secrets.
func clearFiles(c config.Config) reflect.Value {
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		if strings.HasSuffix(v.Type().Field(i).Tag.Get("env"), "_FILE") {
			v.Field(i).SetString("")
		}
	}
	return v
}

// FuzzWechatPayKeys: files of a merchant's keys with anything in them are refused without a word of what is in them, or they hold RSA keys
// and an APIv3 key of 32 bytes.
func FuzzWechatPayKeys(f *testing.F) {
	inPEM := func(kind string, der []byte, err error) []byte {
		if err != nil {
			f.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	key, err := rsa.GenerateKey(rand.Reader, 1024) // short: it is never used
	if err != nil {
		f.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	private := inPEM("PRIVATE KEY", der, err)
	der, err = x509.MarshalPKIXPublicKey(&key.PublicKey)
	public := inPEM("PUBLIC KEY", der, err)
	der, err = x509.MarshalPKCS8PrivateKey(other)
	elliptical := inPEM("PRIVATE KEY", der, err)
	v3 := []byte(strings.Repeat("k", 32))
	f.Add(private, public, v3)
	f.Add(append([]byte("\ufeff\n"), private...), append(public, '\n'), append(v3, '\n'))
	f.Add(public, private, v3)
	f.Add(elliptical, public, v3[:31])
	f.Add(inPEM("PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key), nil), public, v3)
	f.Add(bytes.Replace(private, []byte("PRIVATE KEY"), []byte("RSA PRIVATE KEY"), 2), public, []byte(nil))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----"), []byte("-----BEGIN PUBLIC KEY-----"), []byte("\xff"))
	f.Fuzz(func(t *testing.T, private, public, v3 []byte) {
		dir := t.TempDir()
		set := []string{"WECHAT_BASE_URL=https://api.weixin.qq.com", "WECHAT_APP_ID=wx0000000000000001", "WECHAT_APP_SECRET=s", "WECHATPAY_MCH_ID=1900000001", "WECHATPAY_SERIAL_NO=AB12",
			"WECHATPAY_PUBLIC_KEY_ID=PUB_KEY_ID_1", "WECHATPAY_NOTIFY_URL=https://h.example" + config.NoticePath}
		for name, content := range map[string][]byte{"WECHATPAY_PRIVATE_KEY_FILE": private, "WECHATPAY_PUBLIC_KEY_FILE": public, "WECHATPAY_APIV3_KEY_FILE": v3} {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			set = append(set, name+"="+path)
		}
		c, err := config.Load(set)
		if err != nil {
			for _, content := range [][]byte{private, public, v3} {
				notQuoted(t, err, "a key", string(content))
			}
			return
		}
		k, err := c.ReadWechatPayKeys()
		if err != nil {
			t.Fatal("taken at first, refused later:", err)
		}
		if len(k.APIv3Key) != 32 {
			t.Errorf("an APIv3 key of %d bytes", len(k.APIv3Key))
		}
		block, _ := pem.Decode([]byte(k.PrivateKeyPEM))
		if block == nil {
			t.Fatal("no private key")
		}
		if own, err := x509.ParsePKCS8PrivateKey(block.Bytes); err != nil || reflect.TypeOf(own) != reflect.TypeFor[*rsa.PrivateKey]() {
			t.Errorf("%T, %v", own, err)
		}
		if block, _ = pem.Decode([]byte(k.PublicKeyPEM)); block == nil {
			t.Fatal("no public key")
		}
		if theirs, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil || reflect.TypeOf(theirs) != reflect.TypeFor[*rsa.PublicKey]() {
			t.Errorf("%T, %v", theirs, err)
		}
	})
}
