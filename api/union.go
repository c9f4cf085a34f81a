package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/union"
)

func (s *Server) listUnions(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Q        string `query:"q" check:"max=60"`
		ParentID string `query:"parent_id"`
		Kind     string `query:"kind" check:"omitempty,oneof=city county industry grassroots"`
		Cursor   string `query:"cursor"`
		Limit    int    `query:"limit"`
	}
	if err := c.Query(&in); err != nil {
		return nil, err
	}
	page, err := pageOf(in.Cursor, in.Limit)
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
	id, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	return s.Union.Get(ctx, c.Actor, id)
}

func (s *Server) createUnion(ctx context.Context, c *Call) (any, error) {
	id, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	var in struct {
		Name string `json:"name" check:"required,max=60"`
		Kind string `json:"kind" check:"required,oneof=county industry grassroots"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Union.CreateChild(ctx, c.Actor, id, in.Name, in.Kind)
}

func (s *Server) changeUnion(ctx context.Context, c *Call) (any, error) {
	id, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	var in struct {
		Name string `json:"name" check:"required,max=60"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Union.Rename(ctx, c.Actor, id, in.Name)
}

func (s *Server) moveUnion(ctx context.Context, c *Call) (any, error) {
	id, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	var in struct {
		ParentID model.ID `json:"parent_id" check:"required"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Union.Move(ctx, c.Actor, id, in.ParentID)
}

func (s *Server) closeUnion(ctx context.Context, c *Call) (any, error) {
	id, err := c.ID("id")
	if err != nil {
		return nil, err
	}
	return s.Union.Close(ctx, c.Actor, id)
}
