package model

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/bwmarrin/snowflake"
	sqlite "github.com/glebarez/sqlite"
	mysqldriver "github.com/go-sql-driver/mysql"
	"golang.org/x/sync/semaphore"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Dialect is the kind of database behind a DB.
type Dialect string

// The dialects.
const (
	SQLite Dialect = "sqlite" // embedded database file
	MySQL  Dialect = "mysql"  // MySQL, MariaDB, TiDB
)

// Options say which database to open.
type Options struct {
	MySQLDSN   string // go-sql-driver form; empty: the embedded database
	SQLitePath string // database file of the embedded database
	Clock      Clock  // nil: SystemClock
	Logger     *slog.Logger
}

// DB is an open database with the clock and the id source that go with it.
type DB struct {
	Dialect Dialect
	Clock   Clock
	orm     *gorm.DB
	joined  *gorm.DB            // connections on which statements may be joined, see Together; the embedded database: orm
	writer  chan struct{}       // embedded database: one writer at a time queues here instead of polling the file lock
	turn    *semaphore.Weighted // see InTurn
	node    *snowflake.Node
	stop    context.CancelFunc
	log     *slog.Logger
	// auditKeys make the audit trail's MACs; nil: nothing can be written there.
	auditKeys *AuditKeys
	tidb      bool
}

