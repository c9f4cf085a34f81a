package shop

import (
	"context"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// RankingNote tells members the one rule by which a listing prefers products (湛工总〔2023〕25号).
const RankingNote = "同等条件下，对口帮扶支援合作地区的产品排在前面（湛工总〔2023〕25号）"

// The sorts of the members' list. Paired regions come first only among equals of the sort.
const (
	SortRelevance = "relevance" // name equal to the query, then beginning with it, then containing it
	SortPriceAsc  = "price_asc"
	SortPriceDesc = "price_desc"
	SortNewest    = "newest"
	SortSales     = "sales"
)

// sortOrder is how a sort reads: its column or alias, and whether it falls.
type sortOrder struct {
	column string
	falls  bool
}

var sortOrders = map[string]sortOrder{
	SortRelevance: {"class", false}, SortPriceAsc: {"p.min_price_fen", false}, SortPriceDesc: {"p.min_price_fen", true},
	SortNewest: {"p.created_at", true}, SortSales: {"p.sold_count", true},
}

// scarce is the stock below which members are told the number.
const scarce = 10

// Listing asks for one page of what members can buy now; zero values do not narrow.
type Listing struct {
	Query              string
	Category           string
	Region, Supplier   model.ID
	Paired, InStock    *bool
	MinPrice, MaxPrice model.Fen
	Sort               string // "": relevance
	Cursor             string
	Limit              int // 1 to model.MaxPage
}

// ListedProduct is a product in the members' list.
type ListedProduct struct {
	ID           model.ID  `json:"id"`
	Name         string    `json:"name"`
	Category     string    `json:"category"`
	RegionID     model.ID  `json:"region_id"`
	RegionName   string    `json:"region_name"`
	Province     string    `json:"province"`
	Paired       bool      `json:"paired"`
	PairingNote  string    `json:"pairing_note"` // why it comes first among equals; "" if not paired
	SupplierID   model.ID  `json:"supplier_id"`
	SupplierName string    `json:"supplier_name"`
	MinPriceFen  model.Fen `json:"min_price_fen"`
	MaxPriceFen  model.Fen `json:"max_price_fen"`
	SoldCount    int64     `json:"sold_count"`
	InStock      bool      `json:"in_stock"`
	Left         *int64    `json:"left"`        // how many are left, if fewer than 10
	PictureURL   *string   `json:"picture_url"` // the first picture
}

// ProductPage is one page of the members' list.
type ProductPage struct {
	Items       []ListedProduct `json:"items"`
	NextCursor  *string         `json:"next_cursor"`
	RankingNote string          `json:"ranking_note"`
}

// rankedProduct is a product's id and what it is ranked by; the rest is read for one page only.
type rankedProduct struct {
	ID          model.ID  `gorm:"column:id"`
	MinPriceFen model.Fen `gorm:"column:min_price_fen"`
	SoldCount   int64     `gorm:"column:sold_count"`
	CreatedAt   time.Time `gorm:"column:created_at"`
	Paired      int       `gorm:"column:paired"`
	Class       int64     `gorm:"column:class"`
}

func (r rankedProduct) place(sort string) place {
	p := place{Sort: sort, Paired: r.Paired, ID: r.ID}
	switch sort {
	case SortRelevance:
		p.Value = r.Class
	case SortPriceAsc, SortPriceDesc:
		p.Value = int64(r.MinPriceFen)
	case SortNewest:
		p.Value = r.CreatedAt.UnixMilli()
	case SortSales:
		p.Value = r.SoldCount
	}
	return p
}

// List is one page of the products that members can buy now.
func (s *Service) List(ctx context.Context, l Listing) (ProductPage, error) {
	page := ProductPage{Items: []ListedProduct{}, RankingNote: RankingNote}
	if l.Sort == "" {
		l.Sort = SortRelevance
	}
	order, ok := sortOrders[l.Sort]
	if !ok {
		return page, model.Invalid("sort", "排序方式不正确")
	}
	if l.MaxPrice != 0 && l.MinPrice > l.MaxPrice {
		return page, model.Invalid("max_price_fen", "最高价低于最低价")
	}
	items, err := s.fit(ctx, l, order)
	if len(items) > l.Limit {
		items = items[:l.Limit]
		next := items[l.Limit-1].place.cursor()
		page.NextCursor = &next
	}
	for _, i := range items {
		page.Items = append(page.Items, i.ListedProduct)
	}
	return page, err
}

// placedProduct is a listed product and where it stands in the list.
type placedProduct struct {
	ListedProduct
	place place
}

// fit finds the first products of a listing that can be bought now, at least one more than its limit if there are so many. Nearly all that are on
// the shelf can; so the shelf is ranked without a look at papers, and these are checked for what is shown.
func (s *Service) fit(ctx context.Context, l Listing, order sortOrder) (found []placedProduct, err error) {
	db, now := s.db.Read(ctx), s.db.Now()
	for some := l.Limit + 1; ; some *= 4 {
		q, err := ranked(l.narrow(onShelf(db)), l, order)
		if err != nil {
			return nil, err
		}
		var rows []rankedProduct
		if err := q.Limit(some).Scan(&rows).Error; err != nil {
			return nil, err
		}
		products, err := productsInOrder(db, rows)
		if err != nil {
			return nil, err
		}
		a, err := loadAround(db, now, products)
		if err != nil {
			return nil, err
		}
		for _, p := range products {
			if len(a.offReasons(p)) == 0 {
				r := rows[slices.IndexFunc(rows, func(r rankedProduct) bool { return r.ID == p.ID })]
				found = append(found, placedProduct{a.listed(p), r.place(l.Sort)})
			}
		}
		if len(found) > l.Limit || len(rows) < some {
			return found, nil
		}
		l.Cursor = rows[len(rows)-1].place(l.Sort).cursor()
	}
}

// productsInOrder reads the ranked products, in their order.
func productsInOrder(db *gorm.DB, ranked []rankedProduct) ([]model.Product, error) {
	ids, at := make([]model.ID, len(ranked)), make(map[model.ID]int, len(ranked))
	for i, r := range ranked {
		ids[i], at[r.ID] = r.ID, i
	}
	var rows []model.Product
	if err := db.Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b model.Product) int { return at[a.ID] - at[b.ID] })
	return rows, nil
}

