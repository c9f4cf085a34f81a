package api

import (
	"context"

	"bangfu/service/shop"
)

func (s *Server) listChannels(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		Level  string `query:"level" check:"omitempty,oneof=province city unit"`
		Status string `query:"status" check:"omitempty,oneof=active closed"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Shop.Channels(ctx, shop.ChannelFilter{Level: q.Level, Status: q.Status}, page)
}

func (s *Server) createChannel(ctx context.Context, c *Call) (any, error) {
	var in shop.NewChannel
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Shop.CreateChannel(ctx, c.Actor, in)
}

func (s *Server) updateChannel(ctx context.Context, c *Call) (any, error) {
	id, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	var in shop.ChannelPatch
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Shop.UpdateChannel(ctx, c.Actor, id, in)
}
