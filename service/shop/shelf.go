package shop

import (
	"context"
	"strings"

	"gorm.io/gorm"

	"bangfu/model"
)

// Shelve puts a product on the shelf. It is refused with CodeConflict, every reason told (Data: reasons), while the supplier
// is suspended, one of its licences or the product's 消费帮扶产品认定 is not valid today, or no SKU is on sale.
func (s *Service) Shelve(ctx context.Context, actor model.Actor, id model.ID) (ProductView, error) {
	return s.turnProduct(ctx, actor, id, "on", "", func(tx *gorm.DB, p model.Product) error {
		if p.Status == "on" {
			return model.E(model.CodeConflict, "商品已经上架")
		}
		a, err := loadAround(tx, s.db.Now(), []model.Product{p})
		if err != nil {
			return err
		}
		reasons := append(offReasons("on", "", a.suppliers[p.SupplierID].Status), a.missing(p)...)
		if len(reasons) > 0 {
			e := model.E(model.CodeConflict, "还不能上架：%s", strings.Join(reasons, "；"))
			e.Data = map[string]any{"reasons": reasons}
			return e
		}
		return nil
	})
}

// Unshelve takes a product off the shelf for a reason, which members read; CodeConflict when it is not on it.
func (s *Service) Unshelve(ctx context.Context, actor model.Actor, id model.ID, reason string) (ProductView, error) {
	reason, err := reasonOf(reason)
	if err != nil {
		return ProductView{}, err
	}
	return s.turnProduct(ctx, actor, id, "off", reason, func(_ *gorm.DB, p model.Product) error {
		if p.Status != "on" {
			return model.E(model.CodeConflict, "商品不在架上")
		}
		return nil
	})
}

// turnProduct locks a product, asks may, and changes its status.
func (s *Service) turnProduct(ctx context.Context, actor model.Actor, id model.ID, to, reason string, may func(tx *gorm.DB, p model.Product) error) (ProductView, error) {
	var view ProductView
	err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		var p model.Product
		if err := lock(tx, &p, id, "商品"); err != nil {
			return err
		}
		if err := may(tx, p); err != nil {
			return err
		}
		now := s.db.Now()
		res := tx.Model(&model.Product{}).Where("id = ? AND status = ?", id, p.Status).UpdateColumns(map[string]any{"status": to, "off_reason": reason, "updated_at": now})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected != 1 {
			return model.E(model.CodeConflict, "商品的状态刚刚变了，请刷新后再试")
		}
		if err := s.db.Audit(tx, actor, now, "product."+to, "product:"+id.String(), 0, map[string]any{"reason": reason}); err != nil {
			return err
		}
		view, err = s.showProduct(tx, id)
		return err
	})
	return view, err
}
