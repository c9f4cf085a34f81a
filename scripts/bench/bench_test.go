//go:build unix

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bangfu/scripts/lab"
)

// skipWithout skips where a server is not installed, except in CI.
func skipWithout(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, lab.ErrMissing) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestVariantsLeaveTheSameRows shows that each way to place orders leaves as many rows in every table as the product's, moves stock
// and allowances alike, and writes the same into every column that does not differ from order to order.
func TestVariantsLeaveTheSameRows(t *testing.T) {
	ctx := t.Context()
	h, err := openHouse(ctx, options{buyers: 64, poolMiB: 64})
	skipWithout(t, err)
	defer h.close()
	const orders = 5
	each := func(buy buyer) error {
		for _, m := range h.world.Members[:orders] {
			if err := buy(ctx, m, h.world.Goods[7]); err != nil {
				return err
			}
		}
		return nil
	}
	for name, place := range map[string]func() error{
		"naive":          func() error { return withNaive(ctx, h, false, each) },
		"naive prepared": func() error { return withNaive(ctx, h, true, each) },
		"limit": func() error {
			l, err := openLimit(ctx, h)
			if err != nil {
				return err
			}
			return errors.Join(l.buy(ctx, h.world.Members[:orders], h.world.Goods[7]), l.close())
		},
		"engine":       func() error { return each(checkout(h.app)) },
		"engine+guard": func() error { return each(checkout(h.guarded)) },
		"http": func() error {
			s, err := openSite(h.guarded, 2)
			if err != nil {
				return err
			}
			return errors.Join(each(s.buy), s.close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := h.reset(ctx); err != nil {
				t.Fatal(err)
			}
			if err := place(); err != nil {
				t.Fatal(err)
			}
			if err := h.verify(ctx, &run{all: orders}); err != nil {
				t.Error(err)
			}
			for i, f := range fills {
				row, err := lastRow(ctx, h.sql, f.table, f.columns)
				if err != nil {
					t.Fatal(err)
				}
				for j, c := range row.columns {
					if want := h.templates[i].columns[j]; c.fill == nil && len(c.text) != len(want.text) && !varies[f.table+"."+c.name] {
						t.Errorf("%s.%s: %s, the product writes %s", f.table, c.name, c.text, want.text)
					}
				}
			}
			if strings.HasPrefix(name, "engine") || name == "http" {
				if err := h.reconcile(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// varies are columns whose length differs from goods to goods, by how the product was called, and from one time of day to another.
var varies = map[string]bool{"audit_entries.request_id": true, "order_lines.product_name": true, "idempotency_keys.response": true}

func withNaive(ctx context.Context, h *house, prepared bool, each func(buyer) error) error {
	n, err := openNaive(ctx, h, 2, prepared)
	if err != nil {
		return err
	}
	return errors.Join(each(n.buy), n.close())
}

// TestQuick shows that a short run makes the document with its plots.
func TestQuick(t *testing.T) {
	dir := t.TempDir()
	skipWithout(t, start(t.Context(), []string{"-quick", "-out", dir, "-only", "^(naive hot 64|engine hot 64|limit)$"}))
	for name, want := range map[string]string{"README.md": "| engine ÷ naive, one hot SKU, 64 clients | ≥ 12 | ", "throughput.svg": "</svg>", "latency.svg": "</svg>"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

func TestGoals(t *testing.T) {
	at := func(orders int64, dbCPU float64) *run { return &run{orders: orders, seconds: 1, dbCPU: dbCPU} }
	rs := results{"naive hot 64": {at(100, 1), at(200, 1)}, "engine hot 64": {at(1300, 1), at(2200, 1)}}
	text := rs.goalTable()
	for _, want := range []string{"≥ 12 | 12.0 (11.0–13.0) | yes |", "≤ 0.1 | 0.084 (0.077–0.091) | yes |", "not measured"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
