package shop

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// phoneContext is where a supplier's telephone number lives, for sealing.
const phoneContext = "suppliers.contact_phone"

// SupplierView is a supplier as the console shows it, its telephone number masked.
type SupplierView struct {
	ID            model.ID  `json:"id"`
	Name          string    `json:"name"`
	CreditCode    string    `json:"credit_code"`
	Contact       string    `json:"contact"`
	ContactPhone  string    `json:"contact_phone"` // masked
	Status        string    `json:"status"`
	SuspendReason string    `json:"suspend_reason"`
	Problems      []string  `json:"problems"` // why its products cannot be sold today
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
}

// supplierView shows a supplier; p holds its licences.
func (s *Service) supplierView(r model.Supplier, p papers) (SupplierView, error) {
	phone, err := s.sealer.Open(r.ContactPhoneSealed, phoneContext)
	if err != nil {
		return SupplierView{}, err
	}
	problems := p.supplierProblems(r.ID, model.DateOf(s.db.Now()))
	if r.Status != "active" {
		problems = append([]string{"供应商已暂停供货：" + r.SuspendReason}, problems...)
	}
	return SupplierView{ID: r.ID, Name: r.Name, CreditCode: r.CreditCode, Contact: r.Contact, ContactPhone: model.MaskPhone(phone), Status: r.Status,
		SuspendReason: r.SuspendReason, Problems: orEmpty(problems), CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}, nil
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// SupplierFilter narrows a list of suppliers; zero values do not.
type SupplierFilter struct{ Status, Query string }

// Suppliers lists the suppliers that the actor may see: a supplier's own account sees itself.
func (s *Service) Suppliers(ctx context.Context, actor model.Actor, f SupplierFilter, page model.Page) (model.List[SupplierView], error) {
	db := s.db.Read(ctx)
	q := db.Where("id > ?", page.Cursor)
	if actor.Supplier != 0 {
		q = q.Where("id = ?", actor.Supplier)
	}
	if f.Status != "" {
		q = q.Where("status = ?", f.Status)
	}
	if f.Query != "" {
		q = q.Where("(name LIKE ? ESCAPE '!' OR credit_code = ?)", "%"+likeText(f.Query)+"%", strings.ToUpper(f.Query))
	}
	none := model.List[SupplierView]{}
	var rows []model.Supplier
	if err := q.Order("id").Limit(page.Limit + 1).Find(&rows).Error; err != nil {
		return none, err
	}
	ids := make([]model.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	papers, err := loadPapers(db, ids, nil)
	if err != nil {
		return none, err
	}
	var bad error
	list := model.NewList(rows, page, func(r model.Supplier) model.ID { return r.ID }, func(r model.Supplier) SupplierView {
		v, err := s.supplierView(r, papers)
		bad = errors.Join(bad, err)
		return v
	})
	return list, bad
}

// Supplier shows one supplier.
func (s *Service) Supplier(ctx context.Context, id model.ID) (SupplierView, error) {
	return s.showSupplier(s.db.Read(ctx), id)
}

func (s *Service) showSupplier(tx *gorm.DB, id model.ID) (SupplierView, error) {
	var r model.Supplier
	err := tx.Take(&r, id).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return SupplierView{}, model.NotFound("供应商")
	}
	if err != nil {
		return SupplierView{}, err
	}
	papers, err := loadPapers(tx, []model.ID{id}, nil)
	if err != nil {
		return SupplierView{}, err
	}
	return s.supplierView(r, papers)
}

// NewSupplier is a supplier to be entered.
type NewSupplier struct {
	Name         string `json:"name"`
	CreditCode   string `json:"credit_code"`
	Contact      string `json:"contact"`
	ContactPhone string `json:"contact_phone"`
}

var contactPhone = regexp.MustCompile(`^[0-9]{3,4}-?[0-9]{7,8}$`)

// check trims and checks the input and seals the telephone number.
func (s *Service) checkSupplier(r *model.Supplier, phone *string) error {
	var w wrong
	var ok bool
	r.Name = w.text("name", "供应商名称", r.Name, 2, 120)
	if r.CreditCode, ok = CreditCode(r.CreditCode); !ok {
		w.add("credit_code", "统一社会信用代码不正确：应为 18 位，且校验码相符")
	}
	r.Contact = w.text("contact", "联系人", r.Contact, 2, 60)
	if phone != nil {
		number := strings.TrimSpace(*phone)
		if !contactPhone.MatchString(number) {
			w.add("contact_phone", "联系电话不正确：应为手机号，或带区号的座机号")
		}
		sealed, err := s.sealer.Seal(number, phoneContext)
		if err != nil {
			return err
		}
		r.ContactPhoneSealed = sealed
	}
	return w.err()
}

// CreateSupplier enters a supplier; CodeConflict when its 统一社会信用代码 is registered already.
func (s *Service) CreateSupplier(ctx context.Context, actor model.Actor, in NewSupplier) (SupplierView, error) {
	now := s.db.Now()
	r := model.Supplier{ID: s.db.NewID(), Name: in.Name, CreditCode: in.CreditCode, Contact: in.Contact, Status: "active", CreatedAt: now, UpdatedAt: now}
	if err := s.checkSupplier(&r, &in.ContactPhone); err != nil {
		return SupplierView{}, err
	}
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		return s.db.Audit(tx, actor, now, "supplier.create", "supplier:"+r.ID.String(), 0, map[string]any{"name": r.Name, "credit_code": r.CreditCode})
	})
	if err != nil {
		return SupplierView{}, supplierTaken(err)
	}
	return s.Supplier(ctx, r.ID)
}

