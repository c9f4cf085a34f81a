package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/report"
)

func (s *Server) listAudit(ctx context.Context, c *Call) (any, error) {
	var in struct {
		listing
		Object string `query:"object" check:"max=60"`
		Actor  string `query:"actor" check:"max=40"`
		Action string `query:"action" check:"max=60"`
		From   string `query:"from"`
		To     string `query:"to"`
	}
	page, err := c.page(&in, &in.listing)
	if err != nil {
		return nil, err
	}
	filter := report.AuditFilter{Object: in.Object, Actor: in.Actor, Action: in.Action}
	if filter.From, err = optionalDate("from", in.From); err != nil {
		return nil, err
	}
	if filter.To, err = optionalDate("to", in.To); err != nil {
		return nil, err
	}
	return s.Report.AuditTrail(ctx, c.Actor, filter, page)
}

func (s *Server) getAuditHead(ctx context.Context, _ *Call) (any, error) {
	return s.Audit.Head(ctx)
}

func optionalDate(field, text string) (model.Date, error) {
	if text == "" {
		return "", nil
	}
	return model.ParseDate(field, text)
}
