package model

import (
	"context"
	"database/sql/driver"
	"errors"
)

// joinedConnector makes connections whose transactions begin with their first statement, in the same message: a message less for each.
type joinedConnector struct{ driver.Connector }

// Connect implements driver.Connector.
func (c joinedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := conn.(fullConn)
	if !ok {
		return nil, errors.Join(errors.New("the database driver lacks what joined statements need"), conn.Close())
	}
	return &joinedConn{fullConn: full}, nil
}

// fullConn is what database/sql makes use of, and the MySQL driver has.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// joinedConn is one connection; like any, it is used by one goroutine at a time.
type joinedConn struct {
	fullConn
	begin bool // a transaction is to begin with the next statement
}

const startTransaction = "START TRANSACTION;\n"

// BeginTx implements driver.ConnBeginTx: nothing is sent yet, unless the transaction is of a kind of its own.
func (c *joinedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if o != (driver.TxOptions{}) {
		return c.fullConn.BeginTx(ctx, o)
	}
	c.begin = true
	return joinedTx{c}, nil
}

// ExecContext implements driver.ExecerContext.
func (c *joinedConn) ExecContext(ctx context.Context, statement string, args []driver.NamedValue) (driver.Result, error) {
	statement, began := c.opening(statement)
	result, err := c.fullConn.ExecContext(ctx, statement, args)
	c.begin = began && errors.Is(err, driver.ErrSkip) // then nothing was sent, and the statement comes again
	return result, err
}

// QueryContext implements driver.QueryerContext.
func (c *joinedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	query, began := c.opening(query)
	rows, err := c.fullConn.QueryContext(ctx, query, args)
	c.begin = began && errors.Is(err, driver.ErrSkip)
	return rows, err
}

func (c *joinedConn) opening(statement string) (text string, began bool) {
	if !c.begin {
		return statement, false
	}
	return startTransaction + statement, true
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *joinedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if c.begin {
		if _, err := c.fullConn.ExecContext(ctx, "START TRANSACTION", nil); err != nil {
			return nil, err
		}
		c.begin = false
	}
	return c.fullConn.PrepareContext(ctx, query)
}

// ResetSession implements driver.SessionResetter.
func (c *joinedConn) ResetSession(ctx context.Context) error {
	c.begin = false
	return c.fullConn.ResetSession(ctx)
}

// joinedTx ends a transaction, if it ever began.
type joinedTx struct{ conn *joinedConn }

// Commit implements driver.Tx.
func (t joinedTx) Commit() error { return t.end("COMMIT") }

// Rollback implements driver.Tx.
func (t joinedTx) Rollback() error { return t.end("ROLLBACK") }

func (t joinedTx) end(statement string) error {
	if t.conn.begin {
		t.conn.begin = false
		return nil
	}
	_, err := t.conn.fullConn.ExecContext(context.Background(), statement, nil)
	return err
}
