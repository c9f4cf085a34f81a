package shop

import (
	"gorm.io/gorm"

	"bangfu/model"
)

// Kinds of certificates.
const (
	KindBusinessLicence   = "business_licence"   // 营业执照, the supplier's
	KindFoodLicence       = "food_licence"       // 食品经营许可证, the supplier's
	KindAssistanceProduct = "assistance_product" // 消费帮扶产品认定, the product's
)

// LongTerm is the last day of a certificate that is valid without end (长期).
const LongTerm model.Date = "9999-12-31"

// certificateNames are what people call each kind.
var certificateNames = map[string]string{
	KindBusinessLicence: "营业执照", KindFoodLicence: "食品经营许可证", KindAssistanceProduct: "消费帮扶产品认定",
}

// paperKey says whose certificate of which kind: product 0 means the supplier's own.
type paperKey struct {
	supplier, product model.ID
	kind              string
}

// papers are the certificates in force, expired or to come, without withdrawn ones.
type papers map[paperKey][]model.Certificate

// loadPapers reads the licences of the suppliers and the certificates of the products.
func loadPapers(tx *gorm.DB, suppliers, products []model.ID) (papers, error) {
	if len(suppliers) == 0 {
		return papers{}, nil
	}
	q := tx.Where("supplier_id IN ? AND status = 'active'", suppliers)
	if len(products) > 0 {
		q = q.Where("(product_id IS NULL OR product_id IN ?)", products)
	} else {
		q = q.Where("product_id IS NULL")
	}
	var rows []model.Certificate
	if err := q.Order("id").Find(&rows).Error; err != nil {
		return nil, err
	}
	p := papers{}
	for _, c := range rows {
		p.add(c)
	}
	return p, nil
}

func (p papers) add(c model.Certificate) {
	key := paperKey{supplier: c.SupplierID, kind: c.Kind}
	if c.ProductID != nil {
		key.product = *c.ProductID
	}
	p[key] = append(p[key], c)
}

// supplierProblems says in Chinese what keeps the supplier from selling on the day; empty: nothing.
func (p papers) supplierProblems(supplier model.ID, today model.Date) []string {
	return dropEmpty(
		p.problem(paperKey{supplier: supplier, kind: KindBusinessLicence}, today),
		p.problem(paperKey{supplier: supplier, kind: KindFoodLicence}, today),
	)
}

// productProblems is supplierProblems and what is wrong with the product's own certificate.
func (p papers) productProblems(supplier, product model.ID, today model.Date) []string {
	own := p.problem(paperKey{supplier: supplier, product: product, kind: KindAssistanceProduct}, today)
	return append(p.supplierProblems(supplier, today), dropEmpty(own)...)
}

// problem is empty when one of the certificates is valid on the day, both ends included.
func (p papers) problem(key paperKey, today model.Date) string {
	name := certificateNames[key.kind]
	var ended, begins model.Date
	for _, c := range p[key] {
		switch {
		case c.ValidFrom > today:
			if begins == "" || c.ValidFrom < begins {
				begins = c.ValidFrom
			}
		case c.ValidUntil < today:
			ended = max(ended, c.ValidUntil)
		default:
			return ""
		}
	}
	switch {
	case begins != "":
		return name + "自" + day(begins) + "起才有效"
	case ended != "":
		return name + "已于" + day(ended) + "到期"
	}
	return "缺少" + name
}

// day writes a date as people read it: 2025年3月3日.
func day(d model.Date) string { return d.Start().In(model.China).Format("2006年1月2日") }

func dropEmpty(texts ...string) []string {
	var kept []string
	for _, t := range texts {
		if t != "" {
			kept = append(kept, t)
		}
	}
	return kept
}
