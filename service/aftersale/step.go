package aftersale

import (
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/order"
)

// step is one move of a case into another state.
type step struct {
	to      string
	action  string // see model.AfterSaleEvent
	party   string // who acts: member | union | supplier | platform | clock
	note    string
	columns map[string]any // besides the state
}

// requester names the party of who opens cases.
func requester(actor model.Actor) string {
	if actor.Kind == model.ActorPerson {
		return "member"
	}
	return "union"
}

// read reads a case without a lock: turn finds out if it moved meanwhile. CodeNotFound if there is none.
func read(tx *gorm.DB, id model.ID) (model.AfterSale, error) {
	var c model.AfterSale
	err := tx.Where("id = ?", id).Take(&c).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = model.NotFound("售后申请")
	}
	return c, err
}

// inState refuses an act on a case in another state.
func inState(c model.AfterSale, states ...string) error {
	if slices.Contains(states, c.Status) {
		return nil
	}
	return model.E(model.CodeConflict, "这个售后申请%s，不能这样操作", statusNames[c.Status])
}

// asker refuses the acts of who asks to others: a member's case is the member's, a union's is its staff's.
func asker(actor model.Actor, c model.AfterSale) error {
	switch {
	case actor.Kind == model.ActorPerson && c.PersonID != actor.ID:
		return model.NotFound("售后申请")
	case actor.Kind == model.ActorStaff && c.PersonID != 0:
		return model.E(model.CodeConflict, "会员的售后申请由会员本人办理")
	}
	return nil
}

// theirs refuses the supplier's acts to others.
func theirs(actor model.Actor, c model.AfterSale) error {
	if actor.Supplier == 0 || c.SupplierID != actor.Supplier {
		return model.NotFound("售后申请")
	}
	return nil
}

// turn moves a case out of the state in which it was read, by compare-and-set, and writes history and audit trail. If somebody
// else moved it since, the whole transaction runs again and sees why not.
func (s *Service) turn(tx *gorm.DB, actor model.Actor, now time.Time, c model.AfterSale, st step) error {
	deadline := s.deadline(st.to, now)
	columns := map[string]any{"status": st.to, "deadline_at": deadline, "urgency": urgency(st.to, deadline, now), "updated_at": now}
	if !slices.Contains(model.OpenAfterSale, st.to) {
		columns["ended_at"] = now
	}
	for name, value := range st.columns {
		columns[name] = value
	}
	res := tx.Model(&model.AfterSale{}).Where("id = ? AND status = ?", c.ID, c.Status).UpdateColumns(columns)
	if res.Error == nil && res.RowsAffected == 0 {
		return model.ErrRerun
	}
	if res.Error != nil {
		return res.Error
	}
	return s.note(tx, actor, now, c, st)
}

// note writes a step into the history and the audit trail.
func (s *Service) note(tx *gorm.DB, actor model.Actor, now time.Time, c model.AfterSale, st step) error {
	event := model.AfterSaleEvent{ID: s.db.NewID(), CaseID: c.ID, At: now, Party: st.party, Actor: actor.Ref(), Action: st.action, Status: st.to, Note: st.note}
	if err := tx.Create(&event).Error; err != nil {
		return err
	}
	return s.db.Audit(tx, actor, now, "aftersale."+st.action, object(c.ID), c.UnionID, map[string]any{"order": c.OrderID, "kind": c.Kind, "status": st.to, "amount_fen": c.AmountFen})
}

// refund gives the case's pieces back and ends the case with it, within tx. It locks what order.GiveBack locks, then the case.
// What was never shipped goes back on the shelf; of other goods the caller says whether they do.
func (s *Service) refund(tx *gorm.DB, actor model.Actor, now time.Time, c model.AfterSale, restock bool, st step) (Outcome, []model.ID, error) {
	var rows []model.AfterSaleLine
	if err := tx.Where("case_id = ?", c.ID).Order("line_id").Find(&rows).Error; err != nil {
		return Outcome{}, nil, err
	}
	var parcel model.Parcel
	if err := tx.Select("status").Where("id = ?", c.ParcelID).Take(&parcel).Error; err != nil {
		return Outcome{}, nil, err
	}
	back := order.Return{Order: c.OrderID, Kind: order.RefundAfterSale, Reason: reasonName(c.Reason), Restock: restock || parcel.Status == order.ParcelWaiting, Case: c.ID}
	for _, r := range rows {
		back.Lines = append(back.Lines, order.ReturnLine{LineID: r.LineID, Quantity: r.Quantity})
	}
	r, err := s.orders.GiveBack(tx, actor, now, back)
	if err != nil {
		return Outcome{}, nil, err
	}
	st.to, st.columns = StatusRefunded, map[string]any{"refund_id": r.RefundID}
	out := Outcome{ID: c.ID, Status: StatusRefunded, AmountFen: c.AmountFen, RefundedFen: r.AmountFen, ToAllowanceFen: r.ToAllowance, ToFundFen: r.ToFund, ToWechatFen: r.ToWechat}
	return out, r.SKUs, s.turn(tx, actor, now, c, st)
}
