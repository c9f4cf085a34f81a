package config_test

import (
	"os"
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
		"HTTP_ADDR=8080", "LOG_LEVEL=loud", "MYSQL_DSN=mysql://x", "REDIS_ADDRS=a:1,b", "WECHATPAY_BASE_URL=example", "AUTO_CONFIRM_DAYS=0",
		"PICTURE_STORE=ftp", "HASH_KEY=short", "FIELD_KEYS=k1", "SESSION_IDLE_STAFF=24h", "CITY_UNION_NAME= ",
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, name := range []string{"HTTP_ADDR", "LOG_LEVEL", "MYSQL_DSN", "REDIS_ADDRS", "WECHATPAY_BASE_URL", "AUTO_CONFIRM_DAYS", "PICTURE_STORE", "HASH_KEY", "FIELD_KEYS", "SESSION_IDLE_STAFF", "CITY_UNION_NAME"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in:\n%v", name, err)
		}
	}
}

// TestUnreadable shows that values of the wrong type are named too, besides other mistakes.
func TestUnreadable(t *testing.T) {
	_, err := config.Load([]string{"AUTO_CONFIRM_DAYS=ten", "SESSION_MAX_MEMBER=long", "LOG_LEVEL=loud"})
	if err == nil || !strings.Contains(err.Error(), "AutoConfirmDays") || !strings.Contains(err.Error(), "SessionMaxMember") || !strings.Contains(err.Error(), "LOG_LEVEL") {
		t.Errorf("%v", err)
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
	if _, err := config.Load([]string{"HTTP_ADDR=0.0.0.0:8080", "WECHAT_BASE_URL=https://api.weixin.qq.com", "WECHAT_APP_ID=wx1", "WECHAT_APP_SECRET=s"}); err != nil {
		t.Error(err)
	}
	if _, err := config.Load([]string{"WECHAT_BASE_URL=https://api.weixin.qq.com"}); err == nil || !strings.Contains(err.Error(), "WECHAT_APP_ID and WECHAT_APP_SECRET") {
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
