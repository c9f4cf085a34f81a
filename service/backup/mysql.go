package backup

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	mysqldriver "github.com/go-sql-driver/mysql"

	"bangfu/model"
)

// dumpMySQL writes the database as SQL, all of it as of one moment and without keeping anybody waiting, and notes where in the
// binary log that moment is.
func (o Options) dumpMySQL(ctx context.Context, dir string, m *Manifest) error {
	s, err := connect(ctx, o.MySQLDSN)
	if err != nil {
		return err
	}
	defer func() { _ = s.close() }()
	m.Engine, m.Server, m.Database = s.engine, s.version, s.database
	if m.Schema, err = schemaVersion(ctx, o.MySQLDSN); err != nil {
		return err
	}
	logged, err := s.logs(ctx)
	if err != nil {
		return err
	}
	if !logged {
		o.Say("NOTE: the server keeps no binary log (log_bin is off), so nothing after this backup could be brought back")
	}
	o.Say("copying database %s (%s)", s.database, s.version)
	return m.add(dir, dumpName, func(w *partWriter) error {
		scan := &dumpScan{}
		if err := s.dump(ctx, logged, io.MultiWriter(w, scan)); err != nil {
			return err
		}
		if !bytes.Contains(scan.last, []byte("-- Dump completed")) {
			return errors.New("the dump breaks off before its end")
		}
		if logged {
			m.Log, err = scan.position()
		}
		return err
	})
}

// schemaVersion is that of the database, which must be whole: a copy of a part would pass for all.
func schemaVersion(ctx context.Context, dsn string) (int64, error) {
	db, err := model.Open(ctx, model.Options{MySQLDSN: dsn})
	if err != nil {
		return 0, err
	}
	var v int64
	if err = db.CheckWhole(ctx); err == nil {
		v, err = db.SchemaVersion(ctx)
	}
	return v, errors.Join(err, db.Close())
}

func (s *server) dump(ctx context.Context, logged bool, w io.Writer) error {
	args := []string{"--single-transaction", "--quick", "--hex-blob", "--no-tablespaces", "--default-character-set=utf8mb4", "--max-allowed-packet=64M"}
	if s.engine == engineMySQL {
		args = append(args, "--set-gtid-purged=OFF")
	}
	switch {
	case logged && s.engine == engineMariaDB:
		args = append(args, "--master-data=2")
	case logged:
		args = append(args, "--source-data=2")
	}
	c, err := s.command(ctx, programs[s.engine].dump, append(args, s.database)...)
	if err != nil {
		return err
	}
	c.Stdout = w
	return run(c)
}

// dumpScan keeps the beginning and the end of a dump.
type dumpScan struct{ first, last []byte }

func (d *dumpScan) Write(p []byte) (int, error) {
	if room := 16<<10 - len(d.first); room > 0 {
		d.first = append(d.first, p[:min(room, len(p))]...)
	}
	d.last = append(d.last, p[max(0, len(p)-256):]...)
	d.last = d.last[max(0, len(d.last)-256):]
	return len(p), nil
}

// dumpPosition is the commented statement of --master-data=2 and --source-data=2.
var dumpPosition = regexp.MustCompile(`(?:MASTER|SOURCE)_LOG_FILE='([^']+)', (?:MASTER|SOURCE)_LOG_POS=(\d+)`)

func (d *dumpScan) position() (*Position, error) {
	p := readPosition(dumpPosition.FindStringSubmatch(string(d.first)))
	if p == nil {
		return nil, errors.New("the dump does not say where in the binary log it stands")
	}
	return p, nil
}

