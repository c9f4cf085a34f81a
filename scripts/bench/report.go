//go:build unix

package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bangfu/scripts/lab"
)

// results are the runs of each variant, by name, one a round.
type results map[string][]*run

// setting is what the runs had in common.
type setting struct {
	database string // version of the server
	city     string // how large the full tables were; empty without any
}

// command is how to make the same again; folders are left out.
func (o options) command() string {
	c := fmt.Sprintf("-rounds %d -seconds %g -buyers %d -pool %d", o.rounds, o.seconds, o.buyers, o.poolMiB)
	if o.only != "" {
		c += fmt.Sprintf(" -only %q", o.only)
	}
	if o.interpolated {
		c += " -interpolated"
	}
	if o.city != "" {
		c += " -city FOLDER"
	}
	return c + " -out docs/bench"
}

// over takes one figure of every round of a variant.
func (rs results) over(name string, figure func(*run) float64) []float64 {
	values := make([]float64, 0, len(rs[name]))
	for _, r := range rs[name] {
		values = append(values, figure(r))
	}
	return values
}

// ratio divides a figure of two variants round by round; empty unless both ran and did something.
func (rs results) ratio(above, below string, figure func(*run) float64) []float64 {
	a, b := rs.over(above, figure), rs.over(below, figure)
	values := make([]float64, 0, len(a))
	for i := range min(len(a), len(b)) {
		if b[i] > 0 {
			values = append(values, a[i]/b[i])
		}
	}
	return values
}

// goal is one line of the table that the benchmark is for.
type goal struct {
	what   string
	atMost bool
	bound  float64
	unit   string
	digits int
	values []float64 // by round
}

func (g goal) met() bool {
	m := lab.SpreadOf(g.values).Median
	if g.atMost {
		return m <= g.bound
	}
	return m >= g.bound
}

func (rs results) goals() []goal {
	rate, db := (*run).rate, (*run).dbCPUMicros
	p := func(part float64) func(*run) float64 { return func(r *run) float64 { return r.millis(part) } }
	guard := rs.ratio("engine+guard hot 64", "engine hot 64", rate)
	for i := range guard {
		guard[i] = (1 - guard[i]) * 100
	}
	return []goal{
		{what: "engine ÷ naive, one hot SKU, 64 clients", bound: 12, digits: 1, values: rs.ratio("engine hot 64", "naive hot 64", rate)},
		{what: "engine ÷ naive, one hot SKU, 256 clients", bound: 24, digits: 1, values: rs.ratio("engine hot 256", "naive hot 256", rate)},
		{what: "engine ÷ naive, 100 SKUs, 64 clients", bound: 4.5, digits: 1, values: rs.ratio("engine 100 SKUs 64", "naive 100 SKUs 64", rate)},
		{what: "engine, 256 clients ÷ limit", bound: 0.6, digits: 2, values: rs.ratio("engine hot 256", "limit", rate)},
		{what: "whole HTTP path ÷ naive without HTTP, 64 clients", bound: 7, digits: 1, values: rs.ratio("http hot 64", "naive hot 64", rate)},
		{what: "whole HTTP path ÷ naive without HTTP, 256 clients", bound: 12, digits: 1, values: rs.ratio("http hot 256", "naive hot 256", rate)},
		{what: "database CPU an order, engine ÷ naive, 64 clients", atMost: true, bound: 0.1, digits: 3, values: rs.ratio("engine hot 64", "naive hot 64", db)},
		{what: "p50 at 100 orders/s by the clock, engine ÷ naive", atMost: true, bound: 1.2, digits: 2, values: rs.ratio("engine open 100/s", "naive open 100/s", p(0.5))},
		{what: "p99 at 2,000 orders/s by the clock, engine", atMost: true, bound: 25, unit: " ms", digits: 1, values: rs.over("engine open 2000/s", p(0.99))},
		{what: "guard's cost in throughput, 64 clients", atMost: true, bound: 20, unit: " %", digits: 1, values: guard},
		{what: "engine, one hot SKU ÷ 100 SKUs, 64 clients", bound: 0.9, digits: 2, values: rs.ratio("engine hot 64", "engine 100 SKUs 64", rate)},
		{what: "engine, full tables ÷ empty tables, 64 clients", bound: 0.8, digits: 2, values: rs.ratio("engine full hot 64", "engine empty hot 64", rate)},
	}
}

