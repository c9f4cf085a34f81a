package model

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the schema to the newest version that this program knows. Any number of processes may
// call it at once. It returns the version reached.
func (db *DB) Migrate(ctx context.Context) (int64, error) {
	if err := db.CheckWhole(ctx); err != nil {
		return 0, err
	}
	p, err := db.provider()
	if err != nil {
		return 0, err
	}
	for try := 1; ; try++ {
		_, err = p.Up(ctx)
		if err == nil {
			return db.SchemaVersion(ctx)
		}
		if db.Dialect == MySQL || try == maxMigrateTries {
			return 0, fmt.Errorf("migrate: %w", err)
		}
		select {
		case <-time.After(time.Duration(try) * 20 * time.Millisecond):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// maxMigrateTries bounds the tries on the embedded database, for which there is no lock: of two processes that make the same step at once one
// fails, has its step undone, and finds it made at its next try.
const maxMigrateTries = 12

// ErrSchema says that the database's schema is not the one this program was built for.
var ErrSchema = errors.New("the database schema does not fit this program")

// RestoringTable is there while a restore writes to a database, and stays when it broke off half way.
const RestoringTable = "bangfu_restoring"

// ErrRestoring says that the database holds a part of a backup only.
var ErrRestoring = errors.New("a restore into this database is under way or broke off: what is in it is incomplete. Restore it again with --overwrite")

// CheckWhole refuses, with ErrRestoring, a database that a restore has begun to write and not ended.
func (db *DB) CheckWhole(ctx context.Context) error {
	found, err := db.hasTable(ctx, RestoringTable)
	if err == nil && found {
		err = ErrRestoring
	}
	return err
}

// CheckSchema refuses, with ErrSchema, a database whose version is older or newer than the program's, and with ErrRestoring one that is not whole.
// It only reads.
func (db *DB) CheckSchema(ctx context.Context) error {
	if err := db.CheckWhole(ctx); err != nil {
		return err
	}
	p, err := db.provider()
	if err != nil {
		return err
	}
	sources := p.ListSources()
	want := sources[len(sources)-1].Version
	have, err := db.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	switch {
	case have < want:
		return fmt.Errorf("%w: it is at version %d, this program needs %d; run the migrate subcommand", ErrSchema, have, want)
	case have > want:
		return fmt.Errorf("%w: it is at version %d, this program only knows %d; run a newer program", ErrSchema, have, want)
	}
	return nil
}

// SchemaVersion tells which migration the database has come to, 0 if to none. Unlike goose's own answer it takes no lock and makes no table, so an
// account that may only read gets it too.
func (db *DB) SchemaVersion(ctx context.Context) (version int64, err error) {
	found, err := db.hasTable(ctx, goose.DefaultTablename)
	if err != nil || !found {
		return 0, err
	}
	err = db.Read(ctx).Raw("SELECT COALESCE(MAX(version_id), 0) FROM " + goose.DefaultTablename).Scan(&version).Error
	return version, err
}

func (db *DB) hasTable(ctx context.Context, name string) (bool, error) {
	find := "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
	if db.Dialect == MySQL {
		find = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?"
	}
	var n int64
	err := db.Read(ctx).Raw(find, name).Scan(&n).Error
	return n > 0, err
}

func (db *DB) provider() (*goose.Provider, error) {
	dialect, dir := goose.DialectSQLite3, "migrations/sqlite"
	opts := []goose.ProviderOption{goose.WithSlog(slog.New(slog.DiscardHandler)), goose.WithDisableGlobalRegistry(true)}
	if db.Dialect == MySQL {
		dialect, dir = goose.DialectMySQL, "migrations/mysql"
		locker, err := lock.NewMySQLTableLocker()
		if err != nil {
			return nil, err
		}
		opts = append(opts, goose.WithLocker(locker))
	}
	sub, err := fs.Sub(migrations, dir)
	if err != nil {
		return nil, err
	}
	pool, err := db.Pool()
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, pool, sub, opts...)
}
