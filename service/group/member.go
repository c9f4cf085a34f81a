package group

import (
	"context"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// MemberView is a group purchase as one of its members sees it.
type MemberView struct {
	ID          model.ID    `json:"id"` // of the member's entry
	Title       string      `json:"title"`
	UnionID     model.ID    `json:"union_id"`
	UnionName   string      `json:"union_name"`
	Purse       model.Purse `json:"purse"`
	PurseName   string      `json:"purse_name"`
	Year        model.Year  `json:"year"`
	Items       []ItemView  `json:"items"`
	Sets        int64       `json:"sets"` // division each; else 0
	ShareFen    model.Fen   `json:"share_fen"`
	ReturnedFen model.Fen   `json:"returned_fen"`
	Status      string      `json:"status"` // ordered | signing | done | refunded | cancelled, of the purchase as a whole
	CanSign     bool        `json:"can_sign"`
	SignedAt    *time.Time  `json:"signed_at"`
	Method      string      `json:"method"` // member | paper; empty: not signed
	OrderedAt   time.Time   `json:"ordered_at"`
}

// MyPurchases lists the group purchases that were ordered for the member, the latest first.
func (s *Service) MyPurchases(ctx context.Context, actor model.Actor, page model.Page) (model.List[MemberView], error) {
	tx := s.db.Read(ctx)
	q := tx.Table("group_receivers r").Select("r.*").Joins("JOIN group_purchases p ON p.id = r.purchase_id").Where("r.person_id = ? AND p.order_id IS NOT NULL", actor.ID)
	if page.Cursor != 0 {
		q = q.Where("r.id < ?", page.Cursor)
	}
	var rows []model.GroupReceiver
	if err := q.Order("r.id DESC").Limit(page.Limit + 1).Scan(&rows).Error; err != nil {
		return model.List[MemberView]{}, err
	}
	views := make([]MemberView, len(rows))
	for i, r := range rows {
		var err error
		if views[i], err = s.memberView(tx, r); err != nil {
			return model.List[MemberView]{}, err
		}
	}
	return model.NewList(views, page, func(v MemberView) model.ID { return v.ID }, func(v MemberView) MemberView { return v }), nil
}

func (s *Service) memberView(tx *gorm.DB, r model.GroupReceiver) (MemberView, error) {
	p, err := s.freshView(tx, r.PurchaseID)
	if err != nil {
		return MemberView{}, err
	}
	v := MemberView{ID: r.ID, Title: p.Title, UnionID: p.UnionID, Purse: p.Purse, PurseName: p.PurseName, Year: p.Year, Items: p.Items, Sets: r.Sets, ShareFen: r.ShareFen,
		ReturnedFen: r.ReturnedFen, Status: p.Status, OrderedAt: *p.DecidedAt}
	var u model.Union
	if err := tx.Select("name").Where("id = ?", p.UnionID).Take(&u).Error; err != nil {
		return v, err
	}
	v.UnionName = u.Name
	var signed []model.GroupSignoff
	if err := tx.Where("live_receiver_id = ?", r.ID).Find(&signed).Error; err != nil {
		return v, err
	}
	for _, sig := range signed {
		v.SignedAt, v.Method = &sig.SignedAt, sig.Method
	}
	v.CanSign = p.Status == StageSigning && v.SignedAt == nil
	return v, nil
}
