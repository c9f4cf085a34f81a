package app

import (
	"fmt"
	"os"
	"path/filepath"

	"bangfu/config"
)

// Occupy keeps DATA_DIR for this process while the database in it is the embedded one: what a process counts, limits and locks in its embedded
// Redis no other one sees, and a key list that one is given the other does not know. With another database it does nothing. The returned function
// gives the folder free; the end of the process does so too. It is an error when another process has it.
func Occupy(cfg *config.Config) (free func(), err error) {
	if cfg.MySQLDSN != "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("DATA_DIR %s cannot be used: %w", cfg.DataDir, err)
	}
	f, err := os.OpenFile(filepath.Join(cfg.DataDir, "in-use.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("DATA_DIR %s cannot be used: %w", cfg.DataDir, err)
	}
	taken, err := lockFile(f)
	if err == nil && !taken {
		return func() { _ = f.Close() }, nil
	}
	_ = f.Close()
	if taken {
		return nil, fmt.Errorf("another process works on the embedded database in DATA_DIR %s: stop it first (several processes need MYSQL_DSN and REDIS_ADDRS)", cfg.DataDir)
	}
	return nil, fmt.Errorf("DATA_DIR %s cannot be locked: %w", cfg.DataDir, err)
}
