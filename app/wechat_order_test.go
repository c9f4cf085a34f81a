package app_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/allowance"
	"bangfu/service/identity"
	"bangfu/service/ledger"
	"bangfu/service/order"
)

// pending places an order of two suppliers that an allowance pays in part, the rest being left to WeChat.
func (s *stall) pending(b buyer, key string) order.Placed {
	s.t.Helper()
	cart := b.cart(2, s.shop.SKUs[0], s.shop.SKUs[2])
	cart.Payment = order.PayMixed
	p := b.buys(key, cart)
	if p.Status != order.StatusPending || p.WechatFen <= 0 || p.AllowanceFen+p.WechatFen != p.TotalFen || p.PayBefore == nil {
		s.t.Fatalf("%+v", p)
	}
	return p
}

// payIn books a WeChat payment and captures the order, as package payment does once WeChat says so.
func (s *stall) payIn(id model.ID) error {
	return s.DB.Tx(context.Background(), func(tx *gorm.DB) error {
		var p model.Payment
		if err := tx.Where("order_id = ?", id).Take(&p).Error; err != nil {
			return err
		}
		now := s.DB.Now()
		err := ledger.Post(tx, s.DB, now, ledger.Movement{Kind: ledger.KindPay, Cause: "payment:" + p.ID.String(), From: ledger.Wechat, To: ledger.Payment(p.ID),
			Amount: p.AmountFen, Year: model.YearOf(now), Union: p.UnionID, Order: &id})
		if err != nil {
			return err
		}
		err = tx.Model(&p).UpdateColumns(map[string]any{"status": "paid", "paid_fen": p.AmountFen, "paid_at": now, "transaction_id": "T" + p.ID.String(), "next_try_at": nil}).Error
		if err != nil {
			return err
		}
		return s.Order.Capture(tx, model.Clockwork(), now, id, p.ID)
	})
}

// closeUnpaid closes a pending order, as package payment does once WeChat has closed the payment.
func (s *stall) closeUnpaid(id model.ID) error {
	return s.DB.Tx(context.Background(), func(tx *gorm.DB) error {
		now := s.DB.Now()
		if err := tx.Model(&model.Payment{}).Where("order_id = ?", id).UpdateColumns(map[string]any{"status": "closed", "closed_at": now, "next_try_at": nil}).Error; err != nil {
			return err
		}
		_, err := s.Order.CloseUnpaid(tx, model.Clockwork(), now, id, "超时未付款")
		return err
	})
}

func (s *stall) allowance(id model.ID) model.Allowance {
	s.t.Helper()
	var a model.Allowance
	if err := s.DB.Read(context.Background()).Take(&a, id).Error; err != nil {
		s.t.Fatal(err)
	}
	return a
}

