package api

import (
	"context"

	"bangfu/model"
	"bangfu/service/claim"
)

func (s *Server) getClaimListTemplate(_ context.Context, _ *Call) (any, error) {
	return &Download{Name: "采购名单模板.xlsx", ContentType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Write: s.Claim.ListTemplate}, nil
}

func (s *Server) readClaimList(ctx context.Context, c *Call) (any, error) {
	up, err := c.Upload(claim.MaxListBytes)
	if err != nil {
		return nil, err
	}
	defer func() { _ = up.Close() }()
	return s.Claim.ReadList(ctx, c.Object, up)
}

func (s *Server) enterClaim(ctx context.Context, c *Call) (any, error) {
	var in claim.Input
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Claim.Enter(ctx, c.Actor, c.Key, c.Object, in)
}

func (s *Server) listClaims(ctx context.Context, c *Call) (any, error) {
	var q struct {
		listing
		Subtree   bool   `query:"subtree"`
		Year      int    `query:"year" check:"omitempty,min=2000,max=2100"`
		Status    string `query:"status" check:"omitempty,oneof=entered approved rejected withdrawn revoked"`
		Purse     string `query:"purse" check:"omitempty,oneof=extra festival hardship activity"`
		ChannelID string `query:"channel_id"`
	}
	page, err := c.page(&q, &q.listing)
	if err != nil {
		return nil, err
	}
	f := claim.Filter{Subtree: q.Subtree, Year: model.Year(q.Year), Status: q.Status, Purse: model.Purse(q.Purse)}
	if q.ChannelID != "" {
		if f.ChannelID, err = model.ParseID(q.ChannelID); err != nil {
			return nil, model.Invalid("channel_id", "采购渠道的编号不正确")
		}
	}
	return s.Claim.Claims(ctx, c.Object, f, page)
}

func (s *Server) getClaim(ctx context.Context, c *Call) (any, error) {
	return s.Claim.Claim(ctx, c.Object)
}

func (s *Server) listClaimPersons(ctx context.Context, c *Call) (any, error) {
	var q listing
	page, err := c.page(&q, &q)
	if err != nil {
		return nil, err
	}
	return s.Claim.Persons(ctx, c.Object, page)
}

func (s *Server) correctClaim(ctx context.Context, c *Call) (any, error) {
	var in claim.Correction
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Claim.Correct(ctx, c.Actor, c.Object, in)
}

func (s *Server) withdrawClaim(ctx context.Context, c *Call) (any, error) {
	return s.Claim.Withdraw(ctx, c.Actor, c.Object)
}

func (s *Server) approveClaim(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Version int    `json:"version" check:"min=1"`
		Note    string `json:"note" check:"max=200"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Claim.Approve(ctx, c.Actor, c.Key, c.Object, in.Version, in.Note)
}

func (s *Server) rejectClaim(ctx context.Context, c *Call) (any, error) {
	var in refusalInput
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Claim.Reject(ctx, c.Actor, c.Object, in.Note)
}

func (s *Server) revokeClaim(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Reason string `json:"reason" check:"required,max=200"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Claim.Revoke(ctx, c.Actor, c.Key, c.Object, in.Reason)
}
