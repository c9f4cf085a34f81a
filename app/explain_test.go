package app_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/scripts/scale/city"
	"bangfu/scripts/scale/walk"
)

// bigTables grow with members and orders.
var bigTables = []string{"members", "persons", "wechat_accounts", "consents", "addresses", "sessions", "orders", "order_lines", "parcels", "transfers", "stock_movements",
	"audit_entries", "allowances", "person_caps", "grant_items", "idempotency_keys", "claims", "claim_persons", "claim_files", "outbox", "settlement_items", "refunds",
	"refund_lines", "payments", "holds", "redemptions", "after_sales", "after_sale_lines", "after_sale_events", "files",
	"tally_bundles", "tally_days", "tally_forms", "tally_months", "tally_goods", "tally_buyers", "tally_purses"}

// wholeTables are the pages that read a big table whole, and why that is right or borne for now. The key is the start of a visit's name.
var wholeTables = map[string]string{
	"the city's form":    "sums over all unions' rows of the rollups",
	"parcels (supplier)": "who sells a good part of all has the last of them found by id, up to the page",
	"a county's form":    "sums over all unions' rows of the rollups",
}

// recorder keeps the SELECTs that run while something is visited.
type recorder struct {
	mu   sync.Mutex
	on   bool
	seen map[string]bool
}

// listen registers the recorder with the database that a house works on.
func (r *recorder) listen(t *testing.T, db *gorm.DB) {
	note := func(tx *gorm.DB) {
		text := tx.Statement.SQL.String()
		if !strings.HasPrefix(strings.TrimSpace(text), "SELECT") || tx.DryRun { // a part of another, which is seen whole
			return
		}
		text = tx.Dialector.Explain(text, tx.Statement.Vars...)
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.on {
			r.seen[text] = true
		}
	}
	c := db.Callback()
	for _, err := range []error{c.Query().After("gorm:query").Register("test:explain", note), c.Row().After("gorm:row").Register("test:explain", note), c.Raw().After("gorm:raw").Register("test:explain", note)} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// take returns what was recorded since and starts anew.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []string
	for text := range r.seen {
		list = append(list, text)
	}
	r.seen = map[string]bool{}
	slices.Sort(list)
	return list
}

