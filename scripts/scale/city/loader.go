package city

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
)

// chunkBytes is how much of a table one LOAD DATA statement takes.
const chunkBytes = 4 << 20

// entity is a stored row of the model.
type entity interface{ TableName() string }

// loader streams rows into tables: a goroutine and a connection a table, in the order in which the rows come.
type loader struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	pool   *sql.DB
	mu     sync.Mutex
	tables map[reflect.Type]*table
	done   sync.WaitGroup
}

// table is one table's stream.
type table struct {
	name    string
	columns []string
	fields  []int
	mu      sync.Mutex
	buf     []byte
	lines   int
	chunks  chan chunk
	rows    atomic.Int64
	busy    time.Duration
}

type chunk struct {
	text  []byte
	lines int
}

func newLoader(ctx context.Context, pool *sql.DB) *loader {
	ctx, cancel := context.WithCancelCause(ctx)
	return &loader{ctx: ctx, cancel: cancel, pool: pool, tables: map[reflect.Type]*table{}}
}

// put adds a row, a pointer to an entity. After an error it does nothing; close tells.
func (l *loader) put(row entity) {
	v := reflect.ValueOf(row).Elem()
	t := l.table(v, row)
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, f := range t.fields {
		if i > 0 {
			t.buf = append(t.buf, '\t')
		}
		t.buf = appendValue(t.buf, v.Field(f))
	}
	t.buf = append(t.buf, '\n')
	t.lines++
	if len(t.buf) >= chunkBytes {
		l.send(t)
	}
}

func (l *loader) send(t *table) {
	c := chunk{t.buf, t.lines}
	t.buf, t.lines = make([]byte, 0, chunkBytes+4096), 0
	select {
	case t.chunks <- c:
	case <-l.ctx.Done():
	}
}

func (l *loader) table(v reflect.Value, row entity) *table {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tables[v.Type()]
	if t != nil {
		return t
	}
	t = &table{name: row.TableName(), chunks: make(chan chunk, 2)}
	for i := range v.NumField() {
		tag, _, _ := strings.Cut(strings.TrimPrefix(v.Type().Field(i).Tag.Get("gorm"), "column:"), ";")
		t.columns, t.fields = append(t.columns, "`"+tag+"`"), append(t.fields, i)
	}
	l.tables[v.Type()] = t
	l.done.Go(func() {
		if err := l.load(t); err != nil {
			l.cancel(fmt.Errorf("%s: %w", t.name, err))
		}
	})
	return t
}

// close loads what is left and tells the first error.
func (l *loader) close() error {
	l.mu.Lock()
	for _, t := range l.tables {
		t.mu.Lock()
		if t.lines > 0 {
			l.send(t)
		}
		close(t.chunks)
		t.mu.Unlock()
	}
	l.mu.Unlock()
	l.done.Wait()
	defer l.cancel(nil)
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	return nil
}

// load loads a table's chunks on a connection of its own.
func (l *loader) load(t *table) (err error) {
	conn, err := l.pool.Conn(l.ctx)
	if err != nil {
		return err
	}
	defer func() {
		_, back := conn.ExecContext(context.WithoutCancel(l.ctx), "SET SESSION unique_checks = 1, foreign_key_checks = 1")
		err = errors.Join(err, back, conn.Close())
	}()
	if _, err := conn.ExecContext(l.ctx, "SET SESSION unique_checks = 0, foreign_key_checks = 0"); err != nil {
		return err
	}
	for {
		select {
		case c, more := <-t.chunks:
			if !more {
				return nil
			}
			start := time.Now()
			if err := l.loadChunk(conn, t, c); err != nil {
				return err
			}
			t.busy += time.Since(start)
		case <-l.ctx.Done():
			return nil
		}
	}
}

// loadChunk loads one chunk. LOCAL turns what is wrong with a row into a warning, so warnings are errors here.
func (l *loader) loadChunk(conn *sql.Conn, t *table, c chunk) error {
	source := fmt.Sprintf("%s_%p", t.name, t)
	mysqldriver.RegisterReaderHandler(source, func() io.Reader { return bytes.NewReader(c.text) })
	defer mysqldriver.DeregisterReaderHandler(source)
	res, err := conn.ExecContext(l.ctx, "LOAD DATA LOCAL INFILE 'Reader::"+source+"' INTO TABLE `"+t.name+"` CHARACTER SET utf8mb4 "+
		`FIELDS TERMINATED BY '\t' ESCAPED BY '\\' LINES TERMINATED BY '\n' (`+strings.Join(t.columns, ", ")+")")
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n != int64(c.lines) {
		err = fmt.Errorf("%d of %d rows were loaded: %s", n, c.lines, warning(l.ctx, conn))
	}
	if text := warning(l.ctx, conn); err == nil && text != "" {
		err = errors.New(text)
	}
	t.rows.Add(n)
	return err
}

func warning(ctx context.Context, conn *sql.Conn) string {
	var level, code, text string
	if conn.QueryRowContext(ctx, "SHOW WARNINGS LIMIT 1").Scan(&level, &code, &text) != nil {
		return ""
	}
	return level + " " + code + ": " + text
}

// appendValue writes a field as LOAD DATA reads it.
func appendValue(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Int64, reflect.Int:
		return strconv.AppendInt(b, v.Int(), 10)
	case reflect.String:
		return appendText(b, v.String())
	case reflect.Bool:
		if v.Bool() {
			return append(b, '1')
		}
		return append(b, '0')
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, `\N`...)
		}
		return appendValue(b, v.Elem())
	case reflect.Struct:
		if at, ok := v.Interface().(time.Time); ok {
			return at.UTC().AppendFormat(b, "2006-01-02 15:04:05.000")
		}
	}
	panic("a column of kind " + v.Kind().String())
}

func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		switch s[i] {
		case '\\', '\t', '\n':
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return b
}
