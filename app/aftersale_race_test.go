package app_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"bangfu/model"
	"bangfu/service/aftersale"
	"bangfu/service/order"
)

// TestCaseRaces lets two who exclude each other act at once: exactly one of them does, and the books are sound.
func TestCaseRaces(t *testing.T) {
	d := newDispute(t)
	ctx := context.Background()
	supplier := model.Actor{Kind: model.ActorStaff, ID: 1, Supplier: d.shop.Suppliers[0].ID}
	in := func(v order.View) aftersale.NewCase {
		return aftersale.NewCase{Kind: "refund_only", Reason: "quality", Lines: []order.ReturnLine{{LineID: v.Parcels[0].Lines[0].ID, Quantity: 1}}}
	}
	open := func(v order.View) error {
		_, err := d.AfterSale.Open(ctx, d.actor(), d.DB.NewID().String(), v.ID, in(v))
		return err
	}
	agree := func(id model.ID) func() error {
		return func() error {
			_, err := d.AfterSale.Agree(ctx, supplier, d.DB.NewID().String(), id, aftersale.Consent{})
			return err
		}
	}
	cancel := func(v order.View) func() error {
		return func() error {
			_, err := d.Order.Cancel(ctx, d.actor(), d.DB.NewID().String(), v.ID, "不要了")
			return err
		}
	}
	ship := func(v order.View) func() error {
		return func() error {
			_, err := d.Order.Ship(ctx, supplier, v.Parcels[0].ID, order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN000001"})
			return err
		}
	}
	one := func(t *testing.T, acts ...func() error) {
		t.Helper()
		var won atomic.Int64
		var wg sync.WaitGroup
		for _, act := range acts {
			wg.Go(func() {
				switch err := act(); model.CodeOf(err) {
				case "":
					won.Add(1)
				case model.CodeConflict:
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d of %d won", won.Load(), len(acts))
		}
	}
	opened := func(v order.View) model.ID {
		out, err := d.AfterSale.Open(ctx, d.actor(), d.DB.NewID().String(), v.ID, in(v))
		if err != nil {
			t.Fatal(err)
		}
		return out.ID
	}
	t.Run("AgreeAgainstWithdraw", func(t *testing.T) {
		for range 4 {
			id := opened(d.bought(1))
			one(t, agree(id), agree(id), func() error { _, err := d.AfterSale.Withdraw(ctx, d.actor(), id); return err })
		}
	})
	t.Run("TwoCasesOfOnePiece", func(t *testing.T) {
		for range 4 {
			v := d.bought(1)
			one(t, func() error { return open(v) }, func() error { return open(v) }, cancel(v))
		}
	})
	t.Run("RefundAgainstShip", func(t *testing.T) { // the parcel never leaves while its refund is undecided, nor after it
		for range 4 {
			v := d.bought(1)
			one(t, agree(opened(v)), ship(v))
		}
	})
	t.Run("RefundAgainstCancel", func(t *testing.T) {
		for range 4 {
			v := d.bought(1)
			one(t, agree(opened(v)), cancel(v))
		}
	})
	t.Run("ClockAgainstAgree", func(t *testing.T) {
		v := d.bought(1)
		id := opened(v)
		d.travel(d.stall.clock.Now().Add(2 * day))
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if _, err := d.AfterSale.Expire(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			if err := agree(id)(); err != nil { // late, but it counts also after the platform was called
				t.Error(err)
			}
		})
		wg.Wait()
		d.state(id.String(), "refunded")
		if n := d.count(&model.AfterSaleEvent{}, "case_id = ? AND action = 'expire'", id); n > 1 {
			t.Errorf("moved on %d times", n)
		}
	})
}
