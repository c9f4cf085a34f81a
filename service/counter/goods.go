package counter

import (
	"context"
	"strings"

	"bangfu/model"
	"bangfu/service/shop"
)

// Goods is a SKU of the hall's supplier as the cashier picks it.
type Goods struct {
	SKUID     model.ID  `json:"sku_id" gorm:"column:sku_id"`
	Name      string    `json:"name"`
	Spec      string    `json:"spec"`
	PriceFen  model.Fen `json:"price_fen"`
	OnHand    int64     `json:"on_hand"`
	OffReason string    `json:"off_reason"` // why it cannot be sold now; empty: it can
}

// GoodsOnSale lists what the cashier's hall can sell: the SKUs on sale of its supplier's products on the shelf, whose name contains
// query.
func (s *Service) GoodsOnSale(ctx context.Context, actor model.Actor, query string, page model.Page) (model.List[Goods], error) {
	tx := s.db.Read(ctx)
	q := tx.Table("skus k").Select("k.id AS sku_id, p.name, k.spec, k.price_fen, COALESCE(s.on_hand, 0) AS on_hand").Joins("JOIN products p ON p.id = k.product_id").
		Joins("LEFT JOIN stocks s ON s.sku_id = k.id").Where("p.supplier_id = ? AND p.status = 'on' AND k.status = 'on' AND k.id > ?", actor.Supplier, page.Cursor)
	if query = strings.TrimSpace(query); query != "" {
		q = q.Where("p.name LIKE ? ESCAPE '!'", "%"+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(query)+"%")
	}
	var rows []Goods
	if err := q.Order("k.id").Limit(page.Limit + 1).Scan(&rows).Error; err != nil {
		return model.List[Goods]{}, err
	}
	skus := make([]model.ID, len(rows))
	for i, r := range rows {
		skus[i] = r.SKUID
	}
	items, err := shop.ForSale(tx, skus, s.db.Now())
	return model.NewList(rows, page, func(g Goods) model.ID { return g.SKUID }, func(g Goods) Goods {
		g.OffReason = items[g.SKUID].OffReason
		return g
	}), err
}
