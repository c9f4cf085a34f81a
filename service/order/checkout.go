package order

import (
	"context"
	"errors"
	"sync"
	"time"

	"bangfu/model"
	"bangfu/service/guard"
)

// Outcomes of a checkout in the metrics that are not codes of refusals.
const (
	outcomeOK       = "ok"
	outcomeReplay   = "replay"
	outcomeInFlight = "in_flight"
)

// soldOutMark is how long the door turns away a SKU after the database said that nothing of it is left.
const soldOutMark = 2 * time.Second

// Placed is the answer to a checkout. It is stored with the idempotency key, so it holds no address and no phone.
type Placed struct {
	ID           model.ID  `json:"id"`
	OrderNo      string    `json:"order_no"`
	Status       string    `json:"status"`
	TotalFen     model.Fen `json:"total_fen"`
	AllowanceFen model.Fen `json:"allowance_fen"`
	WechatFen    model.Fen `json:"wechat_fen"`
	Parcels      int       `json:"parcels"`
	PlacedAt     time.Time `json:"placed_at"`
	// PayBefore is set while WeChatFen has to be paid: the order is closed if it is not by then.
	PayBefore *time.Time `json:"pay_before,omitempty"`
}

// SoldOut is the Data of CodeSoldOut.
type SoldOut struct {
	SKUID     model.ID `json:"sku_id"`
	Available int64    `json:"available"` // what is left; less than was asked for
}

// Prices is the Data of CodePriceChanged: what the cart costs now.
type Prices struct {
	TotalFen model.Fen `json:"total_fen"`
	Items    []Price   `json:"items"`
}

// Price is the price of one SKU now.
type Price struct {
	SKUID    model.ID  `json:"sku_id"`
	PriceFen model.Fen `json:"price_fen"`
}

// checkoutContent is what an idempotency key of a checkout stands for.
type checkoutContent struct {
	Act  string
	Cart Cart
}

// Checkout buys the cart for the member with the allowances of one membership, or with WeChat money for what they do not
// cover: such an order is pending, goods and allowances set aside, until the payment is known (package payment). The same
// key with the same cart gets the same answer without a second order. Errors: CodeInvalid; CodeNotFound for an address that is not the member's or a SKU that
// does not exist; CodeOffShelf; CodePriceChanged with Prices; CodeSoldOut with SoldOut; CodeInsufficientBalance with Shortage;
// CodeConflict while another checkout of the member is under way (try again with the same key); CodeRateLimited;
// CodeIdempotencyMismatch.
func (s *Service) Checkout(ctx context.Context, actor model.Actor, key string, cart Cart) (Placed, error) {
	start := time.Now()
	placed, outcome, err := s.throughDoor(ctx, actor, key, cart)
	s.seconds.Observe(time.Since(start).Seconds())
	s.checkouts.WithLabelValues(outcome).Inc()
	return placed, err
}

// throughDoor lets Redis turn away what the database need not see, and has the order placed. The door only ever refuses:
// what passes it, and everything while Redis is away, is decided by the database alone. Somebody who is turned away with a
// key that was answered before still gets that answer.
func (s *Service) throughDoor(ctx context.Context, actor model.Actor, key string, cart Cart) (Placed, string, error) {
	if err := model.CheckKey(key); err != nil {
		return Placed{}, outcomeOf(err), err
	}
	if err := cart.check(); err != nil {
		return Placed{}, outcomeOf(err), err
	}
	content := checkoutContent{Act: "checkout", Cart: cart}
	hash, err := model.ContentHash(content)
	if err != nil {
		return Placed{}, outcomeOf(err), err
	}
	t := &ticket{ctx: ctx, actor: actor, key: key, hash: hash, cart: cart, reply: make(chan answer, 1)}
	a := s.engine.submit(t)
	if a.turned.Outcome == guard.SoldOut && s.marks.stale(ctx, s, a.turned.SKU) {
		t.pass, t.said = true, answer{}
		a = s.engine.submit(t)
	}
	if a.turned.Outcome != guard.Pass {
		placed, found, err := model.Answered[Placed](ctx, s.db, actor, key, content)
		if found {
			return placed, outcomeReplay, nil
		}
		if err != nil {
			return Placed{}, outcomeOf(err), err
		}
		return turnedAway(a.turned)
	}
	s.noteSoldOut(ctx, a.err)
	switch {
	case a.err != nil:
		return Placed{}, outcomeOf(a.err), a.err
	case a.replay:
		return a.placed, outcomeReplay, nil
	}
	return a.placed, outcomeOK, nil
}

func turnedAway(v guard.Verdict) (Placed, string, error) {
	err := Refusal(v)
	if v.Outcome == guard.InFlight {
		return Placed{}, outcomeInFlight, err
	}
	return Placed{}, outcomeOf(err), err
}

// Refusal is what somebody is told whom the door turned away: CodeConflict with in_flight, CodeSoldOut with SoldOut, or CodeRateLimited.
func Refusal(v guard.Verdict) error {
	switch v.Outcome {
	case guard.InFlight:
		e := model.E(model.CodeConflict, "正在下单，请勿重复点击")
		e.Data = map[string]bool{"in_flight": true}
		return e
	case guard.SoldOut:
		e := model.E(model.CodeSoldOut, "来晚了，商品已售罄")
		e.Data = SoldOut{SKUID: v.SKU}
		return e
	default:
		e := model.E(model.CodeRateLimited, "下单太频繁，请稍后再试")
		e.RetryAfter = v.RetryAfter
		return e
	}
}

// soldOutCheck is how often, for each SKU, the database is asked whether a mark at the door is still right.
const soldOutCheck = 200 * time.Millisecond

// soldOutMarks remembers when the marks that turned somebody away were last held against the database.
type soldOutMarks struct {
	mu      sync.Mutex
	checked map[model.ID]time.Time
}

// stale tells whether the SKU is marked as sold out but is not, and takes the mark away then: stock came back and the word of it was
// lost with a Redis or a process. What it cannot tell it leaves to the mark, which ends by itself.
func (m *soldOutMarks) stale(ctx context.Context, s *Service, sku model.ID) bool {
	if !m.due(sku) {
		return false
	}
	var stock model.Stock
	if err := s.db.Read(ctx).Take(&stock, sku).Error; err != nil || stock.OnHand <= 0 {
		return false
	}
	s.guard.ClearSoldOut(ctx, sku)
	return true
}

func (m *soldOutMarks) due(sku model.ID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if now.Sub(m.checked[sku]) < soldOutCheck {
		return false
	}
	if m.checked == nil || len(m.checked) > 10_000 {
		m.checked = map[model.ID]time.Time{}
	}
	m.checked[sku] = now
	return true
}

// noteSoldOut has the door turn others away for a moment when nothing at all is left of a SKU.
func (s *Service) noteSoldOut(ctx context.Context, err error) {
	var shown *model.Error
	if !errors.As(err, &shown) || shown.Code != model.CodeSoldOut {
		return
	}
	if d, ok := shown.Data.(SoldOut); ok && d.Available == 0 {
		s.guard.MarkSoldOut(ctx, d.SKUID, soldOutMark)
	}
}

func outcomeOf(err error) string {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return string(model.CodeBusy)
	}
	return string(model.CodeOf(err))
}
