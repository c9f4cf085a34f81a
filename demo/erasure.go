package demo

import (
	"context"
	"errors"
	"fmt"

	"bangfu/model"
)

// erase has one member erased, who asked for it on paper: one person of the city federation enters the demand, another approves it.
func (p *play) erase(ctx context.Context) error {
	city, err := p.city.at(ctx)
	if err != nil {
		return err
	}
	checker, err := p.checker.at(ctx)
	if err != nil {
		return err
	}
	u := p.unions[1]
	gone := u.people[len(u.people)-3] // after those of leaveAndMismatch
	var found struct{ Items []struct{ ID model.ID } }
	if err := city.get(ctx, fmt.Sprintf("/api/v1/console/unions/%s/members?q=%s", u.id, gone.phone), &found); err != nil {
		return err
	}
	if len(found.Items) != 1 {
		return errors.New("the member who is to be erased is not on the roster")
	}
	var demand struct{ ID model.ID }
	body := map[string]any{"reason": "本人书面申请，已核对身份", "waive_balance": true}
	if err := city.post(ctx, fmt.Sprintf("/api/v1/console/members/%s/erasure", found.Items[0].ID), body, &demand); err != nil {
		return err
	}
	path := "/api/v1/console/erasures/" + demand.ID.String()
	if err := checker.post(ctx, path+"/approve", map[string]string{"note": "材料齐全，同意注销"}, nil); err != nil {
		return err
	}
	type state struct{ Status, Problem string }
	_, err = wait(ctx, checker.web, path, func(s state) (bool, error) {
		if s.Status == "blocked" {
			return false, errors.New(s.Problem)
		}
		return s.Status == "done", nil
	})
	return err
}

// askToBeErased is a member's demand in the mini-program that waits for the city federation; what has to be settled first is listed in it.
func (p *play) askToBeErased(ctx context.Context) error {
	b := p.buyers[len(p.buyers)-1]
	if err := p.present(ctx, b); err != nil {
		return err
	}
	return b.post(ctx, "/api/v1/member/erasure", map[string]any{"waive_balance": false}, nil)
}
