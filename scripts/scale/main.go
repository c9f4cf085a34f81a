//go:build unix

// Command scale makes an invented city of any size in a MariaDB or MySQL and measures the product on it: every list and search, forms,
// the large jobs, and the memory that the product takes. It starts its own servers on loopback and ends what it started.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"bangfu/scripts/scale/city"
)

const usage = `Usage: go run ./scripts/scale make|measure [flags]

  make     make a city: in the database that -dsn names (empty, its keys in -keys), or in a server of its own in -datadir
  measure  start the product on the city in -datadir (making it first where there is none) and measure it

`

// settings are the flags.
type settings struct {
	size         city.Size
	seed         uint64
	today        time.Time
	dsn, keys    string
	datadir, out string
	poolMiB      int
	calls        int
	only         string
	skipJobs     bool
	jobsOnly     bool
	reconcile    bool
	roster       int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return errors.New("say what to do")
	}
	if args[0] == "serve" {
		return serve(ctx)
	}
	var s settings
	var today string
	flags := flag.NewFlagSet("scale "+args[0], flag.ContinueOnError)
	flags.IntVar(&s.size.Members, "members", 1_000_000, "members")
	flags.IntVar(&s.size.Unions, "unions", 12_000, "unions")
	flags.IntVar(&s.size.Orders, "orders", 5_000_000, "orders of the year")
	flags.IntVar(&s.size.Claims, "claims", 50_000, "purchases through other channels")
	flags.Uint64Var(&s.seed, "seed", 1, "the same seed, sizes and day make the same city")
	flags.StringVar(&today, "today", "", "the city's present, 2006-01-02 in China (default: now; in January the last day of November)")
	flags.StringVar(&s.dsn, "dsn", "", "an empty database to fill instead of a server of its own (make)")
	flags.StringVar(&s.keys, "keys", "", "DATA_DIR of the product whose keys seal the city (make with -dsn)")
	flags.StringVar(&s.datadir, "datadir", "", "folder of the city; kept and used again (default: a temporary one that is removed)")
	flags.IntVar(&s.poolMiB, "pool", 6144, "buffer pool of the server, MiB")
	flags.StringVar(&s.out, "out", "", "file for the report (measure; default: print it)")
	flags.IntVar(&s.calls, "calls", 60, "calls of each route (measure)")
	flags.StringVar(&s.only, "only", "", "only routes whose name matches this regular expression, and no jobs (measure)")
	flags.BoolVar(&s.skipJobs, "skip-jobs", false, "no import, grant, sweep and exports (measure)")
	flags.BoolVar(&s.jobsOnly, "jobs-only", false, "no routes, the import, grant, sweep and exports alone (measure)")
	flags.BoolVar(&s.reconcile, "reconcile", true, "run reconcile at the end (measure)")
	flags.IntVar(&s.roster, "roster", 50_000, "rows of the measured import")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	var err error
	if s.today, err = present(today); err != nil {
		return err
	}
	switch args[0] {
	case "make":
		return makeCity(ctx, s)
	case "measure":
		return measure(ctx, s)
	}
	fmt.Fprint(os.Stderr, usage)
	return fmt.Errorf("there is no %q", args[0])
}

func say(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, values...)...)
}
