//go:build unix

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"bangfu/model"
	"bangfu/scripts/lab"
	"bangfu/scripts/scale/walk"
)

// stage is a product that serves a city, with somebody to walk about in it.
type stage struct {
	*settings
	home    *home
	db      *sql.DB
	env     []string // where database and Redis are
	product *lab.Product
	walker  *walk.Walker
	memory  *memory
	pages   []line
	jobs    []line
}

// line is one measured thing.
type line struct {
	name, who string
	calls     int
	median    time.Duration
	p95       time.Duration
	goal      time.Duration
	rows      int64 // that the database read for one call, of tables, indexes and what it sorts
	note      string
}

// measure is the command measure.
func measure(ctx context.Context, s settings) (err error) {
	only, err := regexp.Compile(s.only)
	if err != nil {
		return err
	}
	h, err := openHome(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	g := &stage{settings: &s, home: h}
	if g.db, err = sql.Open("mysql", h.dsn()+"?time_zone=%27%2B00%3A00%27"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.db.Close()) }()
	binary, err := lab.Build(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, binary.Remove()) }()
	redis, err := lab.StartRedis(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.Stop()) }()
	g.env = []string{"MYSQL_DSN=" + h.dsn(), "REDIS_ADDRS=" + redis.Addr(), "SESSION_IDLE_STAFF=12h"}
	start := time.Now()
	if g.product, err = lab.StartProduct(ctx, binary, lab.ProductOptions{Env: g.env, DataDir: h.keys(), Migrate: true}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.product.Stop()) }()
	say("the product is ready after %s", time.Since(start).Round(time.Millisecond))
	if err := g.warmUp(ctx); err != nil {
		return err
	}
	if g.walker, err = walk.New(ctx, g.product.URL(), g.db, time.Now()); err != nil {
		return err
	}
	g.memory = watch(g.product)
	defer g.memory.stop()
	if !s.jobsOnly {
		g.visit(ctx, only)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if s.only == "" && !s.skipJobs {
		if err := g.work(ctx); err != nil {
			return err
		}
	}
	g.memory.stop()
	verdict := ""
	if s.reconcile && s.only == "" {
		if verdict, err = g.settleUp(ctx, binary); err != nil {
			return err
		}
	}
	text := g.report(verdict)
	if s.out == "" {
		fmt.Print(text)
		return nil
	}
	return os.WriteFile(s.out, []byte(text), 0o644)
}

// quiet is how long nothing may be left to do before measuring begins.
const quiet = 15 * time.Second

