package shop

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// maxQuantity bounds one movement of stock entered by a person.
const maxQuantity = 1_000_000

// StockView is what there is of a SKU.
type StockView struct {
	SKUID     model.ID  `json:"sku_id"`
	OnHand    int64     `json:"on_hand"`
	UpdatedAt time.Time `json:"updated_at"`
}

// MovementView is one movement of stock.
type MovementView struct {
	ID       model.ID  `json:"id"`
	Kind     string    `json:"kind"`
	Cause    string    `json:"cause"`
	Quantity int64     `json:"quantity"`
	Note     string    `json:"note"`
	Actor    string    `json:"actor"`
	At       time.Time `json:"at"`
}

func movementView(m model.StockMovement) MovementView {
	return MovementView{ID: m.ID, Kind: m.Kind, Cause: m.Cause, Quantity: m.Quantity, Note: m.Note, Actor: m.Actor, At: m.At}
}

// Stock tells what there is of a SKU.
func (s *Service) Stock(ctx context.Context, sku model.ID) (StockView, error) {
	var row model.Stock
	err := s.db.Read(ctx).Take(&row, sku).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return StockView{}, model.NotFound("商品规格")
	}
	return StockView{SKUID: row.SKUID, OnHand: row.OnHand, UpdatedAt: row.UpdatedAt}, err
}

// Movements lists the movements of a SKU's stock, the newest first.
func (s *Service) Movements(ctx context.Context, sku model.ID, page model.Page) (model.List[MovementView], error) {
	q := s.db.Read(ctx).Where("sku_id = ?", sku)
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	var rows []model.StockMovement
	if err := q.Order("id DESC").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[MovementView]{}, err
	}
	return model.NewList(rows, page, func(m model.StockMovement) model.ID { return m.ID }, movementView), nil
}

// NewMovement is a movement that a person enters: goods received, or stock counted anew.
type NewMovement struct {
	Kind     string `json:"kind"`     // receive | adjust
	Quantity int64  `json:"quantity"` // receive: above zero; adjust: the difference, not zero
	Note     string `json:"note"`     // adjust: why, required
}

// MoveStockByHand records goods received or a correction, once per idempotency key. What came in can be bought at once: the
// checkout's door forgets that it was sold out. CodeSoldOut when a correction would bring the stock below zero.
func (s *Service) MoveStockByHand(ctx context.Context, actor model.Actor, key string, sku model.ID, in NewMovement) (StockView, error) {
	if err := checkMovement(&in); err != nil {
		return StockView{}, err
	}
	content := struct {
		SKU model.ID
		NewMovement
	}{sku, in}
	view, err := model.Once(model.InTurn(ctx), s.db, actor, key, content, func(tx *gorm.DB) (StockView, error) {
		now, id := s.db.Now(), s.db.NewID()
		err := MoveStock(tx, s.db, now, Movement{SKU: sku, Kind: in.Kind, Cause: "entry:" + id.String(), Quantity: in.Quantity, Note: in.Note, Actor: actor})
		if model.CodeOf(err) == model.CodeSoldOut {
			return StockView{}, model.E(model.CodeSoldOut, "库存不够减：调整后不能少于 0")
		}
		if err != nil {
			return StockView{}, err
		}
		if err := s.db.Audit(tx, actor, now, "stock."+in.Kind, "sku:"+sku.String(), 0, map[string]any{"quantity": in.Quantity, "note": in.Note}); err != nil {
			return StockView{}, err
		}
		var row model.Stock
		err = tx.Take(&row, sku).Error
		return StockView{SKUID: sku, OnHand: row.OnHand, UpdatedAt: row.UpdatedAt}, err
	})
	if err == nil && in.Quantity > 0 {
		s.guard.ClearSoldOut(ctx, sku)
	}
	return view, err
}

func checkMovement(in *NewMovement) error {
	var w wrong
	least := 0
	switch in.Kind {
	case StockReceive:
		if in.Quantity <= 0 {
			w.add("quantity", "入库数量应大于 0")
		}
	case StockAdjust:
		least = 2
		if in.Quantity == 0 {
			w.add("quantity", "调整数量不能为 0")
		}
	default:
		w.add("kind", "种类应为 receive（入库）或 adjust（盘点调整）")
	}
	if in.Quantity > maxQuantity || in.Quantity < -maxQuantity {
		w.add("quantity", "数量一次不能超过 1000000")
	}
	in.Note = w.text("note", "说明", in.Note, least, 200)
	return w.err()
}
