package api

import (
	"context"

	"bangfu/service/order"
)

func (s *Server) checkout(ctx context.Context, c *Call) (any, error) {
	var cart order.Cart
	if err := c.JSON(&cart); err != nil {
		return nil, err
	}
	return s.Order.Checkout(ctx, c.Actor, c.Key, cart)
}
