package shop

import (
	"database/sql"
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
	OnHand                                 int64 // as it was committed last; nothing keeps it so
	// OffReason says in Chinese why it cannot be sold now, all reasons in one text; "" if it can.
	OffReason string
}

// saleRow is what the database knows of a SKU, all parts together.
type saleRow struct {
	SKUID, ProductID, RegionID, SupplierID   model.ID
	SKUStatus, ProductStatus, SupplierStatus string
	Name, Spec, OffReason, SupplierName      string
	PriceFen                                 model.Fen
	OnHand                                   int64
}

// ForSale reads SKUs as they may be sold at now. A SKU that does not exist is not in the answer.
// Validity of licences and certificates is judged by the day in China, so no job has to run for them to end. It locks
// nothing; in a transaction, read after the locks were taken.
func ForSale(tx *gorm.DB, skus []model.ID, now time.Time) (map[model.ID]SaleItem, error) {
	if len(skus) == 0 {
		return map[model.ID]SaleItem{}, nil
	}
	o := NewOffer(skus)
	if err := model.Ask(tx, o.Question()); err != nil {
		return nil, err
	}
	return o.Items(now), nil
}

// Offer is SKUs on their way to becoming SaleItems: what the database says of them, and of the papers that they need.
type Offer struct {
	skus   []any
	rows   map[model.ID]saleRow // by SKU
	papers papers
}

// NewOffer makes an offer of at least one SKU.
func NewOffer(skus []model.ID) *Offer {
	return &Offer{skus: model.Values(skus), rows: make(map[model.ID]saleRow, len(skus)), papers: papers{}}
}

// Question reads the offer; it locks nothing. It answers with a row for each paper of a SKU, and one for a SKU without any: one question
// costs the database less than two about the same rows.
func (o *Offer) Question() model.Question {
	return model.Question{
		SQL: `SELECT k.id, k.status, k.spec, k.price_fen, COALESCE(t.on_hand, 0), p.id, p.name, p.region_id, p.status, p.off_reason, s.id, s.name, s.status,
			c.id, c.supplier_id, c.product_id, c.kind, c.valid_from, c.valid_until FROM skus k JOIN products p ON p.id = k.product_id JOIN suppliers s ON s.id = p.supplier_id LEFT JOIN stocks t ON t.sku_id = k.id
			LEFT JOIN certificates c ON c.supplier_id = s.id AND c.status = 'active' AND (c.product_id IS NULL OR c.product_id = p.id) WHERE k.id IN ` + model.Marks(len(o.skus)),
		Args: o.skus,
		Row: func(rows *sql.Rows) error {
			var r saleRow
			var paper, supplier *model.ID
			var kind *string
			var c model.Certificate
			err := rows.Scan(&r.SKUID, &r.SKUStatus, &r.Spec, &r.PriceFen, &r.OnHand, &r.ProductID, &r.Name, &r.RegionID, &r.ProductStatus, &r.OffReason, &r.SupplierID, &r.SupplierName, &r.SupplierStatus,
				&paper, &supplier, &c.ProductID, &kind, &c.ValidFrom, &c.ValidUntil)
			o.rows[r.SKUID] = r
			if paper != nil {
				c.ID, c.SupplierID, c.Kind = *paper, *supplier, *kind
				o.papers.add(c)
			}
			return err
		},
	}
}

// Items judges the offer by the day of now, by SKU.
func (o *Offer) Items(now time.Time) map[model.ID]SaleItem {
	today := model.DateOf(now)
	items := make(map[model.ID]SaleItem, len(o.rows))
	for _, r := range o.rows {
		reasons := offReasons(r.ProductStatus, r.OffReason, r.SupplierStatus)
		reasons = append(reasons, o.papers.productProblems(r.SupplierID, r.ProductID, today)...)
		if r.SKUStatus != "on" {
			reasons = append(reasons, "该规格已停售")
		}
		items[r.SKUID] = SaleItem{
			SKUID: r.SKUID, ProductID: r.ProductID, SupplierID: r.SupplierID, RegionID: r.RegionID, Name: r.Name, Spec: r.Spec,
			SupplierName: r.SupplierName, PriceFen: r.PriceFen, OnHand: r.OnHand, OffReason: strings.Join(reasons, "；"),
		}
	}
	return items
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
