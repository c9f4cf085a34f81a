package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bangfu/scripts/lab"
)

// text is a scenario's result for a terminal.
func (r *Result) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "== %s (%s): %s, %s\n", r.Scenario.Name, r.Scenario.Fault, verdictOf(r), r.Took.Round(100*time.Millisecond))
	if r.Err != nil {
		fmt.Fprintf(&b, "   ERROR %v\n", r.Err)
	}
	fmt.Fprintf(&b, "   %d acknowledged, %d refused, %d without an answer at first; worst recovery %s; %.0f/s before, %.0f/s during, %.0f/s after\n",
		r.Acked, r.Refused, r.Unknown, r.Recovery.Round(time.Millisecond), r.Before, r.During, r.After)
	for _, g := range r.Goals {
		mark := "ok  "
		if !g.OK {
			mark = "MISS"
		}
		fmt.Fprintf(&b, "   %s %s\n", mark, g.What)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "        %s\n", n)
	}
	return b.String()
}

func verdictOf(r *Result) string {
	if r.OK() {
		return "passed"
	}
	return "FAILED"
}

// table is one line a scenario.
func table(results []*Result) *lab.Table {
	t := &lab.Table{Head: []string{"fault", "acknowledged", "refused", "no answer at first", "worst recovery s", "orders/s before", "during", "after", "verdict"}}
	for _, r := range results {
		t.Add(r.Scenario.Fault, r.Acked, r.Refused, r.Unknown, seconds(r.Recovery), rate(r.Before), rate(r.During), rate(r.After), verdictOf(r))
	}
	return t
}

func seconds(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f", d.Seconds())
}

func rate(v float64) string {
	if v == 0 {
		return "–"
	}
	return lab.Number(v, 0)
}

func summary(results []*Result) string { return table(results).Markdown() }

const docHead = `# Nothing lost, whatever breaks

Real processes of the product, a real MariaDB that syncs every commit to disk, a real Redis, all on loopback and of their own. Clients send
checkouts through HTTP as members' phones do, each under an idempotency key, and note in a file what they send and what they are told. Then
something is broken. Every scenario ends with the same verdict, drawn from that file:

- every acknowledged key is one order with the total that was answered, no two keys share one, and no order is without its key;
- every acknowledged key, sent again, gives the same answer; every key left without an answer has one after being sent again;
- no refused key has left anything behind; no balance and no stock is below zero; the scarce SKU is not oversold;
- the statistics form equals what the file adds up to; ` + "`bangfu reconcile`" + ` is clean; no request outlived its deadline.

“No answer at first” are keys for which at least one request ended without an answer or with 5xx: what a phone sends again by itself.
Throughput is new orders a second, bounded at %s.

Made by ` + "`%s`" + ` on %s: %s, MariaDB %s.

%s
`

// writeDoc writes the document.
func writeDoc(o Options, version string, results []*Result) error {
	command, bound := "make chaos", fmt.Sprintf("%d a second over %d clients", o.Rate, o.Clients)
	if o.Quick {
		command = "make some-chaos"
	}
	if o.Rate <= 0 {
		bound = fmt.Sprintf("what %d clients get", o.Clients)
	}
	var b strings.Builder
	fmt.Fprintf(&b, docHead, bound, command, time.Now().UTC().Format(time.DateOnly), lab.Machine(), version, table(results).Markdown())
	for _, r := range results {
		fmt.Fprintf(&b, "\n## %s\n\n", r.Scenario.Fault)
		if r.Err != nil {
			fmt.Fprintf(&b, "Could not be played to its end.\n\n")
		}
		for _, g := range r.Goals {
			mark := "✓"
			if !g.OK {
				mark = "✗ missed:"
			}
			fmt.Fprintf(&b, "- %s %s\n", mark, g.What)
		}
		for _, n := range r.Notes {
			fmt.Fprintf(&b, "- %s\n", n)
		}
	}
	if err := os.MkdirAll(filepath.Dir(o.Doc), 0o755); err != nil {
		return err
	}
	return os.WriteFile(o.Doc, []byte(b.String()), 0o644)
}
