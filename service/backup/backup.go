// Package backup copies everything that an installation keeps, consistently and while it works, and brings it back. The
// copy holds the database and the pictures and documents; it never holds the keys that personal data are encrypted with.
//
// A backup is a folder of its own:
//
//	FOLDER/20261124T153000Z/manifest.json   what is in it, with checksums; written last: without it there is no backup
//	FOLDER/20261124T153000Z/database.sql.gz (or database.sqlite.gz)
//	FOLDER/20261124T153000Z/files.tar.gz    unless pictures are kept in S3
//	FOLDER/log/                             the archived binary log, for all backups in FOLDER
package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"bangfu/model"
)

// Options say what is backed up, or where to it is restored.
type Options struct {
	MySQLDSN   string // of an account that may back up; empty: the embedded database
	SQLitePath string // the embedded database's file
	FilesDir   string // pictures and documents; empty: they are kept elsewhere
	Program    string // version of the program, noted in the manifest
	// Say tells the operator what is being done.
	Say func(format string, args ...any)
}

// Names of the parts of a backup.
const (
	manifestName = "manifest.json"
	dumpName     = "database.sql.gz"
	sqliteName   = "database.sqlite.gz"
	filesName    = "files.tar.gz"
	logFolder    = "log"
)

// Make writes a full backup into a new folder below folder and returns that folder's path and manifest. The database is
// copied first: whatever file a row of it names is there when the files are copied.
func Make(ctx context.Context, o Options, folder string) (string, *Manifest, error) {
	m := &Manifest{Format: manifestFormat, Program: o.Program, StartedAt: time.Now().UTC().Truncate(time.Second)}
	name := m.StartedAt.Format("20060102T150405Z")
	final, partial := filepath.Join(folder, name), filepath.Join(folder, "."+name+".partial")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", nil, err
	}
	if _, err := os.Stat(final); err == nil {
		return "", nil, fmt.Errorf("%s exists already: wait a second and try again", final)
	}
	if err := os.Mkdir(partial, 0o700); err != nil {
		return "", nil, err
	}
	err := o.fill(ctx, partial, m)
	if err == nil {
		m.FinishedAt = time.Now().UTC().Truncate(time.Second)
		err = m.write(partial)
	}
	if err == nil {
		err = errors.Join(os.Rename(partial, final), syncFolder(folder))
	}
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(partial))
	}
	return final, m, nil
}

// fill writes the parts of a backup into dir and notes them in m.
func (o Options) fill(ctx context.Context, dir string, m *Manifest) error {
	var err error
	if o.MySQLDSN == "" {
		err = o.copySQLite(ctx, dir, m)
	} else {
		err = o.dumpMySQL(ctx, dir, m)
	}
	if err != nil || o.FilesDir == "" {
		return err
	}
	o.Say("copying pictures and documents")
	return m.add(dir, filesName, func(w *partWriter) error { return packFiles(ctx, o.FilesDir, w) })
}

// Restore brings back the backup in the folder dir: into the database and files folder that o names. They must be empty
// unless overwrite is set. Until, on MySQL and MariaDB, adds what the archived log holds after the backup. Nothing is
// touched before all checksums were found right.
func Restore(ctx context.Context, o Options, dir string, until Until, overwrite bool) (*Manifest, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	o.Say("checking the checksums of %s", dir)
	if err := m.verify(dir); err != nil {
		return nil, err
	}
	if err := m.fits(o); err != nil {
		return nil, err
	}
	if !overwrite {
		if err := emptyFolder(o.FilesDir); err != nil {
			return nil, err
		}
	}
	if o.MySQLDSN == "" {
		if until.set() {
			return nil, errors.New("the embedded database has no log to go on from: it can only be restored as it was backed up")
		}
		if err = o.restoreSQLite(ctx, dir, overwrite); err == nil {
			err = o.restoreFiles(ctx, dir, m)
		}
	} else {
		err = o.restoreMySQL(ctx, dir, m, until, overwrite)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// restoreFiles brings back pictures and documents, if the backup has some and they are wanted.
func (o Options) restoreFiles(ctx context.Context, dir string, m *Manifest) error {
	if !m.has(filesName) || o.FilesDir == "" {
		return nil
	}
	o.Say("bringing back pictures and documents")
	return unpackFiles(ctx, filepath.Join(dir, filesName), o.FilesDir)
}

// fits refuses a backup of the other kind of database, and one without files where files are wanted.
func (m *Manifest) fits(o Options) error {
	if embedded := m.Engine == string(model.SQLite); embedded != (o.MySQLDSN == "") {
		return fmt.Errorf("this is a backup of %s; set MYSQL_DSN for a backup of MySQL or MariaDB, and leave it empty for one of the embedded database", m.Engine)
	}
	return nil
}
