package group

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/allowance"
	"bangfu/service/ledger"
	"bangfu/service/limit"
	"bangfu/service/order"
)

// maxNamed bounds the members that a refusal names.
const maxNamed = 10

// OverCap goes with CodeCapExceeded, as its data: who would exceed the yearly cap, and by how much.
type OverCap struct {
	Count   int         `json:"count"`
	Members []OverShare `json:"members"` // the first ten
}

// OverShare is one member whose share does not fit under the cap.
type OverShare struct {
	MemberID   model.ID  `json:"member_id"`
	Name       string    `json:"name"` // masked
	GrantedFen model.Fen `json:"granted_fen"`
	ShareFen   model.Fen `json:"share_fen"`
	OverFen    model.Fen `json:"over_fen"`
}

// Approve is the second person's consent: it places the order, paid by the fund, in one transaction. The same key gets the same
// answer. Errors: CodeSamePerson for the one who drafted it; CodeConflict if it is no draft (any more), or somebody on it has left the
// roster; CodeNoPolicy outside the policy's dates; CodeLimitExceeded (holiday gifts); CodeInsufficientFund; CodeCapExceeded with
// OverCap; CodePriceChanged, CodeSoldOut, CodeOffShelf, CodeNotFound for the goods.
//
// It locks, in the order of docs/adr/0005-lock-order.md, the union, the policy, the fund, for the extra purse the receivers' caps by rising
// person, the stocks by SKU; last it takes the draft by compare-and-set. Two approvals from one fund, or of one draft, meet at
// the fund, two for the same persons at the first person's cap. A crash at any line leaves nothing of it: order, lines,
// parcels, stock, transfers, balances, caps and the answer under the key become visible together at COMMIT or not at all, and nothing
// outside the database knows of the approval before that.
func (s *Service) Approve(ctx context.Context, actor model.Actor, key string, id model.ID, note string) (View, error) {
	if err := checkLine("note", "备注", note); err != nil {
		return View{}, err
	}
	content := map[string]any{"approve_group": id, "note": note}
	return model.Once(model.InTurn(ctx), s.db, actor, key, content, func(tx *gorm.DB) (View, error) {
		now := s.db.Now()
		p, err := find(tx, id)
		if err != nil {
			return View{}, err
		}
		if err := mayDecide(actor, p); err != nil {
			return View{}, err
		}
		a, err := s.prepare(tx, actor, p, now)
		if err != nil {
			return View{}, err
		}
		o, err := s.place(tx, actor, a, now)
		if err != nil {
			return View{}, err
		}
		set := map[string]any{"status": StatusOrdered, "order_id": o.ID, "decided_by": actor.ID, "decided_at": now, "decision_note": note, "updated_at": now}
		if err := move(tx, p, StatusDraft, "审批", set); err != nil {
			return View{}, err
		}
		detail := map[string]any{"order": o.ID, "order_no": o.OrderNo, "receivers": p.Receivers, "total_fen": p.TotalFen, "note": note}
		if err := s.db.Audit(tx, actor, now, "group.approve", object(id), p.UnionID, detail); err != nil {
			return View{}, err
		}
		view, err := s.freshView(tx, id)
		view.Warnings = a.warnings
		return view, err
	})
}

func mayDecide(actor model.Actor, p model.GroupPurchase) error {
	switch {
	case p.Status != StatusDraft:
		return notInState(p, "审批")
	case p.DraftedBy == actor.ID:
		return model.E(model.CodeSamePerson, "这次集体采购由您起草，须由另一个人审批")
	}
	return nil
}

// approval is what is locked and read before an order is placed.
type approval struct {
	purchase  model.GroupPurchase
	policy    model.Policy
	fund      model.Fund
	receivers []model.GroupReceiver
	warnings  []string
}

// prepare locks union, policy and fund, and sees that the receivers are still on the roster.
func (s *Service) prepare(tx *gorm.DB, actor model.Actor, p model.GroupPurchase, now time.Time) (approval, error) {
	a := approval{purchase: p}
	if _, err := allowance.OpenUnion(tx, p.UnionID); err != nil {
		return a, err
	}
	policy, err := allowance.LockPolicy(tx, p.Year, now)
	if err != nil {
		return a, err
	}
	a.policy = *policy
	a.warnings, err = limit.Check(tx, s.db, actor, limit.Spending{UnionID: p.UnionID, Year: p.Year, Purse: p.Purse, Amount: p.TotalFen, Object: object(p.ID)})
	if err != nil {
		return a, err
	}
	if err := locked(tx).Where("id = ?", p.FundID).Take(&a.fund).Error; err != nil {
		return a, err
	}
	again, err := find(tx, p.ID)
	if err != nil {
		return a, err
	}
	if again.Status != StatusDraft { // whoever held the fund before may have approved it
		return a, notInState(again, "审批")
	}
	if missing := p.TotalFen - a.fund.BalanceFen; missing > 0 {
		return a, model.E(model.CodeInsufficientFund, "%d 年度%s经费账户余额 %s 元，还差 %s 元，请先入账", p.Year, p.Purse.Name(), a.fund.BalanceFen.Yuan(), missing.Yuan())
	}
	if err := tx.Where("purchase_id = ?", p.ID).Order("member_id").Find(&a.receivers).Error; err != nil {
		return a, err
	}
	return a, allOnRoster(tx, p)
}

