// Package rekey seals personal data again after a new key was put first into the keyring, so that the old key can be
// taken out of it. Hashes (…_hash) are made with HASH_KEY, which is never rotated, and stay as they are.
package rekey

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"bangfu/model"
)

// table is a table with sealed columns. The context of a column "x_sealed" of table t is "t.x".
type table struct {
	name    string
	keys    []string // its primary key, integers
	columns []string
}

// tables are all that hold sealed text; a test holds them against the schema.
var tables = []table{
	{"persons", []string{"id"}, []string{"id_number_sealed"}},
	{"members", []string{"id"}, []string{"phone_sealed"}},
	{"roster_rows", []string{"import_id", "row_no"}, []string{"phone_sealed", "id_number_sealed"}},
	{"binding_requests", []string{"id"}, []string{"phone_sealed", "id_last6_sealed"}},
	{"staff", []string{"id"}, []string{"totp_secret_sealed"}},
	{"addresses", []string{"id"}, []string{"phone_sealed", "detail_sealed"}},
	{"suppliers", []string{"id"}, []string{"contact_phone_sealed"}},
	{"orders", []string{"id"}, []string{"phone_sealed", "address_sealed"}},
	{"group_purchases", []string{"id"}, []string{"phone_sealed", "address_sealed"}},
	{"statements", []string{"id"}, []string{"filler_phone_sealed"}},
	{"after_sales", []string{"id"}, []string{"return_to_sealed"}},
	{"supplier_bank_accounts", []string{"id"}, []string{"account_no_sealed"}},
}

// sealContext is the context in which a column's texts are sealed, see model.SealMemberPhone and its like.
func sealContext(table, column string) string {
	return table + "." + strings.TrimSuffix(column, "_sealed")
}

// step is how many rows are read, and changed in one transaction.
const step = 500

// Run seals every text that was sealed with another key than the current one again, and tells how many. It may be
// stopped and run again at any time, also while the product serves: a text that somebody changes meanwhile is left as it
// is then. A text that no key of the ring opens is an error that names its row. Uploaded rosters that wait for their
// preview are sealed files, which it does not reach: while there are any, the old key must stay, and the error says so.
func Run(ctx context.Context, db *model.DB, sealer *model.Sealer) (n int, err error) {
	for _, t := range tables {
		done, err := t.run(ctx, db, sealer)
		n += done
		if err != nil {
			return n, fmt.Errorf("rekey %s: %w", t.name, err)
		}
	}
	var waiting int64
	err = db.Read(ctx).Model(&model.RosterImport{}).Where("status IN ?", []string{"uploaded", "previewing"}).Count(&waiting).Error
	if err == nil && waiting > 0 {
		err = fmt.Errorf("rekey: %d uploaded rosters wait for their preview; keep the old key and run this again when they are done", waiting)
	}
	if err != nil {
		return n, err
	}
	return n, db.RenewKeyMark(ctx, sealer)
}

// row is one row's key and sealed texts, in the order of the table's.
type row struct {
	key   []int64
	texts []string
}

func (t table) run(ctx context.Context, db *model.DB, sealer *model.Sealer) (n int, err error) {
	var after []int64
	for {
		rows, err := t.read(db.Read(ctx), after)
		if err != nil || len(rows) == 0 {
			return n, err
		}
		after = rows[len(rows)-1].key
		var done int
		err = db.Tx(ctx, func(tx *gorm.DB) (err error) {
			done, err = t.seal(tx, sealer, rows)
			return err
		})
		n += done
		if err != nil {
			return n, err
		}
	}
}

// read reads the next rows after a key, nil: from the start.
func (t table) read(tx *gorm.DB, after []int64) ([]row, error) {
	q := tx.Table(t.name).Select(append(append([]string{}, t.keys...), t.columns...)).Order(strings.Join(t.keys, ", ")).Limit(step)
	switch {
	case after == nil:
	case len(t.keys) == 1:
		q = q.Where(t.keys[0]+" > ?", after[0])
	default:
		q = q.Where(fmt.Sprintf("%[1]s > ? OR (%[1]s = ? AND %[2]s > ?)", t.keys[0], t.keys[1]), after[0], after[0], after[1])
	}
	found, err := q.Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	var rows []row
	for found.Next() {
		r := row{make([]int64, len(t.keys)), make([]string, len(t.columns))}
		into := make([]any, 0, len(t.keys)+len(t.columns))
		for i := range r.key {
			into = append(into, &r.key[i])
		}
		for i := range r.texts {
			into = append(into, &r.texts[i])
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, found.Err()
}

// seal writes the rows' texts anew where they need it, each only if it is still what was read.
func (t table) seal(tx *gorm.DB, sealer *model.Sealer, rows []row) (n int, err error) {
	for _, r := range rows {
		for i, old := range r.texts {
			if !sealer.NeedsRotation(old) {
				continue
			}
			column := t.columns[i]
			plain, err := sealer.Open(old, sealContext(t.name, column))
			if err != nil {
				return n, fmt.Errorf("row %v, column %s: %w", r.key, column, err)
			}
			sealed, err := sealer.Seal(plain, sealContext(t.name, column))
			if err != nil {
				return n, err
			}
			q := tx.Table(t.name).Where(column+" = ?", old)
			for k, name := range t.keys {
				q = q.Where(name+" = ?", r.key[k])
			}
			res := q.UpdateColumn(column, sealed)
			if res.Error != nil {
				return n, res.Error
			}
			n += int(res.RowsAffected)
		}
	}
	return n, nil
}
