package model_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"testing"

	mysqldriver "github.com/go-sql-driver/mysql"

	"bangfu/model"
)

// TestUnavailable tells a database that cannot be reached from one that refuses something.
func TestUnavailable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	_, refused := model.Open(context.Background(), model.Options{MySQLDSN: "root@tcp(" + addr + ")/none"})
	for _, err := range []error{refused, fmt.Errorf("read: %w", driver.ErrBadConn), mysqldriver.ErrInvalidConn} {
		if !model.Unavailable(err) {
			t.Errorf("%v", err)
		}
	}
	for _, err := range []error{nil, errors.New("x"), &mysqldriver.MySQLError{Number: 1062}, model.E(model.CodeConflict, "x")} {
		if model.Unavailable(err) {
			t.Errorf("%v", err)
		}
	}
}