func (rs results) goalTable() string {
	t := lab.Table{Head: []string{"measure", "to reach", "reached: median (range)", ""}}
	for _, g := range rs.goals() {
		sign := "≥"
		if g.atMost {
			sign = "≤"
		}
		aim := sign + " " + strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", g.bound), "0"), ".") + g.unit
		if len(g.values) == 0 {
			t.Add(g.what, aim, "not measured", "")
			continue
		}
		verdict := "no"
		if g.met() {
			verdict = "yes"
		}
		t.Add(g.what, aim, lab.SpreadOf(g.values).Format(g.digits)+g.unit, verdict)
	}
	return t.Markdown()
}

func (rs results) variantTable() string {
	t := lab.Table{Head: []string{"variant", "orders/s: median (range)", "p50 ms", "p99 ms", "database CPU µs an order", "this process's CPU µs an order", "orders a transaction", "failed"}}
	for _, v := range variants {
		if len(rs[v.name]) == 0 {
			continue
		}
		median := func(figure func(*run) float64) float64 { return lab.SpreadOf(rs.over(v.name, figure)).Median }
		batch := "1"
		if b := median(func(r *run) float64 { return r.batch }); b > 0 {
			batch = lab.Number(b, 1)
		}
		t.Add(v.name, lab.SpreadOf(rs.over(v.name, (*run).rate)).Format(0), lab.Number(median(func(r *run) float64 { return r.millis(0.5) }), 2),
			lab.Number(median(func(r *run) float64 { return r.millis(0.99) }), 2), lab.Number(median((*run).dbCPUMicros), 0),
			lab.Number(median(func(r *run) float64 { return r.ownCPU * 1e6 / float64(r.orders) }), 0), batch,
			lab.Number(median(func(r *run) float64 { return float64(r.failed) }), 0))
	}
	return t.Markdown()
}

