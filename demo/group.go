package demo

import (
	"context"
	"errors"
	"fmt"

	"bangfu/model"
)

// The group purchase: a union buys one box for each of its members, delivered to the unit.
const (
	groupUnion   = 2
	groupSKU     = 3 // 红橙礼盒 5斤/箱
	groupApp     = 5 // members who sign in the mini-program
	groupPaper   = 16
	groupEnough  = 300000 // fen put in for it
	groupAddress = "演示路 100 号 税务局大院工会办公室"
)

// orderForGroup puts money in, drafts the purchase and has a second person approve it, which orders.
func (p *play) orderForGroup(ctx context.Context) error {
	u := p.unions[groupUnion]
	if err := p.topUp(ctx, u, "activity", groupEnough, "演示凭证-活动-001", "职工活动经费"); err != nil {
		return err
	}
	body := map[string]any{"purse": "activity", "year": p.year, "title": "健步走活动：红橙礼盒每人一箱", "selection": "roster", "division": "each",
		"items":    []map[string]any{{"sku_id": p.shelf[groupSKU].sku, "quantity": 1}},
		"delivery": map[string]string{"consignee": "工会办演示", "phone": "10077770000", "province": "广东省", "city": "演示市", "district": "北岭县", "detail": groupAddress}}
	if err := u.admin.post(ctx, fmt.Sprintf("/api/v1/console/unions/%s/group-purchases", u.id), body, &p.group); err != nil {
		return err
	}
	return u.approver.post(ctx, p.group.path()+"/approve", map[string]string{"note": "同意集体采购"}, nil)
}

// groupPurchase is the purchase as the union sees it.
type groupPurchase struct {
	ID       model.ID
	Status   string
	TotalFen int `json:"total_fen"`
	Order    *struct {
		Parcels []struct{ ID model.ID }
	}
}

func (g groupPurchase) path() string { return "/api/v1/console/group-purchases/" + g.ID.String() }

// receiveForGroup has the supplier ship to the unit, where the union takes delivery.
func (p *play) receiveForGroup(ctx context.Context) error {
	admin, err := p.unions[groupUnion].admin.at(ctx)
	if err != nil {
		return err
	}
	if err := admin.get(ctx, p.group.path(), &p.group); err != nil {
		return err
	}
	if p.group.Order == nil {
		return errors.New("the group purchase was not ordered")
	}
	for _, parcel := range p.group.Order.Parcels {
		if err := p.shipParcel(ctx, p.shelf[groupSKU].supplier, parcel.ID); err != nil {
			return err
		}
		if err := admin.post(ctx, fmt.Sprintf("/api/v1/console/parcels/%s/receive", parcel.ID), nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// signForGroup has some members sign in the mini-program and others on paper; a few have not come yet.
func (p *play) signForGroup(ctx context.Context) error {
	u := p.unions[groupUnion]
	for _, b := range p.buyers[groupUnion*buyersPerUnion:][:groupApp] {
		if err := p.present(ctx, b); err != nil {
			return err
		}
		var mine struct{ Items []struct{ ID model.ID } } // the member's entries, the latest first
		if err := b.get(ctx, "/api/v1/member/group-purchases", &mine); err != nil {
			return err
		}
		if len(mine.Items) == 0 {
			return errors.New(b.handle + " is not on the list")
		}
		if err := b.post(ctx, fmt.Sprintf("/api/v1/member/group-purchases/%s/sign", mine.Items[0].ID), nil, nil); err != nil {
			return err
		}
	}
	admin, err := u.admin.at(ctx)
	if err != nil {
		return err
	}
	var waiting struct {
		Items []struct {
			MemberID model.ID `json:"member_id"`
		}
	}
	if err := admin.get(ctx, p.group.path()+"/receivers?signed=no&limit=100", &waiting); err != nil {
		return err
	}
	if len(waiting.Items) < groupPaper {
		return fmt.Errorf("only %d members wait for their box", len(waiting.Items))
	}
	var ids []model.ID
	for _, r := range waiting.Items[:groupPaper] {
		ids = append(ids, r.MemberID)
	}
	p.tally.add(rowOwn, groupApp+groupPaper, p.group.TotalFen)
	return admin.post(ctx, p.group.path()+"/sign-offs", map[string]any{"member_ids": ids, "note": "纸质签收表第 1 页"}, nil)
}
