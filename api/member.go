package api

import (
	"context"
)

func (s *Server) loginMember(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Code string `json:"code" check:"required,max=128"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Identity.LoginMember(ctx, in.Code, c.IP())
}

func (s *Server) logoutMember(ctx context.Context, c *Call) (any, error) {
	return nil, s.Identity.Logout(ctx, c.Actor)
}

func (s *Server) revokeMemberSessions(ctx context.Context, c *Call) (any, error) {
	return nil, s.Identity.RevokeMemberSessions(ctx, c.Actor)
}

func (s *Server) showPrivacyNotice(ctx context.Context, _ *Call) (any, error) {
	return s.Identity.PrivacyNotice(ctx)
}

func (s *Server) agree(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Version string `json:"version" check:"required,max=20"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Identity.Agree(ctx, c.Actor, in.Version)
}

func (s *Server) showProfile(ctx context.Context, c *Call) (any, error) {
	return s.Identity.ShowProfile(ctx, c.Actor)
}
