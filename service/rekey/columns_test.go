package rekey

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"bangfu/model"
	"bangfu/model/modeltest"
)

// TestRekeyEveryColumn rotates the key under a database that has data in every sealed column: afterwards the new key alone opens all of it, nothing else
// of the rows has changed, and entries of the audit trail still fit their MACs.
func TestRekeyEveryColumn(t *testing.T) {
	db := modeltest.Open(t, modeltest.NewClock(modeltest.At("2025-03-03 09:00")))
	hashKey, err := model.DecodeKey(model.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	oldKey, newKey := "old:"+model.GenerateKey(), "new:"+model.GenerateKey()
	before, both, after := sealer(t, oldKey, hashKey), sealer(t, newKey+","+oldKey, hashKey), sealer(t, newKey, hashKey)
	ctx := context.Background()
	keys := before.AuditKeys()
	entry, err := db.AuditEntry(model.Clockwork(), db.Now(), "member.reveal", "member:1", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	entry.MAC = keys.MAC(entry)
	if err := db.Read(ctx).Create(&entry).Error; err != nil {
		t.Fatal(err)
	}
	columns := 0
	for _, x := range tables {
		for i := range 3 {
			insertRow(t, db, x, int64(i+1), func(column string) string {
				sealed, err := before.Seal(fmt.Sprintf("%s %s %d", x.name, column, i+1), sealContext(x.name, column))
				if err != nil {
					t.Fatal(err)
				}
				columns++
				return sealed
			})
		}
	}
	if n, err := Run(ctx, db, both); err != nil || n != columns {
		t.Fatalf("%d of %d sealed again: %v", n, columns, err)
	}
	for _, x := range tables {
		rows, err := x.read(db.Read(ctx), nil)
		if err != nil || len(rows) != 3 {
			t.Fatalf("%s: %d rows, %v", x.name, len(rows), err)
		}
		for i, r := range rows {
			for c, column := range x.columns {
				plain, err := after.Open(r.texts[c], sealContext(x.name, column))
				if want := fmt.Sprintf("%s %s %d", x.name, column, i+1); err != nil || plain != want {
					t.Errorf("%s.%s: %q, want %q: %v", x.name, column, plain, want, err)
				}
			}
		}
	}
	var kept model.AuditEntry
	if err := db.Read(ctx).Take(&kept, entry.ID).Error; err != nil {
		t.Fatal(err)
	}
	if _, ok := after.AuditKeys().MACOf(kept); !ok {
		t.Error("an audit entry does not fit its MAC after the rotation")
	}
}

// insertRow stores a row with the key in all its key columns, sealed texts, and something in every other column.
func insertRow(t *testing.T, db *model.DB, x table, key int64, seal func(column string) string) {
	t.Helper()
	types, err := db.Read(context.Background()).Migrator().ColumnTypes(x.name)
	if err != nil {
		t.Fatal(err)
	}
	var names, marks []string
	var values []any
	for _, c := range types {
		var value any
		kind := strings.ToLower(c.DatabaseTypeName())
		switch name := c.Name(); {
		case strings.HasSuffix(name, "_sealed"):
			value = seal(name)
		case strings.Contains(kind, "date"):
			value = db.Now()
		case strings.Contains(kind, "char"):
			value = fmt.Sprint(key)
		case strings.Contains(kind, "text"):
			value = ""
		case strings.Contains(kind, "tinyint"):
			value = 0
		default:
			value = key
		}
		names, marks, values = append(names, c.Name()), append(marks, "?"), append(values, value)
	}
	q := "INSERT INTO " + x.name + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
	if err := db.Read(context.Background()).Exec(q, values...).Error; err != nil {
		t.Fatalf("%s: %v", x.name, err)
	}
}
