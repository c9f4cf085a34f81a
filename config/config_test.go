package config_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bangfu/config"
)

// TestDefaults shows that no settings at all are the embedded default.
func TestDefaults(t *testing.T) {
	c, err := config.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPAddr != "127.0.0.1:8080" || c.DataDir != "./data" || !c.Emulated() || !c.Loopback() || c.MySQLDSN != "" || len(c.RedisAddrs) != 0 {
		t.Errorf("%+v", c)
	}
}

// TestAllMistakesAtOnce shows that every wrong setting is named in one error.
func TestAllMistakesAtOnce(t *testing.T) {
	_, err := config.Load([]string{
		"HTTP_ADDR=8080", "LOG_LEVEL=loud", "MYSQL_DSN=mysql://x", "REDIS_ADDRS=a:1,b", "WECHATPAY_BASE_URL=example", "AUTO_CONFIRM_DAYS=0", "SETTLE_AFTER_DAYS=91",
		"PICTURE_STORE=ftp", "HASH_KEY=short", "FIELD_KEYS=k1", "SESSION_IDLE_STAFF=24h", "CITY_UNION_NAME= ",
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, name := range []string{"HTTP_ADDR", "LOG_LEVEL", "MYSQL_DSN", "REDIS_ADDRS", "WECHATPAY_BASE_URL", "AUTO_CONFIRM_DAYS", "SETTLE_AFTER_DAYS", "PICTURE_STORE", "HASH_KEY", "FIELD_KEYS", "SESSION_IDLE_STAFF", "CITY_UNION_NAME"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in:\n%v", name, err)
		}
	}
}

// mistakes loads environ and returns the lines of the error, without the heading.
func mistakes(t *testing.T, environ ...string) []string {
	t.Helper()
	_, err := config.Load(environ)
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")[1:]
}

// TestUnreadable shows that values of the wrong type are named by their variable, once each, besides other mistakes.
func TestUnreadable(t *testing.T) {
	got := mistakes(t, "AUTO_CONFIRM_DAYS=ten", "S3_SECURE=maybe", "SESSION_IDLE_MEMBER=5", "SESSION_MAX_STAFF=long", "LOG_LEVEL=loud")
	want := []string{
		`  - AUTO_CONFIRM_DAYS "ten" is not a whole number`,
		`  - S3_SECURE "maybe" is not true or false`,
		`  - SESSION_IDLE_MEMBER "5" is not a length of time like 30m, 12h or 720h`,
		`  - SESSION_MAX_STAFF "long" is not a length of time like 30m, 12h or 720h`,
		`  - LOG_LEVEL "loud" is not one of debug, info, warn, error`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestHTTPAddr shows that an address that cannot be read is complained of once, as such.
func TestHTTPAddr(t *testing.T) {
	for _, addr := range []string{"8080", "127.0.0.1", "127.0.0.1:", "0.0.0.0:65536", "0.0.0.0:-1", "127.0.0.1:web"} {
		if got := mistakes(t, "HTTP_ADDR="+addr); len(got) != 1 || !strings.Contains(got[0], "is not host:port") {
			t.Errorf("%s: %q", addr, got)
		}
	}
}

var realWechat = []string{"WECHAT_BASE_URL=https://api.weixin.qq.com", "WECHAT_APP_ID=wx1", "WECHAT_APP_SECRET=s"}

// TestTrustedProxies shows that proxies are addresses or networks, and that the emulator has none in front of it.
func TestTrustedProxies(t *testing.T) {
	if got := mistakes(t, append(realWechat, "TRUSTED_PROXIES=127.0.0.1,10.0.0.0/8,::1,fd00::/8")...); got != nil {
		t.Errorf("%q", got)
	}
	got := mistakes(t, append(realWechat, "TRUSTED_PROXIES=127.0.0.1,nginx,10.0.0.0/33")...)
	if len(got) != 2 || !strings.Contains(got[0], `TRUSTED_PROXIES: "nginx"`) || !strings.Contains(got[1], `TRUSTED_PROXIES: "10.0.0.0/33"`) {
		t.Errorf("%q", got)
	}
	got = mistakes(t, "TRUSTED_PROXIES=127.0.0.1")
	if len(got) != 1 || !strings.Contains(got[0], "must not stand behind a proxy: set WECHAT_BASE_URL, WECHAT_APP_ID, WECHAT_APP_SECRET") {
		t.Errorf("%q", got)
	}
}

// TestMissing shows that one missing setting is missing and several are.
func TestMissing(t *testing.T) {
	got := mistakes(t, "WECHAT_BASE_URL=https://api.weixin.qq.com", "WECHAT_APP_ID=wx1", "PICTURE_STORE=s3", "S3_ENDPOINT=s3.example.org")
	want := []string{
		"  - WECHAT_BASE_URL is set, but WECHAT_APP_SECRET is missing",
		"  - PICTURE_STORE is s3, but S3_BUCKET, S3_ACCESS_KEY and S3_SECRET_KEY are missing",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEmulatorOnlyOnLoopback shows that the emulator is never served to others and that the missing settings are named.
func TestEmulatorOnlyOnLoopback(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:8080", ":8080", "192.0.2.1:80", "[::]:8080", "example.org:80"} {
		_, err := config.Load([]string{"HTTP_ADDR=" + addr})
		if err == nil || !strings.Contains(err.Error(), "WECHAT_BASE_URL") || !strings.Contains(err.Error(), "WECHAT_APP_ID") || !strings.Contains(err.Error(), "WECHAT_APP_SECRET") {
			t.Errorf("%s: %v", addr, err)
		}
	}
	for _, addr := range []string{"127.0.0.1:0", "localhost:8080", "[::1]:8080", "127.0.0.2:1"} {
		if _, err := config.Load([]string{"HTTP_ADDR=" + addr}); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if _, err := config.Load(append(realWechat, "HTTP_ADDR=0.0.0.0:8080")); err != nil {
		t.Error(err)
	}
	if _, err := config.Load([]string{"WECHAT_BASE_URL=https://api.weixin.qq.com"}); err == nil || !strings.Contains(err.Error(), "WECHAT_APP_ID and WECHAT_APP_SECRET are missing") {
		t.Errorf("%v", err)
	}
}

// TestKeysAreMadeOnce shows that keys not given are made, kept with mode 0600, and the same at the next start.
func TestKeysAreMadeOnce(t *testing.T) {
	dir := t.TempDir()
	load := func() *config.Config {
		c, err := config.Load([]string{"DATA_DIR=" + dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.MakeKeys(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	first, second := load(), load()
	if first.HashKey == "" || first.HashKey != second.HashKey || first.FieldKeys != second.FieldKeys {
		t.Error("keys differ between starts")
	}
	if id, _, _ := strings.Cut(first.FieldKeys, ":"); !regexp.MustCompile(`^k[0-9a-f]{6}$`).MatchString(id) {
		t.Errorf("the made field key's id is %q", id)
	}
	for _, name := range []string{"field-keys", "hash-key"} {
		info, err := os.Stat(first.SecretPath(name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %o", name, info.Mode().Perm())
		}
	}
	if err := os.Chmod(first.SecretPath("hash-key"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load([]string{"DATA_DIR=" + dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.MakeKeys(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others can read is used: %v", err)
	}
}

// TestRedisTLS: TLS is off by default, verifies with the system's authorities or a file's alone, and a wrong file is told.
func TestRedisTLS(t *testing.T) {
	load := func(environ ...string) *config.Config {
		c, err := config.Load(environ)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if got, err := load().RedisTLSConfig(); got != nil || err != nil {
		t.Error(got, err)
	}
	if got, err := load("REDIS_TLS=true").RedisTLSConfig(); err != nil || got == nil || got.RootCAs != nil || got.InsecureSkipVerify {
		t.Error(got, err)
	}
	wrong := t.TempDir() + "/ca.pem"
	if err := os.WriteFile(wrong, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{wrong, wrong + ".gone"} {
		if _, err := load("REDIS_TLS=true", "REDIS_CA_FILE="+path).RedisTLSConfig(); err == nil || !strings.Contains(err.Error(), "REDIS_CA_FILE") {
			t.Error(err)
		}
	}
	if got := mistakes(t, "REDIS_CA_FILE="+wrong); len(got) != 1 || !strings.Contains(got[0], "REDIS_TLS") {
		t.Error(got)
	}
}

// TestWayToOthersIsSafe: what goes to other machines goes neither unverified nor in the clear by a setting; on this machine everything goes. No
// mistake quotes a password.
func TestWayToOthersIsSafe(t *testing.T) {
	const there, here = "u:secret@tcp(db.example.org:3306)/bangfu", "u:secret@tcp(127.0.0.1:3306)/bangfu"
	for _, name := range []string{"MYSQL_DSN", "BACKUP_MYSQL_DSN"} {
		for option, want := range map[string]string{
			"tls=skip-verify": "tls=skip-verify", "tls=preferred": "tls=preferred", "tls=true&allowFallbackToPlaintext=true": "allowFallbackToPlaintext",
			"tls=true&allowAllFiles=true": "allowAllFiles", "tls=true&allowCleartextPasswords=true": "allowCleartextPasswords",
		} {
			if got := mistakes(t, name+"="+there+"?"+option); len(got) != 1 || !strings.Contains(got[0], name+": ") || !strings.Contains(got[0], want) || strings.Contains(got[0], "secret@") {
				t.Errorf("%s with %s: %q", name, option, got)
			}
			for _, local := range []string{here, "u:secret@tcp(localhost)/bangfu", "u:secret@tcp([::1]:3306)/bangfu", "u:secret@unix(/run/db.sock)/bangfu"} {
				if got := mistakes(t, name+"="+local+"?"+option); got != nil {
					t.Errorf("%s on this machine with %s: %q", name, option, got)
				}
			}
		}
		for _, option := range []string{"", "?tls=true", "?tls=false"} {
			if got := mistakes(t, name+"="+there+option); got != nil {
				t.Errorf("%s%s: %q", name, option, got)
			}
		}
	}
	for _, name := range []string{"WECHAT_BASE_URL", "WECHATPAY_BASE_URL"} {
		for address, refused := range map[string]bool{"http://api.example.org": true, "http://192.0.2.1:80": true, "http://localhost.example.org": true,
			"https://api.example.org": false, "http://127.0.0.1:9000": false, "http://localhost": false, "http://[::1]:80": false} {
			got := mistakes(t, append(slices.Clone(realWechat), name+"="+address)...)
			if refused != (len(got) == 1 && strings.Contains(got[0], name) && strings.Contains(got[0], "https")) || !refused && got != nil {
				t.Errorf("%s=%s: %q", name, address, got)
			}
		}
	}
}
