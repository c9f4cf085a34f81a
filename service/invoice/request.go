package invoice

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/shop"
)

// title is to whom an invoice is made out.
type title struct{ kind, text, taxNo string }

// clean trims a title and checks the tax number: of a unit its 统一社会信用代码 (GB 32100-2015), of a person none.
func (t title) clean() (title, error) {
	var err error
	if t.text, err = text("title", "发票抬头", t.text, 120); err != nil {
		return t, err
	}
	if t.kind == titlePersonal {
		if t.taxNo != "" {
			return t, model.Invalid("tax_no", "个人抬头不填税号")
		}
		return t, nil
	}
	code, ok := shop.CreditCode(t.taxNo)
	if !ok {
		return t, model.Invalid("tax_no", "单位抬头须填 18 位统一社会信用代码，且校验码相符")
	}
	t.taxNo = code
	return t, nil
}

// MemberInput is a member's request for one supplier's part of an order.
type MemberInput struct {
	SupplierID model.ID `json:"supplier_id" check:"required"`
	TitleKind  string   `json:"title_kind" check:"required,oneof=personal unit"`
	Title      string   `json:"title" check:"required,max=120"`
	TaxNo      string   `json:"tax_no" check:"max=40"`
}

// UnionInput is a union's request for orders that its money paid; its title is a unit's.
type UnionInput struct {
	SupplierID model.ID   `json:"supplier_id" check:"required"`
	OrderIDs   []model.ID `json:"order_ids" check:"min=1,max=200,unique"`
	Title      string     `json:"title" check:"required,max=120"`
	TaxNo      string     `json:"tax_no" check:"required,max=40"`
}

// RequestByMember asks a supplier for an invoice for what the member's order paid it, net of refunds. Errors: CodeInvalid;
// CodeConflict if the order is not paid, nothing is left of it, or it was asked for before.
func (s *Service) RequestByMember(ctx context.Context, actor model.Actor, order model.ID, in MemberInput) (View, error) {
	mine := func(q *gorm.DB) *gorm.DB { return q.Where("person_id = ?", actor.ID) }
	return s.request(ctx, actor, title{in.TitleKind, in.Title, in.TaxNo}, model.InvoiceRequest{SupplierID: in.SupplierID, PersonID: actor.ID}, []model.ID{order}, mine)
}

// RequestByUnion is RequestByMember for a union and several orders, which its money alone must have paid.
func (s *Service) RequestByUnion(ctx context.Context, actor model.Actor, union model.ID, in UnionInput) (View, error) {
	ours := func(q *gorm.DB) *gorm.DB { return q.Where("union_id = ? AND wechat_fen = 0", union) }
	return s.request(ctx, actor, title{titleUnit, in.Title, in.TaxNo}, model.InvoiceRequest{SupplierID: in.SupplierID}, in.OrderIDs, ours)
}

func (s *Service) request(ctx context.Context, actor model.Actor, to title, r model.InvoiceRequest, orders []model.ID, own func(*gorm.DB) *gorm.DB) (view View, err error) {
	if to, err = to.clean(); err != nil {
		return view, err
	}
	slices.Sort(orders)
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		var found []model.Order
		if err := own(tx.Where("id IN ?", orders)).Order("id").Find(&found).Error; err != nil {
			return err
		}
		if len(found) != len(orders) {
			return model.Invalid("order_ids", "有订单不存在，或不是由本单位经费全额支付，不能由本单位申请发票")
		}
		left, err := nets(tx, r.SupplierID, orders)
		if err != nil {
			return err
		}
		r.ID, r.UnionID, r.TitleKind, r.Title, r.TaxNo, r.AmountFen = s.db.NewID(), found[0].UnionID, to.kind, to.text, to.taxNo, 0
		r.Status, r.RequestedBy, r.RequestedAt, r.UpdatedAt = requested, actor.Ref(), now, now
		rows := make([]model.InvoiceRequestOrder, len(found))
		for i, o := range found {
			if left[o.ID] <= 0 {
				return model.E(model.CodeConflict, "订单 %s 没有向该供应商付款，或已全部退款，不能开票", o.OrderNo)
			}
			rows[i] = model.InvoiceRequestOrder{RequestID: r.ID, OrderID: o.ID, SupplierID: r.SupplierID, LiveOrderID: &found[i].ID, AmountFen: left[o.ID]}
			r.AmountFen += left[o.ID]
		}
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		if err := tx.CreateInBatches(&rows, s.db.BatchRows()).Error; err != nil {
			if model.Duplicate(err) {
				err = model.E(model.CodeConflict, "订单已经申请过这个供应商的发票，不能重复申请")
			}
			return err
		}
		detail := map[string]any{"supplier": r.SupplierID, "orders": len(rows), "amount_fen": r.AmountFen}
		if err := s.db.Audit(tx, actor, now, "invoice.request", object(r.ID), r.UnionID, detail); err != nil {
			return err
		}
		view, err = read(tx, r.ID, false)
		return err
	})
	return view, err
}

// Cancel takes back a request that was not answered yet: a member their own, a union its own. Errors: CodeConflict once it was
// answered, or for a union that would cancel a member's.
func (s *Service) Cancel(ctx context.Context, actor model.Actor, id model.ID) (view View, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		r, err := lockRequest(tx, id)
		if err != nil {
			return err
		}
		if actor.Kind == model.ActorStaff && r.PersonID != 0 {
			return model.E(model.CodeConflict, "会员本人的开票申请只能由本人取消")
		}
		if err := move(tx, id, requested, map[string]any{"status": cancelled, "updated_at": now}); err != nil {
			return err
		}
		if err := free(tx, id); err != nil {
			return err
		}
		if err := s.db.Audit(tx, actor, now, "invoice.cancel", object(id), r.UnionID, nil); err != nil {
			return err
		}
		view, err = read(tx, id, false)
		return err
	})
	return view, err
}

// Reject refuses a request with a reason; the orders may be asked for again. Errors: CodeInvalid without a reason; CodeConflict.
func (s *Service) Reject(ctx context.Context, actor model.Actor, id model.ID, reason string) (view View, err error) {
	if reason, err = text("reason", "原因", reason, 200); err != nil {
		return view, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		now := s.db.Now()
		r, err := lockRequest(tx, id)
		if err != nil {
			return err
		}
		set := map[string]any{"status": rejected, "reason": reason, "decided_by": actor.ID, "decided_at": now, "updated_at": now}
		if err := move(tx, id, requested, set); err != nil {
			return err
		}
		if err := free(tx, id); err != nil {
			return err
		}
		if err := s.db.Audit(tx, actor, now, "invoice.reject", object(id), r.UnionID, map[string]any{"reason": reason}); err != nil {
			return err
		}
		view, err = read(tx, id, false)
		return err
	})
	return view, err
}
