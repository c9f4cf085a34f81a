package shop

import (
	"context"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// recountEvery is how often products' sales are counted anew.
const recountEvery = 10 * time.Minute

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

// KeepCounting recounts sales now and then until ctx ends; of several processes one does it at a time.
func (s *Service) KeepCounting(ctx context.Context, report func(error)) {
	holder := s.db.NewID().String()
	tick := time.NewTicker(recountEvery)
	defer tick.Stop()
	for {
		if mine, err := s.db.Lease(ctx, "recount-sales", holder, recountEvery-time.Second); err != nil {
			report(err)
		} else if mine {
			if err := s.RecountSales(ctx); err != nil && ctx.Err() == nil {
				report(err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
