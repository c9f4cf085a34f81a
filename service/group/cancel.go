package group

import (
	"context"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/order"
)

// Cancel gives up a draft, at once; of a group purchase that is ordered it asks a second person to cancel the order (ApproveCancel).
// Errors: CodeConflict if it is over, if a parcel is on its way, or if it was asked for already.
func (s *Service) Cancel(ctx context.Context, actor model.Actor, id model.ID, reason string) (view View, err error) {
	if err := checkLine("reason", "原因", reason); err != nil {
		return View{}, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		p, err := find(tx, id)
		if err != nil {
			return err
		}
		if p.Status == StatusDraft {
			err = s.giveUp(tx, actor, p, reason)
		} else {
			err = s.askToCancel(tx, actor, p, reason)
		}
		if err != nil {
			return err
		}
		view, err = s.freshView(tx, id)
		return err
	})
	return view, err
}

func (s *Service) giveUp(tx *gorm.DB, actor model.Actor, p model.GroupPurchase, reason string) error {
	now := s.db.Now()
	set := map[string]any{"status": StatusCancelled, "cancel_asked_by": actor.ID, "cancel_asked_at": now, "cancel_reason": reason, "updated_at": now}
	if err := move(tx, p, StatusDraft, "取消", set); err != nil {
		return err
	}
	return s.db.Audit(tx, actor, now, "group.cancel", object(p.ID), p.UnionID, map[string]any{"was": p.Status, "reason": reason})
}

func (s *Service) askToCancel(tx *gorm.DB, actor model.Actor, p model.GroupPurchase, reason string) error {
	if p.Status != StatusOrdered {
		return notInState(p, "取消")
	}
	var o model.Order
	if err := tx.Select("id", "status").Where("id = ?", *p.OrderID).Take(&o).Error; err != nil {
		return err
	}
	if o.Status != order.StatusPaid {
		return model.E(model.CodeConflict, "订单已经发货或已经取消，不能取消；商品有问题请申请售后")
	}
	now := s.db.Now()
	res := tx.Model(&model.GroupPurchase{}).Where("id = ? AND status = ? AND cancel_asked_by IS NULL", p.ID, StatusOrdered).
		UpdateColumns(map[string]any{"cancel_asked_by": actor.ID, "cancel_asked_at": now, "cancel_reason": reason, "updated_at": now})
	if res.Error != nil {
		return res.Error
	}
	if res.RowsAffected == 0 {
		return model.E(model.CodeConflict, "已经有人申请取消，等待审批")
	}
	return s.db.Audit(tx, actor, now, "group.cancel_ask", object(p.ID), p.UnionID, map[string]any{"reason": reason})
}

// ApproveCancel is the second person's consent to cancel the order before anything of it was shipped: all money goes back to the
// fund, the goods to stock, and each receiver's cap has its room again. The same key gets the same answer. It locks what
// order.GiveBack says. Errors: CodeSamePerson for the one who asked; CodeConflict if nobody asked, or a parcel was shipped meanwhile.
func (s *Service) ApproveCancel(ctx context.Context, actor model.Actor, key string, id model.ID, note string) (View, error) {
	if err := checkLine("note", "备注", note); err != nil {
		return View{}, err
	}
	var skus []model.ID
	view, err := model.Once(model.InTurn(ctx), s.db, actor, key, map[string]any{"cancel_group": id, "note": note}, func(tx *gorm.DB) (View, error) {
		p, err := asked(tx, actor, id)
		if err != nil {
			return View{}, err
		}
		now := s.db.Now()
		back, err := s.orders.GiveBack(tx, actor, now, order.Return{Order: *p.OrderID, Kind: order.RefundCancel, Reason: p.CancelReason, Restock: true, CancelFrom: order.ParcelWaiting})
		if err != nil {
			return View{}, err
		}
		skus = back.SKUs
		set := map[string]any{"status": StatusCancelled, "cancel_decided_by": actor.ID, "cancel_decided_at": now, "updated_at": now}
		if err := move(tx, p, StatusOrdered, "取消", set); err != nil {
			return View{}, err
		}
		detail := map[string]any{"refund": back.RefundID, "refunded_fen": back.AmountFen, "note": note}
		if err := s.db.Audit(tx, actor, now, "group.cancel", object(id), p.UnionID, detail); err != nil {
			return View{}, err
		}
		return s.freshView(tx, id)
	})
	if err == nil {
		s.guard.ClearSoldOut(ctx, skus...)
	}
	return view, err
}

// RefuseCancel is the second person's refusal to cancel the order, which goes on. Errors are those of ApproveCancel.
func (s *Service) RefuseCancel(ctx context.Context, actor model.Actor, id model.ID, note string) (view View, err error) {
	if err := checkLine("note", "原因", note); err != nil {
		return View{}, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		p, err := asked(tx, actor, id)
		if err != nil {
			return err
		}
		now := s.db.Now()
		res := tx.Model(&model.GroupPurchase{}).Where("id = ? AND status = ? AND cancel_asked_by IS NOT NULL", id, StatusOrdered).
			UpdateColumns(map[string]any{"cancel_asked_by": nil, "cancel_asked_at": nil, "cancel_reason": "", "updated_at": now})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return model.E(model.CodeConflict, "没有待审批的取消申请，请刷新")
		}
		detail := map[string]any{"asked_by": *p.CancelAskedBy, "reason": p.CancelReason, "note": note}
		if err := s.db.Audit(tx, actor, now, "group.cancel_refuse", object(id), p.UnionID, detail); err != nil {
			return err
		}
		view, err = s.freshView(tx, id)
		return err
	})
	return view, err
}

// asked reads a group purchase whose order somebody else has asked to cancel.
func asked(tx *gorm.DB, actor model.Actor, id model.ID) (model.GroupPurchase, error) {
	p, err := find(tx, id)
	switch {
	case err != nil:
		return p, err
	case p.Status != StatusOrdered || p.CancelAskedBy == nil:
		return p, model.E(model.CodeConflict, "没有待审批的取消申请，请刷新")
	case *p.CancelAskedBy == actor.ID:
		return p, model.E(model.CodeSamePerson, "取消由您申请，须由另一个人审批")
	}
	return p, nil
}
