package backup

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"bangfu/model"
)

// copySQLite copies the embedded database as one transaction sees it; writers go on meanwhile.
func (o Options) copySQLite(ctx context.Context, dir string, m *Manifest) error {
	if _, err := os.Stat(o.SQLitePath); err != nil {
		return fmt.Errorf("there is no database: MYSQL_DSN is not set, and %w", err)
	}
	o.Say("copying the database file")
	plain := filepath.Join(dir, "database.sqlite")
	db, err := model.Open(ctx, model.Options{SQLitePath: o.SQLitePath})
	if err != nil {
		return err
	}
	m.Engine = string(model.SQLite)
	err = vacuumInto(ctx, db, plain)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	copied, err := model.Open(ctx, model.Options{SQLitePath: plain})
	if err != nil {
		return err
	}
	m.Schema, err = copied.SchemaVersion(ctx)
	if err = errors.Join(err, copied.Close()); err != nil {
		return err
	}
	err = m.add(dir, sqliteName, func(w *partWriter) error {
		f, err := os.Open(plain)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, f)
		return errors.Join(err, f.Close())
	})
	return errors.Join(err, removeSQLite(plain))
}

func vacuumInto(ctx context.Context, db *model.DB, path string) error {
	pool, err := db.Pool()
	if err != nil {
		return err
	}
	_, err = pool.ExecContext(ctx, "VACUUM INTO ?", path)
	return err
}

// removeSQLite removes a database file and what SQLite keeps beside it.
func removeSQLite(path string) error {
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// restoreSQLite puts the backup's database file in place. A database that is overwritten is kept beside it under another name.
func (o Options) restoreSQLite(ctx context.Context, dir string, overwrite bool) error {
	info, err := os.Stat(o.SQLitePath)
	if err == nil && info.Size() > 0 {
		if !overwrite {
			return fmt.Errorf("%s holds a database already; restore into another DATA_DIR, or stop the product and say --overwrite", o.SQLitePath)
		}
		if err := o.moveAside(ctx); err != nil {
			return err
		}
	}
	o.Say("bringing back the database file")
	if err := os.MkdirAll(filepath.Dir(o.SQLitePath), 0o700); err != nil {
		return err
	}
	temp := o.SQLitePath + ".restoring"
	if err := gunzip(filepath.Join(dir, sqliteName), temp); err != nil {
		return err
	}
	return errors.Join(os.Rename(temp, o.SQLitePath), syncFolder(filepath.Dir(o.SQLitePath)))
}

// moveAside renames the database file. It refuses while a process has it open: leaving the write-ahead log needs the database for
// oneself.
func (o Options) moveAside(ctx context.Context) error {
	db, err := model.Open(ctx, model.Options{SQLitePath: o.SQLitePath})
	if err != nil {
		return fmt.Errorf("%s is not a database that can be opened (%w); move it away by hand", o.SQLitePath, err)
	}
	pool, err := db.Pool()
	if err == nil {
		pool.SetMaxOpenConns(1)
		var mode string
		err = pool.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode)
		if err == nil && mode != "delete" {
			err = fmt.Errorf("journal mode stays %s", mode)
		}
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("%s is in use: stop the product first (%w)", o.SQLitePath, err)
	}
	aside := o.SQLitePath + ".before-restore-" + time.Now().UTC().Format("20060102T150405Z")
	o.Say("the database that was there is kept as %s", aside)
	if err := os.Rename(o.SQLitePath, aside); err != nil {
		return err
	}
	return removeSQLite(o.SQLitePath)
}

func gunzip(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, z)
	return errors.Join(err, out.Sync(), out.Close())
}