// onShelf are the products that stand on the shelf, with their regions; whether papers and supplier let them be bought is another matter.
func onShelf(db *gorm.DB) *gorm.DB {
	return db.Table("products p").Joins("JOIN regions r ON r.id = p.region_id").Where("p.status = 'on' AND p.min_price_fen > 0")
}

const validPaper = ` AND c.status = 'active' AND c.valid_from <= @today AND c.valid_until >= @today)`

// onSale are the products that can be bought at now: what around.offReasons says in Go, said in SQL. The suppliers who cannot sell are few, and
// looked for first.
func onSale(db *gorm.DB, now time.Time) (*gorm.DB, error) {
	today := map[string]any{"today": model.DateOf(now)}
	const licence = "NOT EXISTS (SELECT 1 FROM certificates c WHERE c.supplier_id = s.id AND c.product_id IS NULL AND c.kind = "
	var unfit []model.ID
	err := db.Raw("SELECT s.id FROM suppliers s WHERE s.status <> 'active' OR "+licence+"'"+KindBusinessLicence+"'"+validPaper+" OR "+licence+"'"+KindFoodLicence+"'"+validPaper, today).
		Scan(&unfit).Error
	q := onShelf(db).Where("EXISTS (SELECT 1 FROM certificates c WHERE c.supplier_id = p.supplier_id AND c.product_id = p.id AND c.kind = '"+KindAssistanceProduct+"'"+validPaper, today)
	if len(unfit) > 0 {
		q = q.Where("p.supplier_id NOT IN ?", unfit)
	}
	return q, err
}

