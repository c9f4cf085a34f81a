package shop

import (
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
	if len(moves) == 0 {
		return nil
	}
	rows := make([]model.StockMovement, len(moves))
	sums := map[model.ID]int64{}
	for i, m := range moves {
		sums[m.SKU] += m.Quantity
		rows[i] = model.StockMovement{ID: db.NewID(), SKUID: m.SKU, Kind: m.Kind, Cause: m.Cause, Quantity: m.Quantity, Note: m.Note, Actor: m.Actor.Ref(), At: now}
	}
	skus := make([]model.ID, 0, len(sums))
	for id := range sums {
		skus = append(skus, id)
	}
	slices.Sort(skus)
	for part := range slices.Chunk(skus, stockChunk) {
		if err := addOnHand(tx, now, part, sums); err != nil {
			return err
		}
	}
	err := model.InsertAll(tx, db, rows)
	if model.Duplicate(err) {
		return &model.Error{Code: model.CodeConflict, Message: "这笔库存变动已经记过", Cause: err}
	}
	return err
}

// addOnHand adds sums to the stock of skus in one guarded statement, or to none of them.
func addOnHand(tx *gorm.DB, now time.Time, skus []model.ID, sums map[model.ID]int64) error {
	delta := "CASE sku_id" + strings.Repeat(" WHEN ? THEN ?", len(skus)) + " ELSE 0 END"
	var args []any
	for _, id := range skus {
		args = append(args, id, sums[id])
	}
	all := append(slices.Clone(args), now, skus)
	all = append(all, args...)
	res := tx.Exec("UPDATE stocks SET on_hand = on_hand + "+delta+", updated_at = ? WHERE sku_id IN ? AND on_hand + "+delta+" >= 0", all...)
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == int64(len(skus)) {
		return nil
	}
	short := model.E(model.CodeSoldOut, "库存不足")
	if len(skus) == 1 {
		short.Data = map[string]any{"sku_id": skus[0]}
	}
	return short
}
