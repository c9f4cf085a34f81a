// Package payment takes WeChat money for orders and gives it back: prepayments, notices, asking WeChat when none come,
// closing, refunds. Between the database and WeChat anything may be lost; docs/adr/0014-wechat-payments.md says how every
// step can be taken up again.
package payment

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/guard"
	"bangfu/service/order"
	"bangfu/service/wechat/pay"
)

// The states of a payment.
const (
	StatusCreated = "created" // WeChat was never told of it
	StatusPrepaid = "prepaid" // WeChat may know it: until it is paid or WeChat says that it is closed, money may come
	StatusPaid    = "paid"
	StatusClosed  = "closed" // WeChat takes no money for it any more
)

// The states of WeChat money on its way back.
const (
	RefundWaiting    = "waiting"    // WeChat was not told yet, or did not answer
	RefundProcessing = "processing" // WeChat accepted it
	RefundDone       = "done"
	RefundFailed     = "failed" // WeChat refused or gave up: somebody must look; may be retried
)

// Options are what the service works with.
type Options struct {
	DB     *model.DB
	Guard  *guard.Guard
	Orders *order.Service
	Wechat *pay.Client // nil: no merchant, WeChat money is not offered
	Log    *slog.Logger
	// Crash, in tests, is asked at each named step; its error ends the work there as a crash would: within a transaction it rolls
	// back, after a call to WeChat nothing of the answer is kept.
	Crash func(step string) error
}

// Service is the use cases of WeChat payments.
type Service struct {
	db     *model.DB
	guard  *guard.Guard
	orders *order.Service
	wechat *pay.Client
	log    *slog.Logger
	crash  func(step string) error
}

// New makes the service.
func New(o Options) *Service {
	if o.Crash == nil {
		o.Crash = func(string) error { return nil }
	}
	return &Service{db: o.DB, guard: o.Guard, orders: o.Orders, wechat: o.Wechat, log: o.Log, crash: o.Crash}
}

// errNoMerchant is what everything that needs WeChat says where there is no merchant.
func errNoMerchant() error { return model.E(model.CodeWechat, "暂未开通微信支付") }

// object is how the audit trail names a payment.
func object(id model.ID) string { return "payment:" + id.String() }

// mine reads the payment of the member's order; CodeNotFound if no WeChat money pays for it.
func (s *Service) mine(ctx context.Context, actor model.Actor, order model.ID) (p model.Payment, err error) {
	err = s.db.Read(ctx).Where("order_id = ? AND person_id = ?", order, actor.ID).Take(&p).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = model.E(model.CodeNotFound, "这个订单没有微信支付的部分")
	}
	return p, err
}

// The pauses between questions to WeChat: short while somebody waits for the answer, longer and longer otherwise.
const (
	firstPause   = 5 * time.Second
	pausePayment = time.Minute
	pauseRefund  = 30 * time.Minute
)

// pause is how long to wait after the given number of attempts, doubling up to most, with a quarter of jitter, so that what failed
// together does not come back together.
func pause(attempts int, most time.Duration) time.Duration {
	d := firstPause
	for ; attempts > 0 && d < most; attempts-- {
		d *= 2
	}
	d = min(d, most)
	return d - time.Duration(rand.Int64N(int64(d/4)))
}
