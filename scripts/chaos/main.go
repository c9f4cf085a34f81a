// Command chaos breaks everything around the product on purpose, under load, and holds what is left against what the clients were
// told: real processes of the product, a real MariaDB that syncs every commit, a real Redis, all private and on loopback.
//
//	go run ./scripts/chaos            all scenarios; writes docs/chaos.md
//	go run ./scripts/chaos -quick     the short run
//	go run ./scripts/chaos -only NAME,NAME
//
// It exits with 1 when any goal was missed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"bangfu/scripts/lab"
)

func main() {
	var o Options
	var only string
	list := flag.Bool("list", false, "list the scenarios")
	flag.BoolVar(&o.Quick, "quick", false, "the main scenarios only, and shorter")
	flag.StringVar(&only, "only", "", "play only these scenarios, separated by commas")
	flag.IntVar(&o.Clients, "clients", 32, "clients at once")
	flag.IntVar(&o.Rate, "rate", 1000, "new checkouts a second at most over all clients; below 0: no bound")
	flag.StringVar(&o.Doc, "doc", "", "write the results into this Markdown file")
	flag.StringVar(&o.Drill, "drill", "", "play the drill only, and write its results into this Markdown file")
	flag.BoolVar(&o.Keep, "keep", false, "keep journal and show the product's log where a goal was missed")
	flag.Parse()
	if o.Drill != "" {
		only = drill().Name
	}
	if only != "" {
		o.Only = strings.Split(only, ",")
	}
	if *list {
		for _, sc := range scenarios() {
			fmt.Printf("%-18s %s\n", sc.Name, sc.Fault)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// house is what all scenarios share.
type house struct {
	options Options
	binary  *lab.Binary
	clocked *lab.Binary // with a clock that can be moved, built when first needed
	mariadb *lab.MariaDB
	redis   *lab.Redis
}

// chosen are the scenarios to be played.
func chosen(o Options) ([]Scenario, error) {
	var list []Scenario
	for _, sc := range scenarios() {
		if len(o.Only) > 0 && slices.Contains(o.Only, sc.Name) || len(o.Only) == 0 && (sc.Quick || !o.Quick) {
			list = append(list, sc)
		}
	}
	if len(list) < len(o.Only) || len(list) == 0 {
		return nil, errors.New("no such scenario; -list names them all")
	}
	return list, nil
}

func run(ctx context.Context, o Options) (ok bool, err error) {
	list, err := chosen(o)
	if err != nil {
		return false, err
	}
	h := &house{options: o}
	defer func() { err = errors.Join(err, h.close()) }()
	if h.binary, err = lab.Build(ctx); err != nil {
		return false, err
	}
	if h.mariadb, err = lab.StartMariaDB(ctx, lab.MariaDBOptions{Durable: true}); err != nil {
		return false, err
	}
	if h.redis, err = lab.StartRedis(ctx); err != nil {
		return false, err
	}
	ok = true
	var results []*Result
	for _, sc := range list {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		r := h.play(ctx, sc)
		results = append(results, r)
		fmt.Println(r.text())
		ok = ok && r.OK()
	}
	fmt.Println(summary(results))
	if o.Drill != "" {
		return ok, writeDrillDoc(o.Drill, h.mariadb.Version, results[0])
	}
	if o.Doc != "" {
		err = writeDoc(o, h.mariadb.Version, results)
	}
	return ok, err
}

// play plays one scenario from an empty database to the verdict.
func (h *house) play(ctx context.Context, sc Scenario) *Result {
	start := time.Now()
	r := &Result{Scenario: sc}
	s, err := h.set(ctx, sc, r)
	if err == nil {
		if err = sc.Play(ctx, s); err == nil {
			err = s.judge(ctx)
		}
		r.Err = err
		err = errors.Join(err, s.strike())
	}
	if errors.Is(err, errNeedsRoot) {
		r.Notes, err = append(r.Notes, "NOT PLAYED: "+err.Error()), nil
	}
	r.Err, r.Took = err, time.Since(start)
	return r
}

// close ends the servers and whatever a scenario has left stopped.
func (h *house) close() error {
	var errs []error
	if h.redis != nil {
		errs = append(errs, h.redis.Stop())
	}
	if h.mariadb != nil {
		errs = append(errs, h.mariadb.Stop())
	}
	for _, b := range []*lab.Binary{h.binary, h.clocked} {
		if b != nil {
			errs = append(errs, b.Remove())
		}
	}
	return errors.Join(errs...)
}
