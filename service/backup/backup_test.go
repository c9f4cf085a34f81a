package backup_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/backup"
)

// open is a migrated database with ids started.
func open(t *testing.T, o model.Options) *model.DB {
	t.Helper()
	db, err := model.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.StartIDs(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// pair writes two rows in one transaction: a copy that is not of one moment can hold one of them only.
func pair(ctx context.Context, db *model.DB, n int) error {
	return db.Tx(ctx, func(tx *gorm.DB) error {
		for _, half := range []string{"left", "right"} {
			if err := tx.Create(&model.Region{ID: db.NewID(), Name: fmt.Sprintf("%s %d", half, n), Province: "广东省", Status: "active", CreatedAt: db.Now(), UpdatedAt: db.Now()}).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

// halves counts both halves of all pairs below n and fails where one is alone.
func halves(t *testing.T, o model.Options) int {
	t.Helper()
	db, err := model.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var names []string
	if err := db.Read(t.Context()).Model(&model.Region{}).Where("name LIKE 'left %' OR name LIKE 'right %'").Pluck("name", &names).Error; err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, n := range names {
		_, which, _ := strings.Cut(n, " ")
		count[which]++
	}
	for which, n := range count {
		if n != 2 {
			t.Errorf("pair %s was torn", which)
		}
	}
	return len(count)
}

// busy writes pairs until stopped and tells how many.
func busy(t *testing.T, db *model.DB) (stop func() int) {
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	var writing sync.WaitGroup
	writing.Go(func() {
		for ctx.Err() == nil {
			if err := pair(context.Background(), db, n); err != nil {
				t.Error(err)
				return
			}
			n++
			time.Sleep(time.Millisecond)
		}
	})
	return func() int { cancel(); writing.Wait(); return n }
}

func options(t *testing.T, o model.Options) backup.Options {
	return backup.Options{MySQLDSN: o.MySQLDSN, SQLitePath: o.SQLitePath, FilesDir: filepath.Join(t.TempDir(), "files"), Program: "test", Say: t.Logf}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestEmbedded shows a backup of the embedded database and its files while it is written to, and the restore elsewhere.
func TestEmbedded(t *testing.T) {
	from := model.Options{SQLitePath: filepath.Join(t.TempDir(), "bangfu.db")}
	db := open(t, from)
	o := options(t, from)
	write(t, filepath.Join(o.FilesDir, "pictures", "ab", "one.jpg"), "picture")
	write(t, filepath.Join(o.FilesDir, ".tmp", "half"), "just being written")
	stop := busy(t, db)
	time.Sleep(100 * time.Millisecond)
	dir, m, err := backup.Make(t.Context(), o, t.TempDir())
	written := stop()
	if err != nil {
		t.Fatal(err)
	}
	if m.Engine != "sqlite" || len(m.Parts) != 2 || m.Schema == 0 {
		t.Errorf("%+v", m)
	}

	to := model.Options{SQLitePath: filepath.Join(t.TempDir(), "new", "bangfu.db")}
	r := options(t, to)
	if _, err := backup.Restore(t.Context(), r, dir, backup.Until{}, false); err != nil {
		t.Fatal(err)
	}
	if n := halves(t, to); n == 0 || n > written {
		t.Errorf("%d pairs restored of %d", n, written)
	}
	if text, err := os.ReadFile(filepath.Join(r.FilesDir, "pictures", "ab", "one.jpg")); err != nil || string(text) != "picture" {
		t.Error(string(text), err)
	}
	if _, err := os.Stat(filepath.Join(r.FilesDir, ".tmp")); err == nil {
		t.Error("what was being written is in the backup")
	}
}

// TestNothingIsOverwrittenUnasked shows what a restore refuses.
func TestNothingIsOverwrittenUnasked(t *testing.T) {
	from := model.Options{SQLitePath: filepath.Join(t.TempDir(), "bangfu.db")}
	db, o, ctx := open(t, from), options(t, from), t.Context()
	dir, _, err := backup.Make(ctx, o, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	refused := func(why string, overwrite bool) {
		t.Helper()
		if _, err := backup.Restore(ctx, o, dir, backup.Until{}, overwrite); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("want %q, got %v", why, err)
		}
	}
	refused("holds a database already", false)
	refused("stop the product first", true) // db is open
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Restore(ctx, o, dir, backup.Until{}, true); err != nil {
		t.Error(err)
	}
	if kept, err := filepath.Glob(from.SQLitePath + ".before-restore-*"); err != nil || len(kept) != 1 {
		t.Error("what was overwritten is not kept", kept, err)
	}
	write(t, filepath.Join(o.FilesDir, "a"), "file")
	refused("holds files already", false)
	if _, err := backup.Restore(ctx, o, dir, backup.Until{Latest: true}, true); err == nil || !strings.Contains(err.Error(), "no log") {
		t.Error(err)
	}
	write(t, filepath.Join(dir, "files.tar.gz"), "damaged")
	refused("damaged", true)
	if err := os.Remove(filepath.Join(dir, "manifest.json")); err != nil {
		t.Fatal(err)
	}
	refused("holds no backup", true)
}

// TestAFailedBackupLeavesNothing shows that what is not whole is not there.
func TestAFailedBackupLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	o := options(t, model.Options{SQLitePath: filepath.Join(t.TempDir(), "none.db")})
	if _, _, err := backup.Make(t.Context(), o, folder); err == nil || !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
}

// TestParseUntil shows how an operator may say a point.
func TestParseUntil(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-24 15:04:05":       "2026-11-24T15:04:05+08:00",
		"2026-11-24T07:04:05Z":      "2026-11-24T15:04:05+08:00",
		"2026-11-24T15:04:05+08:00": "2026-11-24T15:04:05+08:00",
		"mysql-bin.000042:1234":     "mysql-bin.000042:1234",
		"latest":                    "the end of the archived log",
	} {
		if u, err := backup.ParseUntil(text); err != nil || u.String() != want {
			t.Errorf("%s: %s %v", text, u, err)
		}
	}
	for _, text := range []string{"", "yesterday", "2026-11-24", "2026-11-24T07:04:05.5Z", "bin:12"} {
		if u, err := backup.ParseUntil(text); err == nil {
			t.Errorf("%q was taken for %s", text, u)
		}
	}
}
