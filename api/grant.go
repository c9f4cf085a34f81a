package api

import (
	"context"
	"strconv"

	"bangfu/model"
	"bangfu/service/allowance"
)

func (s *Server) draftGrant(ctx context.Context, c *Call) (any, error) {
	var in allowance.GrantInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Allowance.DraftGrant(ctx, c.Actor, c.Key, c.Object, in)
}

func (s *Server) uploadGrant(ctx context.Context, c *Call) (any, error) {
	up, err := c.Upload(allowance.MaxUploadBytes, "purse", "year", "title")
	if err != nil {
		return nil, err
	}
	defer func() { _ = up.Close() }()
	year, err := strconv.Atoi(up.Fields["year"])
	if err != nil {
		return nil, model.Invalid("year", "“year”应为年份，例如 2025")
	}
	in := allowance.UploadInput{Purse: model.Purse(up.Fields["purse"]), Year: model.Year(year), Title: up.Fields["title"]}
	if err := check(&in); err != nil {
		return nil, err
	}
	return s.Allowance.UploadGrant(ctx, c.Actor, c.Key, c.Object, in, up)
}

func (s *Server) getGrantTemplate(_ context.Context, _ *Call) (any, error) {
	return &Download{Name: "发放名单模板.xlsx", ContentType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Write: s.Allowance.GrantTemplate}, nil
}

func (s *Server) listGrants(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		Year   int    `query:"year" check:"omitempty,min=2000,max=2100"`
		Status string `query:"status" check:"omitempty,oneof=preparing draft approved issuing issued rejected cancelled"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Allowance.Grants(ctx, c.Object, model.Year(q.Year), q.Status, page)
}

func (s *Server) getGrant(ctx context.Context, c *Call) (any, error) {
	return s.Allowance.Grant(ctx, c.Object)
}

func (s *Server) listGrantItems(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		Status string `query:"status" check:"omitempty,oneof=pending issued cut skipped"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	return s.Allowance.GrantItems(ctx, c.Object, q.Status, page)
}

func (s *Server) approveGrant(ctx context.Context, c *Call) (any, error) {
	var in decisionInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Allowance.ApproveGrant(ctx, c.Actor, c.Key, c.Object, in.Note)
}

func (s *Server) rejectGrant(ctx context.Context, c *Call) (any, error) {
	var in refusalInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Allowance.RejectGrant(ctx, c.Actor, c.Object, in.Note)
}

func (s *Server) cancelGrant(ctx context.Context, c *Call) (any, error) {
	return s.Allowance.CancelGrant(ctx, c.Actor, c.Object)
}

func (s *Server) issueGrant(ctx context.Context, c *Call) (any, error) {
	return s.Allowance.StartGrant(ctx, c.Actor, c.Key, c.Object)
}
