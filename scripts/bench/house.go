//go:build unix

package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bangfu/app"
	"bangfu/model"
	"bangfu/scripts/lab"
	"bangfu/scripts/lab/world"
	"bangfu/service/order"
	"bangfu/service/reconcile"
)

// The databases on the private server: what is measured, what it is set back to before each run, and a whole city's, if given.
const (
	benchDB = "bench"
	seedDB  = "bench_seed"
	cityDB  = "city"
)

// doorLimit lets a member through the door as often as a load test needs; the door counts all the same.
const doorLimit = 100_000

// house is everything that the variants run on.
type house struct {
	dir   string
	db    *lab.MariaDB
	redis *lab.Redis
	sql   *sql.DB // benchDB, for looking

	app     *app.App // with no Redis: its breaker is open, so the guard costs nothing
	guarded *app.App // with Redis
	world   *world.World

	templates []template
	variable  []string // tables that are set back before each run

	city      *app.App // a whole city's database; nil without one
	cityWorld *world.World
	cityNote  string // how large it is
	citySold  int64  // pieces sold to it so far
}

// openHouse starts the servers, fills a database and learns what a checkout writes.
func openHouse(ctx context.Context, o options) (_ *house, err error) {
	h := &house{}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	if h.dir, err = os.MkdirTemp("", "bangfu-bench."); err != nil {
		return nil, err
	}
	server := lab.MariaDBOptions{Durable: true, BufferPoolMiB: o.poolMiB, RedoMiB: 2048}
	if o.city != "" {
		server.Dir = filepath.Join(o.city, "mariadb")
	}
	if h.db, err = lab.StartMariaDB(ctx, server); err != nil {
		return nil, err
	}
	if h.redis, err = lab.StartRedis(ctx); err != nil {
		return nil, err
	}
	if err := h.db.Exec(ctx, "DROP DATABASE IF EXISTS "+benchDB, "DROP DATABASE IF EXISTS "+seedDB); err != nil { // in a city's folder they may be left over
		return nil, err
	}
	if err := h.fill(ctx, o); err != nil {
		return nil, err
	}
	if o.city != "" {
		err = h.openCity(ctx, o)
	}
	return h, err
}

// settings of the product on a database of the private server.
func (h *house) settings(database, dataDir, redis string) []string {
	return []string{"MYSQL_DSN=" + h.db.DSN(database), "DATA_DIR=" + dataDir, "REDIS_ADDRS=" + redis, "REDIS_PREFIX=" + database + ":", "LOG_LEVEL=error"}
}

func (h *house) open(ctx context.Context, database, dataDir, redis string) (*app.App, error) {
	quiet := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	return world.Open(ctx, h.settings(database, dataDir, redis), app.Options{Log: quiet, DoorLimit: doorLimit})
}

// noRedis is an address where nothing listens.
func noRedis() (string, error) {
	port, err := lab.FreePort()
	return fmt.Sprintf("127.0.0.1:%d", port), err
}

func (h *house) fill(ctx context.Context, o options) error {
	for _, name := range []string{benchDB, seedDB} {
		if err := h.db.CreateDatabase(ctx, name); err != nil {
			return err
		}
	}
	away, err := noRedis()
	if err != nil {
		return err
	}
	if h.app, err = h.open(ctx, benchDB, filepath.Join(h.dir, "data"), away); err != nil {
		return err
	}
	if h.guarded, err = h.open(ctx, benchDB, filepath.Join(h.dir, "data"), h.redis.Addr()); err != nil {
		return err
	}
	if h.sql, err = sql.Open("mysql", h.db.DSN(benchDB)); err != nil {
		return err
	}
	h.world, err = world.Seed(ctx, h.app, world.Options{Members: o.buyers, SKUs: 100, Stock: 100_000_000, Allowance: 600_00, Price: 1})
	if err != nil {
		return err
	}
	if err := h.copySeed(ctx); err != nil {
		return err
	}
	return h.learn(ctx)
}

// constant are the tables that no checkout changes, and those that belong to running processes.
var constant = []string{
	"goose_db_version", "leases", "installation", "jobs", "staff", "persons", "members", "addresses", "wechat_accounts", "consents", "sessions", "unions", "union_paths",
	"policies", "reporting_periods", "person_caps", "topups", "grants", "grant_items", "channels", "regions", "suppliers", "certificates", "products", "skus",
}

