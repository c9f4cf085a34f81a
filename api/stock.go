package api

import (
	"context"

	"bangfu/service/shop"
)

func (s *Server) getStock(ctx context.Context, c *Call) (any, error) {
	return s.Shop.Stock(ctx, c.Object)
}

func (s *Server) listMovements(ctx context.Context, c *Call) (any, error) {
	id, page, err := c.listOf()
	if err != nil {
		return nil, err
	}
	return s.Shop.Movements(ctx, id, page)
}

func (s *Server) addMovement(ctx context.Context, c *Call) (any, error) {
	var in shop.NewMovement
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Shop.MoveStockByHand(ctx, c.Actor, c.Key, c.Object, in)
}
