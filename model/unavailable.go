package model

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"

	mysqldriver "github.com/go-sql-driver/mysql"
)

// Unavailable tells whether err says that the database could not be reached, as opposed to having refused something.
func Unavailable(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysqldriver.ErrInvalidConn)
}

// Refused tells whether err is about what was asked for, so that asking for something else may succeed: not a database that is out
// of reach, busy, out of room or read-only, nor a time that ran out.
func Refused(err error) bool {
	if err == nil || Unavailable(err) || Transient(err) || CodeOf(err) == CodeBusy || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false
	}
	var my *mysqldriver.MySQLError
	if errors.As(err, &my) {
		switch my.Number {
		case 3, 1021, 1026, 1030, 1037, 1038, 1040, 1041, 1053, 1114, 1135, 1203, 1290, 1836, 1927, 3024, 1969: // no room, no memory, shutting down, read-only, out of time
			return false
		}
	}
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		switch coded.Code() & 0xff {
		case 8, 10, 11, 13, 14, 26: // SQLITE_READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB
			return false
		}
	}
	return true
}
