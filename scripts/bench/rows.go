//go:build unix

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"bangfu/model"
	"bangfu/scripts/lab/world"
)

// template is what one checkout of the product writes into one table, so that the other variants write the very same rows: same
// columns, same sizes, but for what differs from order to order.
type template struct {
	table   string
	columns []column
}

// column is one column of a row: as the product wrote it, or filled in for each order.
type column struct {
	name string
	text string // SQL literal
	fill func(p *purchase) any
}

// purchase is what differs from order to order.
type purchase struct {
	member                                            world.Member
	goods                                             world.Goods
	order, line, parcel, move, transfer, audit, event model.ID
	no, key, at                                       string
}

// numbers makes order numbers that lie scattered, as the product's do, and are all different: nobody runs a blind insert again.
var numbers atomic.Int64

const stride = 6_180_339_887 // coprime to 1e10, so that every number comes once

// newPurchase is one piece of the goods for the member.
func newPurchase(db *model.DB, m world.Member, g world.Goods) *purchase {
	now := time.Now().UTC()
	return &purchase{member: m, goods: g, order: db.NewID(), line: db.NewID(), parcel: db.NewID(), move: db.NewID(), transfer: db.NewID(), audit: db.NewID(), event: db.NewID(),
		no: fmt.Sprintf("%s%010d", now.Format("20060102"), numbers.Add(1)*stride%1e10), key: newKey(), at: now.Format("2006-01-02 15:04:05.000")}
}

// fills are the columns that differ from order to order, by table, in the order in which the product writes the tables.
var fills = []struct {
	table   string
	columns map[string]func(p *purchase) any
}{
	{"stock_movements", map[string]func(p *purchase) any{
		"id": func(p *purchase) any { return p.move }, "sku_id": func(p *purchase) any { return p.goods.SKU },
		"cause": func(p *purchase) any { return "line:" + p.line.String() }, "actor": actorOf, "at": atOf}},
	{"orders", map[string]func(p *purchase) any{
		"id": orderOf, "order_no": func(p *purchase) any { return p.no }, "person_id": func(p *purchase) any { return p.member.Person },
		"member_id": func(p *purchase) any { return p.member.Member }, "union_id": unionOf, "placed_at": atOf, "paid_at": atOf, "updated_at": atOf}},
	{"order_lines", map[string]func(p *purchase) any{
		"id": func(p *purchase) any { return p.line }, "order_id": orderOf, "parcel_id": func(p *purchase) any { return p.parcel },
		"supplier_id": supplierOf, "product_id": func(p *purchase) any { return p.goods.Product }, "sku_id": func(p *purchase) any { return p.goods.SKU }}},
	{"parcels", map[string]func(p *purchase) any{
		"id": func(p *purchase) any { return p.parcel }, "order_id": orderOf, "supplier_id": supplierOf, "union_id": unionOf, "created_at": atOf, "updated_at": atOf}},
	{"transfers", map[string]func(p *purchase) any{
		"id": func(p *purchase) any { return p.transfer }, "order_id": orderOf, "union_id": unionOf, "at": atOf,
		"cause": func(p *purchase) any {
			return "order:" + p.order.String() + ":" + p.member.Allowance.String() + ":" + p.goods.Supplier.String()
		},
		"debit_account":  func(p *purchase) any { return "allowance:" + p.member.Allowance.String() },
		"credit_account": func(p *purchase) any { return "supplier:" + p.goods.Supplier.String() }}},
	{"audit_entries", map[string]func(p *purchase) any{
		"id": func(p *purchase) any { return p.audit }, "actor": actorOf, "at": atOf, "union_id": unionOf,
		"object": func(p *purchase) any { return "order:" + p.order.String() }}},
	{bundles, map[string]func(p *purchase) any{"id": func(p *purchase) any { return p.event }, "at": atOf}},
	{"idempotency_keys", map[string]func(p *purchase) any{
		"actor": actorOf, "idem_key": func(p *purchase) any { return p.key }, "created_at": atOf}},
}

// bundles is the table of which the product writes one row for a batch of orders, with what there is to say of each in its body.
const (
	bundles   = "tally_bundles"
	perBundle = 256
)

// bodyOf is a bundle's body of one order, as the product wrote it but for the order, the member and the union.
func bodyOf(wrote string) func(p *purchase) any {
	parts := strings.Split(wrote, ",")
	return func(p *purchase) any {
		mine := slices.Clone(parts)
		for i, id := range []model.ID{p.order, p.member.Member, p.member.Union} {
			mine[2+i] = strconv.FormatInt(int64(id), 36)
		}
		return strings.Join(mine, ",")
	}
}

