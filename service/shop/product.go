package shop

import (
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// ProductView is a product as the console shows it.
type ProductView struct {
	ID           model.ID      `json:"id"`
	SupplierID   model.ID      `json:"supplier_id"`
	SupplierName string        `json:"supplier_name"`
	RegionID     model.ID      `json:"region_id"`
	RegionName   string        `json:"region_name"`
	Province     string        `json:"province"`
	Paired       bool          `json:"paired"`
	Name         string        `json:"name"`
	Category     string        `json:"category"`
	Description  string        `json:"description"`
	Status       string        `json:"status"`
	OffReason    string        `json:"off_reason"`
	OnSale       bool          `json:"on_sale"`     // members can buy it now
	OffReasons   []string      `json:"off_reasons"` // why not
	MinPriceFen  model.Fen     `json:"min_price_fen"`
	SoldCount    int64         `json:"sold_count"`
	SKUs         []SKUView     `json:"skus"`
	Pictures     []PictureView `json:"pictures"`
	CreatedAt    time.Time     `json:"created_at"`
	UpdatedAt    time.Time     `json:"updated_at"`
}

// productView shows a product whose surroundings were loaded.
func (a around) productView(p model.Product) ProductView {
	region := a.regions[p.RegionID]
	reasons := a.offReasons(p)
	v := ProductView{ID: p.ID, SupplierID: p.SupplierID, SupplierName: a.suppliers[p.SupplierID].Name, RegionID: p.RegionID, RegionName: region.Name,
		Province: region.Province, Paired: region.Paired, Name: p.Name, Category: p.Category, Description: p.Description, Status: p.Status, OffReason: p.OffReason,
		OnSale: len(reasons) == 0, OffReasons: orEmpty(reasons), MinPriceFen: p.MinPriceFen, SoldCount: p.SoldCount, SKUs: []SKUView{}, Pictures: a.pictureViews(p.ID),
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt}
	for _, k := range a.skus[p.ID] {
		v.SKUs = append(v.SKUs, k.view())
	}
	return v
}

func (a around) pictureViews(product model.ID) []PictureView {
	list := []PictureView{}
	for _, p := range a.pictures[product] {
		list = append(list, pictureView(p))
	}
	return list
}

// around is what belongs to some products: read together, in six queries.
type around struct {
	today     model.Date
	suppliers map[model.ID]model.Supplier
	regions   map[model.ID]model.Region
	skus      map[model.ID][]stockedSKU
	pictures  map[model.ID][]model.ProductPicture
	papers    papers
}

// stockedSKU is a SKU with what there is of it.
type stockedSKU struct {
	model.SKU `gorm:"embedded"`
	OnHand    int64 `gorm:"column:on_hand"`
}

const selectSKUs = "SELECT k.*, t.on_hand FROM skus k JOIN stocks t ON t.sku_id = k.id WHERE "

// loadAround reads what belongs to the products, judged at now.
func loadAround(tx *gorm.DB, now time.Time, products []model.Product) (around, error) {
	a := around{today: model.DateOf(now), suppliers: map[model.ID]model.Supplier{}, regions: map[model.ID]model.Region{},
		skus: map[model.ID][]stockedSKU{}, pictures: map[model.ID][]model.ProductPicture{}}
	if len(products) == 0 {
		return a, nil
	}
	var ids, supplierIDs, regionIDs []model.ID
	for _, p := range products {
		ids, supplierIDs, regionIDs = append(ids, p.ID), append(supplierIDs, p.SupplierID), append(regionIDs, p.RegionID)
	}
	supplierIDs = unique(supplierIDs)
	var suppliers []model.Supplier
	var regions []model.Region
	var skus []stockedSKU
	var pictures []model.ProductPicture
	err := errors.Join(
		tx.Where("id IN ?", supplierIDs).Find(&suppliers).Error,
		tx.Where("id IN ?", unique(regionIDs)).Find(&regions).Error,
		tx.Raw(selectSKUs+"k.product_id IN ? ORDER BY k.product_id, k.price_fen, k.id", ids).Scan(&skus).Error,
		tx.Where("product_id IN ?", ids).Order("product_id, seq").Find(&pictures).Error,
	)
	if err != nil {
		return a, err
	}
	for _, s := range suppliers {
		a.suppliers[s.ID] = s
	}
	for _, r := range regions {
		a.regions[r.ID] = r
	}
	for _, k := range skus {
		a.skus[k.ProductID] = append(a.skus[k.ProductID], k)
	}
	for _, p := range pictures {
		a.pictures[p.ProductID] = append(a.pictures[p.ProductID], p)
	}
	a.papers, err = loadPapers(tx, supplierIDs, ids)
	return a, err
}

// offReasons says in Chinese everything that keeps a product from being sold today.
func (a around) offReasons(p model.Product) []string {
	return append(offReasons(p.Status, p.OffReason, a.suppliers[p.SupplierID].Status), a.missing(p)...)
}

// missing says what a product lacks to be sold: licences, certificate, a SKU on sale.
func (a around) missing(p model.Product) []string {
	reasons := a.papers.productProblems(p.SupplierID, p.ID, a.today)
	for _, k := range a.skus[p.ID] {
		if k.Status == "on" {
			return reasons
		}
	}
	return append(reasons, "没有在售的规格")
}

// ProductFilter narrows a list of products; zero values do not.
type ProductFilter struct {
	Supplier model.ID
	Status   string
	Query    string
}

// Products lists the products that the actor may see, the newest first: a supplier's own account sees its own.
func (s *Service) Products(ctx context.Context, actor model.Actor, f ProductFilter, page model.Page) (model.List[ProductView], error) {
	db := s.db.Read(ctx)
	q := db.Model(&model.Product{})
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	if actor.Supplier != 0 {
		q = q.Where("supplier_id = ?", actor.Supplier)
	}
	if f.Supplier != 0 {
		q = q.Where("supplier_id = ?", f.Supplier)
	}
	if f.Status != "" {
		q = q.Where("status = ?", f.Status)
	}
	if f.Query != "" {
		q = q.Where("LOWER(name) LIKE ? ESCAPE '!'", "%"+likeText(strings.ToLower(f.Query))+"%")
	}
	var rows []model.Product
	if err := q.Order("id DESC").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[ProductView]{}, err
	}
	a, err := loadAround(db, s.db.Now(), rows)
	return model.NewList(rows, page, func(p model.Product) model.ID { return p.ID }, a.productView), err
}

