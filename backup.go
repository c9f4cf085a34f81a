package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/service/backup"
)

// backupCall is the command line of backup and restore.
type backupCall struct {
	folder    string
	logOnly   bool
	overwrite bool
	until     backup.Until
}

func parseBackupCall(command string, args []string) (c backupCall, err error) {
	for _, a := range args {
		until, isUntil := strings.CutPrefix(a, "--until=")
		switch {
		case command == "backup" && a == "--log":
			c.logOnly = true
		case command == "restore" && a == "--overwrite":
			c.overwrite = true
		case command == "restore" && isUntil:
			if c.until, err = backup.ParseUntil(until); err != nil {
				return c, usageError(err.Error())
			}
		case strings.HasPrefix(a, "-"):
			return c, usageError(fmt.Sprintf("%s does not know %q", command, a))
		case c.folder != "":
			return c, usageError(fmt.Sprintf("%s takes one folder, not also %q", command, a))
		default:
			c.folder = a
		}
	}
	if c.folder == "" {
		return c, usageError(command + " wants a folder")
	}
	return c, nil
}

func backupOrRestore(ctx context.Context, command string, args []string, stdout io.Writer) error {
	call, err := parseBackupCall(command, args)
	if err != nil {
		return err
	}
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return err
	}
	o := backup.Options{MySQLDSN: cfg.MySQLDSN, SQLitePath: app.DatabaseFile(cfg), Program: version,
		Say: func(format string, args ...any) { _, _ = fmt.Fprintf(stdout, format+"\n", args...) }}
	if cfg.BackupDSN != "" {
		o.MySQLDSN = cfg.BackupDSN
	}
	if cfg.PictureStore == "local" {
		o.FilesDir = filepath.Join(cfg.DataDir, "files")
	}
	start := time.Now()
	switch {
	case command == "restore":
		return restore(ctx, cfg, o, call, stdout)
	case call.logOnly:
		index, err := backup.ArchiveLog(ctx, o, call.folder)
		if err != nil {
			return err
		}
		o.Say("the log is archived until %s (%d files)", index.Until.In(model.China).Format(time.DateTime), len(index.Files))
		return nil
	}
	dir, m, err := backup.Make(ctx, o, call.folder)
	if err != nil {
		return err
	}
	o.Say("%s: %d bytes in %s. The keys are not in it: keep FIELD_KEYS and HASH_KEY (or %s) elsewhere.", dir, m.Bytes(),
		time.Since(start).Round(time.Millisecond), filepath.Dir(cfg.SecretPath("hash-key")))
	return nil
}

// sameDatabase tells whether two DSNs, perhaps of different accounts, name the same database.
func sameDatabase(a, b string) bool {
	x, err := mysql.ParseDSN(a)
	y, again := mysql.ParseDSN(b)
	return a == b || err == nil && again == nil && x.Net == y.Net && x.Addr == y.Addr && x.DBName == y.DBName
}

// restore brings a backup back and proves it.
func restore(ctx context.Context, cfg *config.Config, o backup.Options, call backupCall, stdout io.Writer) error {
	start := time.Now()
	m, err := backup.Restore(ctx, o, call.folder, call.until, call.overwrite)
	if err != nil {
		return err
	}
	o.Say("restored in %s; now every invariant is proved", time.Since(start).Round(time.Millisecond))
	if sameDatabase(o.MySQLDSN, cfg.MySQLDSN) {
		// The chain ends where the backup does: the head noted since is no longer in it.
		if err := os.Remove(app.AuditNote(cfg)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	} else {
		o.Say("this is another database than the product's: BACKUP_MYSQL_DSN names it, MYSQL_DSN does not")
	}
	restored := *cfg
	restored.MySQLDSN = o.MySQLDSN // what was restored, whatever the product is set to
	err = reconcileDB(ctx, &restored, app.Options{Log: slog.New(slog.DiscardHandler)}, true, stdout)
	if errors.Is(err, model.ErrSchema) {
		return fmt.Errorf("restored, but not proved: the backup was made by program %s: %w; then run reconcile", m.Program, err)
	}
	return err
}
