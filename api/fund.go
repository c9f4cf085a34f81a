package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/allowance"
)

// decisionInput is the second person's remark.
type decisionInput struct {
	Note string `json:"note" check:"max=200"`
}

// refusalInput is a refusal; it must say why.
type refusalInput struct {
	Note string `json:"note" check:"required,max=200"`
}

func (s *Server) listFunds(ctx context.Context, c *Call) (any, error) {
	var q struct {
		Year int `query:"year" check:"omitempty,min=2000,max=2100"`
	}
	if err := c.Query(&q); err != nil {
		return nil, err
	}
	return s.Allowance.Funds(ctx, c.Object, model.Year(q.Year))
}

func (s *Server) getFund(ctx context.Context, c *Call) (any, error) {
	return s.Allowance.Fund(ctx, c.Object)
}

func (s *Server) listFundTransfers(ctx context.Context, c *Call) (any, error) {
	var q listing
	page, err := c.page(&q, &q)
	if err != nil {
		return nil, err
	}
	return s.Allowance.FundMovements(ctx, c.Object, page)
}

func (s *Server) enterTopup(ctx context.Context, c *Call) (any, error) {
	var in allowance.TopupInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Allowance.EnterTopup(ctx, c.Actor, c.Key, c.Object, in)
}

func (s *Server) listTopups(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		Status string `query:"status" check:"omitempty,oneof=entered confirmed rejected"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Allowance.Topups(ctx, c.Object, q.Status, page)
}

func (s *Server) confirmTopup(ctx context.Context, c *Call) (any, error) {
	var in decisionInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Allowance.ConfirmTopup(ctx, c.Actor, c.Key, c.Object, in.Note)
}

func (s *Server) rejectTopup(ctx context.Context, c *Call) (any, error) {
	var in refusalInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Allowance.RejectTopup(ctx, c.Actor, c.Object, in.Note)
}
