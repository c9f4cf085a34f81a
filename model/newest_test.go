package model_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
)

// TestNewestAddsUp reads the rows of subtrees page by page, of common and rare ones, in a table with an index by union and in one
// without: together the pages are all of the subtree's rows, each once, newest first, however deep its rows lie.
func TestNewestAddsUp(t *testing.T) {
	db := modeltest.Open(t, nil)
	tx := db.Read(context.Background())
	rnd := rand.New(rand.NewPCG(7, 7))
	// The city "/1/" with a county "/1/2/" of ten unions, one "/1/3/" of three, and one "/1/4/" of one with few rows, which are old.
	unions := []model.Union{{ID: 1, Name: "city", Path: "/1/"}}
	below := func(county model.ID, n int) {
		unions = append(unions, model.Union{ID: county, ParentID: ptr(model.ID(1)), Name: fmt.Sprint("county ", county), Path: fmt.Sprintf("/1/%d/", county), Depth: 1})
		for i := range n {
			id := 100*county + model.ID(i)
			unions = append(unions, model.Union{ID: id, ParentID: ptr(county), Name: fmt.Sprint("union ", id), Path: fmt.Sprintf("/1/%d/%d/", county, id), Depth: 2})
		}
	}
	below(2, 10)
	below(3, 3)
	below(4, 1)
	for i := range unions {
		unions[i].Kind, unions[i].Status, unions[i].CreatedAt, unions[i].UpdatedAt = "grassroots", "active", db.Now(), db.Now()
	}
	if err := model.InsertAll(tx, db, unions); err != nil {
		t.Fatal(err)
	}
	const rows = 6000
	entries, claims := make([]model.AuditEntry, rows), make([]model.Claim, rows)
	for i := range rows {
		u := unions[2+rnd.IntN(10)]
		switch {
		case i < 3 || i == 4500:
			u = unions[len(unions)-1]
		case rnd.IntN(400) == 0:
			u = unions[len(unions)-5+rnd.IntN(3)]
		}
		action := []string{"a", "b"}[rnd.IntN(2)]
		entries[i] = model.AuditEntry{ID: model.ID(i + 1), At: db.Now(), Actor: "clock", Action: action, Object: "x:1", UnionID: &u.ID, Detail: "{}"}
		claims[i] = model.Claim{ID: model.ID(i + 1), UnionID: u.ID, Status: action, InvoiceNo: fmt.Sprint(i), PurchasedOn: "2025-01-01", EnteredAt: db.Now(), UpdatedAt: db.Now()}
	}
	if err := model.InsertAll(tx, db, entries); err != nil {
		t.Fatal(err)
	}
	if err := model.InsertAll(tx, db, claims); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"audit_entries", "claims"} {
		column := map[string]string{"audit_entries": "action", "claims": "status"}[table]
		for _, path := range []string{"/1/", "/1/2/", "/1/2/204/", "/1/3/", "/1/3/301/", "/1/4/", "/1/5/", ""} {
			for _, state := range []string{"", "b"} {
				var want []model.ID
				q := tx.Table(table).Joins("JOIN unions u ON u.id = union_id").Where("u.path LIKE ? AND ? <> ''", path+"%", path)
				if state != "" {
					q = q.Where(table+"."+column+" = ?", state)
				}
				if err := q.Order(table+".id DESC").Pluck(table+".id", &want).Error; err != nil {
					t.Fatal(err)
				}
				var got []model.ID
				for page := (model.Page{Limit: 1 + rnd.IntN(model.MaxPage)}); ; page.Cursor = got[len(got)-1] {
					ids, err := model.Newest(tx, table, path, page, func(q *gorm.DB) *gorm.DB {
						if state != "" {
							q = q.Where(column+" = ?", state)
						}
						return q
					})
					if err != nil {
						t.Fatal(err)
					}
					more := len(ids) > page.Limit
					got = append(got, ids[:min(len(ids), page.Limit)]...)
					if !more {
						break
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s below %q, state %q: %d ids, want %d", table, path, state, len(got), len(want))
				}
			}
		}
	}
}

func ptr[T any](v T) *T { return &v }