// bundled appends the bundles of many purchases.
func (t template) bundled(b []byte, all []*purchase) []byte {
	for part := range slices.Chunk(all, perBundle) {
		one := template{table: t.table, columns: slices.Clone(t.columns)}
		for i := range one.columns {
			switch c := &one.columns[i]; c.name {
			case "events":
				c.text = strconv.Itoa(len(part))
			case "body":
				of, text := c.fill, make([]string, len(part))
				for j, p := range part {
					text[j], _ = of(p).(string)
				}
				c.fill = func(*purchase) any { return strings.Join(text, ";") }
			}
		}
		if &part[0] != &all[0] {
			b = append(b, ',')
		}
		b = one.row(b, part[0])
	}
	return b
}

func orderOf(p *purchase) any    { return p.order }
func unionOf(p *purchase) any    { return p.member.Union }
func supplierOf(p *purchase) any { return p.goods.Supplier }
func actorOf(p *purchase) any    { return "person:" + p.member.Person.String() }
func atOf(p *purchase) any       { return p.at }

func newKey() string {
	return strconv.FormatUint(rand.Uint64(), 36) + strconv.FormatUint(rand.Uint64(), 36)
}

// capture reads the rows that the only order in the database consists of. It is an error when the product writes to a table that
// is not known here, or twice to one: then the variants would not be alike any more.
func capture(ctx context.Context, db *sql.DB, before, after map[string]int64) ([]template, error) {
	var all []template
	for _, f := range fills {
		if after[f.table]-before[f.table] != 1 {
			return nil, fmt.Errorf("a checkout writes %d rows to %s, the benchmark expects 1", after[f.table]-before[f.table], f.table)
		}
		t, err := lastRow(ctx, db, f.table, f.columns)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.table, err)
		}
		all = append(all, t)
	}
	for table, n := range after {
		if n != before[table] && !slices.ContainsFunc(fills, func(f struct {
			table   string
			columns map[string]func(p *purchase) any
		}) bool {
			return f.table == table
		}) {
			return nil, fmt.Errorf("a checkout writes to %s, of which the benchmark does not know", table)
		}
	}
	return all, nil
}

// lastRow reads the newest row of a table as SQL literals.
func lastRow(ctx context.Context, db *sql.DB, table string, fill map[string]func(p *purchase) any) (template, error) {
	newest := "id"
	if table == "idempotency_keys" {
		newest = "created_at"
	}
	rows, err := db.QueryContext(ctx, "SELECT * FROM "+table+" ORDER BY "+newest+" DESC LIMIT 1")
	if err != nil {
		return template{}, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return template{}, err
	}
	values, into := make([]sql.NullString, len(types)), make([]any, len(types))
	for i := range values {
		into[i] = &values[i]
	}
	if !rows.Next() {
		return template{}, errors.Join(errors.New("no row"), rows.Err())
	}
	if err := rows.Scan(into...); err != nil {
		return template{}, err
	}
	t := template{table: table}
	for i, ty := range types {
		c := column{name: ty.Name(), fill: fill[ty.Name()]}
		switch {
		case !values[i].Valid:
			c.text = "NULL"
		case strings.Contains(ty.DatabaseTypeName(), "INT"):
			c.text = values[i].String
		default:
			c.text = string(quote(nil, values[i].String))
		}
		if table == bundles && c.name == "body" {
			c.fill = bodyOf(values[i].String)
		}
		t.columns = append(t.columns, c)
	}
	return t, rows.Err()
}

// insert begins a statement that inserts rows into the table.
func (t template) insert(b []byte) []byte {
	b = append(append(append(b, "INSERT INTO "...), t.table...), " ("...)
	for i, c := range t.columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, c.name...)
	}
	return append(b, ") VALUES "...)
}

// row appends the table's row of a purchase.
func (t template) row(b []byte, p *purchase) []byte {
	for i, c := range t.columns {
		b = append(b, ",("[b2i(i == 0)])
		if c.fill == nil {
			b = append(b, c.text...)
			continue
		}
		switch v := c.fill(p).(type) {
		case model.ID:
			b = strconv.AppendInt(b, int64(v), 10)
		case string:
			b = quote(b, v)
		}
	}
	return append(b, ')')
}

func b2i(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// quote appends an SQL literal of the text.
func quote(b []byte, text string) []byte {
	b = append(b, '\'')
	for i := range len(text) {
		switch text[i] {
		case '\'', '\\':
			b = append(b, '\\')
		case 0:
			b = append(b, '\\', '0')
			continue
		}
		b = append(b, text[i])
	}
	return append(b, '\'')
}

// placeholders is the statement of one row with ? for what differs, and what belongs there.
func (t template) placeholders() (statement string, args func(p *purchase) []any) {
	b := t.insert(nil)
	var fill []func(p *purchase) any
	for i, c := range t.columns {
		b = append(b, ",("[b2i(i == 0)])
		if c.fill == nil {
			b = append(b, c.text...)
		} else {
			b = append(b, '?')
			fill = append(fill, c.fill)
		}
	}
	return string(append(b, ')')), func(p *purchase) []any {
		values := make([]any, len(fill))
		for i, f := range fill {
			values[i] = f(p)
		}
		return values
	}
}
