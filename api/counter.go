package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/counter"
	"bangfu/service/order"
)

func (s *Server) listHalls(ctx context.Context, c *Call) (any, error) {
	var in struct{ listing }
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	return s.Counter.Halls(ctx, c.Actor, page)
}

func (s *Server) listOpenHalls(ctx context.Context, c *Call) (any, error) {
	var in struct{ listing }
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	return s.Counter.OpenHalls(ctx, page)
}

func (s *Server) createHall(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Name           string     `json:"name" check:"required,max=60"`
		Address        string     `json:"address" check:"required,max=120"`
		OpenHours      string     `json:"open_hours" check:"max=80"`
		ChannelID      model.ID   `json:"channel_id" check:"required"`
		SupplierID     model.ID   `json:"supplier_id" check:"required"`
		ConfirmOverFen *model.Fen `json:"confirm_over_fen"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Counter.CreateHall(ctx, c.Actor, counter.NewHall(in))
}

func (s *Server) updateHall(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Name           *string    `json:"name" check:"omitempty,max=60"`
		Address        *string    `json:"address" check:"omitempty,max=120"`
		OpenHours      *string    `json:"open_hours" check:"omitempty,max=80"`
		ConfirmOverFen *model.Fen `json:"confirm_over_fen"`
		Status         *string    `json:"status" check:"omitempty,oneof=active closed"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Counter.UpdateHall(ctx, c.Actor, c.Object, counter.HallPatch(in))
}

// salesQuery is what a hall's sales may be narrowed by.
type salesQuery struct {
	From string `query:"from"`
	To   string `query:"to"`
}

func (q salesQuery) filter() (f counter.SalesFilter, err error) {
	if q.From != "" {
		if f.From, err = model.ParseDate("from", q.From); err != nil {
			return f, err
		}
	}
	if q.To != "" {
		f.To, err = model.ParseDate("to", q.To)
	}
	return f, err
}

func (s *Server) listHallSales(ctx context.Context, c *Call) (any, error) {
	var in struct {
		salesQuery
		listing
	}
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	return s.Counter.Sales(ctx, c.Object, f, page)
}

func (s *Server) getHallDays(ctx context.Context, c *Call) (any, error) {
	var in salesQuery
	if err := c.Query(&in); err != nil {
		return nil, err
	}
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	return s.Counter.DailySales(ctx, c.Object, f)
}

func (s *Server) getOwnHall(ctx context.Context, c *Call) (any, error) {
	return s.Counter.OwnHall(ctx, c.Actor)
}

func (s *Server) listCounterGoods(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Q string `query:"q" check:"omitempty,max=60"`
		listing
	}
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	return s.Counter.GoodsOnSale(ctx, c.Actor, in.Q, page)
}

func (s *Server) scanCounterCode(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Code string `json:"code" check:"required,max=64"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Counter.Scan(ctx, c.Actor, in.Code)
}

func (s *Server) getRedemption(ctx context.Context, c *Call) (any, error) {
	return s.Counter.Redemption(ctx, c.Actor, c.Object)
}

func (s *Server) payRedemption(ctx context.Context, c *Call) (any, error) {
	var in order.CounterSale
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Counter.Pay(ctx, c.Actor, c.Key, c.Object, in)
}

func (s *Server) cancelRedemption(ctx context.Context, c *Call) (any, error) {
	return nil, s.Counter.Cancel(ctx, c.Actor, c.Object)
}

func (s *Server) voidRedemption(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Reason string `json:"reason" check:"required,max=100"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Counter.Void(ctx, c.Actor, c.Key, c.Object, in.Reason)
}

func (s *Server) requestCounterCode(ctx context.Context, c *Call) (any, error) {
	return s.Counter.RequestCode(ctx, c.Actor)
}

func (s *Server) listMyRedemptions(ctx context.Context, c *Call) (any, error) {
	var in struct{ listing }
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	return s.Counter.Mine(ctx, c.Actor, page)
}

func (s *Server) listPendingRedemptions(ctx context.Context, c *Call) (any, error) {
	return s.Counter.Pending(ctx, c.Actor)
}

func (s *Server) confirmRedemption(ctx context.Context, c *Call) (any, error) {
	return s.Counter.Confirm(ctx, c.Actor, c.Key, c.Object)
}

func (s *Server) refuseRedemption(ctx context.Context, c *Call) (any, error) {
	return nil, s.Counter.Refuse(ctx, c.Actor, c.Object)
}
