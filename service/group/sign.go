package group

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/order"
	"bangfu/service/tally"
)

// PaperSigned is the answer to entering signatures from paper.
type PaperSigned struct {
	Signed  int `json:"signed"`  // entered now
	Already int `json:"already"` // had signed before
}

// Sign says that a member has received theirs of a group purchase; saying it again changes nothing. receiver is the entry of
// MyPurchases. Errors: CodeNotFound if it is not the member's; CodeConflict before any parcel was received.
func (s *Service) Sign(ctx context.Context, actor model.Actor, receiver model.ID) (view MemberView, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		var r model.GroupReceiver
		err := tx.Where("id = ? AND person_id = ?", receiver, actor.ID).Take(&r).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return model.NotFound("集体采购")
		}
		if err != nil {
			return err
		}
		p, err := find(tx, r.PurchaseID)
		if err != nil {
			return err
		}
		if _, err := s.sign(tx, actor, p, []model.GroupReceiver{r}, signedByMember, "", s.db.Now()); err != nil {
			return err
		}
		view, err = s.memberView(tx, r)
		return err
	})
	return view, err
}

// SignOnPaper enters that members have signed on paper, many at once; who had signed before stays as they are. They count from now:
// a form that was submitted must not change. Errors: CodeInvalid for somebody who is no receiver; CodeConflict before any parcel was received.
func (s *Service) SignOnPaper(ctx context.Context, actor model.Actor, id model.ID, members []model.ID, note string) (done PaperSigned, err error) {
	if err := checkLine("note", "说明", note); err != nil {
		return done, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		p, err := find(tx, id)
		if err != nil {
			return err
		}
		var receivers []model.GroupReceiver
		if err := tx.Where("purchase_id = ? AND member_id IN ?", id, members).Find(&receivers).Error; err != nil {
			return err
		}
		if missing := len(members) - len(receivers); missing > 0 {
			return model.Invalid("member_ids", fmt.Sprintf("有 %d 人不在这次集体采购的名单上", missing))
		}
		done.Signed, err = s.sign(tx, actor, p, receivers, signedOnPaper, note, s.db.Now())
		done.Already = len(receivers) - done.Signed
		return err
	})
	return done, err
}

// sign writes the signatures that are missing and tells how many. It locks the receivers by rising id, so that nobody signs twice.
func (s *Service) sign(tx *gorm.DB, actor model.Actor, p model.GroupPurchase, receivers []model.GroupReceiver, method, note string, now time.Time) (int, error) {
	ids := make([]model.ID, len(receivers))
	for i, r := range receivers {
		ids[i] = r.ID
	}
	slices.Sort(ids)
	var rows []model.GroupReceiver
	if err := locked(tx).Select("id").Where("id IN ?", ids).Order("id").Find(&rows).Error; err != nil {
		return 0, err
	}
	var signed []model.ID
	if err := tx.Model(&model.GroupSignoff{}).Where("live_receiver_id IN ?", ids).Pluck("receiver_id", &signed).Error; err != nil {
		return 0, err
	}
	ids = slices.DeleteFunc(ids, func(id model.ID) bool { return slices.Contains(signed, id) })
	if len(ids) == 0 {
		return 0, nil
	}
	o, err := arrived(tx, p)
	if err != nil {
		return 0, err
	}
	if now, err = notBefore(tx, ids, o, now); err != nil {
		return 0, err
	}
	signatures := make([]model.GroupSignoff, len(ids))
	for i, id := range ids {
		signatures[i] = model.GroupSignoff{ID: s.db.NewID(), PurchaseID: p.ID, ReceiverID: id, LiveReceiverID: &id, Method: method, SignedBy: actor.ID, SignedAt: now, Note: note}
	}
	if err := tx.CreateInBatches(signatures, s.db.BatchRows()).Error; err != nil {
		return 0, err
	}
	if err := tally.Write(tx, s.db, tally.Signed(s.db, p, o, int64(len(ids)), now)); err != nil {
		return 0, err
	}
	return len(ids), s.db.Audit(tx, actor, now, "group.sign", object(p.ID), p.UnionID, map[string]any{"method": method, "members": len(ids), "note": note})
}

