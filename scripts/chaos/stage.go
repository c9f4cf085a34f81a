package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"bangfu/scripts/lab"
)

// Scenario is one way in which something breaks under load. It is one function in a file of its own, named in scenarios.
type Scenario struct {
	Name  string // as for -only
	Fault string // what breaks, as in the document
	Quick bool   // part of the short run
	Setup Setup
	Play  func(ctx context.Context, s *Stage) error // the verdict comes after it
}

// Setup says what a scenario's stage is made of, where it is not the usual: one process of the product, the shared durable
// MariaDB and the shared Redis.
type Setup struct {
	Products   int                 // processes; 0: 1, below 0: none, the scenario starts its own
	Proxy      bool                // a Proxy stands between product and database
	OwnMariaDB *lab.MariaDBOptions // a server of the scenario's own
	DiskMiB    int                 // above 0: OwnMariaDB lives on a file system of this size; needs root on Linux
	// Starts is what the product's clock shows when the city is made; nil: the machine's time. Stage.SetClock moves it.
	Starts func(now time.Time) time.Time
	Env    []string // more settings of the product
	City   Plan
	Form   bool // the short run, too, waits until the form counts something
}

// Options are the flags.
type Options struct {
	Quick   bool
	Clients int
	Rate    int
	Only    []string
	Doc     string // where the document goes; empty: nowhere
	Drill   string // where that of the drill goes
	Keep    bool
}

// Stage is what one scenario plays on: a fresh database with a city in it, real servers, and clients that note everything.
type Stage struct {
	Options  Options
	MariaDB  *lab.MariaDB
	Redis    *lab.Redis
	Proxy    *lab.Proxy // nil unless asked for
	Products []*lab.Product
	City     *City

	name     string
	database string
	dir      string
	added    time.Duration   // what the product's clock is ahead of the machine's
	void     map[string]bool // keys of orders that came to nothing: the form does not count them
	clock    string          // file that moves the product's clock; empty: it is the machine's
	disk     string          // where a file system of the scenario's own is mounted
	env      []string        // settings of the product
	binary   *lab.Binary
	journal  *Journal
	client   *client
	loads    []*Load
	acked    sync.Map // who and key of what was acknowledged
	result   *Result

	mu   sync.Mutex
	down map[int]bool // processes to which nobody goes any more
}

// Result is what came of one scenario.
type Result struct {
	Scenario Scenario
	Goals    []Goal
	Err      error // the scenario could not be played or judged

	Acked, Refused, Unknown int // keys; unknown: at least one request without an answer
	Recovery                time.Duration
	Before, During, After   float64 // new orders a second
	Notes                   []string
	Took                    time.Duration
}

// Goal is something that had to hold.
type Goal struct {
	What string // with what was measured
	OK   bool
}

// OK tells whether every goal was reached.
func (r *Result) OK() bool {
	for _, g := range r.Goals {
		if !g.OK {
			return false
		}
	}
	return r.Err == nil
}

// Goal notes whether something that had to hold did.
func (s *Stage) Goal(ok bool, format string, args ...any) {
	s.result.Goals = append(s.result.Goals, Goal{fmt.Sprintf(format, args...), ok})
}

// Note adds a figure to the document.
func (s *Stage) Note(format string, args ...any) {
	s.result.Notes = append(s.result.Notes, fmt.Sprintf(format, args...))
}

// Recovered notes how long something took to work again; the worst is shown.
func (s *Stage) Recovered(d time.Duration) { s.result.Recovery = max(s.result.Recovery, d) }

// Pace notes the throughput before, during and after the fault.
func (s *Stage) Pace(before, during, after float64) {
	s.result.Before, s.result.During, s.result.After = before, during, after
}

// Seconds is a length of time that is cut to a part in the short run.
func (s *Stage) Seconds(full, quick float64) time.Duration {
	if s.Options.Quick {
		full = quick
	}
	return time.Duration(full * float64(time.Second))
}

// Times is a count that is smaller in the short run.
func (s *Stage) Times(full, quick int) int {
	if s.Options.Quick {
		return quick
	}
	return full
}

// Sleep lets the load run for a while.
func (s *Stage) Sleep(ctx context.Context, d time.Duration) { sleep(ctx, d) }

