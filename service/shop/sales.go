package shop

import (
	"context"

	"gorm.io/gorm"

	"bangfu/model"
)

// RecountSales brings products.sold_count, which members sort by, up to date: units in paid orders that were not
// cancelled. It reads all order lines; a product is written only when its count changed.
func (s *Service) RecountSales(ctx context.Context) error {
	db := s.db.Read(ctx)
	var sold []struct {
		ProductID model.ID `gorm:"column:product_id"`
		Units     int64    `gorm:"column:units"`
	}
	err := db.Raw(`SELECT l.product_id, SUM(l.quantity) AS units FROM order_lines l JOIN orders o ON o.id = l.order_id
		WHERE o.status IN ('paid', 'shipped', 'completed') GROUP BY l.product_id`).Scan(&sold).Error
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
