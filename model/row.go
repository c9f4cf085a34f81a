package model

import (
	"database/sql"
	"errors"

	"gorm.io/gorm"
)

// ScanRow reads the first row of a query into dest, a pointer for each column. gorm's Row().Scan would panic when the query could not even be
// begun. Errors: sql.ErrNoRows if there is none.
func ScanRow(q *gorm.DB, dest ...any) error {
	rows, err := q.Rows()
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	return errors.Join(rows.Scan(dest...), rows.Close())
}
