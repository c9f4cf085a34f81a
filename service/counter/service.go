// Package counter is buying at a hall (专馆): the member shows a code, the hall's cashier scans it and enters what is bought, the
// member's allowance pays (docs/adr/0012-at-the-counter.md). What an order is stays package order's.
package counter

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"bangfu/model"
	"bangfu/service/guard"
	"bangfu/service/order"
)

// The states of a redemption.
const (
	StatusScanned   = "scanned"         // the code was used, nothing is charged yet
	StatusAwaiting  = "awaiting_member" // what is bought is fixed; the member confirms or refuses on the phone
	StatusPaid      = "paid"
	StatusRefused   = "refused"   // by the member
	StatusCancelled = "cancelled" // by the cashier, before it was paid
	StatusExpired   = "expired"
	StatusVoided    = "voided" // paid, and undone on its day
)

// The times of the counter, all judged by the server's clock.
const (
	codeLife   = 60 * time.Second   // how long a phone shows a code
	codeGrace  = 60 * time.Second   // for how long after that it is accepted: a slow scan
	scanLife   = 10 * time.Minute   // for the cashier, from the scan to the charge
	memberLife = 3 * time.Minute    // for the member, to confirm
	codesKept  = 7 * 24 * time.Hour // after which a code's hash is deleted
	perMinute  = time.Minute        // of the limits
	maxCodes   = 60                 // codes a member may ask for in a minute
	maxScans   = 60                 // scans a cashier may do in a minute
)

// Service is the use cases of halls and their counters.
type Service struct {
	db     *model.DB
	guard  *guard.Guard
	orders *order.Service
}

// New makes the service.
func New(db *model.DB, g *guard.Guard, orders *order.Service) *Service {
	return &Service{db: db, guard: g, orders: orders}
}

func object(id model.ID) string { return "redemption:" + id.String() }

// flood turns away who does name too often.
func (s *Service) flood(ctx context.Context, name string, who model.ID, limit int) error {
	ok, after := s.guard.Allow(ctx, name, who.String(), limit, perMinute)
	if ok {
		return nil
	}
	e := model.E(model.CodeRateLimited, "操作太频繁，请稍后再试")
	e.RetryAfter = after
	return e
}

// lock locks a redemption, before everything else that its transaction locks, and reads it as it is. Whatever is done to one
// redemption is thereby done one after the other.
func lock(tx *gorm.DB, id model.ID) (model.Redemption, error) {
	var r model.Redemption
	err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return r, model.NotFound("到馆核销")
	}
	return r, err
}

// lockIn locks a redemption that must be in the state want now.
func lockIn(tx *gorm.DB, id model.ID, want string, now time.Time) (model.Redemption, error) {
	r, err := lock(tx, id)
	if err == nil && statusAt(r, now) != want {
		err = wrongState(statusAt(r, now))
	}
	return r, err
}

// statusAt is the state of a redemption at now: one whose time is over has expired, whether Tidy has written it or not.
func statusAt(r model.Redemption, now time.Time) string {
	if (r.Status == StatusScanned || r.Status == StatusAwaiting) && !now.Before(r.ExpiresAt) {
		return StatusExpired
	}
	return r.Status
}

var stateMessages = map[string]string{
	StatusScanned: "收银员还没有提交商品和金额", StatusAwaiting: "正在等待会员在手机上确认", StatusPaid: "这笔核销已经付款", StatusRefused: "会员已拒绝这笔核销",
	StatusCancelled: "收银员已取消这笔核销", StatusExpired: "这笔核销已超时失效，请会员重新出示消费码", StatusVoided: "这笔核销已经撤销",
}

func wrongState(status string) error {
	e := model.E(model.CodeConflict, "%s", stateMessages[status])
	e.Data = map[string]string{"status": status}
	return e
}

// turn takes a redemption out of the state from, by compare-and-set: in any other nothing changes and it is CodeConflict.
func turn(tx *gorm.DB, r model.Redemption, from string, columns map[string]any) error {
	res := tx.Model(&model.Redemption{}).Where("id = ? AND status = ?", r.ID, from).UpdateColumns(columns)
	if res.Error != nil || res.RowsAffected == 1 {
		return res.Error
	}
	return wrongState(r.Status)
}

// throughDoor does what moves a member's money at most one at a time and not too often, as an online checkout, and once per key.
// Somebody who is turned away with a key that was answered before still gets that answer.
func throughDoor[T any](ctx context.Context, s *Service, actor model.Actor, key string, content any, person model.ID, skus []model.ID, act func(tx *gorm.DB) (T, error)) (T, error) {
	verdict, release := s.guard.Door(ctx, person, skus)
	defer release()
	if verdict.Outcome != guard.Pass {
		answer, found, err := model.Answered[T](ctx, s.db, actor, key, content)
		if err == nil && !found {
			err = order.Refusal(verdict)
		}
		return answer, err
	}
	return model.Once(model.InTurn(ctx), s.db, actor, key, content, act)
}

// Tidy writes down which redemptions have expired and deletes codes that nobody can use any more. It is harmless to repeat and to
// run in several processes.
func (s *Service) Tidy(ctx context.Context) error {
	now := s.db.Now()
	err := s.db.Read(ctx).Model(&model.Redemption{}).Where("status IN ? AND expires_at <= ?", []string{StatusScanned, StatusAwaiting}, now).
		UpdateColumns(map[string]any{"status": StatusExpired, "ended_at": now, "updated_at": now}).Error
	if err != nil {
		return err
	}
	return s.db.Read(ctx).Where("expires_at < ?", now.Add(-codesKept)).Delete(&model.CounterCode{}).Error
}
