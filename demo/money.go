package demo

import (
	"context"
	"errors"
	"fmt"

	"bangfu/model"
)

// fillFunds puts each union's yearly money in: entered by one, confirmed by another.
func (p *play) fillFunds(ctx context.Context) error {
	for i, u := range p.unions {
		if err := p.topUp(ctx, u, "extra", 60000*len(u.people)+500000, fmt.Sprintf("演示凭证-%03d", i+1), "年度消费帮扶经费"); err != nil {
			return err
		}
	}
	return nil
}

func (p *play) topUp(ctx context.Context, u *grassroots, purse string, fen int, evidence, note string) error {
	admin, err := u.admin.at(ctx)
	if err != nil {
		return err
	}
	var topup struct{ ID model.ID }
	body := map[string]any{"purse": purse, "year": p.year, "amount_fen": fen, "evidence_no": evidence, "note": note}
	if err := admin.post(ctx, fmt.Sprintf("/api/v1/console/unions/%s/topups", u.id), body, &topup); err != nil {
		return err
	}
	approver, err := u.approver.at(ctx)
	if err != nil {
		return err
	}
	return approver.post(ctx, fmt.Sprintf("/api/v1/console/topups/%s/confirm", topup.ID), map[string]string{"note": "已核对银行回单"}, nil)
}

func (p *play) issueGrants(ctx context.Context) error {
	for i, u := range p.unions {
		fen := 60000
		if i == modest {
			fen = 40000
		}
		if err := p.grant(ctx, u, "extra", fmt.Sprintf("%d 年消费帮扶额度", p.year), fen); err != nil {
			return err
		}
	}
	return nil
}

// modest is the union that grants less than the cap, as a union may: its members have room for purchases made elsewhere, and
// reason to top up through WeChat.
const modest = 3

// grant drafts, approves and issues fen to every member of the union.
func (p *play) grant(ctx context.Context, u *grassroots, purse, title string, fen int) error {
	type state struct {
		ID         model.ID
		Status     string
		TotalItems int `json:"total_items"`
	}
	admin, err := u.admin.at(ctx)
	if err != nil {
		return err
	}
	var grant state
	body := map[string]any{"purse": purse, "year": p.year, "title": title, "selection": "roster", "amount_fen": fen}
	if err := admin.post(ctx, fmt.Sprintf("/api/v1/console/unions/%s/grants", u.id), body, &grant); err != nil {
		return err
	}
	path := "/api/v1/console/grants/" + grant.ID.String()
	if _, err := wait(ctx, admin.web, path, func(s state) (bool, error) { return s.Status == "draft" && s.TotalItems > 0, nil }); err != nil {
		return err
	}
	approver, err := u.approver.at(ctx)
	if err != nil {
		return err
	}
	if err := approver.post(ctx, path+"/approve", map[string]string{"note": "同意发放"}, nil); err != nil {
		return err
	}
	if err := admin.post(ctx, path+"/issue", nil, nil); err != nil {
		return err
	}
	_, err = wait(ctx, admin.web, path, func(s state) (bool, error) { return s.Status == "issued", nil })
	return err
}

// budgets are what the demonstration's unions may spend this year, in yuan, and what two of them give for the holidays: the
// first comes near the warning line of 30 %, the second stays well below.
var budgets = []struct{ budget, retained, gift int }{{62_000, 0, 500}, {190_000, 0, 300}, {78_000, 40_000, 0}}

// enterBudgets has unions enter their year's budget and a second person confirm it, and the city federation set the rule.
func (p *play) enterBudgets(ctx context.Context) error {
	city, err := p.city.at(ctx)
	if err != nil {
		return err
	}
	rule := map[string]any{"warn_percent": 30, "max_percent": 40, "retained_percent": 50, "average_fen": 250000, "enforce": true, "document_no": "演示用，无文号", "notice_document_no": ""}
	if err := city.put(ctx, fmt.Sprintf("/api/v1/console/limit-rules/%d", p.year), rule, nil); err != nil {
		return err
	}
	for i, b := range budgets {
		u := p.unions[i]
		admin, err := u.admin.at(ctx)
		if err != nil {
			return err
		}
		path := fmt.Sprintf("/api/v1/console/unions/%s/budgets/%d", u.id, p.year)
		basis := "budget"
		if b.retained > 0 {
			basis = "retained"
		}
		var entered struct{ Version int }
		body := map[string]any{"basis": basis, "budget_fen": b.budget * 100, "retained_fen": b.retained * 100, "note": "年初经费预算（演示）"}
		if err := admin.put(ctx, path, body, &entered); err != nil {
			return err
		}
		approver, err := u.approver.at(ctx)
		if err != nil {
			return err
		}
		if err := approver.post(ctx, path+"/confirm", map[string]int{"version": entered.Version}, nil); err != nil {
			return err
		}
	}
	return nil
}

// giveForHolidays has two unions give their members something for a holiday, which is measured against the limits, and sees what
// the meters say.
func (p *play) giveForHolidays(ctx context.Context) error {
	for i, b := range budgets {
		u := p.unions[i]
		if b.gift == 0 {
			continue
		}
		if err := p.topUp(ctx, u, "festival", b.gift*100*len(u.people), fmt.Sprintf("演示凭证-节日-%03d", i+1), "传统节日慰问经费"); err != nil {
			return err
		}
		if err := p.grant(ctx, u, "festival", "传统节日慰问", b.gift*100); err != nil {
			return err
		}
		var meter struct{ State string }
		if err := u.admin.get(ctx, fmt.Sprintf("/api/v1/console/unions/%s/limits/%d", u.id, p.year), &meter); err != nil {
			return err
		}
		if want := []string{"near", "ok"}[i]; meter.State != want {
			return errors.New(u.name + ": the meter of holiday gifts is " + meter.State + ", not " + want)
		}
	}
	return nil
}