// narrow applies the filters.
func (l Listing) narrow(q *gorm.DB) *gorm.DB {
	if l.Query != "" {
		q = q.Where("LOWER(p.name) LIKE ? ESCAPE '!'", "%"+likeText(l.lowerQuery())+"%")
	}
	if l.Category != "" {
		q = q.Where("p.category = ?", l.Category)
	}
	if l.Region != 0 {
		q = q.Where("p.region_id = ?", l.Region)
	}
	if l.Supplier != 0 {
		q = q.Where("p.supplier_id = ?", l.Supplier)
	}
	if l.Paired != nil {
		q = q.Where("r.paired = ?", *l.Paired)
	}
	if l.MinPrice != 0 {
		q = q.Where("p.min_price_fen >= ?", l.MinPrice)
	}
	if l.MaxPrice != 0 {
		q = q.Where("p.min_price_fen <= ?", l.MaxPrice)
	}
	if l.InStock != nil {
		stock := "EXISTS (SELECT 1 FROM skus k JOIN stocks t ON t.sku_id = k.id WHERE k.product_id = p.id AND k.status = 'on' AND t.on_hand > 0)"
		if !*l.InStock {
			stock = "NOT " + stock
		}
		q = q.Where(stock)
	}
	return q
}

func (l Listing) lowerQuery() string { return strings.ToLower(strings.TrimSpace(l.Query)) }

// ranked selects and orders: the sort's value, then paired regions first, then the newer product; and starts after the
// cursor.
func ranked(q *gorm.DB, l Listing, order sortOrder) (*gorm.DB, error) {
	class, classArgs := "0", []any{}
	if l.Query != "" {
		class = "CASE WHEN LOWER(p.name) = ? THEN 0 WHEN LOWER(p.name) LIKE ? ESCAPE '!' THEN 1 ELSE 2 END"
		classArgs = []any{l.lowerQuery(), likeText(l.lowerQuery()) + "%"}
	}
	direction, past := " ASC", " > ?"
	if order.falls {
		direction, past = " DESC", " < ?"
	}
	if l.Cursor != "" {
		p, err := readPlace(l.Cursor, l.Sort)
		if err != nil {
			return nil, err
		}
		column, args := order.column, []any{}
		if l.Sort == SortRelevance {
			column, args = "("+class+")", classArgs
		}
		var value any = p.Value
		if l.Sort == SortNewest {
			value = time.UnixMilli(p.Value).UTC()
		}
		after := column + past + " OR (" + column + " = ? AND (r.paired < ? OR (r.paired = ? AND p.id < ?)))"
		vars := append(append([]any{}, args...), value)
		vars = append(append(vars, args...), value, p.Paired, p.Paired, p.ID)
		q = q.Where("("+after+")", vars...)
	}
	return q.Select("p.id, p.min_price_fen, p.sold_count, p.created_at, r.paired AS paired, "+class+" AS class", classArgs...).
		Order(order.column + direction + ", r.paired DESC, p.id DESC"), nil
}

// listed shows a product on sale to members.
func (a around) listed(p model.Product) ListedProduct {
	region := a.regions[p.RegionID]
	v := ListedProduct{ID: p.ID, Name: p.Name, Category: p.Category, RegionID: p.RegionID, RegionName: region.Name, Province: region.Province,
		Paired: region.Paired, SupplierID: p.SupplierID, SupplierName: a.suppliers[p.SupplierID].Name, MinPriceFen: p.MinPriceFen, SoldCount: p.SoldCount}
	if region.Paired {
		v.PairingNote = region.PairingNote
	}
	var hand int64
	for _, k := range a.skus[p.ID] {
		if k.Status == "on" {
			hand += k.OnHand
			v.MaxPriceFen = max(v.MaxPriceFen, k.PriceFen)
		}
	}
	v.InStock, v.Left = hand > 0, left(hand)
	if list := a.pictures[p.ID]; len(list) > 0 {
		url := pictureURL(list[0].FileID)
		v.PictureURL = &url
	}
	return v
}

// left is the number to be told of a stock: only when few are left.
func left(hand int64) *int64 {
	if hand >= scarce {
		return nil
	}
	return &hand
}
