package shop

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"bangfu/model"
)

// ProductDetail is a product as a member sees it. One that cannot be bought now says why.
type ProductDetail struct {
	ListedProduct
	Description string            `json:"description"`
	OnSale      bool              `json:"on_sale"`
	OffReason   string            `json:"off_reason"` // "" while on sale
	SKUs        []MemberSKU       `json:"skus"`
	Pictures    []PictureView     `json:"pictures"`
	Papers      []CertificateView `json:"certificates"` // valid today
}

// MemberSKU is a SKU as a member sees it.
type MemberSKU struct {
	ID       model.ID  `json:"id"`
	Spec     string    `json:"spec"`
	PriceFen model.Fen `json:"price_fen"`
	InStock  bool      `json:"in_stock"`
	Left     *int64    `json:"left"` // how many are left, if fewer than 10
}

// Detail shows a product to members: one that is or was on the shelf.
func (s *Service) Detail(ctx context.Context, id model.ID) (ProductDetail, error) {
	db := s.db.Read(ctx)
	var p model.Product
	err := db.Where("id = ? AND status IN ('on', 'off')", id).Take(&p).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return ProductDetail{}, model.NotFound("商品")
	}
	if err != nil {
		return ProductDetail{}, err
	}
	a, err := loadAround(db, s.db.Now(), []model.Product{p})
	if err != nil {
		return ProductDetail{}, err
	}
	reasons := a.offReasons(p)
	d := ProductDetail{ListedProduct: a.listed(p), Description: p.Description, OnSale: len(reasons) == 0, OffReason: strings.Join(reasons, "；"),
		SKUs: []MemberSKU{}, Pictures: a.pictureViews(id), Papers: a.shownPapers(p)}
	for _, k := range a.skus[id] {
		if k.Status == "on" {
			d.SKUs = append(d.SKUs, MemberSKU{ID: k.ID, Spec: k.Spec, PriceFen: k.PriceFen, InStock: k.OnHand > 0, Left: left(k.OnHand)})
		}
	}
	return d, nil
}

// shownPapers are the licences and the certificate that make the product fit for sale today.
func (a around) shownPapers(p model.Product) []CertificateView {
	list := []CertificateView{}
	for _, key := range []paperKey{{p.SupplierID, p.ID, KindAssistanceProduct}, {p.SupplierID, 0, KindBusinessLicence}, {p.SupplierID, 0, KindFoodLicence}} {
		for _, c := range a.papers[key] {
			if v := certificateView(c, a.today); v.Validity == ValidityValid {
				v.FileID = nil // the scan is for the console
				list = append(list, v)
			}
		}
	}
	return list
}

// ProductFilters are the values by which members can narrow the list: those of products that can be bought now.
type ProductFilters struct {
	Categories  []CategoryCount `json:"categories"`
	Regions     []RegionCount   `json:"regions"`
	MinPriceFen model.Fen       `json:"min_price_fen"`
	MaxPriceFen model.Fen       `json:"max_price_fen"`
}

// CategoryCount is a category with its number of products.
type CategoryCount struct {
	Category string `json:"category"`
	Count    int64  `json:"count"`
}

// RegionCount is a region with its number of products.
type RegionCount struct {
	ID          model.ID `json:"id"`
	Name        string   `json:"name"`
	Province    string   `json:"province"`
	Paired      bool     `json:"paired"`
	PairingNote string   `json:"pairing_note"`
	Count       int64    `json:"count"`
}

// Filters tells what the members' list can be narrowed by, in one pass over what is on sale: categories with most
// products first, paired regions first.
func (s *Service) Filters(ctx context.Context) (ProductFilters, error) {
	f := ProductFilters{Categories: []CategoryCount{}, Regions: []RegionCount{}}
	db := s.db.Read(ctx)
	var groups []struct {
		Category  string
		RegionID  model.ID
		N         int64
		Low, High model.Fen
	}
	q, err := onSale(db, s.db.Now())
	if err != nil {
		return f, err
	}
	err = q.Select("p.category, p.region_id, COUNT(*) AS n, MIN(p.min_price_fen) AS low, MAX(p.min_price_fen) AS high").
		Group("p.category, p.region_id").Scan(&groups).Error
	if err != nil {
		return f, err
	}
	categories, regions := map[string]int64{}, map[model.ID]int64{}
	for _, g := range groups {
		categories[g.Category] += g.N
		regions[g.RegionID] += g.N
		if f.MinPriceFen == 0 || g.Low < f.MinPriceFen {
			f.MinPriceFen = g.Low
		}
		f.MaxPriceFen = max(f.MaxPriceFen, g.High)
	}
	for category, n := range categories {
		f.Categories = append(f.Categories, CategoryCount{category, n})
	}
	slices.SortFunc(f.Categories, func(a, b CategoryCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Category, b.Category))
	})
	var rows []model.Region
	if err := db.Where("id IN ?", slices.Collect(maps.Keys(regions))).Order("paired DESC, province, name").Find(&rows).Error; err != nil {
		return f, err
	}
	for _, r := range rows {
		f.Regions = append(f.Regions, RegionCount{ID: r.ID, Name: r.Name, Province: r.Province, Paired: r.Paired, PairingNote: r.PairingNote, Count: regions[r.ID]})
	}
	return f, nil
}
