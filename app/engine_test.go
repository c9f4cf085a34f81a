package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/order"
	"bangfu/service/shop"
)

// unguarded is a rush whose Redis is gone, so that the engine alone decides.
func unguarded(t *testing.T) *rush {
	r := newRush(t)
	_ = r.Guard.Close()
	return r
}

// outcome is how one checkout ended.
type outcome struct {
	placed order.Placed
	err    error
}

// together sends checkouts, one after the other, while the engine's turn is taken, so that all but the first two, which keep its lanes
// busy, are decided in one batch, and tells how each ended.
func (r *rush) together(t *testing.T, asks ...func(ctx context.Context) (order.Placed, error)) []outcome {
	t.Helper()
	ends := make([]outcome, len(asks))
	var wg sync.WaitGroup
	r.holding(t, func() {
		for i, ask := range asks {
			wg.Go(func() { ends[i].placed, ends[i].err = ask(context.Background()) })
			time.Sleep(3 * time.Millisecond) // they queue in this order
		}
		time.Sleep(20 * time.Millisecond)
	})
	wg.Wait()
	return ends
}

// holding does something while another transaction has the turn.
func (r *rush) holding(t *testing.T, do func()) {
	t.Helper()
	if err := r.DB.Tx(model.InTurn(context.Background()), func(*gorm.DB) error { do(); return nil }); err != nil {
		t.Fatal(err)
	}
}

func (r *rush) asks(b buyer, key string, c order.Cart) func(ctx context.Context) (order.Placed, error) {
	return func(ctx context.Context) (order.Placed, error) { return r.Order.Checkout(ctx, b.actor(), key, c) }
}

// TestEngineBatch shows that checkouts of one batch are decided in the order of arrival, each by what those before it left, that a
// refusal leaves nothing, and that a person has one checkout under way at a time.
func TestEngineBatch(t *testing.T) {
	r := unguarded(t)
	_, k := r.product(r.shop.Suppliers[0], r.shop.Paired, "头水紫菜", 100_00)
	r.adjust(k.ID, 5-r.onHand(k.ID))
	rich, poor, lost, third := r.buyer(r.union, 600_00), r.buyer(r.union, 150_00), r.buyer(r.union, 600_00), r.buyer(r.union, 600_00)
	early, late := r.buyers(r.union, 2, 600_00), r.buyers(r.union, 3, 600_00)
	strange := lost.cart(1, k)
	strange.AddressID = rich.Address
	mixed := third.cart(1, k)
	mixed.Payment = order.PayMixed
	asks := []func(context.Context) (order.Placed, error){
		r.asks(early[0], "first-0001", early[0].cart(1, r.shop.SKUs[0])), // two batches of one that take the others' waiting time
		r.asks(early[1], "first-0002", early[1].cart(1, r.shop.SKUs[0])),
		r.asks(rich, "rich-0001", rich.cart(2, k)),
		r.asks(rich, "rich-0001", rich.cart(2, k)), // the same again
		r.asks(rich, "rich-0002", rich.cart(1, k)), // and something else
		r.asks(poor, "poor-0001", poor.cart(2, k)), // too little money
		r.asks(lost, "lost-0001", strange),         // somebody else's address
		r.asks(late[0], "late-0001", late[0].cart(4, k)),
		r.asks(third, "thrd-0001", mixed),
		r.asks(late[1], "late-0002", late[1].cart(2, k)),
		r.asks(late[2], "late-0003", late[2].cart(1, k)),
	}
	ends := r.together(t, asks...)
	want := []model.Code{"", "", "", model.CodeConflict, model.CodeConflict, model.CodeInsufficientBalance, model.CodeNotFound, model.CodeSoldOut, "", "", model.CodeSoldOut}
	for i, e := range ends {
		if model.CodeOf(e.err) != want[i] {
			t.Errorf("%d: %v, want %q", i, e.err, want[i])
		}
	}
	if n, left := r.count(&model.Order{}, "1 = 1"), r.onHand(k.ID); n != 5 || left != 0 {
		t.Errorf("%d orders, %d left", n, left)
	}
	if again, err := asks[3](context.Background()); err != nil || again != ends[2].placed || again.ID == 0 {
		t.Errorf("%+v, and again %+v, %v", ends[2].placed, again, err)
	}
	if _, err := r.asks(rich, "rich-0001", rich.cart(1, k))(context.Background()); model.CodeOf(err) != model.CodeIdempotencyMismatch {
		t.Errorf("the same key for something else: %v", err)
	}
	var sold order.SoldOut
	var shown *model.Error
	if errors.As(ends[7].err, &shown) {
		sold, _ = shown.Data.(order.SoldOut)
	}
	if sold.Available != 3 {
		t.Errorf("%+v", sold)
	}
}