// restoreMySQL loads the dump into the database that the DSN names, which is made if it does not exist, then what the archived log holds up
// to until, then the files. While it writes, the database bears a mark on which the product does not start; after a failure it stays.
func (o Options) restoreMySQL(ctx context.Context, dir string, m *Manifest, until Until, overwrite bool) error {
	s, err := connect(ctx, o.MySQLDSN)
	if err != nil {
		return err
	}
	defer func() { _ = s.close() }()
	var replay *replay
	if until.set() {
		// Before anything is touched: is the log there, and may we do again what is in it?
		if replay, err = s.planReplay(filepath.Join(filepath.Dir(filepath.Clean(dir)), logFolder), m, until); err != nil {
			return err
		}
		if err := s.mayReplay(ctx); err != nil {
			return err
		}
	}
	if err := s.makeEmpty(ctx, overwrite); err != nil {
		return err
	}
	mark := s.name() + ".`" + model.RestoringTable + "`"
	if _, err := s.pool.ExecContext(ctx, "CREATE TABLE "+mark+" (id INT NOT NULL PRIMARY KEY) COMMENT 'a restore was begun and has not ended: what is here is incomplete'"); err != nil {
		return err
	}
	if err := o.write(ctx, s, dir, m, until, replay); err != nil {
		return fmt.Errorf("%w\nDatabase %s is INCOMPLETE and must not be served: the restore had begun to write it. The product refuses to start on it (table %s). "+
			"Mend the cause and restore again with --overwrite", err, s.database, model.RestoringTable)
	}
	_, err = s.pool.ExecContext(ctx, "DROP TABLE IF EXISTS "+mark)
	return err
}

// write fills the empty database and the files folder.
func (o Options) write(ctx context.Context, s *server, dir string, m *Manifest, until Until, replay *replay) error {
	o.Say("loading database %s", s.database)
	if err := s.load(ctx, filepath.Join(dir, dumpName)); err != nil {
		return err
	}
	if replay != nil {
		o.Say("going on from %s with %d files of the log, until %s", m.Log, len(replay.files), until)
		if err := s.replay(ctx, replay); err != nil {
			return err
		}
	}
	return o.restoreFiles(ctx, dir, m)
}

// mayReplay asks the server whether our account may do again what a log holds, by trying what needs the same privileges and does nothing.
func (s *server) mayReplay(ctx context.Context) error {
	for _, try := range programs[s.engine].replayTries {
		_, err := s.pool.ExecContext(ctx, try)
		var refused *mysqldriver.MySQLError
		if errors.As(err, &refused) && refused.Number == accessDenied {
			return fmt.Errorf("the account may not do again what is in the binary log, so it cannot go on to a later moment; nothing was touched. Let the server's administrator GRANT %s ON *.* to it (docs/deploy.md, Restoring): %w",
				programs[s.engine].replayGrant, err)
		}
		if err != nil && !(errors.As(err, &refused) && refused.Number == notALog) {
			return err
		}
	}
	return nil
}

// Errors of the server: a privilege is missing; a BINLOG statement, which it would be allowed to do, is empty.
const (
	accessDenied = 1227
	notALog      = 1149
)

// makeEmpty makes the database, or sees to it that it is empty: by dropping it if overwrite says so and nobody uses it.
func (s *server) makeEmpty(ctx context.Context, overwrite bool) error {
	var tables, users int
	err := s.pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = ?", s.database).Scan(&tables)
	if err != nil {
		return err
	}
	if tables > 0 && !overwrite {
		return fmt.Errorf("database %s is not empty (%d tables); name an empty or new one in MYSQL_DSN, or stop the product and say --overwrite: then all that is in it is lost", s.database, tables)
	}
	err = s.pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.processlist WHERE db = ?", s.database).Scan(&users)
	if err != nil {
		return err
	}
	if users > 0 {
		return fmt.Errorf("%d connections are using database %s: stop the product first", users, s.database)
	}
	if tables > 0 {
		if _, err := s.pool.ExecContext(ctx, "DROP DATABASE "+s.name()); err != nil {
			return err
		}
	}
	var there sql.NullString
	err = s.pool.QueryRowContext(ctx, "SELECT MAX(schema_name) FROM information_schema.schemata WHERE schema_name = ?", s.database).Scan(&there)
	if err != nil || there.Valid {
		return err
	}
	_, err = s.pool.ExecContext(ctx, "CREATE DATABASE "+s.name()+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
	return err
}

// name is the database's name as statements want it.
func (s *server) name() string { return "`" + strings.ReplaceAll(s.database, "`", "``") + "`" }

// load has the server's own client read a compressed dump.
func (s *server) load(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	c.Stdin = z
	return run(c)
}
