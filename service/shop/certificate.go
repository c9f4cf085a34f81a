package shop

import (
	"context"
	"errors"
	"io"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/files"
)

// What a certificate is worth on a day.
const (
	ValidityValid     = "valid"
	ValidityNotYet    = "not_yet"
	ValidityExpired   = "expired"
	ValidityWithdrawn = "withdrawn"
)

// CertificateView is a certificate as the console shows it.
type CertificateView struct {
	ID         model.ID   `json:"id"`
	SupplierID model.ID   `json:"supplier_id"`
	ProductID  *model.ID  `json:"product_id"` // null: the supplier's own licence
	Kind       string     `json:"kind"`
	KindName   string     `json:"kind_name"`
	Number     string     `json:"number"`
	Issuer     string     `json:"issuer"`
	ValidFrom  model.Date `json:"valid_from"`
	ValidUntil model.Date `json:"valid_until"` // its last day; 9999-12-31: 长期
	Validity   string     `json:"validity"`    // today: valid | not_yet | expired | withdrawn
	FileID     *model.ID  `json:"file_id"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
}

func certificateView(c model.Certificate, today model.Date) CertificateView {
	return CertificateView{ID: c.ID, SupplierID: c.SupplierID, ProductID: c.ProductID, Kind: c.Kind, KindName: certificateNames[c.Kind], Number: c.Number,
		Issuer: c.Issuer, ValidFrom: c.ValidFrom, ValidUntil: c.ValidUntil, Validity: validity(c, today), FileID: c.FileID, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
}

func validity(c model.Certificate, today model.Date) string {
	switch {
	case c.Status != "active":
		return ValidityWithdrawn
	case c.ValidFrom > today:
		return ValidityNotYet
	case c.ValidUntil < today:
		return ValidityExpired
	}
	return ValidityValid
}

// Certificates lists all licences of a supplier and certificates of its products, withdrawn and expired ones too, the
// newest first.
func (s *Service) Certificates(ctx context.Context, supplier model.ID, page model.Page) (model.List[CertificateView], error) {
	q := s.db.Read(ctx).Where("supplier_id = ?", supplier)
	if page.Cursor != 0 {
		q = q.Where("id < ?", page.Cursor)
	}
	var rows []model.Certificate
	if err := q.Order("id DESC").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return model.List[CertificateView]{}, err
	}
	today := model.DateOf(s.db.Now())
	return model.NewList(rows, page, func(c model.Certificate) model.ID { return c.ID }, func(c model.Certificate) CertificateView { return certificateView(c, today) }), nil
}

// NewCertificate is a licence or certificate to be entered.
type NewCertificate struct {
	Kind       string    `json:"kind"`
	ProductID  *model.ID `json:"product_id"` // of assistance_product, and only of it
	Number     string    `json:"number"`
	Issuer     string    `json:"issuer"`
	ValidFrom  string    `json:"valid_from"`
	ValidUntil string    `json:"valid_until"` // 9999-12-31: 长期
	FileID     *model.ID `json:"file_id"`     // the scan, see SaveScan
}

// AddCertificate enters a licence of the supplier or a certificate of one of its products. Several may overlap: one that
// is valid on the day is enough. CodeConflict when the same number is entered already.
func (s *Service) AddCertificate(ctx context.Context, actor model.Actor, supplier model.ID, in NewCertificate) (CertificateView, error) {
	now := s.db.Now()
	c := model.Certificate{ID: s.db.NewID(), SupplierID: supplier, ProductID: in.ProductID, Kind: in.Kind, Number: in.Number, Issuer: in.Issuer,
		FileID: in.FileID, Status: "active", CreatedAt: now, UpdatedAt: now}
	if err := checkCertificate(&c, in); err != nil {
		return CertificateView{}, err
	}
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := lock(tx, &model.Supplier{}, supplier, "供应商"); err != nil { // one number is entered once
			return err
		}
		if err := checkBelongings(tx, c); err != nil {
			return err
		}
		if err := tx.Create(&c).Error; err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "certificate.create", "certificate:"+c.ID.String(), 0, map[string]any{"supplier_id": supplier, "product_id": c.ProductID,
			"kind": c.Kind, "number": c.Number, "valid_from": c.ValidFrom, "valid_until": c.ValidUntil})
	})
	return certificateView(c, model.DateOf(now)), err
}

func checkCertificate(c *model.Certificate, in NewCertificate) error {
	var w wrong
	if certificateNames[c.Kind] == "" {
		w.add("kind", "证照种类应为 business_licence（营业执照）、food_licence（食品经营许可证）或 assistance_product（消费帮扶产品认定）")
	}
	if (c.Kind == KindAssistanceProduct) != (c.ProductID != nil) {
		w.add("product_id", "消费帮扶产品认定须指明商品，供应商自己的证照不能指明商品")
	}
	c.Number = w.text("number", "证照编号", c.Number, 2, 80)
	c.Issuer = w.text("issuer", "发证机关", c.Issuer, 2, 120)
	for _, d := range []struct {
		field, text string
		into        *model.Date
	}{{"valid_from", in.ValidFrom, &c.ValidFrom}, {"valid_until", in.ValidUntil, &c.ValidUntil}} {
		parsed, err := model.ParseDate(d.field, d.text)
		var e *model.Error
		if errors.As(err, &e) {
			w.add(d.field, e.Message)
		}
		*d.into = parsed
	}
	if len(w.fields) == 0 && c.ValidUntil < c.ValidFrom {
		w.add("valid_until", "有效期的止日早于起日")
	}
	return w.err()
}

// checkBelongings wants product and file to be the supplier's, and the number to be new.
func checkBelongings(tx *gorm.DB, c model.Certificate) error {
	var n int64
	if c.ProductID != nil {
		if err := tx.Model(&model.Product{}).Where("id = ? AND supplier_id = ?", *c.ProductID, c.SupplierID).Count(&n).Error; err != nil {
			return err
		}
		if n == 0 {
			return model.Invalid("product_id", "这不是该供应商的商品")
		}
	}
	if c.FileID != nil {
		if err := tx.Model(&model.File{}).Where("id = ? AND supplier_id = ? AND kind = ?", *c.FileID, c.SupplierID, files.KindCertificate).Count(&n).Error; err != nil {
			return err
		}
		if n == 0 {
			return model.Invalid("file_id", "没有这个扫描件，请先上传")
		}
	}
	same := tx.Model(&model.Certificate{}).Where("supplier_id = ? AND kind = ? AND number = ? AND status = 'active'", c.SupplierID, c.Kind, c.Number)
	if c.ProductID != nil { // one document may certify several products
		same = same.Where("product_id = ?", *c.ProductID)
	}
	if err := same.Count(&n).Error; err != nil {
		return err
	}
	if n > 0 {
		return model.E(model.CodeConflict, "编号为“%s”的%s已经登记", c.Number, certificateNames[c.Kind])
	}
	return nil
}

// WithdrawCertificate ends a certificate now, for the reason given; CodeConflict when it is withdrawn already.
func (s *Service) WithdrawCertificate(ctx context.Context, actor model.Actor, id model.ID, reason string) (CertificateView, error) {
	reason, err := reasonOf(reason)
	if err != nil {
		return CertificateView{}, err
	}
	var c model.Certificate
	now := s.db.Now()
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		res := tx.Model(&model.Certificate{}).Where("id = ? AND status = 'active'", id).UpdateColumns(map[string]any{"status": "withdrawn", "updated_at": now})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return model.E(model.CodeConflict, "该证照已经撤销")
		}
		c = model.Certificate{}
		if err := tx.Take(&c, id).Error; err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "certificate.withdraw", "certificate:"+id.String(), 0, map[string]any{"reason": reason, "kind": c.Kind, "number": c.Number})
	})
	return certificateView(c, model.DateOf(now)), err
}

// SaveScan keeps the scan of a licence or certificate of a supplier: PDF, JPEG or PNG, judged by content.
func (s *Service) SaveScan(ctx context.Context, actor model.Actor, supplier model.ID, name string, r io.Reader) (files.FileView, error) {
	data, contentType, err := files.Document(r)
	if err != nil {
		return files.FileView{}, err
	}
	return s.saveFile(ctx, actor, files.NewFile{Kind: files.KindCertificate, Name: name, ContentType: contentType, SupplierID: supplier}, data)
}
