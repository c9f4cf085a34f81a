package api

import (
	"context"
	"regexp"

	"bangfu/model"
)

func (s *Server) loginMember(ctx context.Context, c *Call) (any, error) {
	var in struct {
		Code string `json:"code" check:"required,max=128"`
	}
	if err := c.JSON(&in); err != nil {
		return nil, err
	}
	device, err := c.device()
	if err != nil {
		return nil, err
	}
	return s.Identity.LoginMember(ctx, in.Code, c.IP(), device)
}

var deviceForm = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`)

// device reads the X-Device-ID header, which a client may send: random, made by it once for the device.
func (c *Call) device() (string, error) {
	id := c.gin.GetHeader("X-Device-ID")
	if id != "" && !deviceForm.MatchString(id) {
		return "", model.Invalid("X-Device-ID", "请求头 X-Device-ID 应为 16 到 64 个字母、数字、下划线或连字符")
	}
	return id, nil
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
	device, err := c.device()
	if err != nil {
		return nil, err
	}
	return s.Identity.Agree(ctx, c.Actor, in.Version, device)
}

func (s *Server) showProfile(ctx context.Context, c *Call) (any, error) {
	return s.Identity.ShowProfile(ctx, c.Actor)
}
