//go:build unix

package main

import (
	"context"
	"errors"
	"time"

	"bangfu/app"
)

// kind is how orders are placed.
type kind int

const (
	byNaive kind = iota
	byLimit
	byEngine  // the product's service, guard lifted out
	byGuarded // the product's service with its guard on Redis
	byHTTP    // the whole product over HTTP
)

// variant is one way to place orders under one load.
type variant struct {
	name     string
	kind     kind
	clients  int
	skus     int // 1: everybody wants the same; else spread evenly
	rate     int // orders a second by the clock; 0: each client as fast as it is served
	city     bool
	ours     bool // the product's own code: reconcile has to pass
	prepared bool // naive only
}

// The variants in the order in which each round runs them.
var variants = []variant{
	{name: "naive hot 64", kind: byNaive, clients: 64, skus: 1},
	{name: "engine hot 64", kind: byEngine, clients: 64, skus: 1, ours: true},
	{name: "engine+guard hot 64", kind: byGuarded, clients: 64, skus: 1, ours: true},
	{name: "http hot 64", kind: byHTTP, clients: 64, skus: 1, ours: true},
	{name: "naive hot 256", kind: byNaive, clients: 256, skus: 1},
	{name: "engine hot 256", kind: byEngine, clients: 256, skus: 1, ours: true},
	{name: "http hot 256", kind: byHTTP, clients: 256, skus: 1, ours: true},
	{name: "limit", kind: byLimit, clients: 1, skus: 1},
	{name: "naive 100 SKUs 64", kind: byNaive, clients: 64, skus: 100},
	{name: "engine 100 SKUs 64", kind: byEngine, clients: 64, skus: 100, ours: true},
	{name: "naive open 100/s", kind: byNaive, clients: 64, skus: 1, rate: 100},
	{name: "engine open 100/s", kind: byEngine, clients: 64, skus: 1, rate: 100, ours: true},
	{name: "engine open 2000/s", kind: byEngine, clients: 64, skus: 1, rate: 2000, ours: true},
	{name: "engine empty hot 64", kind: byEngine, clients: 64, skus: 1, ours: true}, // beside the next one, in the same minute
	{name: "engine full hot 64", kind: byEngine, clients: 64, skus: 1, city: true},
}

// run lets the load on for a while.
func (v variant) run(ctx context.Context, h *house, warm, measured time.Duration) (r *run, err error) {
	if v.kind == byLimit {
		l, err := openLimit(ctx, h)
		if err != nil {
			return nil, err
		}
		r, err := batchLoop(ctx, h, l, warm, measured, h.world.Goods[0])
		return r, errors.Join(err, l.close())
	}
	buy, product, done, err := v.open(ctx, h)
	if err != nil {
		return nil, err
	}
	var transactions, checkouts float64
	if product != nil {
		transactions, checkouts = batches(product)
	}
	if v.city {
		h = h.cityHouse()
	}
	goods := h.world.Goods[:v.skus]
	if v.rate > 0 {
		r, err = openLoop(ctx, h, v.rate, warm, measured, goods, buy)
	} else {
		r, err = closedLoop(ctx, h, v.clients, warm, measured, goods, buy)
	}
	if product != nil {
		t, c := batches(product)
		if t > transactions {
			r.batch = (c - checkouts) / (t - transactions)
		}
	}
	return r, errors.Join(err, done())
}

// open makes the buyer; product is the app behind it, if there is one.
func (v variant) open(ctx context.Context, h *house) (buy buyer, product *app.App, done func() error, err error) {
	nothing := func() error { return nil }
	switch v.kind {
	case byNaive:
		n, err := openNaive(ctx, h, v.clients, v.prepared)
		if err != nil {
			return nil, nil, nil, err
		}
		return n.buy, nil, n.close, nil
	case byGuarded:
		return checkout(h.guarded), h.guarded, nothing, nil
	case byHTTP:
		s, err := openSite(h.guarded, v.clients)
		if err != nil {
			return nil, nil, nil, err
		}
		return s.buy, h.guarded, s.close, nil
	default:
		if v.city {
			return checkout(h.city), h.city, nothing, nil
		}
		return checkout(h.app), h.app, nothing, nil
	}
}
