package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/identity"
)

func (s *Server) showBinding(ctx context.Context, c *Call) (any, error) {
	return s.Identity.ShowBinding(ctx, c.Actor)
}

func (s *Server) bind(ctx context.Context, c *Call) (any, error) {
	var in struct {
		PhoneCode string   `json:"phone_code" check:"required,max=128"`
		Name      string   `json:"name" check:"required,max=60"`
		IDLast6   string   `json:"id_last6" check:"required,max=20"`
		UnionID   model.ID `json:"union_id"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	b, err := s.Identity.Bind(ctx, c.Actor, identity.BindingInput{PhoneCode: in.PhoneCode, Name: in.Name, IDLast6: in.IDLast6, UnionID: in.UnionID})
	if err == nil && b.State == identity.BindingPending {
		return &Accepted{Body: b}, nil
	}
	return b, err
}

func (s *Server) searchUnions(ctx context.Context, c *Call) (any, error) {
	var in struct {
		listing
		Q string `query:"q" check:"max=60"`
	}
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	return s.Identity.SearchUnions(ctx, in.Q, page)
}

func (s *Server) listBindingRequests(ctx context.Context, c *Call) (any, error) {
	var in struct {
		listing
		Status string `query:"status" check:"omitempty,oneof=pending approved rejected withdrawn"`
	}
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	return s.Identity.ListBindingRequests(ctx, c.Object, in.Status, page)
}

func (s *Server) showBindingRequest(ctx context.Context, c *Call) (any, error) {
	return s.Identity.ShowBindingRequest(ctx, c.Object)
}

func (s *Server) approveBinding(ctx context.Context, c *Call) (any, error) {
	var in struct {
		MemberID model.ID `json:"member_id" check:"required"`
		Note     string   `json:"note" check:"max=200"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Identity.ApproveBinding(ctx, c.Actor, c.Object, in.MemberID, in.Note)
}

func (s *Server) rejectBinding(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Note string `json:"note" check:"required,max=200"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Identity.RejectBinding(ctx, c.Actor, c.Object, in.Note)
}

func (s *Server) unbind(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Reason string `json:"reason" check:"required,max=200"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return nil, s.Identity.Unbind(ctx, c.Actor, c.Object, in.Reason)
}
