package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/order"
)

func (s *Server) listParcels(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		Status string `query:"status" check:"omitempty,oneof=waiting shipped received cancelled"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Order.SupplierParcels(ctx, c.Actor, q.Status, page)
}

func (s *Server) getParcel(ctx context.Context, c *Call) (any, error) {
	return s.Order.SupplierParcel(ctx, c.Actor, c.Object)
}

func (s *Server) shipParcel(ctx context.Context, c *Call) (any, error) {
	id, in, err := c.shipment()
	if err != nil {
		return nil, err
	}
	return s.Order.Ship(ctx, c.Actor, id, in)
}

func (s *Server) correctParcel(ctx context.Context, c *Call) (any, error) {
	id, in, err := c.shipment()
	if err != nil {
		return nil, err
	}
	return s.Order.Correct(ctx, c.Actor, id, in)
}

func (c *Call) shipment() (id model.ID, in order.Shipment, err error) {
	if id, err = c.ID("id"); err == nil {
		err = c.JSON(&in)
	}
	return id, in, err
}

func (s *Server) confirmParcel(ctx context.Context, c *Call) (any, error) {
	return nil, s.Order.Confirm(ctx, c.Actor, c.Object)
}
