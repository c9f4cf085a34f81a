package api

import "context"

func (s *Server) listAllowances(ctx context.Context, c *Call) (any, error) {
	return s.Allowance.Allowances(ctx, c.Actor.ID)
}

func (s *Server) listAllowanceTransfers(ctx context.Context, c *Call) (any, error) {
	var q listing
	page, err := c.page(&q, &q)
	if err != nil {
		return nil, err
	}
	return s.Allowance.AllowanceMovements(ctx, c.Object, page)
}