// TestExplain opens everything that the console and the mini-program read, in a city of 20,000 members and 60,000 orders, and has the
// database explain every query behind it: no big table is read whole.
func TestExplain(t *testing.T) {
	if os.Getenv("TEST_DB") != "mysql" {
		t.Skip("made cities and EXPLAIN are MySQL's and MariaDB's: TEST_DB is not mysql")
	}
	ctx, today := context.Background(), modeltest.At("2025-11-20 10:00")
	h := newHouseAt(t, today, func(c *config.Config, _ *app.Options) { c.SessionIdleStaff = 1 << 60 })
	sealer, err := city.Sealer(h.Config)
	if err != nil {
		t.Fatal(err)
	}
	size := city.Size{Members: 20_000, Unions: 800, Orders: 60_000, Claims: 3000}
	if err := city.Fill(ctx, city.Options{DSN: h.Config.MySQLDSN, Size: size, Seed: 7, Today: today, Sealer: sealer}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Tally.Rebuild(ctx); err != nil { // the rows came without the product
		t.Fatal(err)
	}
	if err := h.Dues.CatchUp(ctx); err != nil {
		t.Fatal(err)
	}
	pool, err := h.DB.Pool()
	if err != nil {
		t.Fatal(err)
	}
	w, err := walk.New(ctx, h.base, pool, today)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{on: true, seen: map[string]bool{}}
	r.listen(t, h.DB.Read(ctx))
	explained := map[string]bool{}
	for _, v := range walk.Visits {
		if v.Route == "/api/v1/console/statements/:id" {
			continue // nobody has submitted a form here
		}
		for _, as := range v.As {
			r.take()
			if _, err := w.Get(ctx, v, as, 0, ""); err != nil {
				if !strings.Contains(err.Error(), "nothing such") {
					t.Errorf("%s (%s): %v", v.Name, as, err)
				}
				continue
			}
			for _, query := range r.take() {
				if shape := shapeOf(query) + string(as); !explained[shape] {
					explained[shape] = true
					explain(t, pool, fmt.Sprintf("%s (%s)", v.Name, as), query)
				}
			}
		}
	}
	explainRebound(ctx, t, h, pool, r)
	t.Logf("%d queries explained", len(explained))
}

// explainRebound has the database explain what the rule about new bindings reads of the trail, the requests and the orders, in a look at a whole window.
func explainRebound(ctx context.Context, t *testing.T, h *house, pool *sql.DB, r *recorder) {
	t.Helper()
	var o model.Order
	if err := h.DB.Read(ctx).Where("kind = 'online' AND allowance_fen > 0").Order("placed_at DESC").Take(&o).Error; err != nil {
		t.Fatal(err)
	}
	detail := map[string]any{"reason": "换微信", "account_id": model.ID(1)}
	if err := h.DB.Audit(h.DB.Read(ctx), model.Clockwork(), o.PlacedAt.Add(-time.Hour), "member.unbind", "member:"+o.MemberID.String(), o.UnionID, detail); err != nil {
		t.Fatal(err)
	}
	r.take()
	if err := h.Risk.Scan(ctx); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, query := range r.take() {
		for _, part := range []string{"FROM audit_entries WHERE object IN", "JOIN binding_requests", "DISTINCT person_id FROM orders", "allowance_fen AS goods_fen"} {
			if strings.Contains(query, part) && seen[part] < 2 {
				seen[part]++
				explain(t, pool, "rebound", query)
			}
		}
	}
	if len(seen) != 4 {
		t.Errorf("the rule read only %v", seen)
	}
}

var literals = regexp.MustCompile(`'[^']*'|\b\d+\b`)

// shapeOf is a query without its values.
func shapeOf(query string) string { return literals.ReplaceAllString(query, "?") }

// explain fails the test if a query reads a big table whole.
func explain(t *testing.T, pool *sql.DB, name, query string) {
	t.Helper()
	rows, err := pool.Query("EXPLAIN " + query)
	if err != nil {
		t.Errorf("%s: EXPLAIN: %v\n%s", name, err, query)
		return
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	for rows.Next() {
		values, pointers := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			pointers[i] = &values[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			t.Fatal(err)
		}
		at := map[string]string{}
		for i, c := range columns {
			at[strings.ToLower(c)] = values[i].String
		}
		var estimate int
		_, _ = fmt.Sscan(at["rows"], &estimate)
		table := tableOf(query, at["table"])
		// The newest rows, up to a LIMIT: nothing is left out and nothing sorted, so no more is read than is taken.
		newest := at["type"] == "index" && at["key"] == "PRIMARY" && strings.Contains(query, "LIMIT") && (at["extra"] == "" || at["extra"] == "Using index" || strings.HasPrefix(at["extra"], "Backward index scan"))
		whole := !newest && (at["type"] == "ALL" || at["type"] == "index" && estimate > 5000)
		if whole && slices.Contains(bigTables, table) && estimate > 1000 && !excused(name) {
			t.Errorf("%s reads %s whole (%s, key %q, about %d rows, %s):\n%s", name, table, at["type"], at["key"], estimate, at["extra"], query)
		}
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
}

func excused(name string) bool {
	for start := range wholeTables {
		if strings.HasPrefix(name, start) {
			return true
		}
	}
	return false
}

// tableOf is the table behind an alias of a query.
func tableOf(query, alias string) string {
	if slices.Contains(bigTables, alias) || alias == "" {
		return alias
	}
	found := regexp.MustCompile("(?i)(?:FROM|JOIN)\\s+`?(\\w+)`?\\s+(?:AS\\s+)?`?" + regexp.QuoteMeta(alias) + "`?\\b").FindStringSubmatch(query)
	if found == nil {
		return alias
	}
	return found[1]
}

// TestVisitsEveryRoute shows that the table of visits has every route that only reads, or says why not.
func TestVisitsEveryRoute(t *testing.T) {
	h := newHouse(t)
	visited := map[string]bool{}
	for _, v := range walk.Visits {
		visited[v.Route] = true
	}
	routes := map[string]bool{}
	for _, r := range h.Server.Routes() {
		if r.Method != "GET" {
			continue
		}
		routes[r.Path] = true
		if !visited[r.Path] && walk.Unvisited[r.Path] == "" {
			t.Errorf("GET %s is not in scripts/scale/walk: add a line to Visits", r.Path)
		}
	}
	for path := range visited {
		if !routes[path] {
			t.Errorf("scripts/scale/walk visits %s, which is no route", path)
		}
	}
	for path := range walk.Unvisited {
		if !routes[path] {
			t.Errorf("scripts/scale/walk excuses %s, which is no route", path)
		}
	}
}
