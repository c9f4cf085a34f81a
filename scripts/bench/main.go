//go:build unix

// Command bench measures the checkout beside its alternatives in one run, on a private MariaDB that flushes at every commit and a
// private Redis: naive (one transaction an order), limit (blind multi-row inserts), the product's engine without and with its guard,
// and the product over HTTP. See docs/bench/README.md, which it writes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"strconv"
	"syscall"
	"time"

	"bangfu/app"
)

// options are the flags.
type options struct {
	rounds          int
	seconds         float64
	only            string
	quick           bool
	buyers          int
	members, orders int
	city            string
	poolMiB         int
	out             string
	cpuProfile      string
	interpolated    bool
}

func main() {
	app.TuneMemory() // as the product's own process
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := start(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 3, "rounds; in each, every variant runs once")
	flags.Float64Var(&o.seconds, "seconds", 8, "measured time of one variant in one round, after a quarter of it to warm up")
	flags.StringVar(&o.only, "only", "", "only variants whose name matches this regular expression")
	flags.BoolVar(&o.quick, "quick", false, "a short run that only shows that everything works: one round, one second, few members")
	flags.IntVar(&o.buyers, "buyers", 20_000, "members who buy")
	flags.StringVar(&o.city, "city", "", "folder of a city made by scripts/scale, to measure on full tables too; made first if there is none")
	flags.IntVar(&o.members, "members", 1_000_000, "members of the city that is made")
	flags.IntVar(&o.orders, "orders", 5_000_000, "orders of the city that is made")
	flags.IntVar(&o.poolMiB, "pool", 2048, "the database's buffer pool, MiB")
	flags.StringVar(&o.out, "out", "", "folder for README.md and the plots; none: only print the tables")
	flags.StringVar(&o.cpuProfile, "cpuprofile", "", "file for a CPU profile of this process over all runs (use it with -only)")
	flags.BoolVar(&o.interpolated, "interpolated", false, "naive with interpolated statements instead of prepared ones, with which it is faster")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.quick {
		o.rounds, o.seconds, o.buyers, o.poolMiB = 1, 1, 1024, 256
	}
	return o, nil
}

func start(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	if o.city != "" {
		if err := makeCity(ctx, o); err != nil {
			return err
		}
	}
	h, err := openHouse(ctx, o)
	if err != nil {
		return err
	}
	results, err := measureAll(ctx, h, o, only)
	about := setting{database: h.db.Version, city: h.cityNote}
	if err := errors.Join(err, h.close()); err != nil {
		return err
	}
	return report(o, results, about)
}

// makeCity has scripts/scale make a city in the folder if none is there.
func makeCity(ctx context.Context, o options) error {
	if _, err := os.Stat(filepath.Join(o.city, "city.json")); err == nil {
		return nil
	}
	cmd := exec.CommandContext(ctx, "go", "run", "./scripts/scale", "make", "-datadir", o.city, "-members", strconv.Itoa(o.members), "-orders", strconv.Itoa(o.orders))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}

// measureAll runs every variant once a round, one after the other.
func measureAll(ctx context.Context, h *house, o options, only *regexp.Regexp) (map[string][]*run, error) {
	if o.cpuProfile != "" {
		f, err := os.Create(o.cpuProfile)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, err
		}
		defer pprof.StopCPUProfile()
	}
	results := map[string][]*run{}
	for round := range o.rounds {
		for _, v := range variants {
			if !only.MatchString(v.name) || v.city && h.city == nil {
				continue
			}
			r, err := measureOne(ctx, h, v, o, round == 0)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", v.name, err)
			}
			results[v.name] = append(results[v.name], r)
			fmt.Fprintf(os.Stderr, "round %d  %-28s %8.0f orders/s  p50 %7.2f ms  p99 %7.2f ms  database %5.0f µs an order  %5.1f a transaction", round+1, v.name, r.rate(), r.millis(0.5),
				r.millis(0.99), r.dbCPUMicros(), r.batch)
			if r.failed > 0 {
				fmt.Fprintf(os.Stderr, "  %d FAILED: %v", r.failed, r.firstErr)
			}
			fmt.Fprintln(os.Stderr)
		}
	}
	return results, nil
}

// cityWarm is how long a city's tables are used before the first time that they are measured: their pages come into memory in it.
const cityWarm = time.Minute

// measureOne runs a variant on tables without orders (or the city's) and holds the database against what was acknowledged.
func measureOne(ctx context.Context, h *house, v variant, o options, first bool) (*run, error) {
	measured := time.Duration(o.seconds * float64(time.Second))
	warm := measured / 4
	if v.city {
		if first {
			warm = cityWarm
		}
		r, err := v.run(ctx, h, warm, measured)
		if err == nil {
			err = h.verifyCity(ctx, r)
		}
		return r, err
	}
	if err := h.reset(ctx); err != nil {
		return nil, fmt.Errorf("reset: %w", err)
	}
	if v.prepared = !o.interpolated; v.clients > o.buyers {
		return nil, errors.New("more clients than buyers")
	}
	r, err := v.run(ctx, h, warm, measured)
	if err != nil {
		return nil, err
	}
	if err := h.verify(ctx, r); err != nil {
		return nil, err
	}
	if v.ours {
		err = h.reconcile(ctx)
	}
	return r, err
}