// copySeed keeps what the tables that orders change hold before the first order.
func (h *house) copySeed(ctx context.Context) error {
	rows, err := h.sql.QueryContext(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY table_name")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		if !slices.Contains(constant, name) && !strings.HasPrefix(name, "goose") {
			h.variable = append(h.variable, name)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, t := range h.variable {
		if err := h.db.Exec(ctx, "CREATE TABLE "+seedDB+"."+t+" LIKE "+benchDB+"."+t, "INSERT INTO "+seedDB+"."+t+" SELECT * FROM "+benchDB+"."+t); err != nil {
			return err
		}
	}
	return nil
}

// reset sets the database back to before the first order.
func (h *house) reset(ctx context.Context) error {
	var statements []string
	for _, t := range h.variable {
		statements = append(statements, "TRUNCATE TABLE "+benchDB+"."+t, "INSERT INTO "+benchDB+"."+t+" SELECT * FROM "+seedDB+"."+t)
	}
	if err := h.db.Exec(ctx, statements...); err != nil {
		return err
	}
	return h.world.Refresh(ctx, h.app.DB)
}

// learn has the product place one order and keeps its rows.
func (h *house) learn(ctx context.Context) error {
	before, err := h.counts(ctx)
	if err != nil {
		return err
	}
	m, g := h.world.Members[0], h.world.Goods[0]
	cart := order.Cart{Items: []order.Item{{SKUID: g.SKU, Quantity: 1, PriceFen: g.Price}}, AddressID: m.Address, TotalFen: g.Price}
	actor := m.Actor()
	actor.RequestID = "0123456789abcdef01234567" // as over HTTP
	if _, err := h.app.Order.Checkout(ctx, actor, newKey(), cart); err != nil {
		return err
	}
	after, err := h.counts(ctx)
	if err != nil {
		return err
	}
	h.templates, err = capture(ctx, h.sql, before, after)
	return err
}

// counts tells how many rows each table has that orders may change.
func (h *house) counts(ctx context.Context) (map[string]int64, error) {
	n := map[string]int64{}
	for _, t := range h.variable {
		var rows int64
		if err := h.sql.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+t).Scan(&rows); err != nil {
			return nil, err
		}
		n[t] = rows
	}
	return n, nil
}

// openCity opens the city's database and takes buyers from all over it; what they buy is made for them.
func (h *house) openCity(ctx context.Context, o options) (err error) {
	away, err := noRedis()
	if err != nil {
		return err
	}
	if h.city, err = h.open(ctx, cityDB, filepath.Join(o.city, "product"), away); err != nil {
		return err
	}
	h.cityWorld, err = world.Seed(ctx, h.city, world.Options{SKUs: 1, Stock: 100_000_000, Price: 1})
	if err != nil {
		return err
	}
	var members, orders, n int64
	db := h.city.DB.Read(ctx)
	err = errors.Join(db.Model(&model.Member{}).Count(&members).Error, db.Model(&model.Order{}).Count(&orders).Error, db.Model(&model.Allowance{}).Count(&n).Error)
	if err != nil {
		return err
	}
	h.cityNote = fmt.Sprintf("%s members and %s orders", lab.Number(float64(members), 0), lab.Number(float64(orders), 0))
	// every n-th allowance of the city, so that hardly two lie on one page
	err = db.Raw(`SELECT a.person_id AS person, a.member_id AS member, a.union_id AS `+"`union`"+`, a.id AS allowance, MIN(d.id) AS address
		FROM (SELECT id, person_id, member_id, union_id, ROW_NUMBER() OVER (ORDER BY id) AS no FROM allowances WHERE year = ? AND purse = 'extra' AND status = 'active' AND balance_fen >= 200) a
		JOIN addresses d ON d.person_id = a.person_id AND d.deleted_at IS NULL WHERE a.no % ? = 0 GROUP BY a.id, a.person_id, a.member_id, a.union_id LIMIT ?`,
		h.cityWorld.Year, max(1, n/int64(o.buyers)/2), o.buyers).Scan(&h.cityWorld.Members).Error
	if err == nil && len(h.cityWorld.Members) < 1000 {
		err = fmt.Errorf("only %d members of the city have something to spend in %d and an address", len(h.cityWorld.Members), h.cityWorld.Year)
	}
	return err
}

// cityHouse is the house as the loops see it, with the city's members and goods.
func (h *house) cityHouse() *house { return &house{db: h.db, world: h.cityWorld} }

