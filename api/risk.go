package api

import (
	"context"

	"bangfu/service/risk"
)

func (s *Server) listRiskSignals(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		Rule   string `query:"rule" check:"max=40"`
		Status string `query:"status" check:"omitempty,oneof=open confirmed dismissed"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Risk.Signals(ctx, c.Actor, risk.Filter{Rule: q.Rule, Status: q.Status}, page)
}

func (s *Server) getRiskSignal(ctx context.Context, c *Call) (any, error) {
	return s.Risk.Signal(ctx, c.Actor, c.Object)
}

func (s *Server) reviewRiskSignal(ctx context.Context, c *Call) (any, error) {
	var in risk.ReviewInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Risk.Review(ctx, c.Actor, c.Object, in)
}

func (s *Server) listRiskRules(ctx context.Context, _ *Call) (any, error) {
	rules, err := s.Risk.Rules(ctx)
	return map[string]any{"items": rules}, err
}

func (s *Server) putRiskRule(ctx context.Context, c *Call) (any, error) {
	var in risk.RuleInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Risk.PutRule(ctx, c.Actor, c.gin.Param("code"), in)
}
