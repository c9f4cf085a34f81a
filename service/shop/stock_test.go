package shop_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/shop"
)

func move(db *model.DB, moves ...shop.Movement) error {
	for i := range moves {
		moves[i].Actor = model.Clockwork()
	}
	return db.Tx(context.Background(), func(tx *gorm.DB) error { return shop.MoveStocks(tx, db, db.Now(), moves) })
}

func stocks(t *testing.T, db *model.DB, n int) []model.ID {
	t.Helper()
	ids := make([]model.ID, n)
	for i := range ids {
		ids[i] = db.NewID()
		if err := db.Read(context.Background()).Create(&model.Stock{SKUID: ids[i], UpdatedAt: db.Now()}).Error; err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

func onHand(t *testing.T, db *model.DB, sku model.ID) (hand, sum int64) {
	t.Helper()
	var s model.Stock
	if err := db.Read(context.Background()).Take(&s, sku).Error; err != nil {
		t.Fatal(err)
	}
	if err := db.Read(context.Background()).Raw("SELECT COALESCE(SUM(quantity), 0) FROM stock_movements WHERE sku_id = ?", sku).Scan(&sum).Error; err != nil {
		t.Fatal(err)
	}
	return s.OnHand, sum
}

// TestMoveStocks shows that several movements of several SKUs take effect together or not at all.
func TestMoveStocks(t *testing.T) {
	db := modeltest.Open(t, nil)
	ids := stocks(t, db, 3)
	want := func(a, b int64) {
		t.Helper()
		for i, w := range []int64{a, b} {
			if hand, sum := onHand(t, db, ids[i]); hand != w || sum != w {
				t.Errorf("SKU %d: on hand %d, movements %d, want %d", i, hand, sum, w)
			}
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(move(db, shop.Movement{SKU: ids[1], Kind: shop.StockReceive, Cause: "a", Quantity: 5}, shop.Movement{SKU: ids[0], Kind: shop.StockReceive, Cause: "b", Quantity: 3}))
	want(3, 5)
	must(move(db, shop.Movement{SKU: ids[0], Kind: shop.StockSell, Cause: "l1", Quantity: -2}, shop.Movement{SKU: ids[0], Kind: shop.StockReturn, Cause: "l1", Quantity: 1},
		shop.Movement{SKU: ids[1], Kind: shop.StockSell, Cause: "l2", Quantity: -5}))
	want(2, 0)
	for name, c := range map[string]struct {
		m    shop.Movement
		code model.Code
	}{
		"short":   {shop.Movement{SKU: ids[1], Kind: shop.StockSell, Cause: "l3", Quantity: -1}, model.CodeSoldOut},
		"twice":   {shop.Movement{SKU: ids[0], Kind: shop.StockSell, Cause: "l1", Quantity: -1}, model.CodeConflict},
		"unknown": {shop.Movement{SKU: db.NewID(), Kind: shop.StockReceive, Cause: "x", Quantity: 1}, model.CodeSoldOut},
	} {
		other := shop.Movement{SKU: ids[2], Kind: shop.StockReceive, Cause: "with " + name, Quantity: 1}
		if err := move(db, other, c.m); model.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
		if hand, sum := onHand(t, db, ids[2]); hand != 0 || sum != 0 {
			t.Errorf("%s: a part of it took effect: %d, %d", name, hand, sum)
		}
	}
	want(2, 0)
}

// TestMoveStockConcurrently shows that 60 sales at once of 50 units sell exactly 50.
func TestMoveStockConcurrently(t *testing.T) {
	db := modeltest.Open(t, nil)
	sku := stocks(t, db, 1)[0]
	if err := move(db, shop.Movement{SKU: sku, Kind: shop.StockReceive, Cause: "in", Quantity: 50}); err != nil {
		t.Fatal(err)
	}
	var sold, short atomic.Int64
	var wg sync.WaitGroup
	for range 60 {
		wg.Go(func() {
			switch err := move(db, shop.Movement{SKU: sku, Kind: shop.StockSell, Cause: "line:" + db.NewID().String(), Quantity: -1}); model.CodeOf(err) {
			case "":
				sold.Add(1)
			case model.CodeSoldOut:
				short.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if hand, sum := onHand(t, db, sku); hand != 0 || sum != 0 || sold.Load() != 50 || short.Load() != 10 {
		t.Errorf("on hand %d, movements %d, sold %d, short %d", hand, sum, sold.Load(), short.Load())
	}
}