// TestEngineShort shows that a batch which decided by stock that somebody else was just taking away is decided anew: nothing is sold twice.
func TestEngineShort(t *testing.T) {
	r := unguarded(t)
	_, k := r.product(r.shop.Suppliers[0], r.shop.Paired, "头水紫菜", 10_00)
	r.adjust(k.ID, 5-r.onHand(k.ID))
	buyers := r.buyers(r.union, 4, 600_00)
	ends := make([]outcome, len(buyers))
	var wg sync.WaitGroup
	err := r.DB.Tx(context.Background(), func(tx *gorm.DB) error { // as another process would: not in turn
		m := shop.Movement{SKU: k.ID, Kind: shop.StockAdjust, Cause: "count:short", Quantity: -3, Note: "盘点", Actor: model.Actor{Kind: model.ActorSetup}}
		if err := shop.MoveStock(tx, r.DB, r.DB.Now(), m); err != nil {
			return err
		}
		for i, b := range buyers {
			wg.Go(func() {
				ends[i].placed, ends[i].err = r.Order.Checkout(context.Background(), b.actor(), fmt.Sprintf("short-%04d", i), b.cart(1, k))
			})
		}
		time.Sleep(300 * time.Millisecond) // they see five pieces, and wait for two
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	sold, out := 0, 0
	for _, e := range ends {
		switch {
		case e.err == nil:
			sold++
		case model.CodeOf(e.err) == model.CodeSoldOut:
			out++
		default:
			t.Error(e.err)
		}
	}
	if n, left := r.count(&model.Order{}, "1 = 1"), r.onHand(k.ID); sold != 2 || out != 2 || n != 2 || left != 0 {
		t.Errorf("%d sold, %d turned away, %d orders, %d left", sold, out, n, left)
	}
}

// TestEnginePoison shows that an order which the database refuses fails alone, and the others of its batch stand.
func TestEnginePoison(t *testing.T) {
	r := unguarded(t)
	buyers := r.buyers(r.union, 21, 600_00)
	poison := errors.New("no such thing can be stored")
	ctx := context.Background()
	for name, ctx := range map[string]context.Context{"poison": ctx, "poison together": model.Together(ctx)} {
		err := r.DB.Tx(ctx, func(tx *gorm.DB) error {
			return tx.Callback().Raw().Before("gorm:raw").Register(name, func(tx *gorm.DB) {
				if strings.Contains(tx.Statement.SQL.String(), "INSERT INTO orders") && slices.Contains(tx.Statement.Vars, any("有毒的备注")) {
					_ = tx.AddError(poison)
				}
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var asks []func(context.Context) (order.Placed, error)
	for i, b := range buyers {
		c := b.cart(1, r.shop.SKUs[0])
		if i == 13 {
			c.Note = "有毒的备注"
		}
		asks = append(asks, r.asks(b, fmt.Sprintf("key-%05d", i), c))
	}
	for i, e := range r.together(t, asks...) {
		if (i == 13) != errors.Is(e.err, poison) || i != 13 && e.err != nil {
			t.Errorf("%d: %v", i, e.err)
		}
	}
	if n := r.count(&model.Order{}, "1 = 1"); n != 20 {
		t.Errorf("%d orders", n)
	}
}

// TestEngineFull shows that a full queue turns checkouts away at once, that a caller who gives up is not served, and that closing
// answers all who wait and takes nobody else.
func TestEngineFull(t *testing.T) {
	r := unguarded(t)
	b := r.buyer(r.union, 600_00)
	cart := b.cart(1, r.shop.SKUs[0])

	asked, taken := 4000, r.DB.Lanes()*256+2048 // taken, at most: by the transactions and by the queue
	ended := make(chan error, asked)
	start := func(ctx context.Context, i int) {
		stranger := b.actor()
		stranger.ID = model.ID(1 + i) // refused when it is decided, so that it costs nothing
		go func() { _, err := r.Order.Checkout(ctx, stranger, fmt.Sprintf("full-%05d", i), cart); ended <- err }()
	}
	codes := map[model.Code]int{}
	r.holding(t, func() {
		giveUp, cancel := context.WithCancel(context.Background())
		for i := range asked {
			ctx := context.Background()
			if i%10 == 9 {
				ctx = giveUp
			}
			start(ctx, i)
		}
		for range asked - taken {
			select {
			case err := <-ended:
				codes[model.CodeOf(err)]++
			case <-time.After(10 * time.Second):
				t.Error("nobody is turned away")
				cancel()
				return
			}
		}
		cancel()
	})
	r.Order.Close()
	_, late := r.Order.Checkout(context.Background(), b.actor(), "late-00001", cart)
	if model.CodeOf(late) != model.CodeBusy {
		t.Errorf("after closing: %v", late)
	}
	gone := 0
	for range taken {
		err := <-ended
		if errors.Is(err, context.Canceled) {
			gone++
		} else {
			codes[model.CodeOf(err)]++
		}
	}
	var shown *model.Error
	if !errors.As(late, &shown) || shown.RetryAfter <= 0 {
		t.Error("no word of when to come back")
	}
	if codes[model.CodeBusy] < asked-taken-100 || codes[model.CodeNotFound] < 1500 || gone == 0 || codes[model.CodeBusy]+codes[model.CodeNotFound]+gone != asked {
		t.Errorf("%v, %d gave up", codes, gone)
	}
}