// warmUp lets the chores of a first start come to an end: the figures where an upgrade has them counted anew, sales, what suppliers are owed,
// signals of risk.
func (g *stage) warmUp(ctx context.Context) error {
	start := time.Now()
	for last := start; time.Since(start) < 20*time.Minute; {
		busy, err := g.chores(ctx)
		if err != nil {
			return err
		}
		if busy > 0 {
			last = time.Now()
		}
		if time.Since(last) > quiet {
			say("the chores of the start took %s", last.Sub(start).Round(time.Second))
			return nil
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	say("the chores of the start go on; measuring beside them")
	return nil
}

// chores counts what is still to be done: figures not ready, long queries, suppliers never counted, and whether transfers of before today wait to be
// added up.
func (g *stage) chores(ctx context.Context) (n int, err error) {
	const waiting = "SELECT (SELECT COUNT(*) FROM suppliers s WHERE NOT EXISTS (SELECT 1 FROM supplier_sums x WHERE x.supplier_id = s.id AND x.counted = 1)) + " +
		"EXISTS (SELECT 1 FROM transfers WHERE id > COALESCE((SELECT up_to FROM supplier_mark WHERE id = 1), 0) AND id < ?) + " +
		"(NOT EXISTS (SELECT 1 FROM tally_state WHERE status = 'ready'))"
	if err := g.db.QueryRowContext(ctx, waiting, model.IDAt(time.Now().Add(-time.Hour))).Scan(&n); err != nil || n > 0 {
		return n, err
	}
	err = g.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND NOT IN ('Sleep', 'Daemon', 'Binlog Dump') AND DB = ? AND ID <> CONNECTION_ID() AND TIME_MS > 50", database).Scan(&n)
	if err != nil {
		return 0, nil //nolint:nilerr // MySQL has no TIME_MS: then that is not waited for
	}
	return n, nil
}

// later is the page that is measured besides the first.
const later = 5

// visit makes every visit of the table.
func (g *stage) visit(ctx context.Context, only *regexp.Regexp) {
	for _, v := range walk.Visits {
		for _, as := range v.As {
			if ctx.Err() != nil || !only.MatchString(v.Name+" "+string(as)) {
				continue
			}
			g.memory.label(v.Name)
			l := line{name: v.Name, who: string(as), goal: v.Goal}
			g.add(&l, func(i int) (walk.Answer, error) { return g.walker.Get(ctx, v, as, i, "") })
			if v.List && l.note == "" {
				g.visitLater(ctx, v, as)
			}
		}
	}
}

func (g *stage) visitLater(ctx context.Context, v walk.Visit, as walk.Role) {
	cursors := map[int]string{}
	for i := range 8 {
		cursor := ""
		for range later {
			a, err := g.walker.Get(ctx, v, as, i, cursor)
			if err != nil || a.Next == "" {
				break
			}
			cursor = a.Next
		}
		if cursor != "" {
			cursors[i] = cursor
		}
	}
	if len(cursors) == 0 {
		return
	}
	which := make([]int, 0, len(cursors))
	for i := range cursors {
		which = append(which, i)
	}
	slices.Sort(which)
	g.add(&line{name: v.Name + ", a later page", who: string(as), goal: v.Goal}, func(i int) (walk.Answer, error) {
		i = which[i%len(which)]
		return g.walker.Get(ctx, v, as, i, cursors[i])
	})
}

// slow ends the measuring of something far beyond its goal early.
const slow = 15 * time.Second

func (g *stage) add(l *line, get func(i int) (walk.Answer, error)) {
	var took []time.Duration
	start, before := time.Now(), g.rowsRead()
	for i := range g.calls {
		a, err := get(i)
		if err != nil {
			l.note = err.Error()
			break
		}
		took = append(took, a.Took)
		if time.Since(start) > slow && i >= 2 {
			break
		}
	}
	if len(took) > 0 {
		l.rows = (g.rowsRead() - before) / int64(len(took))
	}
	slices.Sort(took)
	l.calls, l.median, l.p95 = len(took), lab.Quantile(took, 0.5), lab.Quantile(took, 0.95)
	if l.note != "" || l.p95 > l.goal {
		say("%s (%s): p95 %s, median %s, goal %s, %d rows read %s", l.name, l.who, l.p95.Round(100*time.Microsecond), l.median.Round(100*time.Microsecond), l.goal, l.rows, l.note)
	}
	g.pages = append(g.pages, *l)
}

// rowsRead is how many rows the server has read since it started, for whomever; 0 if it does not tell.
func (g *stage) rowsRead() (n int64) {
	const sums = "SELECT CAST(COALESCE(SUM(VARIABLE_VALUE), 0) AS UNSIGNED) FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME LIKE 'HANDLER\\_READ\\_%' AND VARIABLE_NAME NOT LIKE '%RETRY'"
	if err := g.db.QueryRow(sums).Scan(&n); err != nil {
		return 0
	}
	return n
}

// settleUp stops the product and has its reconcile look at what is left.
func (g *stage) settleUp(ctx context.Context, binary *lab.Binary) (string, error) {
	if g.product.PID() != 0 {
		if err := g.product.StopGently(); err != nil {
			return "", err
		}
	}
	start := time.Now()
	clean, report, err := binary.Reconcile(ctx, g.product.Env)
	if err != nil {
		return "", err
	}
	if !clean {
		return "", fmt.Errorf("reconcile found something:\n%s", report)
	}
	lines := strings.Split(strings.TrimSpace(report), "\n")
	return fmt.Sprintf("`bangfu reconcile` took %s: %s", time.Since(start).Round(time.Second), lines[len(lines)-1]), nil
}
