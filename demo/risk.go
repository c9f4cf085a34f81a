package demo

import (
	"context"
	"errors"
	"fmt"

	"bangfu/model"
)

// oneDoor is where members of one union have had things sent, as a dormitory's porter takes in.
const oneDoor = "演示新村 3 栋收发室"

// What an auditor would look at: members with one address, and refunds in a row.
const (
	riskUnion    = 4
	riskSKU      = 6 // 海盐鱼干
	riskMembers  = 6
	riskRefunds  = 4
	riskReviewed = "same_address"
)

// orderToOneDoor has members of one union order the same thing to the same address, one after the other.
func (p *play) orderToOneDoor(ctx context.Context) error {
	for _, b := range p.buyers[riskUnion*buyersPerUnion:][:riskMembers] {
		if err := p.present(ctx, b); err != nil {
			return err
		}
		var door struct{ ID model.ID }
		body := map[string]any{"consignee": b.name, "phone": b.phone, "province": "广东省", "city": "演示市", "district": "海湾区", "detail": oneDoor, "is_default": false}
		if err := b.post(ctx, "/api/v1/member/addresses", body, &door); err != nil {
			return err
		}
		home := b.address
		b.address = door.ID
		_, err := p.order(ctx, b, p.shelf[riskSKU], 1, "allowance")
		if b.address = home; err != nil {
			return err
		}
	}
	return nil
}

// changeOnesMind has one member order and cancel again and again.
func (p *play) changeOnesMind(ctx context.Context) error {
	b := p.buyers[riskUnion*buyersPerUnion+riskMembers]
	for range riskRefunds {
		o, err := p.order(ctx, b, p.shelf[riskSKU], 1, "allowance")
		if err != nil {
			return err
		}
		if err := o.post(ctx, o.path()+"/cancel", map[string]string{"reason": "再考虑一下"}, nil); err != nil {
			return err
		}
		p.tally.back(rowOwn, o.fen, true)
	}
	return nil
}

// reviewSignals has the city federation look at one of the signals that the rules have found; the others wait.
func (p *play) reviewSignals(ctx context.Context) error {
	city, err := p.city.at(ctx)
	if err != nil {
		return err
	}
	var list struct {
		Items []struct {
			ID      model.ID
			Rule    string
			Version int
		}
	}
	if err := city.get(ctx, "/api/v1/console/risk-signals?limit=100", &list); err != nil {
		return err
	}
	for _, s := range list.Items {
		if s.Rule == riskReviewed {
			body := map[string]any{"verdict": "dismissed", "note": "已电话核实：公交公司宿舍收发室统一代收，订单属实", "version": s.Version}
			return city.post(ctx, fmt.Sprintf("/api/v1/console/risk-signals/%s/review", s.ID), body, nil)
		}
	}
	return errors.New("the rules have not seen that members share an address")
}