// set prepares a stage: a fresh database, a city, the product's processes.
func (h *house) set(ctx context.Context, sc Scenario, r *Result) (_ *Stage, err error) {
	s := &Stage{Options: h.options, MariaDB: h.mariadb, Redis: h.redis, name: sc.Name, binary: h.binary, result: r, down: map[int]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.strike())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "bangfu-chaos."); err != nil {
		return nil, err
	}
	if sc.Setup.OwnMariaDB != nil {
		if err := s.ownMariaDB(ctx, sc.Setup); err != nil {
			return nil, err
		}
	}
	if s.journal, err = openJournal(filepath.Join(s.dir, "journal.jsonl")); err != nil {
		return nil, err
	}
	s.database = "chaos_" + strings.ReplaceAll(sc.Name, "-", "_")
	if err := s.MariaDB.Exec(ctx, "DROP DATABASE IF EXISTS `"+s.database+"`"); err != nil {
		return nil, err
	}
	if err := s.MariaDB.CreateDatabase(ctx, s.database); err != nil {
		return nil, err
	}
	addr := s.MariaDB.Addr()
	if sc.Setup.Proxy {
		if s.Proxy, err = lab.StartProxy(addr); err != nil {
			return nil, err
		}
		addr = s.Proxy.Addr()
	}
	clock, err := h.clockFor(ctx, s, sc.Setup.Starts)
	if err != nil {
		return nil, err
	}
	common := []string{"DATA_DIR=" + filepath.Join(s.dir, "data"), "REDIS_ADDRS=" + s.Redis.Addr(), "REDIS_PREFIX=" + s.database + ":", "LOG_LEVEL=warn"}
	s.env = append(append(common, "MYSQL_DSN="+s.MariaDB.DSNAt(addr, s.database), "LAB_CLOCK_FILE="+s.clock), sc.Setup.Env...)
	plan := sc.Setup.City
	if plan.Members == 0 {
		plan.Members = 1500
	}
	if plan.Scarce == 0 {
		plan.Scarce = 60
	}
	if s.City, err = build(ctx, append(common, "MYSQL_DSN="+s.MariaDB.DSN(s.database)), plan, clock); err != nil {
		return nil, err
	}
	s.client = newClient(s.City)
	n := sc.Setup.Products
	if n == 0 {
		n = 1
	}
	err = s.Start(ctx, n)
	return s, err
}

// Start starts n more processes of the product; none if n is below zero.
func (s *Stage) Start(ctx context.Context, n int) error {
	for range n {
		p, err := lab.StartProduct(ctx, s.binary, lab.ProductOptions{Env: s.env, DataDir: filepath.Join(s.dir, "data")})
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.Products = append(s.Products, p)
		s.mu.Unlock()
	}
	return nil
}

// base is the process that a client goes to: its own, or the next one that is not known to be gone.
func (s *Stage) base(worker int) (i int, url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.Products)
	for step := range n {
		i = (worker + step) % n
		if !s.down[i] {
			break
		}
	}
	return i, s.Products[i].URL()
}

// Down tells the clients that a process is gone, as a load balancer does; Up that it is back.
func (s *Stage) Down(i int) { s.mark(i, true) }

// Up tells the clients that a process is back.
func (s *Stage) Up(i int) { s.mark(i, false) }

func (s *Stage) mark(i int, down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down[i] = down
}

// first tells whether a key is acknowledged for the first time.
func (s *Stage) first(d Deed) bool {
	_, before := s.acked.LoadOrStore(d.Who+" "+d.Key, true)
	return !before
}

// DB opens the database past the proxy.
func (s *Stage) DB() (*sql.DB, error) { return sql.Open("mysql", s.MariaDB.DSN(s.database)) }

// strike ends what belongs to the stage alone.
func (s *Stage) strike() error {
	var errs []error
	for _, l := range s.loads {
		l.Stop()
	}
	for _, p := range s.Products {
		if s.result != nil && !s.result.OK() && s.Options.Keep {
			fmt.Fprintf(os.Stderr, "--- %s: end of the product's log\n%s\n", s.name, p.LogTail(40))
		}
		errs = append(errs, p.Stop())
	}
	if s.Proxy != nil {
		errs = append(errs, s.Proxy.Close())
	}
	if s.journal != nil {
		errs = append(errs, s.journal.Close())
	}
	switch {
	case s.MariaDB == nil:
	case s.result.Scenario.Setup.OwnMariaDB != nil:
		errs = append(errs, s.MariaDB.Stop())
	default:
		errs = append(errs, s.MariaDB.Exec(context.Background(), "DROP DATABASE IF EXISTS `"+s.database+"`"))
	}
	if s.disk != "" {
		errs = append(errs, unmount(s.disk))
	}
	if s.Options.Keep && !s.result.OK() {
		fmt.Fprintf(os.Stderr, "--- %s: journal kept at %s\n", s.name, s.journal.path)
		return errors.Join(errs...)
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}
