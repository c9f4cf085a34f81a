package api

import (
	"context"

	"bangfu/service/shop"
)

func (s *Server) listRegions(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		Paired *bool  `query:"paired"`
		Status string `query:"status" check:"omitempty,oneof=active closed"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Shop.Regions(ctx, shop.RegionFilter{Paired: q.Paired, Status: q.Status}, page)
}

func (s *Server) createRegion(ctx context.Context, c *Call) (any, error) {
	var in shop.NewRegion
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Shop.CreateRegion(ctx, c.Actor, in)
}

func (s *Server) updateRegion(ctx context.Context, c *Call) (any, error) {
	id, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	var in shop.RegionPatch
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Shop.UpdateRegion(ctx, c.Actor, id, in)
}
