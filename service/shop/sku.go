package shop

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// MaxPrice bounds the price of one SKU: ¥100,000.
const MaxPrice model.Fen = 10_000_000

// maxSKUs is how many SKUs a product may have.
const maxSKUs = 50

// SKUView is a SKU as the console shows it.
type SKUView struct {
	ID        model.ID  `json:"id"`
	ProductID model.ID  `json:"product_id"`
	Spec      string    `json:"spec"`
	PriceFen  model.Fen `json:"price_fen"`
	Status    string    `json:"status"`
	OnHand    int64     `json:"on_hand"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func (k stockedSKU) view() SKUView {
	return SKUView{ID: k.ID, ProductID: k.ProductID, Spec: k.Spec, PriceFen: k.PriceFen, Status: k.Status, OnHand: k.OnHand, CreatedAt: k.CreatedAt, UpdatedAt: k.UpdatedAt}
}

// NewSKU is a SKU to be added; it is on unless Status says off.
type NewSKU struct {
	Spec     string    `json:"spec"`
	PriceFen model.Fen `json:"price_fen"`
	Status   string    `json:"status"`
}

// AddSKU adds a SKU without stock to a product; CodeConflict when the product has one of that spec.
func (s *Service) AddSKU(ctx context.Context, actor model.Actor, product model.ID, in NewSKU) (SKUView, error) {
	now := s.db.Now()
	if in.Status == "" {
		in.Status = "on"
	}
	k := model.SKU{ID: s.db.NewID(), ProductID: product, Spec: in.Spec, PriceFen: in.PriceFen, Status: in.Status, CreatedAt: now, UpdatedAt: now}
	if err := checkSKU(&k); err != nil {
		return SKUView{}, err
	}
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		var p model.Product
		if err := lock(tx, &p, product, "商品"); err != nil {
			return err
		}
		var n int64
		if err := tx.Model(&model.SKU{}).Where("product_id = ?", product).Count(&n).Error; err != nil {
			return err
		}
		if n >= maxSKUs {
			return model.E(model.CodeConflict, "每件商品最多 %d 个规格", maxSKUs)
		}
		if err := tx.Create(&k).Error; err != nil {
			return specTaken(err, k.Spec)
		}
		if err := tx.Create(&model.Stock{SKUID: k.ID, UpdatedAt: now}).Error; err != nil {
			return err
		}
		if err := setMinPrice(tx, product); err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "sku.create", "sku:"+k.ID.String(), 0, map[string]any{"product_id": product, "spec": k.Spec, "price_fen": k.PriceFen, "shelved": p.Status == "on"})
	})
	return stockedSKU{SKU: k}.view(), err
}

func specTaken(err error, spec string) error {
	if model.Duplicate(err) {
		return model.E(model.CodeConflict, "该商品已有规格“%s”", spec)
	}
	return err
}

func checkSKU(k *model.SKU) error {
	var w wrong
	k.Spec = w.text("spec", "规格", k.Spec, 1, 80)
	if k.PriceFen <= 0 || k.PriceFen > MaxPrice {
		w.add("price_fen", "价格应大于 0，且不超过 "+MaxPrice.String())
	}
	if k.Status != "on" && k.Status != "off" {
		w.add("status", "状态应为 on（在售）或 off（停售）")
	}
	return w.err()
}

// setMinPrice brings the product's lowest price among its SKUs on sale up to date; 0 if none is. The product is locked.
func setMinPrice(tx *gorm.DB, product model.ID) error {
	return tx.Exec("UPDATE products SET min_price_fen = (SELECT COALESCE(MIN(price_fen), 0) FROM skus WHERE product_id = ? AND status = 'on') WHERE id = ?", product, product).Error
}

// SKUPatch is an edit of a SKU; nil leaves a field as it is.
type SKUPatch struct {
	Spec     *string    `json:"spec"`
	PriceFen *model.Fen `json:"price_fen"`
	Status   *string    `json:"status"`
}

// UpdateSKU edits a SKU, of a product on the shelf or not; the audit trail says which. Orders keep the price they were
// placed at.
func (s *Service) UpdateSKU(ctx context.Context, actor model.Actor, id model.ID, patch SKUPatch) (SKUView, error) {
	if patch == (SKUPatch{}) {
		return SKUView{}, errNothing()
	}
	var k stockedSKU
	err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		var p model.Product
		if p, k, err = lockSKU(tx, id); err != nil {
			return err
		}
		old := k.SKU
		assign(&k.Spec, patch.Spec)
		assign(&k.PriceFen, patch.PriceFen)
		assign(&k.Status, patch.Status)
		if err := checkSKU(&k.SKU); err != nil {
			return err
		}
		ch := newChanges()
		ch.set("spec", old.Spec, k.Spec)
		ch.set("price_fen", old.PriceFen, k.PriceFen)
		ch.set("status", old.Status, k.Status)
		ch.detail["shelved"] = p.Status == "on"
		if err := s.save(tx, actor, ch, &k.SKU, "sku", k.ID, &k.UpdatedAt); err != nil {
			return specTaken(err, k.Spec)
		}
		return setMinPrice(tx, p.ID)
	})
	return k.view(), err
}

// lockSKU locks the product of a SKU and reads both.
func lockSKU(tx *gorm.DB, id model.ID) (p model.Product, k stockedSKU, err error) {
	var of model.SKU
	if err = tx.Take(&of, id).Error; err != nil {
		return p, k, skuGone(err)
	}
	if err = lock(tx, &p, of.ProductID, "商品"); err != nil {
		return p, k, err
	}
	err = tx.Raw(selectSKUs+"k.id = ?", id).Take(&k).Error
	return p, k, skuGone(err)
}

func skuGone(err error) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return model.NotFound("商品规格")
	}
	return err
}
