package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/allowance"
)

// pageQuery is the query of a plain list.
type pageQuery struct {
	Cursor string `query:"cursor"`
	Limit  int    `query:"limit"`
}

// decisionInput is the second person's remark.
type decisionInput struct {
	Note string `json:"note" check:"max=200"`
}

// refusalInput is a refusal; it must say why.
type refusalInput struct {
	Note string `json:"note" check:"required,max=200"`
}

func (s *Server) listFunds(ctx context.Context, c *Call) (any, error) {
	union, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	var q struct {
		Year int `query:"year" check:"omitempty,min=2000,max=2100"`
	}
	if err := c.Query(&q); err != nil {
		return nil, err
	}
	return s.Allowance.Funds(ctx, union, model.Year(q.Year))
}

func (s *Server) getFund(ctx context.Context, c *Call) (any, error) {
	id, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	return s.Allowance.Fund(ctx, id)
}

func (s *Server) listFundTransfers(ctx context.Context, c *Call) (any, error) {
	id, page, err := c.idAndPage()
	if err != nil {
		return nil, err
	}
	return s.Allowance.FundMovements(ctx, id, page)
}

// idAndPage reads the path parameter "id" and the query of a plain list.
func (c *Call) idAndPage() (model.ID, model.Page, error) {
	id, err := c.ID("id")
	if err != nil {
		return 0, model.Page{}, err
	}
	var q pageQuery
	if err := c.Query(&q); err != nil {
		return 0, model.Page{}, err
	}
	page, err := pageOf(q.Cursor, q.Limit)
	return id, page, err
}

func (s *Server) enterTopup(ctx context.Context, c *Call) (any, error) {
	union, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	var in allowance.TopupInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Allowance.EnterTopup(ctx, c.Actor, c.Key, union, in)
}

func (s *Server) listTopups(ctx context.Context, c *Call) (any, error) {
	union, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	var q struct {
		Cursor string `query:"cursor"`
		Limit  int    `query:"limit"`
		Status string `query:"status" check:"omitempty,oneof=entered confirmed rejected"`
	}
	if err := c.Query(&q); err != nil {
		return nil, err
	}
	page, err := pageOf(q.Cursor, q.Limit)
	if err != nil {
		return nil, err
	}
	return s.Allowance.Topups(ctx, union, q.Status, page)
}

func (s *Server) confirmTopup(ctx context.Context, c *Call) (any, error) {
	id, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	var in decisionInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Allowance.ConfirmTopup(ctx, c.Actor, c.Key, id, in.Note)
}

func (s *Server) rejectTopup(ctx context.Context, c *Call) (any, error) {
	id, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	var in refusalInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Allowance.RejectTopup(ctx, c.Actor, id, in.Note)
}
