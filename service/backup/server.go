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
	"path/filepath"
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

// program are the names of a server's programs, and what an account needs to have a log done again.
type program struct {
	dump, client, log, packages string // what dumps, what reads SQL, what reads the binary log; where they come from
	replayGrant                 string
	replayTries                 []string // statements that want these privileges and do nothing
}

var programs = map[string]program{
	engineMariaDB: {"mariadb-dump", "mariadb", "mariadb-binlog", "mariadb-client and mariadb-server-core, of the server's version",
		"BINLOG REPLAY", []string{"BINLOG ''"}},
	engineMySQL: {"mysqldump", "mysql", "mysqlbinlog", "mysql-client and mysql-server-core (or MySQL's own mysql-community-client), of the server's version",
		"REPLICATION_APPLIER", []string{"BINLOG ''", "SET @@session.gtid_next = 'AUTOMATIC'"}},
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
	var says sayings
	c.Stderr = &says
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(c.Args[0]), err, says.text())
	}
	return nil
}

// sayings keeps the first lines of what a program says on stderr, without the statements that the clients repeat between two rules when they
// fail: a line of a log is of no use to anybody, and a row of a dump is nobody's business.
type sayings struct {
	line, kept []byte
	repeats    bool
}

// Bounds of what is kept.
const (
	maxSaid = 4096
	maxLine = 1024
	rule    = "--------------"
)

func (s *sayings) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		part, after, ended := bytes.Cut(rest, []byte("\n"))
		s.line = append(s.line, part[:min(len(part), maxLine-len(s.line))]...)
		if rest = after; ended {
			s.endLine()
		}
	}
	return len(p), nil
}

func (s *sayings) endLine() {
	line := bytes.TrimSpace(s.line)
	switch {
	case string(line) == rule:
		s.repeats = !s.repeats
	case !s.repeats && len(line) > 0 && len(s.kept)+len(line) < maxSaid:
		s.kept = append(append(s.kept, line...), '\n')
	}
	s.line = s.line[:0]
}

func (s *sayings) text() string {
	s.endLine()
	return string(bytes.TrimSpace(s.kept))
}

// logs tells whether the server keeps a binary log.
func (s *server) logs(ctx context.Context) (bool, error) {
	var on bool
	err := s.pool.QueryRowContext(ctx, "SELECT @@log_bin").Scan(&on)
	return on, err
}
