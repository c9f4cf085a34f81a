package demo

import (
	"context"
	"errors"
	"fmt"

	"bangfu/model"
)

// hallPlan is an offline hall: an invented place, run by one of the suppliers, in one of the notice's channels.
type hallPlan struct {
	name, address, login string
	channel              string
	row                  int // of the form
	supplier             int
}

var halls = []hallPlan{
	{"海湾区乡村振兴产品专馆（演示）", "海湾区演示大道 66 号一楼", "demo-cashier1", "city 2", 3, 1},
	{"粤桂协作产品展销厅（演示）", "海湾区演示港路 12 号", "demo-cashier2", "city 4", 4, 0},
}

type hall struct {
	hallPlan
	id      model.ID
	cashier *console
}

// sale is one sale at a counter.
type sale struct {
	picks int    // pieces of the hall's first goods
	typed string // goods typed by hand
	yuan  int    // what they cost
	then  string // "", or void
}

// The two days at the counters: picked goods, typed goods, one above the amount that members confirm on the phone, one voided.
var sales = [][]sale{
	{{1, "", 0, ""}, {0, "农家土鸡蛋 2 盒、红薯干 1 袋", 76, ""}, {3, "", 0, ""}, {0, "火龙果 1 箱", 58, "void"}},
	{{1, "", 0, ""}, {0, "百香果 5 斤、罗汉果 1 盒", 83, ""}, {1, "桂北腐乳 1 瓶", 16, ""}},
}

// confirmOver is above what amount a member confirms on the phone, in fen.
const confirmOver = 20000

func (p *play) openHalls(ctx context.Context) error {
	city, err := p.city.at(ctx)
	if err != nil {
		return err
	}
	if err := p.findChannels(ctx, city.web); err != nil {
		return err
	}
	for _, plan := range halls {
		s := p.suppliers[plan.supplier]
		var made struct{ ID model.ID }
		body := map[string]any{"name": plan.name, "address": plan.address, "open_hours": "每日 9:00—18:00", "channel_id": p.channels[plan.channel], "supplier_id": s.id, "confirm_over_fen": confirmOver}
		if err := city.post(ctx, "/api/v1/console/halls", body, &made); err != nil {
			return err
		}
		cashier, err := p.hire(ctx, post{login: plan.login, name: "收银演示", role: "cashier", union: p.operator.Union, unionName: plan.name, hall: made.ID})
		if err != nil {
			return err
		}
		p.halls = append(p.halls, &hall{plan, made.ID, cashier})
	}
	return nil
}

// sellAtCounters has members of the n-th pair of unions buy at the n-th hall.
func (p *play) sellAtCounters(ctx context.Context, n int) error {
	for i, s := range sales[n] {
		if err := p.sell(ctx, p.halls[n], p.buyers[(n+1)*buyersPerUnion+i], s); err != nil {
			return fmt.Errorf("sale %d at %s: %w", i+1, p.halls[n].name, err)
		}
	}
	return nil
}

// redemption is a sale at a counter as cashier and member see it.
type redemption struct {
	ID       model.ID
	Status   string
	TotalFen int `json:"total_fen"`
}

// sell: the member shows a code, the cashier scans it and enters what is bought.
func (p *play) sell(ctx context.Context, h *hall, b *buyer, s sale) error {
	if err := p.present(ctx, b); err != nil {
		return err
	}
	cashier, err := h.cashier.at(ctx)
	if err != nil {
		return err
	}
	var shown struct{ Code string }
	if err := b.post(ctx, "/api/v1/member/counter-code", nil, &shown); err != nil {
		return err
	}
	var r redemption
	if err := cashier.post(ctx, "/api/v1/console/counter/scan", map[string]string{"code": shown.Code}, &r); err != nil {
		return err
	}
	body, err := s.entered(ctx, cashier.web)
	if err != nil {
		return err
	}
	path := "/api/v1/console/counter/redemptions/" + r.ID.String()
	if err := cashier.post(ctx, path+"/pay", body, &r); err != nil {
		return err
	}
	if r.TotalFen > confirmOver {
		if r.Status != "awaiting_member" {
			return errors.New("a large sale is " + r.Status)
		}
		if err := b.post(ctx, fmt.Sprintf("/api/v1/member/redemptions/%s/confirm", r.ID), nil, &r); err != nil {
			return err
		}
	}
	p.tally.add(h.row, 1, r.TotalFen)
	if s.then != "void" {
		return nil
	}
	p.tally.back(h.row, r.TotalFen, true)
	return cashier.post(ctx, path+"/void", map[string]string{"reason": "会员拿错商品，当场撤销"}, nil)
}

// entered is what the cashier enters.
func (s sale) entered(ctx context.Context, w *web) (map[string]any, error) {
	body := map[string]any{"total_fen": s.yuan * 100}
	if s.typed != "" {
		body["goods"], body["goods_fen"] = s.typed, s.yuan*100
	}
	if s.picks == 0 {
		return body, nil
	}
	var goods struct {
		Items []struct {
			SKU      model.ID `json:"sku_id"`
			PriceFen int      `json:"price_fen"`
		}
	}
	if err := w.get(ctx, "/api/v1/console/counter/goods", &goods); err != nil {
		return nil, err
	}
	if len(goods.Items) == 0 {
		return nil, errors.New("the hall has no goods")
	}
	first := goods.Items[0]
	body["items"] = []item{{first.SKU, s.picks, first.PriceFen}}
	body["total_fen"] = s.yuan*100 + first.PriceFen*s.picks
	return body, nil
}
