package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/order"
)

// rush is a stall whose door counts no floods, on a Redis of its own that can be killed.
type rush struct {
	*stall
	kill func()
}

// newRush opens the house. With TEST_DB=mysql its Redis is a redis-server process of its own, killed like a crash kills;
// otherwise it is the one in the process.
func newRush(t testing.TB) *rush {
	t.Helper()
	r := &rush{}
	addr := ""
	if os.Getenv("TEST_DB") == "mysql" {
		addr, r.kill = redisServer(t)
	}
	h := newHouseAt(t, modeltest.At("2025-03-03 09:00"), func(c *config.Config, o *app.Options) {
		o.DoorLimit = -1
		if addr != "" {
			c.RedisAddrs = []string{addr}
		}
	})
	if addr == "" {
		r.kill = func() { _ = h.Guard.Close() }
	}
	r.stall = stallIn(t, h)
	return r
}

// redisServer starts a redis-server on a free port; kill ends it at once, without a word to its clients.
func redisServer(t testing.TB) (addr string, kill func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	_ = l.Close()
	cmd := exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatalf("redis-server: %v", err)
	}
	var once sync.Once
	kill = func() { once.Do(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) }
	t.Cleanup(kill)
	for range 100 {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return addr, kill
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("redis-server does not answer")
	return "", nil
}

// tally counts how checkouts ended; after half of them it calls halfway.
type tally struct {
	mu      sync.Mutex
	ended   map[model.Code]int
	n, half int
	halfway func()
}

func (y *tally) add(code model.Code) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.ended[code]++
	if y.n++; y.n == y.half && y.halfway != nil {
		y.halfway()
	}
}

// insists checks out, again with the same key while it is told to wait, and returns the code of the final answer.
func (r *rush) insists(b buyer, key string, c order.Cart) model.Code {
	for range 500 {
		_, err := r.Order.Checkout(context.Background(), b.actor(), key, c)
		if code := model.CodeOf(err); code != model.CodeConflict && code != model.CodeBusy {
			return code
		}
		time.Sleep(time.Duration(20+rand.IntN(150)) * time.Millisecond)
	}
	return model.CodeBusy
}

// asks checks out over HTTP once and returns the code of the answer.
func (b buyer) asks(key string, c order.Cart) model.Code {
	a := b.money(ordersPath, key, c)
	if a.Status < 300 {
		return ""
	}
	return a.code()
}

// TestContentionOneMember shows that 200 checkouts at once of a ¥100 thing by one member with ¥600, who tries again while told to wait, make
// exactly six orders.
func TestContentionOneMember(t *testing.T) {
	for name, killed := range map[string]bool{"RedisUp": false, "RedisKilledHalfway": true} {
		t.Run(name, func(t *testing.T) {
			r := newRush(t)
			_, k := r.product(r.shop.Suppliers[0], r.shop.Paired, "虾酱", 100_00)
			r.receive(k.ID, 900)
			b := r.buyer(r.union, 600_00)
			y := &tally{ended: map[model.Code]int{}, half: 100}
			if killed {
				y.halfway = r.kill
			}
			var wg sync.WaitGroup
			for i := range 200 {
				wg.Go(func() { y.add(r.insists(b, fmt.Sprintf("one-%04d", i), b.cart(1, k))) })
			}
			wg.Wait()
			if y.ended[""] != 6 || y.ended[model.CodeInsufficientBalance] != 194 {
				t.Errorf("ended %v", y.ended)
			}
			if n, left, stock := r.count(&model.Order{}, "person_id = ?", b.Person), r.balance(b.Allowance.ID), r.onHand(k.ID); n != 6 || left != 0 || stock != 994 {
				t.Errorf("%d orders, %s left, %d in stock", n, left, stock)
			}
		})
	}
}

// TestContentionOneProduct shows that 200 members at once over HTTP, after 50 units, make exactly 50 orders.
func TestContentionOneProduct(t *testing.T) {
	for name, killed := range map[string]bool{"RedisUp": false, "RedisKilledHalfway": true} {
		t.Run(name, func(t *testing.T) {
			r := newRush(t)
			_, k := r.product(r.shop.Suppliers[0], r.shop.Paired, "限量荔枝", 30_00)
			r.adjust(k.ID, -50)
			buyers := r.buyers(r.union, 200, 600_00)
			y := &tally{ended: map[model.Code]int{}, half: 25} // while units are left
			if killed {
				y.halfway = r.kill
			}
			var wg sync.WaitGroup
			for i, b := range buyers {
				wg.Go(func() { y.add(b.asks(fmt.Sprintf("hot-%04d", i), b.cart(1, k))) })
			}
			wg.Wait()
			if y.ended[""] != 50 || y.ended[model.CodeSoldOut] != 150 {
				t.Errorf("ended %v", y.ended)
			}
			var spent model.Fen
			for _, b := range buyers {
				spent += 600_00 - r.balance(b.Allowance.ID)
			}
			if n, stock := r.count(&model.Order{}, "1 = 1"), r.onHand(k.ID); n != 50 || stock != 0 || spent != 50*30_00 {
				t.Errorf("%d orders, %d in stock, %s spent", n, stock, spent)
			}
		})
	}
}

// BenchmarkCheckout tells orders per second of many members at once, over many SKUs and on a single hot one.
func BenchmarkCheckout(b *testing.B) {
	for name, skus := range map[string]int{"100SKUs": 100, "OneHotSKU": 1} {
		b.Run(name, func(b *testing.B) {
			r := newRush(b)
			stock := make([]model.SKU, skus)
			for i := range stock {
				_, stock[i] = r.product(r.shop.Suppliers[i%2], r.shop.Paired, fmt.Sprintf("商品%d", i), 1)
				r.receive(stock[i].ID, int64(b.N))
			}
			buyers := r.buyers(r.union, 64, model.Fen(b.N))
			var next, failed atomic.Int64
			b.ResetTimer()
			var wg sync.WaitGroup
			for i, m := range buyers {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						if code := r.insists(m, fmt.Sprintf("bench-%d-%d", i, n), m.cart(1, stock[n%int64(skus)])); code != "" {
							failed.Add(1)
							b.Log(code)
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			if failed.Load() > 0 {
				b.Errorf("%d checkouts failed", failed.Load())
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
		})
	}
}