// Product shows one product.
func (s *Service) Product(ctx context.Context, id model.ID) (ProductView, error) {
	return s.showProduct(s.db.Read(ctx), id)
}

func (s *Service) showProduct(tx *gorm.DB, id model.ID) (ProductView, error) {
	var p model.Product
	err := tx.Take(&p, id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return ProductView{}, model.NotFound("商品")
	}
	if err != nil {
		return ProductView{}, err
	}
	a, err := loadAround(tx, s.db.Now(), []model.Product{p})
	return a.productView(p), err
}

// NewProduct is a product to be drafted.
type NewProduct struct {
	Name        string   `json:"name"`
	Category    string   `json:"category"`
	RegionID    model.ID `json:"region_id"`
	Description string   `json:"description"`
}

// CreateProduct drafts a product of a supplier.
func (s *Service) CreateProduct(ctx context.Context, actor model.Actor, supplier model.ID, in NewProduct) (ProductView, error) {
	now := s.db.Now()
	p := model.Product{ID: s.db.NewID(), SupplierID: supplier, RegionID: in.RegionID, Name: in.Name, Category: in.Category, Description: in.Description,
		Status: "draft", CreatedAt: now, UpdatedAt: now}
	if err := checkProduct(&p); err != nil {
		return ProductView{}, err
	}
	var view ProductView
	err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		if err := checkRegionOpen(tx, p.RegionID); err != nil {
			return err
		}
		if err := tx.Create(&p).Error; err != nil {
			return err
		}
		if err := s.db.Audit(tx, actor, now, "product.create", "product:"+p.ID.String(), 0, map[string]any{"supplier_id": supplier, "name": p.Name, "region_id": p.RegionID}); err != nil {
			return err
		}
		view, err = s.showProduct(tx, p.ID)
		return err
	})
	return view, err
}

func checkProduct(p *model.Product) error {
	var w wrong
	p.Name = w.text("name", "商品名称", p.Name, 2, 120)
	p.Category = w.text("category", "类别", p.Category, 1, 40)
	p.Description = w.text("description", "商品说明", p.Description, 0, 5000)
	if p.RegionID == 0 {
		w.add("region_id", "请选择产地")
	}
	return w.err()
}

func checkRegionOpen(tx *gorm.DB, id model.ID) error {
	var n int64
	err := tx.Model(&model.Region{}).Where("id = ? AND status = 'active'", id).Count(&n).Error
	if err == nil && n == 0 {
		err = model.Invalid("region_id", "没有这个地区，或已停用")
	}
	return err
}

// ProductPatch is an edit of a product; nil leaves a field as it is.
type ProductPatch struct {
	Name        *string   `json:"name"`
	Category    *string   `json:"category"`
	RegionID    *model.ID `json:"region_id"`
	Description *string   `json:"description"`
}

// UpdateProduct edits a product, on the shelf or not; the audit trail says which.
func (s *Service) UpdateProduct(ctx context.Context, actor model.Actor, id model.ID, patch ProductPatch) (ProductView, error) {
	if patch == (ProductPatch{}) {
		return ProductView{}, errNothing()
	}
	var view ProductView
	err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		var p model.Product
		if err := lock(tx, &p, id, "商品"); err != nil {
			return err
		}
		old := p
		assign(&p.Name, patch.Name)
		assign(&p.Category, patch.Category)
		assign(&p.RegionID, patch.RegionID)
		assign(&p.Description, patch.Description)
		if err := checkProduct(&p); err != nil {
			return err
		}
		if p.RegionID != old.RegionID {
			if err := checkRegionOpen(tx, p.RegionID); err != nil {
				return err
			}
		}
		ch := newChanges()
		ch.set("name", old.Name, p.Name)
		ch.set("category", old.Category, p.Category)
		ch.set("region_id", old.RegionID, p.RegionID)
		if p.Description != old.Description {
			ch.columns["description"], ch.detail["description"] = p.Description, "changed"
		}
		ch.detail["shelved"] = p.Status == "on"
		if err := s.save(tx, actor, ch, &p, "product", p.ID, &p.UpdatedAt); err != nil {
			return err
		}
		view, err = s.showProduct(tx, id)
		return err
	})
	return view, err
}
