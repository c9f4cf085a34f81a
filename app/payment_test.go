package app_test

import (
	"context"
	"testing"
	"time"

	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/identity"
	"bangfu/service/order"
	"bangfu/service/payment"
	"bangfu/service/wechat/emulator"
)

// newCashDesk is a shop whose emulator sends each notice once only, so that nothing comes later than a test expects.
func newCashDesk(t testing.TB, change ...func(*config.Config, *app.Options)) *stall {
	t.Helper()
	s := stallIn(t, newHouseAt(t, modeltest.At("2025-03-03 09:00"), change...))
	s.Emulator.RetryNotices()
	return s
}

func (s *stall) payment(id model.ID) model.Payment {
	s.t.Helper()
	var p model.Payment
	if err := s.DB.Read(context.Background()).Where("order_id = ?", id).Take(&p).Error; err != nil {
		s.t.Fatal(err)
	}
	return p
}

// prepays asks for the parameters with which the buyer pays.
func (b buyer) prepays(id model.ID) payment.Prepaid {
	b.t.Helper()
	var p payment.Prepaid
	b.post(ordersPath+"/"+id.String()+"/prepay", nil).ok(&p)
	return p
}

// pays has the payer pay at WeChat, and waits until WeChat has told what it wants to tell.
func (s *stall) pays(no string, notice *emulator.NoticeRule) {
	s.t.Helper()
	if err := s.Emulator.Pay(no, emulator.PaySuccess, notice); err != nil {
		s.t.Fatal(err)
	}
	s.Emulator.Settle()
}

// complete lets a minute pass and does what the clock does about payments, until the emulator is quiet.
func (s *stall) complete() {
	s.t.Helper()
	for range 3 {
		s.clock.Advance(time.Minute)
		if err := s.Payment.Complete(context.Background()); err != nil {
			s.t.Fatal(err)
		}
		s.Emulator.Settle()
	}
}

// silently is a notice that never comes.
var silently = &emulator.NoticeRule{Mode: emulator.Silent}

// TestPayingThroughWechat pays an order from the client's point of view: parameters, notice, answer, refund.
func TestPayingThroughWechat(t *testing.T) {
	s := newCashDesk(t)
	b := s.buyer(s.union, 150_00)
	p := s.pending(b, "wxpay-0001")
	first := b.prepays(p.ID)
	if first.AmountFen != p.WechatFen || first.JSAPI.PaySign == "" || !first.PayBefore.Equal(*p.PayBefore) {
		t.Errorf("%+v", first)
	}
	if again := b.prepays(p.ID); again.JSAPI.Package != first.JSAPI.Package || again.PaymentNo != first.PaymentNo {
		t.Errorf("%+v, then %+v", first, again)
	}
	s.pays(first.PaymentNo, nil)
	v := s.detail(b.client, p.ID)
	if v.Status != order.StatusPaid || len(v.Payments) != 2 {
		t.Errorf("%+v", v)
	}
	b.post(ordersPath+"/"+p.ID.String()+"/prepay", nil).fails(model.CodeConflict)
	var c order.Cancelled
	b.money(ordersPath+"/"+p.ID.String()+"/cancel", "wxpay-0002", map[string]any{"reason": "不要了"}).ok(&c)
	if c.Status != order.StatusCancelled || c.ToWechatFen != p.WechatFen {
		t.Errorf("%+v", c)
	}
	s.complete()
	if v := s.detail(b.client, p.ID); v.Refunds[0].WechatStatus != payment.RefundDone {
		t.Errorf("%+v", v.Refunds)
	}
	s.sound(t)
}

// TestCheckingAPayment asks WeChat when no notice comes, a bounded number of times.
func TestCheckingAPayment(t *testing.T) {
	s := newCashDesk(t)
	b := s.buyer(s.union, 1_00)
	p := s.pending(b, "check-0001")
	path := ordersPath + "/" + p.ID.String() + "/payment/check"
	var state payment.State
	b.post(path, nil).ok(&state)
	if state.Status != payment.StatusCreated || state.OrderStatus != order.StatusPending {
		t.Errorf("%+v", state)
	}
	s.pays(b.prepays(p.ID).PaymentNo, silently)
	b.post(path, nil).ok(&state)
	if state.Status != payment.StatusPaid || state.OrderStatus != order.StatusPaid || state.PaidAt == nil {
		t.Errorf("%+v", state)
	}
	for range 8 {
		b.post(path, nil).ok(nil)
	}
	b.post(path, nil).fails(model.CodeRateLimited)
	stranger := s.buyer(s.union, 1_00)
	stranger.post(path, nil).fails(model.CodeNotFound)
}

