//go:build unix

package lab

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"

	_ "github.com/go-sql-driver/mysql" // the driver of DSN
)

// MariaDBOptions say what server to start.
type MariaDBOptions struct {
	Durable        bool     // every commit is on the disk before it is answered (flush at commit, binlog synced); else in memory and fast
	Binlog         bool     // keep a binlog also where not Durable
	BufferPoolMiB  int      // 0: 256
	RedoMiB        int      // redo log; 0: 256
	MaxConnections int      // 0: 700
	Dir            string   // folder of an earlier server to go on with, or a new one to keep; empty: a temporary one that Stop removes
	Program        string   // server program; empty: mariadbd or mysqld as installed
	Flags          []string // more flags of the server, after all others
}

// MariaDB is a private MariaDB or MySQL server.
type MariaDB struct {
	*Server
	Port     int
	MySQL    bool // it is MySQL, not MariaDB
	Version  string
	password string
}

// StartMariaDB makes a data folder, starts a server on it and waits until it answers. Errors: ErrMissing.
func StartMariaDB(ctx context.Context, o MariaDBOptions) (*MariaDB, error) {
	if o.BufferPoolMiB == 0 {
		o.BufferPoolMiB = 256
	}
	if o.RedoMiB == 0 {
		o.RedoMiB = 256
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = 700
	}
	if o.Program == "" {
		path, err := find("mariadbd", "mysqld")
		if err != nil {
			return nil, err
		}
		o.Program = path
	}
	banner, err := exec.CommandContext(ctx, o.Program, "--no-defaults", "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("%s --version: %w", filepath.Base(o.Program), err)
	}
	m := &MariaDB{MySQL: !strings.Contains(string(banner), "MariaDB"), password: rand.Text()}
	if m.Port, err = FreePort(); err != nil {
		return nil, err
	}
	dir, keep := o.Dir, o.Dir != ""
	if keep {
		if dir, err = filepath.Abs(dir); err != nil {
			return nil, err
		}
		err = os.MkdirAll(dir, 0o700)
	} else {
		dir, err = tempDir("mariadb", !o.Durable)
	}
	if err != nil {
		return nil, err
	}
	m.Server = &Server{name: "mariadb", dir: dir, keep: keep, program: o.Program, ready: m.ping}
	if err := m.open(ctx, o); err != nil {
		_ = m.Stop()
		return nil, err
	}
	return m, nil
}

func (m *MariaDB) open(ctx context.Context, o MariaDBOptions) error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	data := filepath.Join(m.dir, "data")
	if _, err := os.Stat(filepath.Join(data, "ibdata1")); err != nil {
		if err := m.install(ctx, o.Program, data, me.Username); err != nil {
			return err
		}
	}
	init := "SET sql_log_bin = 0;\nCREATE USER IF NOT EXISTS 'root'@'127.0.0.1';\n" +
		"ALTER USER 'root'@'127.0.0.1' IDENTIFIED BY '" + m.password + "';\nGRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;\n"
	if err := os.WriteFile(filepath.Join(m.dir, "init.sql"), []byte(init), 0o600); err != nil {
		return err
	}
	m.args = append(m.flags(o, data, me.Username), o.Flags...)
	if err := m.start(ctx); err != nil {
		return err
	}
	db, err := sql.Open("mysql", m.DSN(""))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&m.Version)
}

// install makes a data folder with the system tables.
func (m *MariaDB) install(ctx context.Context, program, data, owner string) error {
	tool, args := program, []string{"--no-defaults", "--initialize-insecure", "--user=" + owner, "--datadir=" + data}
	if !m.MySQL {
		path, err := find("mariadb-install-db", "mysql_install_db")
		if err != nil {
			return err
		}
		tool, args = path, []string{"--no-defaults", "--user=" + owner, "--datadir=" + data, "--skip-test-db", "--auth-root-authentication-method=normal"}
	}
	if out, err := exec.CommandContext(ctx, tool, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(tool), err, out)
	}
	return nil
}

// flags are the server's settings. Its own time zone is China's, as on many real servers.
func (m *MariaDB) flags(o MariaDBOptions, data, owner string) []string {
	f := []string{
		"--no-defaults", "--user=" + owner, "--datadir=" + data, "--init-file=" + filepath.Join(m.dir, "init.sql"),
		"--tmpdir=" + m.dir, // a server that starts deletes the temporary tables that it finds in its own
		"--socket=" + m.Socket(), "--pid-file=" + filepath.Join(m.dir, "server.pid"), "--bind-address=" + loopback, fmt.Sprintf("--port=%d", m.Port),
		"--skip-name-resolve", "--character-set-server=utf8mb4", "--default-time-zone=+08:00", fmt.Sprintf("--max-connections=%d", o.MaxConnections),
		fmt.Sprintf("--innodb-buffer-pool-size=%dM", o.BufferPoolMiB), "--server-id=1",
	}
	if m.MySQL {
		f = append(f, "--mysqlx=OFF", fmt.Sprintf("--innodb-redo-log-capacity=%dM", o.RedoMiB))
	} else {
		f = append(f, fmt.Sprintf("--innodb-log-file-size=%dM", o.RedoMiB))
	}
	if o.Durable || o.Binlog {
		f = append(f, "--log-bin=binlog")
		if !m.MySQL {
			f = append(f, "--binlog-format=ROW", "--binlog-annotate-row-events=OFF") // as docs/deploy.md says, and as MySQL does by itself
		}
	} else {
		f = append(f, "--skip-log-bin")
	}
	if o.Durable {
		return append(f, "--innodb-flush-log-at-trx-commit=1", "--sync-binlog=1")
	}
	return append(f, "--innodb-flush-log-at-trx-commit=2", "--sync-binlog=0")
}

// Socket is the server's Unix socket.
func (m *MariaDB) Socket() string { return filepath.Join(m.dir, "s.sock") }

// Addr is the server's host:port.
func (m *MariaDB) Addr() string { return address(m.Port) }

// DSN is where the database is, for MYSQL_DSN and sql.Open; an empty name means no database.
func (m *MariaDB) DSN(database string) string { return m.DSNAt(m.Addr(), database) }

// DSNAt is DSN at another address: that of a Proxy before this server.
func (m *MariaDB) DSNAt(addr, database string) string {
	return "root:" + m.password + "@tcp(" + addr + ")/" + database
}

// Password is root's at 127.0.0.1, for the client programs.
func (m *MariaDB) Password() string { return m.password }

// CreateDatabase makes an empty database with the character set that the product needs.
func (m *MariaDB) CreateDatabase(ctx context.Context, name string) error {
	return m.Exec(ctx, "CREATE DATABASE `"+name+"` CHARACTER SET utf8mb4")
}

// Exec runs statements on one connection of their own, as root.
func (m *MariaDB) Exec(ctx context.Context, statements ...string) error {
	db, err := sql.Open("mysql", m.DSN(""))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func (m *MariaDB) ping(ctx context.Context) error {
	db, err := sql.Open("mysql", m.DSN(""))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return db.PingContext(ctx)
}