// verify tells whether the database holds exactly what was acknowledged: every order with all its rows, stock and allowances moved by
// it, nothing below zero. Where an order failed, its outcome may be unknown: so many may be there besides.
func (h *house) verify(ctx context.Context, r *run) error {
	orders := int64(-1)
	for _, t := range h.templates {
		var rows, before int64
		count, which := "COUNT(*)", ""
		switch t.table {
		case "audit_entries": // the background work leaves entries of its own
			which = " WHERE action = 'order.checkout'"
		case bundles: // one row for a batch
			count = "COALESCE(SUM(events), 0)"
		}
		if err := h.sql.QueryRowContext(ctx, "SELECT (SELECT "+count+" FROM "+t.table+which+"), (SELECT "+count+" FROM "+seedDB+"."+t.table+which+")").Scan(&rows, &before); err != nil {
			return err
		}
		rows -= before
		if orders == -1 {
			orders = rows
		}
		if rows != orders || rows < r.all || rows > r.all+r.failed {
			return fmt.Errorf("%s: %d rows for %d acknowledged orders (%d failed: %w)", t.table, rows, r.all, r.failed, r.firstErr)
		}
	}
	for what, query := range map[string]string{
		"pieces missing from the stock":            "SELECT (SELECT SUM(on_hand) FROM " + seedDB + ".stocks) - SUM(on_hand) FROM stocks",
		"fen missing from allowances":              "SELECT (SELECT SUM(balance_fen) FROM " + seedDB + ".allowances) - SUM(balance_fen) FROM allowances",
		"fen in spend transfers":                   "SELECT COALESCE(SUM(amount_fen), 0) FROM transfers WHERE kind = 'spend'",
		"orders, less allowances below zero":       "SELECT (SELECT COUNT(*) FROM orders) - COUNT(*) FROM allowances WHERE balance_fen < 0",
		"orders by their number":                   "SELECT COUNT(DISTINCT order_no) FROM orders",
		"pieces in the journal of the stock, sold": "SELECT COALESCE(-SUM(quantity), 0) FROM stock_movements WHERE kind = 'sell'",
	} {
		var n int64
		if err := h.sql.QueryRowContext(ctx, query).Scan(&n); err != nil {
			return err
		}
		if n != orders { // one piece of one fen an order
			return fmt.Errorf("%d %s, %d orders", n, what, orders)
		}
	}
	return nil
}

// verifyCity tells whether what the city's members bought is exactly what was acknowledged; like verify, by the goods made for them.
func (h *house) verifyCity(ctx context.Context, r *run) error {
	var sold, onHand int64
	db, g := h.city.DB.Read(ctx), h.cityWorld.Goods[0]
	if err := db.Model(&model.StockMovement{}).Where("sku_id = ? AND kind = 'sell'", g.SKU).Count(&sold).Error; err != nil {
		return err
	}
	if err := db.Model(&model.Stock{}).Where("sku_id = ?", g.SKU).Select("on_hand").Scan(&onHand).Error; err != nil {
		return err
	}
	now := sold - h.citySold
	h.citySold = sold
	if now < r.all || now > r.all+r.failed || onHand != h.cityWorld.Stock-sold {
		return fmt.Errorf("city: %d orders for %d acknowledged (%d failed: %w), %d of %d pieces left", now, r.all, r.failed, r.firstErr, onHand, h.cityWorld.Stock)
	}
	return nil
}

// reconcile proves all of the product's invariants on the database as it stands.
func (h *house) reconcile(ctx context.Context) error {
	report, err := reconcile.Run(ctx, h.app.DB)
	if err == nil && !report.OK() {
		var text bytes.Buffer
		_ = report.Write(&text)
		err = errors.New("reconcile:\n" + text.String())
	}
	return err
}

func (h *house) close() error {
	var errs []error
	for _, a := range []*app.App{h.app, h.guarded, h.city} {
		if a != nil {
			errs = append(errs, a.Close())
		}
	}
	if h.sql != nil {
		errs = append(errs, h.sql.Close())
	}
	if h.redis != nil {
		errs = append(errs, h.redis.Stop())
	}
	if h.db != nil {
		if h.city != nil { // its folder is kept: stop it in order
			errs = append(errs, h.db.Exec(context.Background(), "DROP DATABASE IF EXISTS "+benchDB, "DROP DATABASE IF EXISTS "+seedDB), h.db.Terminate(5*time.Minute))
		}
		errs = append(errs, h.db.Stop())
	}
	if h.dir != "" {
		errs = append(errs, os.RemoveAll(h.dir))
	}
	return errors.Join(errs...)
}
