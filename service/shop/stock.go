package shop

import (
	"database/sql"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// Kinds of stock movements.
const (
	StockReceive = "receive" // goods came in; quantity above zero
	StockSell    = "sell"    // sold; quantity below zero
	StockReturn  = "return"  // a sale undone; quantity above zero
	StockAdjust  = "adjust"  // counted anew; either sign
)

// Movement is one movement of stock to be made.
type Movement struct {
	SKU      model.ID
	Kind     string
	Cause    string // unique within the kind, at most 80 characters: "line:123"
	Quantity int64  // signed: sells are negative
	Note     string
	Actor    model.Actor
}

// MoveStock is MoveStocks with one movement.
func MoveStock(tx *gorm.DB, db *model.DB, now time.Time, m Movement) error {
	return MoveStocks(tx, db, now, []Movement{m})
}

// stockChunk bounds the SKUs of one statement.
const stockChunk = 200

// MoveStocks is the only writer of stocks.on_hand: in the caller's transaction it moves the stock of every SKU named by
// the sum of its movements, in the order of SKU ids, never below zero, and appends one row a movement. CodeSoldOut when a
// SKU has too little (Data says which, if only one was asked for), CodeConflict when a movement of that kind and cause
// exists already; on any error the transaction must be rolled back.
func MoveStocks(tx *gorm.DB, db *model.DB, now time.Time, moves []Movement) error {
	s := db.NewScript()
	if err := StockScript(s, db, now, moves); err != nil {
		return err
	}
	return s.Run(tx)
}

// StockScript is MoveStocks as statements of a script.
func StockScript(s *model.Script, db *model.DB, now time.Time, moves []Movement) error {
	rows := make([]model.StockMovement, len(moves))
	sums := map[model.ID]int64{}
	for i, m := range moves {
		sums[m.SKU] += m.Quantity
		rows[i] = model.StockMovement{ID: db.NewID(), SKUID: m.SKU, Kind: m.Kind, Cause: m.Cause, Quantity: m.Quantity, Note: m.Note, Actor: m.Actor.Ref(), At: now}
	}
	if err := model.Insert(s, rows, model.E(model.CodeConflict, "这笔库存变动已经记过")); err != nil {
		return err
	}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(sums)), stockChunk) {
		addOnHand(s, now, part, sums)
	}
	return nil
}

// LockOnHand is the question that locks the stocks of SKUs by SKU id and puts what is on hand of them into onHand; skus are distinct and
// rising, and there is one.
func LockOnHand(db *model.DB, skus []model.ID, onHand map[model.ID]int64) model.Question {
	return model.Question{
		SQL:  "SELECT sku_id, on_hand FROM stocks WHERE sku_id IN " + model.Marks(len(skus)) + " ORDER BY sku_id" + db.ForUpdate(),
		Args: model.Values(skus),
		Row: func(rows *sql.Rows) error {
			var id model.ID
			var n int64
			err := rows.Scan(&id, &n)
			onHand[id] = n
			return err
		},
	}
}

// addOnHand adds sums to the stock of skus in one guarded statement, or to none of them.
func addOnHand(s *model.Script, now time.Time, skus []model.ID, sums map[model.ID]int64) {
	delta := "CASE sku_id" + strings.Repeat(" WHEN ? THEN ?", len(skus)) + " ELSE 0 END"
	var steps []any
	for _, id := range skus {
		steps = append(steps, id, sums[id])
	}
	short := model.E(model.CodeSoldOut, "库存不足")
	if len(skus) == 1 {
		short.Data = map[string]any{"sku_id": skus[0]}
	}
	s.Guard(len(skus), short, "UPDATE stocks SET on_hand = on_hand + "+delta+", updated_at = ? WHERE sku_id IN "+model.Marks(len(skus))+" AND on_hand + "+delta+" >= 0",
		slices.Concat(steps, []any{now}, model.Values(skus), steps)...)
}
