package api

import (
	"context"
	"io"
	"strconv"

	"bangfu/model"
	"bangfu/service/aftersale"
	"bangfu/service/files"
	"bangfu/service/order"
)

func (s *Server) openAfterSale(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Kind        string `json:"kind" check:"required,oneof=refund_only return_goods"`
		Reason      string `json:"reason" check:"required,oneof=quality shortage mismatch damaged lost unwanted other"`
		Description string `json:"description" check:"max=500"`
		Lines       []struct {
			LineID   model.ID `json:"line_id" check:"required"`
			Quantity int64    `json:"quantity" check:"min=1,max=100000"`
		} `json:"lines" check:"required,min=1,max=50,dive"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	asked := aftersale.NewCase{Kind: in.Kind, Reason: in.Reason, Description: in.Description}
	for _, l := range in.Lines {
		asked.Lines = append(asked.Lines, order.ReturnLine{LineID: l.LineID, Quantity: l.Quantity})
	}
	return s.AfterSale.Open(ctx, c.Actor, c.Key, c.Object, asked)
}

// afterSaleQuery reads what a list of cases is narrowed by.
func (c *Call) afterSaleQuery() (f aftersale.Filter, page model.Page, err error) {
	var q struct {
		listing
		Status  string `query:"status" check:"omitempty,oneof=open requested refused agreed returning escalated refunded rejected withdrawn closed"`
		OrderID string `query:"order_id"`
	}
	if page, err = c.page(&q, &q.listing); err != nil {
		return f, page, err
	}
	f.Status = q.Status
	if q.OrderID != "" {
		if f.Order, err = model.ParseID(q.OrderID); err != nil {
			return f, page, model.Invalid("order_id", "订单编号不正确")
		}
	}
	return f, page, nil
}

func (s *Server) listMyAfterSales(ctx context.Context, c *Call) (any, error) {
	f, page, err := c.afterSaleQuery()
	if err != nil {
		return nil, err
	}
	return s.AfterSale.Mine(ctx, c.Actor, f, page)
}

func (s *Server) listAfterSales(ctx context.Context, c *Call) (any, error) {
	f, page, err := c.afterSaleQuery()
	if err != nil {
		return nil, err
	}
	return s.AfterSale.Cases(ctx, c.Actor, f, page)
}

func (s *Server) getAfterSale(ctx context.Context, c *Call) (any, error) {
	return s.AfterSale.Case(ctx, c.Actor, c.Object)
}

func (s *Server) withdrawAfterSale(ctx context.Context, c *Call) (any, error) {
	return s.AfterSale.Withdraw(ctx, c.Actor, c.Object)
}

func (s *Server) sendBackAfterSale(ctx context.Context, c *Call) (any, error) {
	var in order.Shipment
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.AfterSale.SendBack(ctx, c.Actor, c.Object, in)
}

func (s *Server) escalateAfterSale(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Note string `json:"note" check:"required,max=500"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.AfterSale.Escalate(ctx, c.Actor, c.Object, in.Note)
}

func (s *Server) addAfterSalePicture(ctx context.Context, c *Call) (any, error) {
	up, err := c.Upload(files.MaxPictureBytes)
	if err != nil {
		return nil, err
	}
	defer func() { _ = up.Close() }()
	return s.AfterSale.AddPicture(ctx, c.Actor, c.Object, up.Name, up)
}

func (s *Server) getAfterSalePicture(ctx context.Context, c *Call) (any, error) {
	seq, err := strconv.Atoi(c.gin.Param("seq"))
	if err != nil {
		return nil, model.NotFound("图片")
	}
	f, content, err := s.AfterSale.Picture(ctx, c.Object, seq)
	if err != nil {
		return nil, err
	}
	return &Download{ContentType: f.ContentType, Size: f.Size, Write: func(w io.Writer) error {
		defer func() { _ = content.Close() }()
		_, err := io.Copy(w, content)
		return err
	}}, nil
}

func (s *Server) agreeAfterSale(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Note     string `json:"note" check:"max=500"`
		Restock  bool   `json:"restock"`
		ReturnTo string `json:"return_to" check:"max=300"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.AfterSale.Agree(ctx, c.Actor, c.Key, c.Object, aftersale.Consent{Note: in.Note, Restock: in.Restock, ReturnTo: in.ReturnTo})
}

func (s *Server) refuseAfterSale(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Reason string `json:"reason" check:"required,max=500"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.AfterSale.Refuse(ctx, c.Actor, c.Object, in.Reason)
}

func (s *Server) receiveAfterSale(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Restock *bool  `json:"restock" check:"required"`
		Note    string `json:"note" check:"max=500"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.AfterSale.Receive(ctx, c.Actor, c.Key, c.Object, *in.Restock, in.Note)
}

func (s *Server) decideAfterSale(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Decision string `json:"decision" check:"required,oneof=agree refuse"`
		Note     string `json:"note" check:"required,max=500"`
		Restock  bool   `json:"restock"`
		ReturnTo string `json:"return_to" check:"max=300"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.AfterSale.Decide(ctx, c.Actor, c.Key, c.Object, aftersale.Decision{
		Agree: in.Decision == "agree", Consent: aftersale.Consent{Note: in.Note, Restock: in.Restock, ReturnTo: in.ReturnTo}})
}
