package api

import (
	"context"
)

func (s *Server) showMyErasure(ctx context.Context, c *Call) (any, error) {
	return s.Erasure.Mine(ctx, c.Actor)
}

func (s *Server) requestErasure(ctx context.Context, c *Call) (any, error) {
	var in struct {
		WaiveBalance bool `json:"waive_balance"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Erasure.Request(ctx, c.Actor, in.WaiveBalance)
}

func (s *Server) withdrawErasure(ctx context.Context, c *Call) (any, error) {
	return nil, s.Erasure.Withdraw(ctx, c.Actor)
}

func (s *Server) listErasures(ctx context.Context, c *Call) (any, error) {
	var in struct {
		listing
		Status string `query:"status" check:"omitempty,oneof=requested drafted approved blocked done rejected withdrawn"`
	}
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	return s.Erasure.List(ctx, c.Actor, in.Status, page)
}

func (s *Server) getErasure(ctx context.Context, c *Call) (any, error) {
	return s.Erasure.Get(ctx, c.Object)
}

func (s *Server) draftErasure(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Reason       string `json:"reason" check:"required,max=200"`
		WaiveBalance bool   `json:"waive_balance"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Erasure.Draft(ctx, c.Actor, c.Object, in.WaiveBalance, in.Reason)
}

func (s *Server) approveErasure(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Note string `json:"note" check:"max=200"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Erasure.Approve(ctx, c.Actor, c.Object, in.Note)
}

func (s *Server) rejectErasure(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Note string `json:"note" check:"required,max=200"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Erasure.Reject(ctx, c.Actor, c.Object, in.Note)
}
