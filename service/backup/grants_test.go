//go:build unix

package backup_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/scripts/lab"
	"bangfu/service/backup"
)

// asDocumented makes the account of a block of docs/deploy.md, with exactly the grants that stand there for this kind of server, for
// another database if one is named, and tells its DSN.
func asDocumented(t *testing.T, m *lab.MariaDB, block, database string) (dsn string) {
	t.Helper()
	doc, err := os.ReadFile("../../docs/deploy.md")
	check(t, err)
	found := regexp.MustCompile("(?s)<!-- " + block + " -->\\s*```sql\\n(.*?)```").FindSubmatch(doc)
	if found == nil {
		t.Fatalf("docs/deploy.md has no %s", block)
	}
	account, kind, other := "", "", "MySQL"
	if m.MySQL {
		other = "MariaDB"
	}
	for _, line := range strings.Split(string(found[1]), "\n") {
		line = strings.TrimSuffix(strings.TrimSpace(line), ";")
		if name, ok := strings.CutPrefix(line, "-- "); ok {
			kind = name
			continue
		}
		if line == "" || strings.HasPrefix(kind, other) {
			continue
		}
		if _, rest, ok := strings.Cut(line, "CREATE USER '"); ok {
			account, _, _ = strings.Cut(rest, "'")
		}
		check(t, m.Exec(t.Context(), strings.NewReplacer("'%'", "'127.0.0.1'", "bangfu.*", database+".*", "'…'", "'not-a-secret-1'").Replace(line)))
	}
	return account + ":not-a-secret-1@tcp(" + m.Addr() + ")/" + database
}

// TestBackupWithTheDocumentedAccount shows that the account of docs/deploy.md, which can change nothing, is enough for both jobs, and that reading
// the schema's version waits for nobody's lock.
func TestBackupWithTheDocumentedAccount(t *testing.T) {
	m, ctx, folder := server(t), t.Context(), t.TempDir()
	root := model.Options{MySQLDSN: m.DSN("bangfu")}
	db, o := open(t, root), options(t, root)
	o.MySQLDSN = asDocumented(t, m, "backup grants", "bangfu")
	check(t, pair(ctx, db, 1))
	start := time.Now()
	_, manifest, err := backup.Make(ctx, o, folder)
	check(t, err)
	_, err = backup.ArchiveLog(ctx, o, folder)
	check(t, err)
	version, err := db.SchemaVersion(ctx)
	check(t, err)
	if took := time.Since(start); manifest.Schema != version || version == 0 || took > time.Minute {
		t.Errorf("schema %d, want %d; took %s", manifest.Schema, version, took)
	}
}

// TestRestoreWithTheDocumentedAccount shows that without the right to do the log again nothing is touched, and that the grants of docs/deploy.md
// are enough.
func TestRestoreWithTheDocumentedAccount(t *testing.T) {
	m, ctx, folder := server(t), t.Context(), t.TempDir()
	from := model.Options{MySQLDSN: m.DSN("bangfu")}
	db, o := open(t, from), options(t, from)
	dir, _, err := backup.Make(ctx, o, folder)
	check(t, err)
	check(t, pair(ctx, db, 1))
	_, err = backup.ArchiveLog(ctx, o, folder)
	check(t, err)
	check(t, pair(ctx, db, 2)) // of what stands in the database until it is overwritten
	check(t, db.Close())

	check(t, m.Exec(ctx, "CREATE USER 'narrow'@'127.0.0.1' IDENTIFIED BY 'not-a-secret-1'", "GRANT ALL PRIVILEGES ON bangfu.* TO 'narrow'@'127.0.0.1'"))
	o.MySQLDSN = "narrow:not-a-secret-1@tcp(" + m.Addr() + ")/bangfu"
	_, err = backup.Restore(ctx, o, dir, backup.Until{Latest: true}, true)
	if err == nil || !strings.Contains(err.Error(), "nothing was touched") || !strings.Contains(err.Error(), "GRANT ") {
		t.Errorf("without the right: %v", err)
	}
	if n := halves(t, from); n != 2 {
		t.Errorf("%d pairs: the database was touched", n)
	}
	o.MySQLDSN = asDocumented(t, m, "restore grants", "bangfu")
	_, err = backup.Restore(ctx, o, dir, backup.Until{Latest: true}, true)
	check(t, err)
	if n := halves(t, from); n != 1 {
		t.Errorf("%d pairs restored", n)
	}
}

// TestABrokenRestoreIsMarked shows that a database of which the log could not be done again is told to be incomplete, briefly, that neither the
// product nor a migration nor a backup takes it for a whole one, and that a restore that succeeds takes the mark away.
func TestABrokenRestoreIsMarked(t *testing.T) {
	m, ctx, folder := server(t), t.Context(), t.TempDir()
	if m.MySQL {
		t.Skip("MariaDB's gtid_strict_mode is what breaks the restore")
	}
	from := model.Options{MySQLDSN: m.DSN("bangfu")}
	db, o := open(t, from), options(t, from)
	dir, _, err := backup.Make(ctx, o, folder)
	check(t, err)
	for n := range 300 {
		check(t, pair(ctx, db, n))
	}
	_, err = backup.ArchiveLog(ctx, o, folder)
	check(t, err)
	check(t, db.Close())
	check(t, m.Exec(ctx, "SET GLOBAL gtid_strict_mode = ON"))
	_, err = backup.Restore(ctx, o, dir, backup.Until{Latest: true}, true)
	if err == nil || !strings.Contains(err.Error(), "is INCOMPLETE") || !strings.Contains(err.Error(), "ERROR 1950") {
		t.Fatalf("%v", err)
	}
	if len(err.Error()) > 1200 || strings.Contains(err.Error(), "BINLOG '") || strings.Contains(err.Error(), "broken pipe") {
		t.Errorf("says too much: %v", err)
	}
	broken, err := model.Open(ctx, from)
	check(t, err)
	if err := broken.CheckSchema(ctx); !errors.Is(err, model.ErrRestoring) {
		t.Errorf("the product starts: %v", err)
	}
	if _, err := broken.Migrate(ctx); !errors.Is(err, model.ErrRestoring) {
		t.Errorf("it is migrated: %v", err)
	}
	check(t, broken.Close())
	if _, _, err := backup.Make(ctx, o, t.TempDir()); !errors.Is(err, model.ErrRestoring) {
		t.Errorf("it is backed up: %v", err)
	}
	check(t, m.Exec(ctx, "SET GLOBAL gtid_strict_mode = OFF"))
	_, err = backup.Restore(ctx, o, dir, backup.Until{Latest: true}, true)
	check(t, err)
	whole, err := model.Open(ctx, from)
	check(t, err)
	check(t, whole.CheckSchema(ctx))
	check(t, whole.Close())
	if n := halves(t, from); n != 300 {
		t.Errorf("%d pairs", n)
	}
}
