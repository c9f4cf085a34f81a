package api

import (
	"context"
	"fmt"
)

func (s *Server) showYearEnd(ctx context.Context, c *Call) (any, error) {
	year, err := c.year()
	if err != nil {
		return nil, err
	}
	var q struct{ listing }
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Allowance.YearEnd(ctx, c.Actor, year, page)
}

func (s *Server) listYearEndMembers(ctx context.Context, c *Call) (any, error) {
	year, err := c.year()
	if err != nil {
		return nil, err
	}
	var q struct{ listing }
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Allowance.YearEndMembers(ctx, c.Object, year, page)
}

func (s *Server) exportYearEnd(ctx context.Context, c *Call) (any, error) {
	year, err := c.year()
	if err != nil {
		return nil, err
	}
	write, err := s.Allowance.ExportYearEnd(ctx, c.Object, year)
	return &Download{Name: fmt.Sprintf("%d年未用额度名单.xlsx", year), ContentType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Write: write}, err
}

func (s *Server) remindMembers(ctx context.Context, c *Call) (any, error) {
	year, err := c.year()
	if err != nil {
		return nil, err
	}
	return s.Allowance.Remind(ctx, c.Actor, c.Object, year)
}