// TestCancellingAPendingOrder cancels before paying, after asking for the parameters, and when it turns out to be paid.
func TestCancellingAPendingOrder(t *testing.T) {
	s := newCashDesk(t)
	b := s.buyer(s.union, 150_00)
	cancel := func(id model.ID, key string) (c order.Cancelled) {
		b.money(ordersPath+"/"+id.String()+"/cancel", key, map[string]any{"reason": "不要了"}).ok(&c)
		return c
	}
	one := s.pending(b, "unpaid-0001")
	if c := cancel(one.ID, "unpaid-0002"); c.Status != order.StatusClosed || c != cancel(one.ID, "unpaid-0002") {
		t.Errorf("%+v", c)
	}
	b.money(ordersPath+"/"+one.ID.String()+"/cancel", "unpaid-0003", map[string]any{"reason": "不要了"}).fails(model.CodeConflict)
	two := s.pending(b, "unpaid-0004")
	no := b.prepays(two.ID).PaymentNo
	if c := cancel(two.ID, "unpaid-0005"); c.Status != order.StatusClosed || s.payment(two.ID).Status != payment.StatusClosed {
		t.Errorf("%+v", c)
	}
	if err := s.Emulator.Pay(no, emulator.PaySuccess, nil); model.CodeOf(err) != model.CodeConflict {
		t.Errorf("a cancelled order can be paid: %v", err)
	}
	if err := s.Emulator.Pay(no, emulator.PayLate, nil); err != nil { // it had been paid before: the member sees it come back
		t.Fatal(err)
	}
	s.Emulator.Settle()
	s.complete()
	if v := s.detail(b.client, two.ID); v.Status != order.StatusClosed || v.RefundedFen != 0 || len(v.Refunds) != 1 || v.Refunds[0].Kind != "late" || v.Refunds[0].ToWechatFen != two.WechatFen {
		t.Errorf("money that came late: %+v", v)
	}
	three := s.pending(b, "unpaid-0006")
	s.pays(b.prepays(three.ID).PaymentNo, silently)
	if c := cancel(three.ID, "unpaid-0007"); c.Status != order.StatusCancelled || c.ToWechatFen != three.WechatFen || c.ToAllowanceFen != 150_00 {
		t.Errorf("%+v", c)
	}
	s.complete()
	s.sound(t)
}

// TestConsoleSeesAndRetriesFailedRefunds lists what needs attention to whom it concerns, and retries with the same number.
func TestConsoleSeesAndRetriesFailedRefunds(t *testing.T) {
	s := newCashDesk(t)
	b := s.buyer(s.union, 150_00)
	if err := s.Emulator.SetRefunds(emulator.RefundRule{Result: emulator.RefundClosed, Times: 1}); err != nil {
		t.Fatal(err)
	}
	p := s.pending(b, "retry-0001")
	s.pays(b.prepays(p.ID).PaymentNo, nil)
	b.money(ordersPath+"/"+p.ID.String()+"/cancel", "retry-0002", map[string]any{"reason": "不要了"}).ok(nil)
	s.complete()
	city := s.staffAs(identity.RoleCityFederation, s.root())
	var list model.List[payment.View]
	city.get("/api/v1/console/payments?attention=true&status=paid").ok(&list)
	if len(list.Items) != 1 || list.Items[0].OrderID != p.ID || list.Items[0].Refunds[0].Status != payment.RefundFailed || list.Items[0].Refunds[0].Problem == "" {
		t.Fatalf("%+v", list)
	}
	failed := list.Items[0].Refunds[0]
	s.staffAs(identity.RoleUnionAdmin, s.union).get("/api/v1/console/payments?attention=true").ok(&list)
	if len(list.Items) != 1 {
		t.Errorf("%+v", list)
	}
	s.staffAs(identity.RoleUnionAdmin, s.house.union(s.root(), "county", "别处")).get("/api/v1/console/payments").ok(&list)
	if len(list.Items) != 0 {
		t.Errorf("another union sees %+v", list)
	}
	path := "/api/v1/console/refunds/" + failed.ID.String() + "/retry"
	var r payment.RefundView
	city.money(path, "retry-0003", nil).ok(&r)
	if r.RefundNo != failed.RefundNo || r.Status != payment.RefundProcessing && r.Status != payment.RefundDone {
		t.Errorf("%+v", r)
	}
	s.Emulator.Settle()
	city.money(path, "retry-0003", nil).ok(&r)
	if r.Status != payment.RefundDone {
		t.Errorf("%+v", r)
	}
	city.money(path, "retry-0004", nil).fails(model.CodeConflict)
	city.get("/api/v1/console/payments?attention=true").ok(&list)
	if len(list.Items) != 0 {
		t.Errorf("%+v", list)
	}
	s.sound(t)
}
