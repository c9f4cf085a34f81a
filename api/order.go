package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/order"
)

// orderQuery is what a list of orders may be narrowed by.
type orderQuery struct {
	Status string `query:"status" check:"omitempty,oneof=pending paid shipped completed cancelled closed"`
	From   string `query:"from"`
	To     string `query:"to"`
	Cursor string `query:"cursor"`
	Limit  int    `query:"limit"`
}

func (c *Call) orderQuery() (f order.Filter, page model.Page, err error) {
	var q orderQuery
	if err = c.Query(&q); err != nil {
		return f, page, err
	}
	f.Status = q.Status
	if q.From != "" {
		if f.From, err = model.ParseDate("from", q.From); err != nil {
			return f, page, err
		}
	}
	if q.To != "" {
		if f.To, err = model.ParseDate("to", q.To); err != nil {
			return f, page, err
		}
	}
	page, err = pageOf(q.Cursor, q.Limit)
	return f, page, err
}

func (s *Server) listMyOrders(ctx context.Context, c *Call) (any, error) {
	f, page, err := c.orderQuery()
	if err != nil {
		return nil, err
	}
	return s.Order.MyOrders(ctx, c.Actor, f, page)
}

func (s *Server) listUnionOrders(ctx context.Context, c *Call) (any, error) {
	f, page, err := c.orderQuery()
	if err != nil {
		return nil, err
	}
	return s.Order.UnionOrders(ctx, c.Object, f, page)
}

func (s *Server) getOrder(ctx context.Context, c *Call) (any, error) {
	return s.Order.Order(ctx, c.Actor, c.Object)
}

func (s *Server) cancelOrder(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Reason string `json:"reason" check:"required,max=200"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Payment.Cancel(ctx, c.Actor, c.Key, c.Object, in.Reason)
}