func supplierTaken(err error) error {
	if model.Duplicate(err) {
		return model.E(model.CodeConflict, "该统一社会信用代码的供应商已经登记")
	}
	return err
}

// SupplierPatch is an edit of a supplier; nil leaves a field as it is.
type SupplierPatch struct {
	Name         *string `json:"name"`
	CreditCode   *string `json:"credit_code"`
	Contact      *string `json:"contact"`
	ContactPhone *string `json:"contact_phone"`
}

// UpdateSupplier edits a supplier.
func (s *Service) UpdateSupplier(ctx context.Context, actor model.Actor, id model.ID, p SupplierPatch) (SupplierView, error) {
	if p == (SupplierPatch{}) {
		return SupplierView{}, errNothing()
	}
	var view SupplierView
	err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		var r model.Supplier
		if err := lock(tx, &r, id, "供应商"); err != nil {
			return err
		}
		old := r
		assign(&r.Name, p.Name)
		assign(&r.CreditCode, p.CreditCode)
		assign(&r.Contact, p.Contact)
		if err := s.checkSupplier(&r, p.ContactPhone); err != nil {
			return err
		}
		ch := newChanges()
		ch.set("name", old.Name, r.Name)
		ch.set("credit_code", old.CreditCode, r.CreditCode)
		if r.Contact != old.Contact { // a person's name and number: the trail says only that they changed
			ch.columns["contact"], ch.detail["contact"] = r.Contact, "changed"
		}
		if p.ContactPhone != nil {
			ch.columns["contact_phone_sealed"], ch.detail["contact_phone"] = r.ContactPhoneSealed, "changed"
		}
		if err := s.save(tx, actor, ch, &r, "supplier", r.ID, &r.UpdatedAt); err != nil {
			return err
		}
		view, err = s.showSupplier(tx, id)
		return err
	})
	return view, supplierTaken(err)
}

// SuspendSupplier takes all products of a supplier off sale at once; CodeConflict when it is suspended already.
func (s *Service) SuspendSupplier(ctx context.Context, actor model.Actor, id model.ID, reason string) (SupplierView, error) {
	reason, err := reasonOf(reason)
	if err != nil {
		return SupplierView{}, err
	}
	return s.turnSupplier(ctx, actor, id, "active", "suspended", reason)
}

// ResumeSupplier undoes SuspendSupplier.
func (s *Service) ResumeSupplier(ctx context.Context, actor model.Actor, id model.ID) (SupplierView, error) {
	return s.turnSupplier(ctx, actor, id, "suspended", "active", "")
}

func (s *Service) turnSupplier(ctx context.Context, actor model.Actor, id model.ID, from, to, reason string) (SupplierView, error) {
	var view SupplierView
	err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		now := s.db.Now()
		res := tx.Model(&model.Supplier{}).Where("id = ? AND status = ?", id, from).
			UpdateColumns(map[string]any{"status": to, "suspend_reason": reason, "updated_at": now})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			if to == "active" {
				return model.E(model.CodeConflict, "供应商没有被暂停供货")
			}
			return model.E(model.CodeConflict, "供应商已经暂停供货")
		}
		if err := s.db.Audit(tx, actor, now, "supplier."+to, "supplier:"+id.String(), 0, map[string]any{"reason": reason}); err != nil {
			return err
		}
		view, err = s.showSupplier(tx, id)
		return err
	})
	return view, err
}
