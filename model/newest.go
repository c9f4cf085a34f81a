package model

import (
	"strings"

	"gorm.io/gorm"
)

// FewUnions is how many unions are asked for one by one.
const FewUnions = 8

// byUnion are the tables with an index of each union's rows by id.
var byUnion = map[string]bool{"audit_entries": true}

// The windows in which Among looks before it goes by union: who holds a good part of the rows finds enough in the first, a
// federation of a few in a thousand in the second.
var windows = []int{300, 4000}

// Newest finds the ids of a page of the rows of a table, by falling id, that belong to the unions whose path begins with path
// ("": none). The table has id and union_id; narrow adds what else the rows have to be, on the table alone.
//
// A few unions of a table with an index for it are asked one by one; else see Among.
func Newest(tx *gorm.DB, table, path string, page Page, narrow func(q *gorm.DB) *gorm.DB) (ids []ID, err error) {
	if path == "" {
		return nil, nil
	}
	tx = tx.Session(&gorm.Session{NewDB: true})
	rows := func() *gorm.DB {
		q := narrow(tx.Table(table))
		if page.Cursor != 0 {
			q = q.Where("id < ?", page.Cursor)
		}
		return q
	}
	if byUnion[table] {
		unions, err := Few(tx, path)
		if err != nil {
			return nil, err
		}
		if len(unions) > 0 {
			return Highest(tx, page.Limit+1, OfEach(unions, rows)...)
		}
	}
	return Among(tx, path, page.Limit+1, []string{"id"}, "id DESC", rows)
}

// Among finds the ids of the first n rows, in an order by columns that the rows' table has an index for, that belong to the unions whose path
// begins with path.
//
// No index holds the rows of a whole subtree in that order. So the first rows are looked through, whosever they are; where these do not give
// n the subtree holds few rows, and they are found by its unions.
func Among(tx *gorm.DB, path string, n int, columns []string, order string, rows func() *gorm.DB) (ids []ID, err error) {
	tx = tx.Session(&gorm.Session{NewDB: true})
	below := func(q *gorm.DB) error {
		unions := tx.Model(&Union{}).Select("id").Where("path LIKE ?", path+"%")
		return q.Where("union_id IN (?)", unions).Order(order).Limit(n).Pluck("id", &ids).Error
	}
	for _, window := range windows {
		first := rows().Select("union_id", columns).Order(order).Limit(window)
		if err := below(tx.Table("(?) AS n", first)); err != nil || len(ids) == n {
			return ids, err
		}
	}
	err = below(rows())
	return ids, err
}

// Few are the unions whose path begins with path, if they are at most FewUnions; else none.
func Few(tx *gorm.DB, path string) (unions []ID, err error) {
	err = tx.Session(&gorm.Session{NewDB: true}).Model(&Union{}).Where("path LIKE ?", path+"%").Limit(FewUnions+1).Pluck("id", &unions).Error
	if len(unions) > FewUnions {
		unions = nil
	}
	return unions, err
}

// OfEach is the query once for each of the unions.
func OfEach(unions []ID, rows func() *gorm.DB) []*gorm.DB {
	each := make([]*gorm.DB, len(unions))
	for i, u := range unions {
		each[i] = rows().Where("union_id = ?", u)
	}
	return each
}

// Highest finds the n highest ids that any of the queries gives, each once, by falling id. Where each query has an index with its rows by id,
// no more than n of each are read.
func Highest(tx *gorm.DB, n int, queries ...*gorm.DB) (ids []ID, err error) {
	parts, args := make([]string, len(queries)), make([]any, len(queries), len(queries)+1)
	for i, q := range queries {
		parts[i], args[i] = "SELECT id FROM (?) AS part", q.Select("id").Order("id DESC").Limit(n)
	}
	err = tx.Session(&gorm.Session{NewDB: true}).Raw(strings.Join(parts, " UNION ")+" ORDER BY id DESC LIMIT ?", append(args, n)...).Scan(&ids).Error
	return ids, err
}
