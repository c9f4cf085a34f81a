package api

import (
	"context"

	"bangfu/service/limit"
)

func (s *Server) enterBudget(ctx context.Context, c *Call) (any, error) {
	year, err := c.year()
	if err != nil {
		return nil, err
	}
	var in limit.BudgetInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Limit.EnterBudget(ctx, c.Actor, c.Object, year, in)
}

func (s *Server) confirmBudget(ctx context.Context, c *Call) (any, error) {
	year, err := c.year()
	if err != nil {
		return nil, err
	}
	var in struct {
		Version int `json:"version" check:"min=1"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Limit.ConfirmBudget(ctx, c.Actor, c.Object, year, in.Version)
}

func (s *Server) getBudgets(ctx context.Context, c *Call) (any, error) {
	year, err := c.year()
	if err != nil {
		return nil, err
	}
	return s.Limit.Budgets(ctx, c.Object, year)
}

func (s *Server) getMeter(ctx context.Context, c *Call) (any, error) {
	year, err := c.year()
	if err != nil {
		return nil, err
	}
	return s.Limit.Meter(ctx, c.Object, year)
}

func (s *Server) listMeters(ctx context.Context, c *Call) (any, error) {
	year, err := c.year()
	if err != nil {
		return nil, err
	}
	var q listing
	page, err := c.page(&q, &q)
	if err != nil {
		return nil, err
	}
	return s.Limit.Meters(ctx, c.Actor, year, page)
}

func (s *Server) getLimitRule(ctx context.Context, c *Call) (any, error) {
	year, err := c.year()
	if err != nil {
		return nil, err
	}
	return s.Limit.Rule(ctx, year)
}

func (s *Server) putLimitRule(ctx context.Context, c *Call) (any, error) {
	year, err := c.year()
	if err != nil {
		return nil, err
	}
	var in limit.RuleInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Limit.PutRule(ctx, c.Actor, year, in)
}
