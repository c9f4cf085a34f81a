package shop

import (
	"context"

	"gorm.io/gorm"

	"bangfu/model"
)

// RecountSales brings products.sold_count, which members sort by, up to date: units that left the shelf and did not come back,
// which is what was received or adjusted less what is on hand. So it reads no orders, and the movements that staff made only; a product is
// written only when its count changed.
func (s *Service) RecountSales(ctx context.Context) error {
	db := s.db.Read(ctx)
	var sold []struct {
		ProductID model.ID `gorm:"column:product_id"`
		Units     int64    `gorm:"column:units"`
	}
	err := db.Raw(`SELECT k.product_id, SUM(COALESCE(m.received, 0) - s.on_hand) AS units FROM skus k JOIN stocks s ON s.sku_id = k.id
		LEFT JOIN (SELECT sku_id, SUM(quantity) AS received FROM stock_movements WHERE kind IN ? GROUP BY sku_id) m ON m.sku_id = k.id
		GROUP BY k.product_id`, []string{StockReceive, StockAdjust}).Scan(&sold).Error
	if err != nil {
		return err
	}
	counts := map[model.ID]int64{}
	for _, r := range sold {
		counts[r.ProductID] = r.Units
	}
	var shown []model.Product
	if err := db.Select("id", "sold_count").Find(&shown).Error; err != nil {
		return err
	}
	for _, p := range shown {
		if counts[p.ID] == p.SoldCount {
			continue
		}
		err := s.db.Tx(ctx, func(tx *gorm.DB) error {
			return tx.Model(&model.Product{}).Where("id = ?", p.ID).UpdateColumn("sold_count", counts[p.ID]).Error
		})
		if err != nil {
			return err
		}
	}
	return nil
}
