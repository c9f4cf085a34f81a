package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"bangfu/model"
	"bangfu/service/identity"
)

// Audience is who a route is for, and thereby how a request proves who sends it.
type Audience string

// The audiences.
const (
	Public  Audience = "public"  // anybody
	Account Audience = "account" // a WeChat account that has logged in, bound to a member or not (bearer token)
	Member  Audience = "member"  // a WeChat account bound to a member, that agreed to the privacy notice in force (bearer token)
	Staff   Audience = "staff"   // a console account (cookie; CSRF token on every write)
)

// Route is one row of the route table.
type Route struct {
	Method     string
	Path       string // gin form: "/api/v1/orders/:id"
	Audience   Audience
	Permission identity.Permission // staff only
	Object     identity.Object     // what the path parameter Param names; its owner must be in the caller's scope
	Param      string              // "id" if Object is set and this is empty
	Initial    bool                // staff: open while an initial password has not been changed
	Money      bool                // moves money: an Idempotency-Key is required
	Slow       bool                // uploads and exports: minutes instead of seconds
	Status     int                 // of success; 200 if 0
	Handle     Handler
}

// The deadlines of a request.
const (
	deadline     = 20 * time.Second
	slowDeadline = 5 * time.Minute
)

func (r Route) param() string {
	if r.Param != "" {
		return r.Param
	}
	return "id"
}

// handle is what every request of a route goes through, in this order: who asks, may they do this at all, may they
// do it to this object, is it a safe write, and then the handler.
func (s *Server) handle(r Route) gin.HandlerFunc {
	return func(g *gin.Context) {
		limit := deadline
		if r.Slow {
			limit = slowDeadline
		}
		ctx, cancel := context.WithTimeout(g.Request.Context(), limit)
		defer cancel()
		// A client that sends or takes its bytes one by one holds a connection no longer than the work itself may take. An error
		// means that there is no connection, as in tests.
		connection, now := http.NewResponseController(g.Writer), time.Now()
		_ = connection.SetReadDeadline(now.Add(limit))
		_ = connection.SetWriteDeadline(now.Add(limit + deadline))
		g.Request = g.Request.WithContext(ctx)

		c := &Call{gin: g}
		if err := s.admit(ctx, r, c); err != nil {
			s.fail(g, err)
			return
		}
		g.Set(keyActor, c.Actor.Ref())
		answer, err := r.Handle(ctx, c)
		if err == nil && r.Method == http.MethodGet && !c.queried {
			err = c.noQuery() // what only reads may be refused afterwards; writes are refused by admit
		}
		if err != nil {
			s.fail(g, err)
			return
		}
		s.answer(g, r, answer)
	}
}

// Accepted is an answer that what was asked for waits for something else (202).
type Accepted struct{ Body any }

func (s *Server) answer(g *gin.Context, r Route, answer any) {
	status := r.Status
	if status == 0 {
		status = http.StatusOK
	}
	switch a := answer.(type) {
	case nil:
		g.Status(http.StatusNoContent)
	case *Download:
		s.send(g, a)
	case *Accepted:
		g.JSON(http.StatusAccepted, a.Body)
	default:
		g.JSON(status, a)
	}
}

// admit is the one place that decides whether a request may reach its handler.
func (s *Server) admit(ctx context.Context, r Route, c *Call) error {
	var err error
	if c.Actor, err = s.actor(ctx, r, c.gin); err != nil {
		return err
	}
	c.Actor.RequestID = requestID(c.gin)
	if r.Audience == Staff {
		if c.Actor.InitialPassword && !r.Initial {
			return model.E(model.CodeForbidden, "请先修改初始密码，再进行其他操作")
		}
		if !identity.Role(c.Actor.Role).May(r.Permission) {
			return model.E(model.CodeForbidden, "您的岗位没有这项权限")
		}
		if r.Permission.NeedsSecondFactor() && !c.Actor.Strong {
			return model.E(model.CodeSecondFactor, "这项操作需要动态口令：请先在“账号安全”里绑定动态口令，再重新登录")
		}
	}
	if r.Object != "" {
		if c.Object, err = c.ID(r.param()); err != nil {
			return err
		}
		if err := s.Identity.CheckScope(ctx, c.Actor, r.Object, c.Object); err != nil {
			return err
		}
	}
	if r.Method != http.MethodGet {
		if err := c.noQuery(); err != nil {
			return err
		}
	}
	if r.Money {
		return c.idempotencyKey()
	}
	return nil
}

func (s *Server) actor(ctx context.Context, r Route, g *gin.Context) (model.Actor, error) {
	switch r.Audience {
	case Account, Member:
		scheme, token, _ := strings.Cut(g.GetHeader("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return model.Actor{}, model.E(model.CodeUnauthenticated, "请先登录")
		}
		actor, err := s.Identity.MemberActor(ctx, token)
		if err == nil && r.Audience == Member && actor.Kind != model.ActorPerson {
			err = model.E(model.CodeNotBound, "请先完成会员身份绑定")
		}
		if err == nil && r.Audience == Member {
			err = identity.RequireConsent(actor)
		}
		return actor, err
	case Staff:
		cookie, err := g.Cookie(s.staffCookie())
		if err != nil {
			return model.Actor{}, model.E(model.CodeUnauthenticated, "请先登录")
		}
		safe := r.Method == http.MethodGet || r.Method == http.MethodHead
		return s.Identity.StaffActor(ctx, cookie, g.GetHeader("X-CSRF-Token"), safe)
	default:
		return model.Actor{}, nil
	}
}

// idempotencyKey reads the Idempotency-Key header: 8 to 64 characters of A-Z a-z 0-9 _ -.
func (c *Call) idempotencyKey() error {
	key := c.gin.GetHeader("Idempotency-Key")
	ok := len(key) >= 8 && len(key) <= 64
	for _, r := range key {
		ok = ok && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}
	if !ok {
		return model.Invalid("Idempotency-Key", "请求头 Idempotency-Key 应为 8 到 64 个字母、数字、下划线或连字符")
	}
	c.Key = key
	return nil
}