// report prints the tables and, if asked to, writes the document and the plots.
func report(o options, rs results, about setting) error {
	fmt.Printf("\n%s\n%s", rs.goalTable(), rs.variantTable())
	if o.out == "" {
		return nil
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{"README.md": rs.document(o, about), "throughput.svg": rs.throughput(), "latency.svg": rs.latency()} {
		if err := os.WriteFile(filepath.Join(o.out, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// throughput plots orders a second of each way to place them.
func (rs results) throughput() string {
	labels := []string{"one hot SKU, 64 clients", "one hot SKU, 256 clients", "100 SKUs, 64 clients"}
	var series []lab.Series
	for _, s := range []struct {
		name  string
		cells [3]string
	}{
		{"naive", [3]string{"naive hot 64", "naive hot 256", "naive 100 SKUs 64"}},
		{"engine", [3]string{"engine hot 64", "engine hot 256", "engine 100 SKUs 64"}},
		{"engine and guard", [3]string{"engine+guard hot 64", "", ""}},
		{"whole HTTP path", [3]string{"http hot 64", "http hot 256", ""}},
		{"limit (one writer, 1,000 a transaction)", [3]string{"", "limit", ""}},
	} {
		values := make([]float64, len(labels))
		for i, cell := range s.cells {
			values[i] = math.NaN()
			if len(rs[cell]) > 0 {
				values[i] = lab.SpreadOf(rs.over(cell, (*run).rate)).Median
			}
		}
		series = append(series, lab.Series{Name: s.name, Values: values})
	}
	return lab.Bars("Checkouts a second (medians)", "orders/s", labels, series)
}

// latency plots how long orders took, from the fastest to the slowest, median of the rounds.
func (rs results) latency() string {
	var series []lab.Series
	for _, name := range []string{"naive hot 64", "engine hot 64", "engine+guard hot 64", "http hot 64", "engine open 2000/s", "naive open 100/s"} {
		if len(rs[name]) == 0 {
			continue
		}
		s := lab.Series{Name: name}
		for _, part := range []float64{0, .01, .05, .1, .2, .3, .4, .5, .6, .7, .8, .9, .95, .97, .98, .99, .995, .999} {
			s.Points = append(s.Points, [2]float64{part * 100, lab.SpreadOf(rs.over(name, func(r *run) float64 { return r.millis(part) })).Median})
		}
		series = append(series, s)
	}
	if len(series) == 0 {
		return lab.Bars("Latency: not measured", "ms", []string{""}, nil)
	}
	return lab.Lines("Latency of a checkout", "% of the orders were faster", "ms", series, true)
}

func (rs results) document(o options, about setting) string {
	var b strings.Builder
	full := ""
	if o.quick {
		full = " This was a quick run: it shows that everything works, its figures mean nothing."
	}
	if about.city != "" {
		full += " The full tables hold " + about.city + "."
	}
	fmt.Fprintf(&b, `# How fast a checkout is

Made by `+"`make bench`"+` (`+"`go run ./scripts/bench %s`"+`) on %s; do not edit.

Machine: %s; the load generator and both servers share it. Database: %s, private, on disk, `+"`innodb_flush_log_at_trx_commit=1`, `sync_binlog=1`"+`, binlog in row format,
buffer pool %d MiB. Each variant ran once in each of %d rounds, one after the other, %g s measured after %g s of warming up, on tables set back
before each run.%s Ratios are taken within a round; what stands here is their median with the range over the rounds.

%s
![throughput](throughput.svg)

![latency](latency.svg)

%s
`, o.command(), time.Now().UTC().Format("2006-01-02"), lab.Machine(), about.database, o.poolMiB, o.rounds, o.seconds, o.seconds/4, full, rs.goalTable(), rs.variantTable())
	b.WriteString(explanation)
	return b.String()
}

// explanation says what the variants are.
const explanation = `## What is compared

Every variant leaves the same rows behind for an order of one piece: order, line, parcel, stock movement, transfer, audit entry, counted change and idempotency key, and has moved one
stock and one allowance; the rows of naive and limit are copies of what the product wrote for one order, with new ids, causes and times. After each run the
tables are held against what was acknowledged, and after the product's own variants ` + "`reconcile`" + ` has to pass.

- **naive**: one transaction an order at READ COMMITTED, prepared statements over one kept connection a client: price, ` + "`SELECT … FOR UPDATE`" + ` of the allowance and of the stock, decide, one INSERT a table,
  two UPDATEs, COMMIT. It is spared what the product does besides (address, certificates, stored answers, sealing, MACs).
- **limit**: one writer, 1,000 orders a transaction, one blind multi-row INSERT a table. Nobody can be served like that; it is what this database takes at best.
- **engine**: ` + "`order.Service.Checkout`" + ` called in this process, the guard lifted out (no Redis).
- **engine+guard**: the same through the door in Redis, as in production; only how often a member may try is raised.
- **http**: gin, session, consent, strict JSON, door and engine, over kept-alive connections on loopback, the product's background work running. Sessions
  have been used within the last minute, as those of members who have just looked at a product.
- **open**: buyers come by the clock, however the ones before them fare; what they wait is counted from the moment at which they meant to come.
- **full**: the engine on a city's tables (scripts/scale), its buyers drawn from the whole city; *empty* is the same run on tables without orders, right before it. The city's
  first run is preceded by a minute of the same load, which brings the pages that buyers touch into memory.
`
