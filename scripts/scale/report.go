//go:build unix

package main

import (
	"fmt"
	"strings"
	"time"

	"bangfu/scripts/lab"
)

func ms(d time.Duration) string {
	if d >= 10*time.Second {
		return lab.Number(d.Seconds(), 1) + " s"
	}
	return lab.Number(float64(d.Microseconds())/1000, 1) + " ms"
}

// report is the document.
func (g *stage) report(verdict string) string {
	var b strings.Builder
	n := g.home.made
	fmt.Fprintf(&b, "# The product on a whole city\n\nMade by `make scale` on %s; nothing here is edited by hand. %s; %s, not durable, %d MiB buffer pool.\n\n", time.Now().Format(time.DateOnly), lab.Machine(), n.Database, g.poolMiB)
	fmt.Fprintf(&b, "The city (`scripts/scale`, seed %d): %s members in %s unions, %s orders of a year, %s claims; made in %s.\n\n", n.Seed, lab.Number(float64(n.Size.Members), 0), lab.Number(float64(n.Size.Unions), 0),
		lab.Number(float64(n.Size.Orders), 0), lab.Number(float64(n.Size.Claims), 0), (time.Duration(n.Seconds) * time.Second).String())
	fmt.Fprintf(&b, "The load runs on the same machine. %s\n\n", verdict)
	if len(g.jobs) > 0 {
		table(&b, "Large jobs", []string{"job", "took", "goal", "", "peak memory and more"}, g.jobs, func(l line) []any {
			return []any{l.name, ms(l.p95), goal(l), reached(l), l.note}
		})
	}
	table(&b, "Pages", []string{"page", "who", "calls", "median", "p95", "rows read", "goal", ""}, g.pages, func(l line) []any {
		return []any{l.name, l.who, l.calls, ms(l.median), ms(l.p95), lab.Number(float64(l.rows), 0), ms(l.goal), reached(l)}
	})
	fmt.Fprintf(&b, "Peak memory of the product's process while all this ran: %s MiB.\n", lab.Number(g.memory.of(""), 0))
	return b.String()
}

func goal(l line) string {
	if l.goal == 0 {
		return "–"
	}
	return ms(l.goal)
}

func reached(l line) string {
	switch {
	case l.calls == 0:
		return "failed: " + strings.ReplaceAll(l.note, "\n", " ")
	case l.goal == 0:
		return ""
	case l.p95 > l.goal:
		return "**missed**"
	}
	return "ok"
}

func table(b *strings.Builder, title string, head []string, lines []line, cells func(line) []any) {
	t := lab.Table{Head: head}
	missed := 0
	for _, l := range lines {
		t.Add(cells(l)...)
		if l.calls == 0 || l.goal > 0 && l.p95 > l.goal {
			missed++
		}
	}
	fmt.Fprintf(b, "## %s\n\n%d of %d within their goals.\n\n%s\n", title, len(lines)-missed, len(lines), t.Markdown())
}
