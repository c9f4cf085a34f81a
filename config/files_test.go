package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bangfu/config"
)

// TestSecretsFromFiles shows that each secret can come from a file instead of the environment, that both at once, a missing and an empty
// file are refused, and that no mistake quotes a content.
func TestSecretsFromFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := strings.Repeat("A", 43)
	c, err := config.Load([]string{"HASH_KEY_FILE=" + file("hash", key+"\n"), "FIELD_KEYS_FILE=" + file("keys", "k1:"+key+"\n"), "REDIS_PASSWORD_FILE=" + file("redis", " s3cret \n"),
		"MYSQL_DSN_FILE=" + file("dsn", "u:p@tcp(127.0.0.1:3306)/bangfu"), "S3_SECRET_KEY_FILE=" + file("s3", "x"), "WECHAT_BASE_URL="})
	if err != nil {
		t.Fatal(err)
	}
	if c.HashKey != key || c.FieldKeys != "k1:"+key || c.RedisPassword != "s3cret" || c.MySQLDSN == "" || c.S3SecretKey != "x" {
		t.Error("a secret did not come out of its file")
	}
	for want, environ := range map[string][]string{
		"are both set": {"HASH_KEY=" + key, "HASH_KEY_FILE=" + file("again", key)},
		"open":         {"FIELD_KEYS_FILE=" + filepath.Join(dir, "none")},
		"is empty":     {"REDIS_PASSWORD_FILE=" + file("empty", " \n")},
		"FIELD_KEYS":   {"FIELD_KEYS_FILE=" + file("bad", "very-secret-and-wrong")},
	} {
		got := mistakes(t, environ...)
		if len(got) != 1 || !strings.Contains(got[0], want) || strings.Contains(got[0], key) || strings.Contains(got[0], "very-secret") {
			t.Errorf("%s: %q", want, got)
		}
	}
}