// TestPendingOrder follows orders that need WeChat money: held, then paid or closed, each once.
func TestPendingOrder(t *testing.T) {
	s := newStall(t)
	b := s.buyer(s.union, 150_00)
	stock := s.onHand(s.shop.SKUs[0].ID)
	p := s.pending(b, "pend-0001")
	if a := s.allowance(b.Allowance.ID); a.BalanceFen != 0 || a.HeldFen != 150_00 || p.AllowanceFen != 150_00 {
		t.Fatalf("%+v %+v", a, p)
	}
	s.sound(t)
	if v := s.detail(b.client, p.ID); v.Status != order.StatusPending || len(v.Payments) != 0 || v.PayBefore == nil {
		t.Errorf("%+v", v)
	}
	if err := s.closeUnpaid(p.ID); err != nil {
		t.Fatal(err)
	}
	if a := s.allowance(b.Allowance.ID); a.BalanceFen != 150_00 || a.HeldFen != 0 || s.onHand(s.shop.SKUs[0].ID) != stock {
		t.Errorf("%+v", a)
	}
	if err := s.closeUnpaid(p.ID); !errors.Is(err, order.ErrNotPending) {
		t.Error(err)
	}
	if err := s.payIn(p.ID); !errors.Is(err, order.ErrNotPending) {
		t.Error(err)
	}
	p = s.pending(b, "pend-0002")
	if err := s.payIn(p.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.closeUnpaid(p.ID); !errors.Is(err, order.ErrNotPending) {
		t.Error(err)
	}
	v := s.detail(b.client, p.ID)
	if v.Status != order.StatusPaid || len(v.Payments) != 2 || v.Payments[0].AmountFen != 150_00 || v.Payments[1].AmountFen != p.WechatFen || v.Payments[1].PurseName != "微信支付" {
		t.Errorf("%+v", v)
	}
	s.sound(t)
	var c order.Cancelled
	b.money(ordersPath+"/"+p.ID.String()+"/cancel", "pend-0003", map[string]any{"reason": "不要了"}).ok(&c)
	if c.ToAllowanceFen != 150_00 || c.ToWechatFen != p.WechatFen || s.count(&model.WechatRefund{}, "status = 'waiting' AND amount_fen = ?", p.WechatFen) != 1 {
		t.Errorf("%+v", c)
	}
}

// TestWechatAlone pays an order through WeChat only; the allowance stays as it is.
func TestWechatAlone(t *testing.T) {
	s := newStall(t)
	b := s.buyer(s.union, 600_00)
	cart := b.cart(1, s.shop.SKUs[0])
	cart.Payment = order.PayWechat
	p := b.buys("alone-0001", cart)
	if p.AllowanceFen != 0 || p.WechatFen != p.TotalFen || s.balance(b.Allowance.ID) != 600_00 {
		t.Fatalf("%+v", p)
	}
	if err := s.payIn(p.ID); err != nil {
		t.Fatal(err)
	}
	cart.Payment = "cash"
	b.money(ordersPath, "alone-0002", cart).fails(model.CodeInvalid)
}

// TestHeldOverTheYearsEnd shows that an order placed in time stands when it is paid after midnight, that what a closed one held goes
// to the fund, and that the year's end is done only then.
func TestHeldOverTheYearsEnd(t *testing.T) {
	s := stallIn(t, newHouseAt(t, modeltest.At("2025-12-31 23:59").Add(59*time.Second)))
	if err := s.DB.Read(context.Background()).Exec("UPDATE certificates SET valid_until = '2026-12-31'").Error; err != nil {
		t.Fatal(err)
	}
	b, c, d := s.buyer(s.union, 100_00), s.buyer(s.union, 100_00), s.buyer(s.union, 100_00)
	paid, closed, later := s.pending(b, "year-0001"), s.pending(c, "year-0002"), d.cart(1, s.shop.SKUs[0])
	var r allowance.RehearsalView
	s.staffAs(identity.RoleCityFederation, s.root()).get("/api/v1/console/sweeps/2025/rehearsal").ok(&r)
	if r.AmountFen != 100_00 || r.HeldFen != 200_00 || r.Allowances != 1 || len(r.Items) != 1 || r.Items[0].HeldFen != 200_00 || r.Items[0].AmountFen != 100_00 {
		t.Errorf("rehearsal: %+v", r)
	}
	s.clock.Set(modeltest.At("2026-01-01 00:00"))
	d.money(ordersPath, "year-0003", later).fails(model.CodeInsufficientBalance)
	s.endYear()
	if a := s.allowance(b.Allowance.ID); a.Status != "ended" || a.HeldFen != 100_00 {
		t.Fatalf("%+v", a)
	}
	var sweep allowance.SweepView
	s.staffAs(identity.RoleCityFederation, s.root()).get("/api/v1/console/sweeps/2025").ok(&sweep)
	if sweep.Status != "running" || sweep.HeldFen != 200_00 {
		t.Errorf("the year's end while money is held: %+v", sweep)
	}
	if err := s.payIn(paid.ID); err != nil {
		t.Fatal(err)
	}
	before := s.fundBalance(c.Allowance.FundID)
	if err := s.closeUnpaid(closed.ID); err != nil {
		t.Fatal(err)
	}
	if got := s.fundBalance(c.Allowance.FundID); got != before+100_00 {
		t.Errorf("the fund holds %s, want %s", got, before+100_00)
	}
	s.endYear()
	if s.count(&model.Sweep{}, "status = 'done' AND swept_fen = 20000") != 1 {
		t.Error("the year's end is not done")
	}
}

// endYear does what the clock does at the year's end.
func (s *stall) endYear() {
	s.t.Helper()
	if err := s.Allowance.SweepDue(context.Background()); err != nil {
		s.t.Fatal(err)
	}
	if err := s.Jobs.Drain(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}