// allOnRoster refuses, with CodeConflict, a purchase for somebody who has left. Leaving locks the union's funds, so nobody
// leaves meanwhile.
func allOnRoster(tx *gorm.DB, p model.GroupPurchase) error {
	var gone []string
	err := tx.Table("group_receivers r").Joins("JOIN members m ON m.id = r.member_id").Where("r.purchase_id = ? AND m.status <> 'active'", p.ID).
		Order("r.member_id").Pluck("m.name", &gone).Error
	if err != nil || len(gone) == 0 {
		return err
	}
	return model.E(model.CodeConflict, "有 %d 人已不在本工会名册上：%s。请退回后重新起草", len(gone), maskedNames(gone))
}

func maskedNames(names []string) string {
	shown := make([]string, min(len(names), maxNamed))
	for i := range shown {
		shown[i] = model.MaskName(names[i])
	}
	text := strings.Join(shown, "、")
	if len(names) > maxNamed {
		text += " 等"
	}
	return text
}

// place raises the receivers' caps and places the order.
func (s *Service) place(tx *gorm.DB, actor model.Actor, a approval, now time.Time) (model.Order, error) {
	p := a.purchase
	if p.Purse.Capped() {
		if err := s.raiseCaps(tx, a); err != nil {
			return model.Order{}, err
		}
	}
	var lines []model.GroupLine
	if err := tx.Where("purchase_id = ?", p.ID).Order("sku_id").Find(&lines).Error; err != nil {
		return model.Order{}, err
	}
	to, err := s.deliveryOf(p)
	if err != nil {
		return model.Order{}, err
	}
	g := order.GroupOrder{Fund: a.fund, TotalFen: p.TotalFen, Note: p.Note, To: order.Delivery(to)}
	for _, l := range lines {
		g.Items = append(g.Items, order.Item{SKUID: l.SKUID, Quantity: l.Quantity, PriceFen: l.PriceFen})
	}
	return s.orders.PlaceGroup(tx, actor, now, g)
}

// raiseCaps counts each receiver's share under their yearly cap, or refuses with everybody for whom it does not fit.
func (s *Service) raiseCaps(tx *gorm.DB, a approval) error {
	persons := make([]model.ID, len(a.receivers))
	deltas := make(map[model.ID]model.Fen, len(a.receivers))
	for i, r := range a.receivers {
		persons[i] = r.PersonID
		deltas[r.PersonID] += r.ShareFen
	}
	granted, err := ledger.LockCaps(tx, s.db, a.purchase.Year, persons)
	if err != nil {
		return err
	}
	var over []OverShare
	for _, r := range a.receivers {
		if excess := granted[r.PersonID] + deltas[r.PersonID] - a.policy.CapFen; excess > 0 {
			over = append(over, OverShare{MemberID: r.MemberID, GrantedFen: granted[r.PersonID], ShareFen: r.ShareFen, OverFen: excess})
		}
	}
	if len(over) > 0 {
		return overCap(tx, over, a.policy)
	}
	return ledger.ShiftCaps(tx, a.purchase.Year, deltas, a.policy.CapFen)
}

func overCap(tx *gorm.DB, over []OverShare, policy model.Policy) error {
	data := OverCap{Count: len(over), Members: over[:min(len(over), maxNamed)]}
	ids := make([]model.ID, len(data.Members))
	for i, o := range data.Members {
		ids[i] = o.MemberID
	}
	var members []model.Member
	if err := tx.Select("id", "name").Where("id IN ?", ids).Find(&members).Error; err != nil {
		return err
	}
	var texts []string
	for i := range data.Members {
		o := &data.Members[i]
		at := slices.IndexFunc(members, func(m model.Member) bool { return m.ID == o.MemberID })
		o.Name = model.MaskName(members[at].Name)
		texts = append(texts, fmt.Sprintf("%s（本年度已计 %s 元，此次 %s 元）", o.Name, o.GrantedFen.Yuan(), o.ShareFen.Yuan()))
	}
	more := ""
	if len(over) > len(texts) {
		more = " 等"
	}
	e := model.E(model.CodeCapExceeded, "有 %d 人会超过 %d 年度每人每年 %s 元的上限：%s%s。没有下单，请退回后重新起草", len(over), policy.Year, policy.CapFen.Yuan(), strings.Join(texts, "、"), more)
	e.Data = data
	return e
}

// deliveryOf opens where a group purchase goes.
func (s *Service) deliveryOf(p model.GroupPurchase) (Delivery, error) {
	phone, err := s.sealer.Open(p.PhoneSealed, model.SealGroupPhone)
	if err != nil {
		return Delivery{}, err
	}
	text, err := s.sealer.Open(p.AddressSealed, model.SealGroupAddress)
	if err != nil {
		return Delivery{}, err
	}
	var a address
	err = json.Unmarshal([]byte(text), &a)
	return Delivery{Consignee: p.Consignee, Phone: phone, Province: a.Province, City: a.City, District: a.District, Detail: a.Detail}, err
}

// Reject is the second person's refusal of a draft. Errors: CodeSamePerson, CodeConflict.
func (s *Service) Reject(ctx context.Context, actor model.Actor, id model.ID, note string) (view View, err error) {
	if err := checkLine("note", "原因", note); err != nil {
		return View{}, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		p, err := find(tx, id)
		if err != nil {
			return err
		}
		if err := mayDecide(actor, p); err != nil {
			return err
		}
		now := s.db.Now()
		set := map[string]any{"status": StatusRejected, "decided_by": actor.ID, "decided_at": now, "decision_note": note, "updated_at": now}
		if err := move(tx, p, StatusDraft, "退回", set); err != nil {
			return err
		}
		if err := s.db.Audit(tx, actor, now, "group.reject", object(id), p.UnionID, map[string]any{"note": note}); err != nil {
			return err
		}
		view, err = s.freshView(tx, id)
		return err
	})
	return view, err
}
