// Package identity knows who somebody is and what they may do and see: WeChat login, binding a member, staff login,
// sessions, roles and scope.
package identity

import (
	"context"
	"time"

	"bangfu/model"
	"bangfu/service/guard"
	"bangfu/service/wechat"
)

// Lifetimes are how long a session lasts without use, and at most.
type Lifetimes struct {
	MemberIdle, MemberMax, StaffIdle, StaffMax time.Duration
}

// Service is the use cases of identity.
type Service struct {
	db        *model.DB
	guard     *guard.Guard
	sealer    *model.Sealer
	wechat    *wechat.Client
	lifetimes Lifetimes
	hashing   chan struct{} // one place for each password being hashed
	visiting  *model.Reader[string, visit]
}

// New makes the service.
func New(db *model.DB, g *guard.Guard, sealer *model.Sealer, platform *wechat.Client, lifetimes Lifetimes) *Service {
	s := &Service{db: db, guard: g, sealer: sealer, wechat: platform, lifetimes: lifetimes, hashing: make(chan struct{}, maxHashing)}
	s.visiting = model.NewReader(s.visits)
	return s
}

// CheckScope is the package function of the same name on the service's database.
func (s *Service) CheckScope(ctx context.Context, actor model.Actor, object Object, id model.ID) error {
	return CheckScope(ctx, s.db, actor, object, id)
}
