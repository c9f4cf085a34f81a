package app_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/service/order"
)

// TestYearsEndUnderTraffic lets members buy, pay, cancel and let go while the clock passes midnight on 31 December and the sweep runs,
// broken off and taken up again. Every order placed before midnight stands, none is placed after it, and no fen falls between.
func TestYearsEndUnderTraffic(t *testing.T) {
	const members, fen = 60, 150_00
	end := model.Year(2025).End()
	s := stallIn(t, newHouseAt(t, end.Add(-time.Second)))
	s.papersUntil("2099-12-31")
	for _, k := range s.shop.SKUs {
		s.receive(k.ID, 10_000)
	}
	buyers := s.buyers(s.union, members, fen)
	fund := buyers[0].Allowance.FundID
	before := s.fundBalance(fund)

	traffic := &yearsEnd{stall: s, buyers: buyers, stop: make(chan struct{})}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() { traffic.trade(uint64(i)) })
	}
	wg.Go(func() { // midnight comes while they shop
		for range 60 {
			time.Sleep(5 * time.Millisecond)
			s.clock.Advance(25 * time.Millisecond)
		}
	})
	wg.Go(func() { // and the sweep, which dies over and over
		for !traffic.stopped() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+rand.IntN(40))*time.Millisecond)
			_ = s.Allowance.SweepDue(ctx)
			_ = s.Jobs.Drain(ctx)
			cancel()
			time.Sleep(time.Millisecond)
		}
	})
	time.Sleep(900 * time.Millisecond)
	close(traffic.stop)
	wg.Wait()
	if len(traffic.errs) > 0 {
		t.Fatal(traffic.errs)
	}
	if traffic.placed == 0 || traffic.late == 0 {
		t.Fatalf("%d orders before midnight, %d refused after it: there was no traffic on both sides", traffic.placed, traffic.late)
	}
	s.letGo()
	// The lease of a sweep that died runs out, in real time.
	if err := s.DB.Read(context.Background()).Exec("UPDATE jobs SET run_at = created_at, lease_until = CASE WHEN lease_until IS NULL THEN NULL ELSE created_at END").Error; err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s.endYear()
	}
	if n := s.count(&model.Order{}, "placed_at >= ? AND (year = 2025 OR allowance_fen > 0)", end); n > 0 {
		t.Errorf("%d orders took allowances after the year's end", n)
	}
	if n := s.count(&model.Sweep{}, "year = 2025 AND status = 'done'"); n != 1 {
		t.Error("the year's end is not done")
	}
	if n := s.count(&model.Allowance{}, "status <> 'ended' OR balance_fen <> 0 OR held_fen <> 0"); n > 0 {
		t.Errorf("%d allowances still hold something", n)
	}
	var spent struct{ Fen model.Fen }
	err := s.DB.Read(context.Background()).Raw("SELECT COALESCE(SUM(allowance_fen), 0) - COALESCE((SELECT SUM(allowance_fen) FROM refunds), 0) AS fen FROM orders WHERE paid_at IS NOT NULL").Scan(&spent).Error
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.fundBalance(fund)-before, members*model.Fen(fen)-spent.Fen; got != want {
		t.Errorf("the fund got back %s, want %s: granted less spent", got, want)
	}
	t.Logf("%d orders before midnight, %d refused after it, ¥%s spent", traffic.placed, traffic.late, spent.Fen.Yuan())
}

// yearsEnd is members who go on shopping.
type yearsEnd struct {
	*stall
	buyers []buyer
	stop   chan struct{}

	mu           sync.Mutex
	placed, late int
	errs         []error
}

func (y *yearsEnd) stopped() bool {
	select {
	case <-y.stop:
		return true
	default:
		return false
	}
}

// trade buys small things with and without WeChat money; some of it is paid, some cancelled, some left.
func (y *yearsEnd) trade(seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7))
	for n := 0; !y.stopped(); n++ {
		b := y.buyers[r.IntN(len(y.buyers))]
		cart := b.cart(1, y.shop.SKUs[r.IntN(2)])
		if r.IntN(3) == 0 {
			cart = b.cart(1, y.shop.SKUs[0], y.shop.SKUs[2])
			cart.Payment = order.PayMixed
		}
		p, err := y.Order.Checkout(context.Background(), b.actor(), y.DB.NewID().String(), cart)
		y.note(err)
		if err != nil {
			continue
		}
		switch r.IntN(4) {
		case 0:
			_, err = y.Order.Cancel(context.Background(), b.actor(), y.DB.NewID().String(), p.ID, "不要了")
		case 1:
			err = notPending(y.payIn(p.ID))
		}
		if err != nil && model.CodeOf(err) != model.CodeConflict {
			y.fail(err)
		}
	}
}

// note counts an order, or its refusal because the year is over; short money, double taps and busy members are as they should be.
func (y *yearsEnd) note(err error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	var shown *model.Error
	switch {
	case err == nil:
		y.placed++
	case !errors.As(err, &shown):
		y.errs = append(y.errs, err)
	case shown.Code == model.CodeInsufficientBalance && !y.clock.Now().Before(model.Year(2025).End()):
		y.late++
	case shown.Code == model.CodeInsufficientBalance, shown.Code == model.CodeConflict, shown.Code == model.CodeRateLimited:
	default:
		y.errs = append(y.errs, err)
	}
}

func (y *yearsEnd) fail(err error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.errs = append(y.errs, err)
}

// letGo closes every order that nobody paid.
func (s *stall) letGo() {
	s.t.Helper()
	var left []model.ID
	if err := s.DB.Read(context.Background()).Model(&model.Order{}).Where("status = ?", order.StatusPending).Pluck("id", &left).Error; err != nil {
		s.t.Fatal(err)
	}
	for _, id := range left {
		if err := s.closeUnpaid(id); err != nil {
			s.t.Fatal(err)
		}
	}
}
