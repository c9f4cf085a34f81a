// Package city fills a database that the product has migrated and set up with an invented city: unions, members, a year of
// orders with all that belongs to them. The same seed, size and day make the same city. Everything in it is consistent:
// reconcile passes. All names, numbers and addresses are invented.
package city

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"

	"bangfu/model"
)

// Options say what to fill and how.
type Options struct {
	DSN    string // go-sql-driver form, with the database
	Size   Size
	Seed   uint64
	Today  time.Time // the city's present: the last orders are from just before it
	Sealer *model.Sealer
	Say    func(format string, values ...any) // may be nil
}

// filler makes the rows.
type filler struct {
	*loader
	p      *plan
	sealer *model.Sealer

	auditKeys *model.AuditKeys
	staffNo   int
	auditNo   int
	later     int
	products  []model.Product
	settled   [12][]settledSum // by month and supplier
}

// Fill fills the database. It must hold what the product's setup puts in, and nothing else.
func Fill(ctx context.Context, o Options) error {
	if o.Size.Members < 500 || o.Size.Unions < 20 || o.Size.Orders < 1 || o.Size.Claims < 1 {
		return errors.New("a city has at least 500 members, 20 unions, 1 order and 1 claim")
	}
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	pool, err := open(o.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	p := &plan{size: o.Size, today: model.Millis(o.Today), year: model.YearOf(o.Today), rng: rand.New(rand.NewPCG(o.Seed, 1))}
	p.start = p.year.Start()
	if p.today.Before(p.start.AddDate(0, 0, openingDay+1)) {
		return fmt.Errorf("the city's present must be after %d January", openingDay+1)
	}
	if err := p.readSetup(ctx, pool); err != nil {
		return err
	}
	p.planUnions()
	p.planMembers()
	f := &filler{loader: newLoader(ctx, pool), p: p, sealer: o.Sealer, auditKeys: o.Sealer.AuditKeys()}
	f.make(o.Say)
	if err := f.close(); err != nil {
		return err
	}
	f.tellTables(o.Say)
	return f.analyze(ctx)
}

// make makes everything: people on one goroutine, money and orders on another.
func (f *filler) make(say func(string, ...any)) {
	start := time.Now()
	f.sealTexts()
	f.fillUnions()
	f.fillShop()
	for i := range f.settled {
		f.settled[i] = make([]settledSum, len(f.p.suppliers))
	}
	var people sync.WaitGroup
	people.Go(f.fillMembers)
	f.fillMoney()
	say("money granted after %s", time.Since(start).Round(time.Second))
	f.fillOrders()
	say("orders made after %s", time.Since(start).Round(time.Second))
	f.fillClaims()
	f.fillGroups()
	f.fillSignals()
	f.fillSettlements()
	f.fillStocks()
	f.fillAllowances()
	people.Wait()
	say("all made after %s, loading the rest", time.Since(start).Round(time.Second))
}

func open(dsn string) (*sql.DB, error) {
	cfg, err := mysqldriver.ParseDSN(dsn)
	if err != nil {
		return nil, errors.New("the DSN is not a valid data source name (want user:password@tcp(host:port)/database)")
	}
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	cfg.Params["time_zone"], cfg.Collation = "'+00:00'", "utf8mb4_bin"
	connector, err := mysqldriver.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	// Where the server lets us: some keep LOAD DATA LOCAL off.
	_, _ = pool.Exec("SET GLOBAL local_infile = 1")
	return pool, nil
}

// readSetup reads what the product's setup has put in.
func (p *plan) readSetup(ctx context.Context, pool *sql.DB) error {
	err := pool.QueryRowContext(ctx, "SELECT id, path FROM unions WHERE parent_id IS NULL").Scan(&p.root.ID, &p.root.Path)
	if err != nil {
		return fmt.Errorf("the database was not set up by the product (bangfu migrate): %w", err)
	}
	var unions int
	if err := pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM unions").Scan(&unions); err != nil {
		return err
	}
	if unions > 1 {
		return errors.New("the database holds unions already: a city needs a fresh one")
	}
	var policies int
	if err := pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM policies WHERE year = ?", p.year).Scan(&policies); err != nil || policies == 0 {
		return fmt.Errorf("there is no policy of %d: %w", p.year, errors.Join(err, errors.New("enter one first")))
	}
	for _, c := range []struct {
		at  *model.ID
		sql string
	}{
		{&p.channel, "SELECT id FROM channels WHERE form_row = 2 ORDER BY id LIMIT 1"},
		{&p.counter, "SELECT id FROM channels WHERE level = 'city' AND no = '2'"},
	} {
		if err := pool.QueryRowContext(ctx, c.sql).Scan(c.at); err != nil {
			return fmt.Errorf("channels: %w", err)
		}
	}
	rows, err := pool.QueryContext(ctx, "SELECT id FROM channels WHERE form_row <> 2 ORDER BY id")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id model.ID
		if err := rows.Scan(&id); err != nil {
			return err
		}
		p.others = append(p.others, id)
	}
	return rows.Err()
}

// tellTables tells how many rows each table got and how long its loading took.
func (l *loader) tellTables(say func(string, ...any)) {
	for _, t := range l.tables {
		if n := t.rows.Load(); n > 0 {
			say("%-24s %10d rows, %s loading", t.name, n, t.busy.Round(100*time.Millisecond))
		}
	}
}

// analyze brings the optimizer's statistics up to date.
func (f *filler) analyze(ctx context.Context) error {
	for _, t := range f.tables {
		if _, err := f.pool.ExecContext(ctx, "ANALYZE TABLE `"+t.name+"`"); err != nil {
			return err
		}
	}
	return nil
}