// Open connects to the database. It neither migrates nor checks the schema: see Migrate and Ready.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Clock == nil {
		o.Clock = SystemClock{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	db := &DB{Clock: o.Clock, log: o.Logger, stop: func() {}, turn: newTurn()}
	var err error
	if db.orm, err = db.connect(ctx, o, false, 64); err != nil {
		return nil, err
	}
	if db.joined = db.orm; db.Dialect == SQLite {
		return db, nil
	}
	if my, ok := db.orm.Dialector.(*mysql.Dialector); ok {
		db.tidb = strings.Contains(my.ServerVersion, "TiDB")
	}
	if db.joined, err = db.connect(ctx, o, true, 4); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// connect opens a pool of connections, at most so many; on those of a joined one a message may hold several statements.
func (db *DB) connect(ctx context.Context, o Options, joined bool, most int) (*gorm.DB, error) {
	dialector, err := db.dialector(o, joined)
	if err != nil {
		return nil, err
	}
	orm, err := gorm.Open(dialector, &gorm.Config{
		TranslateError:         true,
		SkipDefaultTransaction: true,
		NowFunc:                o.Clock.Now,
		Logger: quiet{logger.NewSlogLogger(o.Logger, logger.Config{
			LogLevel: logger.Warn, SlowThreshold: slowStatement, IgnoreRecordNotFoundError: true, ParameterizedQueries: true,
		})},
	})
	if err != nil {
		return nil, fmt.Errorf("open %s database: %w", db.Dialect, err)
	}
	pool, err := orm.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(most)
	pool.SetMaxIdleConns(most)
	pool.SetConnMaxLifetime(30 * time.Minute)
	if err := pool.PingContext(ctx); err != nil {
		_ = pool.Close()
		return nil, fmt.Errorf("reach %s database: %w", db.Dialect, err)
	}
	return orm, nil
}

// driverLog brings what the MySQL driver says of lost connections into the log.
type driverLog struct{ log *slog.Logger }

// Print implements the driver's Logger.
func (l driverLog) Print(v ...any) { l.log.Warn("database driver", "says", fmt.Sprint(v...)) }

// slowStatement is how long a statement may take without being logged.
const slowStatement = time.Second

// quiet leaves out of the log what the callers expect and handle: duplicates, transactions that run again, requests
// given up.
type quiet struct{ logger.Interface }

// Trace implements gorm's logger.
func (q quiet) Trace(ctx context.Context, begin time.Time, fc func() (string, int64), err error) {
	if Duplicate(err) || Transient(err) || errors.Is(err, context.Canceled) || errors.Is(err, gorm.ErrRecordNotFound) {
		err = nil
	}
	if err == nil && time.Since(begin) <= slowStatement {
		return // gorm's logger writes each statement out in full before it finds that nobody wants to read it
	}
	q.Interface.Trace(ctx, begin, fc, err)
}

func (db *DB) dialector(o Options, joined bool) (gorm.Dialector, error) {
	if o.MySQLDSN == "" {
		db.Dialect = SQLite
		db.writer = make(chan struct{}, 1)
		q := url.Values{"_pragma": {"journal_mode(WAL)", "busy_timeout(10000)", "foreign_keys(1)", "synchronous(NORMAL)"}, "_txlock": {"immediate"}}
		return sqlite.Open("file:" + filepath.ToSlash(o.SQLitePath) + "?" + q.Encode()), nil
	}
	db.Dialect = MySQL
	cfg, err := mysqldriver.ParseDSN(o.MySQLDSN)
	if err != nil {
		return nil, errors.New("MYSQL_DSN is not a valid data source name (want user:password@tcp(host:port)/database)")
	}
	cfg.ParseTime, cfg.Loc, cfg.ClientFoundRows, cfg.InterpolateParams = true, time.UTC, true, true
	cfg.MultiStatements = joined
	cfg.Logger = driverLog{o.Logger}
	cfg.Collation = "utf8mb4_bin"
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	cfg.Params["time_zone"] = "'+00:00'"
	cfg.Params["innodb_lock_wait_timeout"] = "10"
	cfg.Params["sql_mode"] = sqlMode(cfg.Params["sql_mode"])
	connector, err := mysqldriver.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	connector = readCommitted{connector}
	if joined {
		connector = joinedConnector{connector}
	}
	return mysql.New(mysql.Config{Conn: sql.OpenDB(connector), DSNConfig: cfg}), nil
}

// sqlMode is the mode of the product's sessions: the server's, or that of the DSN, with two changes. Texts that are too long are refused, not cut. And
// a backslash always escapes: the driver writes arguments into statements accordingly, which on joined connections must not depend on a flag that
// the server, or a proxy before it, sends or forgets to send.
func sqlMode(ofDSN string) string {
	if ofDSN == "" {
		ofDSN = "@@sql_mode"
	}
	return "REPLACE(CONCAT_WS(',', NULLIF(" + ofDSN + ", ''), 'STRICT_TRANS_TABLES'), 'NO_BACKSLASH_ESCAPES', 'STRICT_TRANS_TABLES')"
}

// readCommitted makes connections whose transactions are READ COMMITTED, so that none has to say so itself.
type readCommitted struct{ driver.Connector }

// Connect implements driver.Connector.
func (c readCommitted) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.(driver.ExecerContext).ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", nil); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// Close stops renewing the id node and closes the pools.
func (db *DB) Close() error {
	db.stop()
	var errs []error
	for _, orm := range []*gorm.DB{db.orm, db.joined} {
		if orm == nil {
			continue
		}
		pool, err := orm.DB()
		if err == nil {
			err = pool.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Pool is the plain pool of the connections that take one statement at a time, for statistics, migrations and hand-written statements.
func (db *DB) Pool() (*sql.DB, error) { return db.orm.DB() }

// BatchRows is how many rows a multi-row INSERT of many rows should have: for CreateInBatches. The embedded database's
// driver takes time that grows with the square of the values in one statement.
func (db *DB) BatchRows() int {
	if db.Dialect == SQLite {
		return 40
	}
	return 500
}

// Read is a handle for reading outside a transaction.
func (db *DB) Read(ctx context.Context) *gorm.DB { return db.pool(ctx).WithContext(ctx) }

// pool is where statements of the context go, see Together.
func (db *DB) pool(ctx context.Context) *gorm.DB {
	if ctx.Value(together{}) != nil {
		return db.joined
	}
	return db.orm
}

// Now reads the clock.
func (db *DB) Now() time.Time { return db.Clock.Now() }

// maxAttempts bounds how often a transaction is run again after a deadlock or lock timeout.
const maxAttempts = 8

// Tx runs fn in one read-write transaction at READ COMMITTED (the embedded database: serialised).
// After a deadlock, lock timeout or write conflict the WHOLE of fn runs again, a bounded number of
// times with jittered pauses, so fn must keep no state of an earlier run. If the retries do not help,
// the error is CodeBusy.
func (db *DB) Tx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if db.writer != nil {
		select {
		case db.writer <- struct{}{}:
			defer func() { <-db.writer }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for attempt := 1; ; attempt++ {
		err := db.transact(ctx, fn)
		if err == nil || !Transient(err) {
			return err
		}
		if attempt == maxAttempts {
			return &Error{Code: CodeBusy, Message: "系统繁忙，请稍后再试", Cause: err}
		}
		pause := time.Duration(1+rand.IntN(8<<min(attempt, 5))) * time.Millisecond
		db.log.DebugContext(ctx, "transaction runs again", "attempt", attempt, "cause", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// transact runs fn in one transaction, in its turn if ctx asks for that (InTurn).
func (db *DB) transact(ctx context.Context, fn func(tx *gorm.DB) error) error {
	leave, err := db.take(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return db.pool(ctx).WithContext(ctx).Transaction(fn)
}

// Snapshot runs fn on one read-consistent view of the whole database; fn must not write.
func (db *DB) Snapshot(ctx context.Context, fn func(tx *gorm.DB) error) error {
	opts := &sql.TxOptions{ReadOnly: !db.tidb} // TiDB refuses START TRANSACTION READ ONLY
	if db.Dialect == MySQL {
		opts.Isolation = sql.LevelRepeatableRead
	}
	return db.orm.WithContext(ctx).Transaction(fn, opts)
}

// ErrRerun makes Tx run the whole transaction again: what it read without a lock has changed since.
var ErrRerun = errors.New("what was read without a lock has changed")

// Transient tells whether err is ErrRerun, a deadlock, lock timeout or write conflict, after which running the
// transaction again may succeed.
func Transient(err error) bool {
	if errors.Is(err, ErrRerun) {
		return true
	}
	var my *mysqldriver.MySQLError
	if errors.As(err, &my) {
		switch my.Number {
		case 1213, 1205, 1020, // deadlock, lock wait timeout, record changed (MariaDB snapshot isolation)
			8002, 8022, 8028, 9007: // TiDB: write conflicts and schema changes
			return true
		}
		return false
	}
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		switch coded.Code() & 0xff {
		case 5, 6: // SQLITE_BUSY, SQLITE_LOCKED
			return true
		}
	}
	return false
}

// Duplicate tells whether err says that a unique key exists already.
func Duplicate(err error) bool { return errors.Is(err, gorm.ErrDuplicatedKey) }
