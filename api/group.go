package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/group"
)

const spreadsheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

func (s *Server) getGroupTemplate(_ context.Context, _ *Call) (any, error) {
	return &Download{Name: "集体采购名单模板.xlsx", ContentType: spreadsheet, Write: s.Group.ListTemplate}, nil
}

func (s *Server) readGroupList(ctx context.Context, c *Call) (any, error) {
	up, err := c.Upload(group.MaxListBytes)
	if err != nil {
		return nil, err
	}
	defer func() { _ = up.Close() }()
	return s.Group.ReadList(ctx, c.Object, up)
}

func (s *Server) draftGroupPurchase(ctx context.Context, c *Call) (any, error) {
	var in group.Draft
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Group.Draft(ctx, c.Actor, c.Key, c.Object, in)
}

func (s *Server) listGroupPurchases(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		Year   int    `query:"year" check:"omitempty,min=2000,max=2100"`
		Status string `query:"status" check:"omitempty,oneof=draft ordered rejected cancelled"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Group.Purchases(ctx, c.Object, model.Year(q.Year), q.Status, page)
}

func (s *Server) getGroupPurchase(ctx context.Context, c *Call) (any, error) {
	return s.Group.Purchase(ctx, c.Object)
}

func (s *Server) listGroupReceivers(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		Signed string `query:"signed" check:"omitempty,oneof=yes no"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Group.Receivers(ctx, c.Object, q.Signed, page)
}

func (s *Server) approveGroupPurchase(ctx context.Context, c *Call) (any, error) {
	var in decisionInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Group.Approve(ctx, c.Actor, c.Key, c.Object, in.Note)
}

func (s *Server) rejectGroupPurchase(ctx context.Context, c *Call) (any, error) {
	var in refusalInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Group.Reject(ctx, c.Actor, c.Object, in.Note)
}

func (s *Server) cancelGroupPurchase(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Reason string `json:"reason" check:"required,min=2,max=100"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Group.Cancel(ctx, c.Actor, c.Object, in.Reason)
}

func (s *Server) approveGroupCancel(ctx context.Context, c *Call) (any, error) {
	var in decisionInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Group.ApproveCancel(ctx, c.Actor, c.Key, c.Object, in.Note)
}

func (s *Server) refuseGroupCancel(ctx context.Context, c *Call) (any, error) {
	var in refusalInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Group.RefuseCancel(ctx, c.Actor, c.Object, in.Note)
}

func (s *Server) receiveGroupParcel(ctx context.Context, c *Call) (any, error) {
	return nil, s.Order.ReceiveForUnion(ctx, c.Actor, c.Object)
}

func (s *Server) signGroupOnPaper(ctx context.Context, c *Call) (any, error) {
	var in struct {
		MemberIDs []model.ID `json:"member_ids" check:"required,min=1,max=1000,unique"`
		Note      string     `json:"note" check:"required,max=200"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Group.SignOnPaper(ctx, c.Actor, c.Object, in.MemberIDs, in.Note)
}

func (s *Server) undoGroupSignoff(ctx context.Context, c *Call) (any, error) {
	var in struct {
		MemberID model.ID `json:"member_id" check:"required"`
		Reason   string   `json:"reason" check:"required,max=200"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return nil, s.Group.UndoSignoff(ctx, c.Actor, c.Object, in.MemberID, in.Reason)
}

func (s *Server) getGroupSignoffList(ctx context.Context, c *Call) (any, error) {
	list, err := s.Group.SignoffList(ctx, c.Actor, c.Object)
	if err != nil {
		return nil, err
	}
	return &Download{Name: list.Name, ContentType: spreadsheet, Write: list.Write}, nil
}

func (s *Server) listMyGroupPurchases(ctx context.Context, c *Call) (any, error) {
	var q struct{ listing }
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Group.MyPurchases(ctx, c.Actor, page)
}

func (s *Server) signGroupPurchase(ctx context.Context, c *Call) (any, error) {
	return s.Group.Sign(ctx, c.Actor, c.Object)
}
