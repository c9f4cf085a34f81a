package api

import (
	"context"

	"bangfu/model"
)

// figuresOf is the query of a page of figures: of which year, and how many rows of a ranking.
type figuresOf struct {
	Year  int `query:"year" check:"omitempty,min=2000,max=2100"`
	Limit int `query:"limit" check:"omitempty,min=1,max=100"`
}

// figures reads the query; rankings have 20 rows unless asked otherwise.
func (c *Call) figures() (year model.Year, limit int, err error) {
	in := figuresOf{Limit: 20}
	err = c.Query(&in)
	return model.Year(in.Year), in.Limit, err
}

func (s *Server) getFigures(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Year int `query:"year" check:"omitempty,min=2000,max=2100"`
	}
	if err := c.Query(&in); err != nil {
		return nil, err
	}
	return s.Tally.Overview(ctx, c.Object, model.Year(in.Year))
}

func (s *Server) getFiguresByRegion(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Year int `query:"year" check:"omitempty,min=2000,max=2100"`
	}
	if err := c.Query(&in); err != nil {
		return nil, err
	}
	return s.Tally.Regions(ctx, c.Object, model.Year(in.Year))
}

func (s *Server) getFiguresByUnion(ctx context.Context, c *Call) (any, error) {
	year, limit, err := c.figures()
	if err != nil {
		return nil, err
	}
	return s.Tally.Parts(ctx, c.Object, year, limit)
}

func (s *Server) getFiguresBySupplier(ctx context.Context, c *Call) (any, error) {
	year, limit, err := c.figures()
	if err != nil {
		return nil, err
	}
	return s.Tally.Suppliers(ctx, c.Object, year, limit)
}

func (s *Server) getFiguresByProduct(ctx context.Context, c *Call) (any, error) {
	year, limit, err := c.figures()
	if err != nil {
		return nil, err
	}
	return s.Tally.Products(ctx, c.Object, year, limit)
}
