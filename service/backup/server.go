package backup

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
)

// Engines that a server may be.
const (
	engineMySQL   = "mysql"
	engineMariaDB = "mariadb"
)

// server is a MySQL or MariaDB server and the programs that belong to it. Its account's password is handed to them in a file that
// only we can read, never on the command line.
type server struct {
	engine   string
	version  string
	database string // the name in the DSN
	pool     *sql.DB
	options  string // path of the option file
}

// connect opens the server of the DSN, without choosing the database: it may not exist yet.
func connect(ctx context.Context, dsn string) (*server, error) {
	cfg, err := mysqldriver.ParseDSN(dsn)
	if err != nil {
		return nil, errors.New("the data source name is not user:password@tcp(host:port)/database")
	}
	s := &server{database: cfg.DBName}
	cfg.DBName, cfg.ParseTime, cfg.Loc, cfg.InterpolateParams = "", true, time.UTC, true
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	cfg.Collation = "utf8mb4_bin"
	connector, err := mysqldriver.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	s.pool = sql.OpenDB(connector)
	if err := s.identify(ctx); err != nil {
		return nil, errors.Join(err, s.pool.Close())
	}
	if s.options, err = writeOptions(cfg, s.engine); err != nil {
		return nil, errors.Join(err, s.pool.Close())
	}
	return s, nil
}

func (s *server) close() error { return errors.Join(s.pool.Close(), os.Remove(s.options)) }

func (s *server) identify(ctx context.Context) error {
	if err := s.pool.QueryRowContext(ctx, "SELECT VERSION()").Scan(&s.version); err != nil {
		return fmt.Errorf("reach the database server: %w", err)
	}
	switch {
	case strings.Contains(s.version, "TiDB"):
		return errors.New("this is TiDB: back it up with its own tool (tiup br backup, and br log for points in time); see docs/deploy.md")
	case strings.Contains(s.version, "MariaDB"):
		s.engine = engineMariaDB
	default:
		s.engine = engineMySQL
	}
	return nil
}

// writeOptions makes an option file for the server's programs, mode 0600, with where to connect and as whom.
func writeOptions(cfg *mysqldriver.Config, engine string) (string, error) {
	lines := []string{"[client]"}
	add := func(name, value string) error {
		quoted, err := quoteOption(value)
		lines = append(lines, name+"="+quoted)
		return err
	}
	errs := []error{add("user", cfg.User), add("password", cfg.Passwd)}
	switch cfg.Net {
	case "unix":
		errs = append(errs, add("socket", cfg.Addr))
	default:
		host, port, err := net.SplitHostPort(cfg.Addr)
		errs = append(errs, err, add("host", host), add("port", port), add("protocol", "tcp"))
	}
	lines = append(lines, tlsOptions(cfg.TLSConfig, engine)...)
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	f, err := os.CreateTemp("", "bangfu-client-*.cnf") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = io.WriteString(f, strings.Join(lines, "\n")+"\n")
	return f.Name(), errors.Join(err, f.Close())
}

// quoteOption writes a value as an option file wants it. The programs read lines of 4 kB and would take what is longer for another line.
func quoteOption(v string) (string, error) {
	if len(v) > 2000 {
		return "", errors.New("a value of the data source name is too long to be handed to the server's programs")
	}
	if strings.ContainsAny(v, "\n\r\x00") || strings.Contains(v, `"`) && strings.Contains(v, "'") {
		return "", errors.New("a password with both kinds of quotes, or with a line break, cannot be handed to the server's programs; choose another")
	}
	quote := `"`
	if strings.Contains(v, `"`) {
		quote = "'"
	}
	return quote + strings.ReplaceAll(v, `\`, `\\`) + quote, nil
}

// tlsOptions says the driver's tls=… in the words of the server's programs.
func tlsOptions(mode, engine string) []string {
	if mode == "" || mode == "false" {
		return nil
	}
	if engine == engineMariaDB {
		if mode == "true" {
			return []string{"ssl", "ssl-verify-server-cert"}
		}
		return []string{"ssl"}
	}
	switch mode {
	case "true":
		return []string{"ssl-mode=VERIFY_IDENTITY"}
	case "skip-verify":
		return []string{"ssl-mode=REQUIRED"}
	}
	return []string{"ssl-mode=PREFERRED"}
}

// Programs of each engine: what dumps, what reads SQL, what reads the binary log.
var programs = map[string]struct{ dump, client, log, packages string }{
	engineMariaDB: {"mariadb-dump", "mariadb", "mariadb-binlog", "mariadb-client and mariadb-server-core, of the server's version"},
	engineMySQL:   {"mysqldump", "mysql", "mysqlbinlog", "mysql-client and mysql-server-core (or MySQL's own mysql-community-client), of the server's version"},
}

// command prepares one of the server's programs. The option file has to come first.
func (s *server) command(ctx context.Context, program string, args ...string) (*exec.Cmd, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("%s is not installed; it comes with the packages %s", program, programs[s.engine].packages)
	}
	c := exec.CommandContext(ctx, path, append([]string{"--defaults-file=" + s.options}, args...)...)
	c.Env = append(os.Environ(), "TZ=UTC") // the log's programs read and write times in their own zone
	return c, nil
}

// run starts c and waits; what it says on stderr goes into the error.
func run(c *exec.Cmd) error {
	var says bytes.Buffer
	c.Stderr = &head{b: &says}
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", c.Args[0], err, strings.TrimSpace(says.String()))
	}
	return nil
}

// head keeps the first few kilobytes of what is written.
type head struct{ b *bytes.Buffer }

func (t *head) Write(p []byte) (int, error) {
	if room := 4096 - t.b.Len(); room > 0 {
		t.b.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// logs tells whether the server keeps a binary log.
func (s *server) logs(ctx context.Context) (bool, error) {
	var on bool
	err := s.pool.QueryRowContext(ctx, "SELECT @@log_bin").Scan(&on)
	return on, err
}
