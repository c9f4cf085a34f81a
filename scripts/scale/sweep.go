//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/scripts/lab"
	"bangfu/scripts/scale/walk"
)

// shiftVariable tells the command serve by how many seconds its clock is ahead.
const shiftVariable = "SCALE_CLOCK_SECONDS"

// shifted is a clock that is ahead of the machine's.
type shifted time.Duration

// Now implements model.Clock.
func (d shifted) Now() time.Time { return model.Millis(time.Now().Add(time.Duration(d))) }

// serve is the product on a clock that is ahead, for this program's own use: only so does the year end in a measurement.
func serve(ctx context.Context) error {
	cfg, err := config.Load(os.Environ())
	if err != nil {
		return err
	}
	seconds, err := strconv.Atoi(os.Getenv(shiftVariable))
	if err != nil {
		return fmt.Errorf("%s: %w", shiftVariable, err)
	}
	clock := shifted(time.Duration(seconds) * time.Second)
	listener, err := net.Listen("tcp", cfg.HTTPAddr)
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, cfg, app.Options{Clock: clock, Log: slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		return err
	}
	if err := errors.Join(a.Setup(ctx), a.Allowance.SeedDemoPolicy(ctx, model.YearOf(clock.Now()))); err != nil {
		return errors.Join(err, a.Close())
	}
	server := &http.Server{Handler: a.Handler(), ReadHeaderTimeout: 5 * time.Second}
	var working sync.WaitGroup
	working.Go(func() { a.Run(ctx) })
	working.Go(func() { _ = server.Serve(listener) }) // ends with Shutdown
	<-ctx.Done()
	err = server.Shutdown(context.WithoutCancel(ctx))
	working.Wait()
	return errors.Join(err, a.Close())
}

// sweep lets the year end while members check out in the new one, and compares their waiting with that of the time after.
func (g *stage) sweep(ctx context.Context) (err error) {
	if err := g.product.StopGently(); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	year := model.YearOf(time.Now())
	ahead := time.Until(year.End().Add(9 * time.Hour))
	env := append(slices.Clone(g.env), fmt.Sprintf("%s=%d", shiftVariable, int(ahead.Seconds())))
	var open int
	if err := g.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM allowances WHERE year = ? AND status = 'active'", year).Scan(&open); err != nil {
		return err
	}
	start := time.Now()
	product, err := lab.StartProduct(ctx, &lab.Binary{Path: self}, lab.ProductOptions{Env: env, DataDir: g.home.keys()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, product.StopGently(), product.Stop()) }()
	memory := watch(product)
	defer memory.stop()
	w, err := walk.New(ctx, product.URL(), g.db, time.Now().Add(ahead))
	if err != nil {
		return err
	}
	b, err := g.newBuyers(ctx, w, year+1)
	if err != nil {
		return err
	}
	during, err := b.buyUntil(ctx, func() (bool, error) {
		var status string
		err := g.db.QueryRowContext(ctx, "SELECT status FROM sweeps WHERE year = ?", year).Scan(&status)
		return status == "done", err
	})
	if err != nil {
		return err
	}
	took := time.Since(start)
	end := time.Now().Add(20 * time.Second)
	idle, err := b.buyUntil(ctx, func() (bool, error) { return time.Now().After(end), nil })
	if err != nil {
		return err
	}
	ratio := float64(lab.Quantile(during, 0.99)) / float64(max(lab.Quantile(idle, 0.99), 1))
	g.job(fmt.Sprintf("sweep of %s allowances while members check out", lab.Number(float64(open), 0)), "", took, goalSweep,
		fmt.Sprintf("%d checkouts, p99 %s; %d after it, p99 %s: %.1f times (goal 4); the process took %s MiB", len(during), ms(lab.Quantile(during, 0.99)), len(idle), ms(lab.Quantile(idle, 0.99)), ratio, lab.Number(memory.of(""), 0)))
	return nil
}

// buyers are members with money of the new year, and what they buy.
type buyers struct {
	w      *walk.Walker
	who    []*walk.Visitor
	sku    string
	price  int64
	orders int
}

// newBuyers grants two hundred members of the big union money of the year.
func (g *stage) newBuyers(ctx context.Context, w *walk.Walker, year model.Year) (*buyers, error) {
	b := &buyers{w: w}
	if err := g.db.QueryRowContext(ctx, "SELECT k.id, k.price_fen FROM skus k JOIN products p ON p.id = k.product_id WHERE k.status = 'on' AND p.status = 'on' ORDER BY k.price_fen LIMIT 1").Scan(&b.sku, &b.price); err != nil {
		return nil, err
	}
	var err error
	if b.who, err = w.Buyers(ctx, w.Visitor(walk.Big).Own("union"), 200); err != nil {
		return nil, err
	}
	var members []string
	for _, v := range b.who {
		members = append(members, v.Own("member"))
	}
	if err := g.money(ctx, w, year, 200*2000_00); err != nil {
		return nil, err
	}
	_, _, err = g.grantTo(ctx, w, map[string]any{"purse": purse, "year": year, "title": "困难帮扶", "selection": "list", "member_ids": members, "amount_fen": 2000_00})
	return b, err
}

// buyUntil has somebody buy every 25 milliseconds, whether the one before was answered or not, until done says so.
func (b *buyers) buyUntil(ctx context.Context, done func() (bool, error)) ([]time.Duration, error) {
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var buying sync.WaitGroup
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		if i%20 == 0 {
			if over, err := done(); over || err != nil {
				buying.Wait()
				slices.Sort(took)
				return took, errors.Join(err, failed)
			}
		}
		b.orders++
		n := b.orders
		buying.Go(func() {
			d, err := b.buy(ctx, n)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, d)
			if err != nil && failed == nil {
				failed = err
			}
		})
		select {
		case <-tick.C:
		case <-ctx.Done():
			buying.Wait()
			return nil, ctx.Err()
		}
	}
}

func (b *buyers) buy(ctx context.Context, n int) (time.Duration, error) {
	v := b.who[n%len(b.who)]
	body, err := json.Marshal(map[string]any{"items": []map[string]any{{"sku_id": b.sku, "quantity": 1, "price_fen": b.price}}, "address_id": v.Own("address"), "total_fen": b.price, "note": ""})
	if err != nil {
		return 0, err
	}
	a, err := b.w.Do(ctx, v, "POST", "/api/v1/member/orders", "application/json", bytes.NewReader(body), fmt.Sprintf("scale-%d-%d", time.Now().UnixNano(), n))
	return a.Took, err
}