// arrived reads the order; it refuses, with CodeConflict, to sign for what has not come, or was given back.
func arrived(tx *gorm.DB, p model.GroupPurchase) (o model.Order, err error) {
	if p.Status != StatusOrdered {
		return o, notInState(p, "签收")
	}
	if err := tx.Where("id = ?", *p.OrderID).Take(&o).Error; err != nil {
		return o, err
	}
	if o.RefundedFen >= o.GoodsFen {
		return o, model.E(model.CodeConflict, "这次集体采购已经全部退款，不用签收")
	}
	var n int64
	if err := tx.Model(&model.Parcel{}).Where("order_id = ? AND status = ?", o.ID, order.ParcelReceived).Count(&n).Error; err != nil {
		return o, err
	}
	if n == 0 {
		return o, model.E(model.CodeConflict, "还没有包裹到达，收到后才能签收")
	}
	return o, nil
}

// notBefore is now, or the moment of the order's payment or of an undone signature of the receivers if this machine's clock has not come that far.
func notBefore(tx *gorm.DB, receivers []model.ID, o model.Order, now time.Time) (time.Time, error) {
	if o.PaidAt != nil && now.Before(*o.PaidAt) {
		now = *o.PaidAt
	}
	var last model.GroupSignoff
	err := tx.Select("undone_at").Where("receiver_id IN ? AND undone_at > ?", receivers, now).Order("undone_at DESC").Limit(1).Take(&last).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return now, nil
	}
	if err != nil {
		return now, err
	}
	return *last.UndoneAt, nil
}

// uncount takes the 人次 of an undone signature off, unless all of the order was given back: then none counts anyway.
func (s *Service) uncount(tx *gorm.DB, p model.GroupPurchase, at time.Time) error {
	var o model.Order
	if err := tx.Where("id = ?", *p.OrderID).Take(&o).Error; err != nil || o.RefundedFen >= o.GoodsFen {
		return err
	}
	return tally.Write(tx, s.db, tally.Signed(s.db, p, o, -1, at))
}

// UndoSignoff ends a wrong signature from now on, with a reason. Whoever entered it cannot undo it. Errors: CodeNotFound; CodeConflict if the
// member has not signed; CodeSamePerson.
func (s *Service) UndoSignoff(ctx context.Context, actor model.Actor, id, member model.ID, reason string) error {
	if err := checkLine("reason", "原因", reason); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		p, err := find(tx, id)
		if err != nil {
			return err
		}
		var r model.GroupReceiver
		err = locked(tx).Where("purchase_id = ? AND member_id = ?", id, member).Take(&r).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return model.NotFound("名单上的会员")
		}
		if err != nil {
			return err
		}
		var sig model.GroupSignoff
		err = tx.Where("live_receiver_id = ?", r.ID).Take(&sig).Error
		switch {
		case errors.Is(err, gorm.ErrRecordNotFound):
			return model.E(model.CodeConflict, "这位会员没有签收，请刷新")
		case err != nil:
			return err
		case sig.Method == signedOnPaper && sig.SignedBy == actor.ID:
			return model.E(model.CodeSamePerson, "这条签收由您登记，须由另一个人撤销")
		}
		now := s.db.Now()
		if now.Before(sig.SignedAt) { // by another machine's clock
			now = sig.SignedAt
		}
		res := tx.Model(&model.GroupSignoff{}).Where("id = ? AND undone_at IS NULL", sig.ID).
			UpdateColumns(map[string]any{"live_receiver_id": nil, "undone_by": actor.ID, "undone_at": now, "undo_reason": reason})
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return errors.New("a signature changed under its receiver's lock")
		}
		if err := s.uncount(tx, p, now); err != nil {
			return err
		}
		detail := map[string]any{"member": member, "method": sig.Method, "signed_at": sig.SignedAt, "reason": reason}
		return s.db.Audit(tx, actor, now, "group.undo_sign", object(id), p.UnionID, detail)
	})
}
