//go:build unix

package backup_test

import (
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/scripts/lab"
	"bangfu/service/backup"
)

// server is a private server with a binary log and a database "bangfu" on it. BACKUP_TEST_SERVER names another server program than
// the installed MariaDB's.
func server(t *testing.T) *lab.MariaDB {
	t.Helper()
	m, err := lab.StartMariaDB(t.Context(), lab.MariaDBOptions{Binlog: true, BufferPoolMiB: 32, RedoMiB: 16, Program: os.Getenv("BACKUP_TEST_SERVER")})
	if errors.Is(err, lab.ErrMissing) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Stop() })
	if err := m.CreateDatabase(t.Context(), "bangfu"); err != nil {
		t.Fatal(err)
	}
	return m
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestPointInTime shows a backup under load, the log archived in several goes, and each kind of point that a restore can go on to,
// into the same database and into another.
func TestPointInTime(t *testing.T) {
	m, ctx, folder := server(t), t.Context(), t.TempDir()
	from := model.Options{MySQLDSN: m.DSN("bangfu")}
	db, o := open(t, from), options(t, from)
	stop := busy(t, db)
	time.Sleep(200 * time.Millisecond)
	dir, manifest, err := backup.Make(ctx, o, folder)
	check(t, err)
	if manifest.Log == nil || manifest.Database != "bangfu" {
		t.Fatalf("%+v", manifest)
	}
	atBackup := stop()
	_, err = backup.ArchiveLog(ctx, o, folder)
	check(t, err)
	for n := range 50 {
		check(t, pair(ctx, db, 10_000+n))
	}
	time.Sleep(1100 * time.Millisecond)
	moment := time.Now().Truncate(time.Second)
	time.Sleep(1100 * time.Millisecond)
	for n := range 7 {
		check(t, pair(ctx, db, 20_000+n))
	}
	if _, err = backup.Restore(ctx, o, dir, backup.Until{Time: moment}, false); err == nil || !strings.Contains(err.Error(), "the archived log ends") {
		t.Error("a point after the archive's end:", err)
	}
	index, err := backup.ArchiveLog(ctx, o, folder)
	check(t, err)
	last := index.Files[len(index.Files)-1]
	check(t, db.Close())

	restore := func(database string, u backup.Until, overwrite bool, want int) {
		t.Helper()
		to := model.Options{MySQLDSN: m.DSN(database)}
		if _, err := backup.Restore(ctx, options(t, to), dir, u, overwrite); err != nil {
			t.Fatalf("%s: %v", u, err)
		}
		if n := halves(t, to); n != want {
			t.Errorf("%s: %d pairs, want %d", u, n, want)
		}
	}
	restore("elsewhere", backup.Until{Latest: true}, false, atBackup+57)
	restore("elsewhere", backup.Until{Time: moment}, true, atBackup+50)
	check(t, m.Exec(ctx, "DROP DATABASE bangfu"))
	restore("bangfu", backup.Until{Time: moment}, false, atBackup+50)
	restore("third", backup.Until{At: &backup.Position{File: last.Name, Pos: last.Bytes}}, false, atBackup+57)
	if _, err := backup.Restore(ctx, o, dir, backup.Until{}, false); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Error("a database that is not empty:", err)
	}
}

// TestTheArchiveIsWhole shows that a gap in the archived log, and damage to it, are found before anything is touched.
func TestTheArchiveIsWhole(t *testing.T) {
	m, ctx, folder := server(t), t.Context(), t.TempDir()
	from := model.Options{MySQLDSN: m.DSN("bangfu")}
	db, o := open(t, from), options(t, from)
	dir, _, err := backup.Make(ctx, o, folder)
	check(t, err)
	check(t, pair(ctx, db, 1))
	index, err := backup.ArchiveLog(ctx, o, folder)
	check(t, err)
	write(t, folder+"/log/"+index.Files[len(index.Files)-1].Name, "damaged")
	to := options(t, model.Options{MySQLDSN: m.DSN("elsewhere")})
	if _, err := backup.Restore(ctx, to, dir, backup.Until{Latest: true}, false); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Error(err)
	}
	if _, err := model.Open(ctx, model.Options{MySQLDSN: to.MySQLDSN}); err == nil {
		t.Error("the database was made although the log is damaged")
	}
	// Files that are gone before they were archived.
	check(t, m.Exec(ctx, "FLUSH BINARY LOGS", "FLUSH BINARY LOGS", "FLUSH BINARY LOGS"))
	pool, err := db.Pool()
	check(t, err)
	for try, names := 0, logNames(t, pool); len(names) > 1; names = logNames(t, pool) {
		check(t, m.Exec(ctx, "PURGE BINARY LOGS TO '"+names[len(names)-1]+"'")) // leaves what the server still needs, for a moment
		if try++; try > 100 {
			t.Fatal("still there:", names)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if _, err := backup.ArchiveLog(ctx, o, folder); err == nil || !strings.Contains(err.Error(), "gone from the server") {
		t.Error(err)
	}
}

func logNames(t *testing.T, pool *sql.DB) (names []string) {
	t.Helper()
	rows, err := pool.QueryContext(t.Context(), "SHOW BINARY LOGS")
	check(t, err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	check(t, err)
	for rows.Next() {
		var name string
		into := []any{&name}
		for range columns[1:] {
			into = append(into, new(any))
		}
		check(t, rows.Scan(into...))
		names = append(names, name)
	}
	check(t, rows.Err())
	return names
}

// TestPasswordsStayOffTheCommandLine shows that an account with an awkward password works, and that only an option file holds it.
func TestPasswordsStayOffTheCommandLine(t *testing.T) {
	m, ctx := server(t), t.Context()
	check(t, m.Exec(ctx, `CREATE USER 'keeper'@'127.0.0.1' IDENTIFIED BY 'p\\a#s"s w;d'`, "GRANT ALL ON *.* TO 'keeper'@'127.0.0.1'"))
	root := model.Options{MySQLDSN: m.DSN("bangfu")}
	open(t, root)
	o := options(t, root)
	o.MySQLDSN = `keeper:p\a#s"s w;d@tcp(` + m.Addr() + ")/bangfu"
	seen := make(chan string, 1)
	stop := make(chan struct{})
	go func() {
		all := ""
		for {
			select {
			case <-stop:
				seen <- all
				return
			default:
				out, _ := exec.Command("ps", "-eo", "args").Output()
				all += string(out)
			}
		}
	}()
	_, _, err := backup.Make(ctx, o, t.TempDir())
	close(stop)
	check(t, err)
	if strings.Contains(<-seen, `p\a#s`) {
		t.Error("the password was on a command line")
	}
}
