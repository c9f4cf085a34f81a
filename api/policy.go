package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/allowance"
)

// year reads the path parameter "year".
func (c *Call) year() (model.Year, error) {
	id, err := c.ID("year")
	if err != nil || id < 2000 || id > 2100 {
		return 0, model.E(model.CodeNotFound, "年度“%s”不正确", c.gin.Param("year"))
	}
	return model.Year(id), nil
}

func (s *Server) listPolicies(ctx context.Context, _ *Call) (any, error) {
	return s.Allowance.Policies(ctx)
}

func (s *Server) getPolicy(ctx context.Context, c *Call) (any, error) {
	year, err := c.year()
	if err != nil {
		return nil, err
	}
	return s.Allowance.Policy(ctx, year)
}

func (s *Server) putPolicy(ctx context.Context, c *Call) (any, error) {
	year, err := c.year()
	if err != nil {
		return nil, err
	}
	var in allowance.PolicyInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Allowance.PutPolicy(ctx, c.Actor, year, in)
}
