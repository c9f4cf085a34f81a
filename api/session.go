package api

import (
	"context"

	"bangfu/service/identity"
)

// staffCookie is the name of the console's session cookie. Browsers take one that begins with "__Host-" only from this very host,
// over TLS and for all of its paths, so that a neighbouring host cannot plant one.
func (s *Server) staffCookie() string {
	if s.SecureCookies {
		return "__Host-" + StaffCookie
	}
	return StaffCookie
}

func (s *Server) loginStaff(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Login    string `json:"login" check:"required,max=40"`
		Password string `json:"password" check:"required,max=128"`
		TOTP     string `json:"totp" check:"omitempty,len=6,numeric"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	session, err := s.Identity.LoginStaff(ctx, identity.StaffLogin{Login: in.Login, Password: in.Password, TOTP: in.TOTP, IP: c.IP(), RequestID: c.Actor.RequestID})
	if err != nil {
		return nil, err
	}
	c.cookie(s.staffCookie(), session.Token, "/", 0, s.SecureCookies) // ends with the browser; its row ends it earlier
	return session, nil
}

func (s *Server) showSession(ctx context.Context, c *Call) (any, error) {
	token, err := c.gin.Cookie(s.staffCookie())
	if err != nil {
		return nil, err
	}
	return s.Identity.ShowSession(ctx, c.Actor, token)
}

func (s *Server) logoutStaff(ctx context.Context, c *Call) (any, error) {
	if err := s.Identity.Logout(ctx, c.Actor); err != nil {
		return nil, err
	}
	c.cookie(s.staffCookie(), "", "/", -1, s.SecureCookies)
	return nil, nil
}

// renewed hands the new cookie and CSRF token of a session that goes on to its browser.
func (s *Server) renewed(c *Call, r identity.Renewed, err error) error {
	if err == nil {
		c.cookie(s.staffCookie(), r.Token, "/", 0, s.SecureCookies)
		c.gin.Header("X-CSRF-Token", r.CSRFToken)
	}
	return err
}

func (s *Server) changePassword(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Old string `json:"old" check:"required,max=128"`
		New string `json:"new" check:"required,max=128"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	renewed, err := s.Identity.ChangePassword(ctx, c.Actor, in.Old, in.New)
	return nil, s.renewed(c, renewed, err)
}

func (s *Server) beginTOTP(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Password string `json:"password" check:"required,max=128"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	return s.Identity.BeginTOTP(ctx, c.Actor, in.Password)
}

func (s *Server) confirmTOTP(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Code string `json:"code" check:"required,len=6,numeric"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	renewed, err := s.Identity.ConfirmTOTP(ctx, c.Actor, in.Code)
	return nil, s.renewed(c, renewed, err)
}

func (s *Server) listRoles(_ context.Context, c *Call) (any, error) {
	return map[string]any{"items": s.Identity.ListRoles(c.Actor)}, nil
}
