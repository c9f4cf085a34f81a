package api

import (
	"context"

	"bangfu/service/allowance"
)

func (s *Server) startSweep(ctx context.Context, c *Call) (any, error) {
	var in allowance.SweepInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Allowance.StartSweep(ctx, c.Actor, c.Key, in.Year)
}

func (s *Server) getSweep(ctx context.Context, c *Call) (any, error) {
	year, err := c.year()
	if err != nil {
		return nil, err
	}
	return s.Allowance.Sweep(ctx, year)
}

func (s *Server) rehearseSweep(ctx context.Context, c *Call) (any, error) {
	year, err := c.year()
	if err != nil {
		return nil, err
	}
	var q struct{ listing }
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Allowance.RehearseSweep(ctx, c.Actor, year, page)
}
