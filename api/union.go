package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/union"
)

func (s *Server) listUnions(ctx context.Context, c *Call) (any, error) {
	var in struct {
		listing
		Q        string `query:"q" check:"max=60"`
		ParentID string `query:"parent_id"`
		Kind     string `query:"kind" check:"omitempty,oneof=city county industry grassroots"`
	}
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	filter := union.Filter{Query: in.Q, Kind: in.Kind}
	if in.ParentID != "" {
		if filter.ParentID, err = model.ParseID(in.ParentID); err != nil {
			return nil, model.Invalid("parent_id", "“parent_id”不正确")
		}
	}
	return s.Union.List(ctx, c.Actor, filter, page)
}

func (s *Server) getUnion(ctx context.Context, c *Call) (any, error) {
	return s.Union.Get(ctx, c.Actor, c.Object)
}

func (s *Server) createUnion(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Name string `json:"name" check:"required,max=60"`
		Kind string `json:"kind" check:"required,oneof=county industry grassroots"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Union.CreateChild(ctx, c.Actor, c.Object, in.Name, in.Kind)
}

func (s *Server) changeUnion(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Name string `json:"name" check:"required,max=60"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Union.Rename(ctx, c.Actor, c.Object, in.Name)
}

func (s *Server) moveUnion(ctx context.Context, c *Call) (any, error) {
	var in struct {
		ParentID model.ID `json:"parent_id" check:"required"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Union.Move(ctx, c.Actor, c.Object, in.ParentID)
}

func (s *Server) closeUnion(ctx context.Context, c *Call) (any, error) {
	return s.Union.Close(ctx, c.Actor, c.Object)
}
