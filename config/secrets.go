package config

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"bangfu/model"
)

var logLevels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

// Level is the log level.
func (c *Config) Level() slog.Level { return logLevels[c.LogLevel] }

// MakeKeys fills in the keys that were not given: from DATA_DIR/secrets if they were made at an earlier start, else
// made now and kept there with mode 0600. On a database that others share (MYSQL_DSN set) keys must be given or already be
// there for every process alike, so the first process's files have to be copied.
func (c *Config) MakeKeys() error {
	// The key's id is as good as unique, so that the lists of two installations can be joined.
	fieldKey := func() string {
		id := make([]byte, 3)
		_, _ = rand.Read(id)
		return fmt.Sprintf("k%x:%s", id, model.GenerateKey())
	}
	var err error
	if c.FieldKeys == "" {
		if c.FieldKeys, _, err = c.Secret("field-keys", fieldKey); err != nil {
			return err
		}
	}
	if c.HashKey == "" {
		c.HashKey, _, err = c.Secret("hash-key", model.GenerateKey)
	}
	return err
}

// ReadKeys is MakeKeys for commands that only read: a key that was neither given nor made before is an error.
func (c *Config) ReadKeys() error {
	for _, k := range []struct {
		name, file string
		value      *string
	}{{"FIELD_KEYS", "field-keys", &c.FieldKeys}, {"HASH_KEY", "hash-key", &c.HashKey}} {
		if *k.value != "" {
			continue
		}
		var err error
		if *k.value, err = readSecret(c.SecretPath(k.file)); err != nil {
			return fmt.Errorf("%s is not set, and the product has not made it: %w", k.name, err)
		}
	}
	return nil
}

// SecretPath is the file that keeps a secret made by the program.
func (c *Config) SecretPath(name string) string { return filepath.Join(c.DataDir, "secrets", name) }

// Secret is the content of DATA_DIR/secrets/name. If there is none, it is made by generate and kept with mode 0600;
// made tells which.
func (c *Config) Secret(name string, generate func() string) (value string, made bool, err error) {
	dir := filepath.Join(c.DataDir, "secrets")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", false, fmt.Errorf("DATA_DIR: %w", err)
	}
	path := c.SecretPath(name)
	if value, err := readSecret(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return value, false, err
	}
	temp, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return "", false, err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	value = generate()
	_, werr := temp.WriteString(value + "\n")
	if err := errors.Join(werr, temp.Sync(), temp.Close()); err != nil {
		return "", false, err
	}
	// Link, not rename: of several processes that start at once, the first one's secret stays.
	if err := os.Link(temp.Name(), path); errors.Is(err, fs.ErrExist) {
		value, err := readSecret(path)
		return value, false, err
	} else if err != nil {
		return "", false, err
	}
	return value, true, nil
}

func readSecret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others: run chmod 600 on it", path)
	}
	value := strings.TrimSpace(string(b))
	if value == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return value, nil
}

// Password makes a password that a person can type: 20 letters and digits without look-alikes, about 114 bits.
func Password() string {
	const letters = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"
	b := make([]byte, 20)
	_, _ = rand.Read(b)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}
