package shop

import (
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// SaleItem is one SKU as it may be sold now, priced by the database.
type SaleItem struct {
	SKUID, ProductID, SupplierID, RegionID model.ID
	Name                                   string // product
	Spec                                   string
	SupplierName                           string
	PriceFen                               model.Fen
	// OffReason says in Chinese why it cannot be sold now, all reasons in one text; "" if it can.
	OffReason string
}

// saleRow is what the database knows of a SKU, all parts together.
type saleRow struct {
	SKUID          model.ID  `gorm:"column:sku_id"`
	SKUStatus      string    `gorm:"column:sku_status"`
	Spec           string    `gorm:"column:spec"`
	PriceFen       model.Fen `gorm:"column:price_fen"`
	ProductID      model.ID  `gorm:"column:product_id"`
	Name           string    `gorm:"column:name"`
	RegionID       model.ID  `gorm:"column:region_id"`
	ProductStatus  string    `gorm:"column:product_status"`
	OffReason      string    `gorm:"column:off_reason"`
	SupplierID     model.ID  `gorm:"column:supplier_id"`
	SupplierName   string    `gorm:"column:supplier_name"`
	SupplierStatus string    `gorm:"column:supplier_status"`
}

// ForSale reads SKUs as they may be sold at now, in two queries. A SKU that does not exist is not in the answer.
// Validity of licences and certificates is judged by the day in China, so no job has to run for them to end. It locks
// nothing; in a transaction, read after the locks were taken.
func ForSale(tx *gorm.DB, skus []model.ID, now time.Time) (map[model.ID]SaleItem, error) {
	items := make(map[model.ID]SaleItem, len(skus))
	if len(skus) == 0 {
		return items, nil
	}
	var rows []saleRow
	err := tx.Raw(`SELECT k.id AS sku_id, k.status AS sku_status, k.spec, k.price_fen, p.id AS product_id, p.name, p.region_id,
		p.status AS product_status, p.off_reason, s.id AS supplier_id, s.name AS supplier_name, s.status AS supplier_status
		FROM skus k JOIN products p ON p.id = k.product_id JOIN suppliers s ON s.id = p.supplier_id WHERE k.id IN ?`, skus).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	var suppliers, products []model.ID
	for _, r := range rows {
		suppliers, products = append(suppliers, r.SupplierID), append(products, r.ProductID)
	}
	papers, err := loadPapers(tx, unique(suppliers), unique(products))
	if err != nil {
		return nil, err
	}
	today := model.DateOf(now)
	for _, r := range rows {
		reasons := offReasons(r.ProductStatus, r.OffReason, r.SupplierStatus)
		reasons = append(reasons, papers.productProblems(r.SupplierID, r.ProductID, today)...)
		if r.SKUStatus != "on" {
			reasons = append(reasons, "该规格已停售")
		}
		items[r.SKUID] = SaleItem{
			SKUID: r.SKUID, ProductID: r.ProductID, SupplierID: r.SupplierID, RegionID: r.RegionID, Name: r.Name, Spec: r.Spec,
			SupplierName: r.SupplierName, PriceFen: r.PriceFen, OffReason: strings.Join(reasons, "；"),
		}
	}
	return items, nil
}

// SupplierProblems says in Chinese why nothing of a supplier can be sold at now; empty: it can.
func SupplierProblems(tx *gorm.DB, supplier model.ID, now time.Time) ([]string, error) {
	var r model.Supplier
	if err := tx.Where("id = ?", supplier).Take(&r).Error; err != nil {
		return nil, err
	}
	p, err := loadPapers(tx, []model.ID{supplier}, nil)
	if err != nil {
		return nil, err
	}
	return append(offReasons("on", "", r.Status), p.supplierProblems(supplier, model.DateOf(now))...), nil
}

// offReasons says what the states of the product and its supplier keep from being sold.
func offReasons(productStatus, offReason, supplierStatus string) []string {
	var reasons []string
	switch productStatus {
	case "on":
	case "off":
		reasons = append(reasons, "商品已下架："+offReason)
	default:
		reasons = append(reasons, "商品尚未上架")
	}
	if supplierStatus != "active" {
		reasons = append(reasons, "供应商已暂停供货")
	}
	return reasons
}

func unique(ids []model.ID) []model.ID {
	seen := make(map[model.ID]bool, len(ids))
	var kept []model.ID
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			kept = append(kept, id)
		}
	}
	return kept
}
