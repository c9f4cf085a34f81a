// Package modeltest gives each test a fresh, migrated database of its own.
package modeltest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"

	"database/sql"

	"bangfu/model"
)

// Clock is a clock that stands still until a test moves it.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock starts at the given moment.
func NewClock(at time.Time) *Clock { return &Clock{at: model.Millis(at)} }

// Now implements model.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Set moves the clock to at.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = model.Millis(at)
}

// Advance moves the clock by d.
func (c *Clock) Advance(d time.Duration) { c.Set(c.Now().Add(d)) }

// At is a moment in China's zone: At("2025-03-01 09:00").
func At(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", text, model.China)
	if err != nil {
		panic(err)
	}
	return model.Millis(t)
}

// Options opens a fresh database of the kind that TEST_DB names (sqlite, the default, or mysql with
// TEST_MYSQL_DSN) and returns the options for it; it is dropped when the test ends.
func Options(t testing.TB, clock model.Clock) model.Options {
	t.Helper()
	if os.Getenv("TEST_DB") != "mysql" {
		return model.Options{SQLitePath: filepath.Join(t.TempDir(), "test.db"), Clock: clock}
	}
	return MySQLOptions(t, clock)
}

// MySQLOptions is Options on MySQL or MariaDB, whatever TEST_DB says; TEST_MYSQL_DSN must be set.
func MySQLOptions(t testing.TB, clock model.Clock) model.Options {
	t.Helper()
	cfg, err := mysqldriver.ParseDSN(os.Getenv("TEST_MYSQL_DSN"))
	if err != nil || os.Getenv("TEST_MYSQL_DSN") == "" {
		t.Fatalf("TEST_MYSQL_DSN is missing or malformed: run the tests through scripts/with-services.sh")
	}
	server, err := sql.Open("mysql", cfg.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("bangfu_test_%d", rand.Int64())
	if _, err := server.Exec("CREATE DATABASE " + name + " CHARACTER SET utf8mb4"); err != nil {
		t.Fatalf("create a test database: %v", err)
	}
	t.Cleanup(func() {
		_, _ = server.Exec("DROP DATABASE " + name)
		_ = server.Close()
	})
	cfg.DBName = name
	return model.Options{MySQLDSN: cfg.FormatDSN(), Clock: clock}
}

// Open is a fresh, migrated database with ids started and keys for the audit trail; clock may be nil for the system's.
func Open(t testing.TB, clock model.Clock) *model.DB {
	t.Helper()
	return OpenWith(t, Options(t, clock))
}

// OpenWith opens and migrates the given database and closes it when the test ends.
func OpenWith(t testing.TB, o model.Options) *model.DB {
	t.Helper()
	ctx := context.Background()
	db, err := model.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if err := db.StartIDs(ctx); err != nil {
		t.Fatal(err)
	}
	sealer, err := model.NewSealer("test:"+strings.Repeat("A", 43), make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.UseAuditKeys(ctx, sealer); err != nil {
		t.Fatal(err)
	}
	return db
}
