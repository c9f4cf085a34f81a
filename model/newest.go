package model

import "gorm.io/gorm"

// The windows in which Newest looks before it goes by union: who holds a good part of the rows finds enough in the first, a
// federation of a few in a thousand in the second.
var newestWindows = []int{300, 4000}

// Newest finds the ids of a page of the rows of a table, by falling id, that belong to the unions whose path begins with path
// ("": none). The table has id and union_id; narrow adds what else the rows have to be, on the table alone.
//
// No index holds the rows of a whole subtree in the order of their ids. So the newest rows are looked through first, whosever they
// are; where these do not give a page the subtree holds few rows, and they are found by its unions.
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
	for _, window := range newestWindows {
		newest := rows().Select("id", "union_id").Order("id DESC").Limit(window)
		err = tx.Table("(?) AS n", newest).Joins("JOIN unions AS nu ON nu.id = n.union_id").Where("nu.path LIKE ?", path+"%").
			Order("n.id DESC").Limit(page.Limit+1).Pluck("n.id", &ids).Error
		if err != nil || len(ids) > page.Limit {
			return ids, err
		}
	}
	below := tx.Model(&Union{}).Select("id").Where("path LIKE ?", path+"%")
	err = rows().Where("union_id IN (?)", below).Order("id DESC").Limit(page.Limit+1).Pluck("id", &ids).Error
	return ids, err
}
