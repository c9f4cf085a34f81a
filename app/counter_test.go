package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/counter"
	"bangfu/service/identity"
	"bangfu/service/order"
)

// TestCounterSale walks a sale at a hall from the code to the void, and sees money, stock, order and lists at each step.
func TestCounterSale(t *testing.T) {
	k := newDesk(t)
	b := k.buyer(k.union, 300_00)
	var open model.List[counter.OpenHall]
	b.get("/api/v1/halls").ok(&open)
	if len(open.Items) != 1 || open.Items[0].Name != k.hall.Name {
		t.Fatalf("%+v", open)
	}
	var goods model.List[counter.Goods]
	k.cashier.get(counterPath + "/goods?q=百香").ok(&goods)
	if len(goods.Items) != 1 || goods.Items[0].OnHand != 100 || goods.Items[0].PriceFen != 50_00 || goods.Items[0].OffReason != "" {
		t.Fatalf("%+v", goods)
	}
	r := k.scans(b)
	if r.Status != counter.StatusScanned || r.MemberName != "张*三" || r.SpendableFen == nil || *r.SpendableFen != 300_00 || r.SecondsLeft != 600 || r.Order != nil {
		t.Fatalf("%+v", r)
	}
	sale := of(k.shop.SKUs[0], 2)
	sale.Goods, sale.GoodsFen, sale.TotalFen = "散装番薯 3 斤", 12_50, 112_50
	var paid, again counter.Redemption
	answer := k.cashier.charge(r.ID, "story-001", sale).ok(&paid)
	if paid.Status != counter.StatusPaid || paid.TotalFen != 112_50 || len(paid.Lines) != 2 || paid.Lines[1].SKUID != nil || paid.Order == nil || !paid.Voidable {
		t.Fatalf("%+v", paid)
	}
	if replay := k.cashier.charge(r.ID, "story-001", sale).ok(&again); string(replay.Body) != string(answer.Body) {
		t.Errorf("the same key got another answer: %s", replay.Body)
	}
	k.cashier.charge(r.ID, "story-001", of(k.shop.SKUs[0], 1)).fails(model.CodeIdempotencyMismatch)
	k.cashier.charge(r.ID, "story-002", sale).fails(model.CodeConflict)
	if k.balance(b.Allowance.ID) != 187_50 || k.onHand(k.shop.SKUs[0].ID) != 98 {
		t.Errorf("balance %s, stock %d", k.balance(b.Allowance.ID), k.onHand(k.shop.SKUs[0].ID))
	}
	k.mineIsCounterOrder(t, b, paid)
	k.sound(t)

	k.cashier.void(r.ID, "void-0001", " ").fails(model.CodeInvalid)
	k.cashierOf(k.hall).void(r.ID, "void-0001", "扫错了商品").ok(&paid) // any cashier of the hall
	if paid.Status != counter.StatusVoided || paid.RefundedFen != 112_50 || paid.Voidable || paid.VoidReason != "扫错了商品" {
		t.Errorf("%+v", paid)
	}
	k.cashier.void(r.ID, "void-0002", "再撤一次").fails(model.CodeConflict)
	if k.balance(b.Allowance.ID) != 300_00 || k.onHand(k.shop.SKUs[0].ID) != 100 {
		t.Errorf("after the void: balance %s, stock %d", k.balance(b.Allowance.ID), k.onHand(k.shop.SKUs[0].ID))
	}
}

// mineIsCounterOrder sees the sale as the member does.
func (k *desk) mineIsCounterOrder(t *testing.T, b buyer, paid counter.Redemption) {
	t.Helper()
	var list model.List[order.Summary]
	b.get("/api/v1/member/orders").ok(&list)
	if len(list.Items) != 1 || list.Items[0].Kind != order.KindCounter || list.Items[0].Status != order.StatusCompleted || list.Items[0].Consignee != k.hall.Name {
		t.Errorf("%+v", list)
	}
	v := k.detail(b.client, paid.Order.ID)
	if v.OrderNo != paid.Order.OrderNo || len(v.Parcels) != 1 || v.Parcels[0].Status != order.ParcelReceived || v.Parcels[0].ReceivedBy != "counter" || v.CompletedAt == nil || v.WechatFen != 0 {
		t.Errorf("%+v", v)
	}
	b.money("/api/v1/member/orders/"+paid.Order.ID.String()+"/cancel", "cancel-01", map[string]string{"reason": "不要了"}).fails(model.CodeConflict)
	var mine model.List[counter.MemberRedemption]
	b.get("/api/v1/member/redemptions").ok(&mine)
	if len(mine.Items) != 1 || mine.Items[0].Status != counter.StatusPaid || mine.Items[0].Order.ID != paid.Order.ID {
		t.Errorf("%+v", mine)
	}
}

// TestCounterConfirmation follows sales above the hall's amount: the member is asked, and only the member decides.
func TestCounterConfirmation(t *testing.T) {
	k := newDesk(t)
	b, other := k.buyer(k.union, 600_00), k.buyer(k.union, 600_00)
	ask := func(key string) (r counter.Redemption) {
		t.Helper()
		k.cashier.charge(k.scans(b).ID, key, of(k.shop.SKUs[0], 5)).ok(&r)
		if r.Status != counter.StatusAwaiting || r.TotalFen != 250_00 || len(r.Lines) != 1 || r.Order != nil || r.SecondsLeft != 180 {
			t.Fatalf("%+v", r)
		}
		return r
	}
	mine := func(id model.ID, act string) string { return "/api/v1/member/redemptions/" + id.String() + act }

	r := ask("ask-00001")
	var pending model.List[counter.MemberRedemption]
	b.get("/api/v1/member/redemptions/pending").ok(&pending)
	if len(pending.Items) != 1 || pending.Items[0].ID != r.ID || pending.Items[0].TotalFen != 250_00 || pending.Items[0].HallName != k.hall.Name || k.balance(b.Allowance.ID) != 600_00 {
		t.Fatalf("%+v", pending)
	}
	other.money(mine(r.ID, "/confirm"), "conf-0001", nil).fails(model.CodeNotFound)
	other.post(mine(r.ID, "/refuse"), nil).fails(model.CodeNotFound)
	k.cashier.charge(r.ID, "ask-00002", of(k.shop.SKUs[0], 1)).fails(model.CodeConflict) // it is fixed
	var confirmed, again counter.MemberRedemption
	b.money(mine(r.ID, "/confirm"), "conf-0001", nil).ok(&confirmed)
	b.money(mine(r.ID, "/confirm"), "conf-0001", nil).ok(&again)
	if confirmed.Status != counter.StatusPaid || again.Order.ID != confirmed.Order.ID || k.balance(b.Allowance.ID) != 350_00 {
		t.Errorf("%+v %+v", confirmed, again)
	}
	if seen := k.redemption(r.ID); seen.Status != counter.StatusPaid || seen.Order.OrderNo != confirmed.Order.OrderNo {
		t.Errorf("the cashier sees %+v", seen)
	}
	b.money(mine(r.ID, "/confirm"), "conf-0002", nil).fails(model.CodeConflict)
	k.cashier.post(redemptionPath(r.ID, "/cancel"), nil).fails(model.CodeConflict)

	r = ask("ask-00003")
	b.post(mine(r.ID, "/refuse"), nil).ok(nil)
	b.money(mine(r.ID, "/confirm"), "conf-0003", nil).fails(model.CodeConflict)
	if got := k.redemption(r.ID); got.Status != counter.StatusRefused {
		t.Errorf("%+v", got)
	}
	r = ask("ask-00004")
	k.cashier.post(redemptionPath(r.ID, "/cancel"), nil).ok(nil)
	b.money(mine(r.ID, "/confirm"), "conf-0004", nil).fails(model.CodeConflict)

	r = ask("ask-00005")
	k.clock.Advance(3*time.Minute - time.Millisecond)
	if got := k.redemption(r.ID); got.Status != counter.StatusAwaiting || got.SecondsLeft != 1 {
		t.Errorf("%+v", got)
	}
	k.clock.Advance(time.Millisecond)
	b.money(mine(r.ID, "/confirm"), "conf-0005", nil).fails(model.CodeConflict)
	if got := k.redemption(r.ID); got.Status != counter.StatusExpired {
		t.Errorf("%+v", got)
	}
	if err := k.Tidy(context.Background()); err != nil || k.count(&model.Redemption{}, "status = 'expired' AND ended_at IS NOT NULL") != 1 {
		t.Error(err, k.count(&model.Redemption{}, "status = 'expired'"))
	}
	if k.balance(b.Allowance.ID) != 350_00 {
		t.Errorf("balance %s", k.balance(b.Allowance.ID))
	}
}

// TestCounterConfirmOver shows the amount from which the member is asked: above it, and always where it is 0.
func TestCounterConfirmOver(t *testing.T) {
	k := newDesk(t)
	b := k.buyer(k.union, 600_00)
	k.sells(b, typed("荔枝", 200_00))
	var r counter.Redemption
	k.cashier.charge(k.scans(b).ID, "over-0001", typed("荔枝", 200_01)).ok(&r)
	if r.Status != counter.StatusAwaiting {
		t.Errorf("%+v", r)
	}
	city := k.staffAs(identity.RoleCityFederation, k.root())
	city.do(request{method: "PATCH", path: "/api/v1/console/halls/" + k.hall.ID.String(), body: map[string]any{"confirm_over_fen": 0}}).ok(nil)
	k.cashier.charge(k.scans(b).ID, "over-0002", typed("荔枝", 1)).ok(&r)
	if r.Status != counter.StatusAwaiting {
		t.Errorf("%+v", r)
	}
}

// TestCounterCode shows how long a code lives by the server's clock, that each new one voids the one before, and that it works once.
func TestCounterCode(t *testing.T) {
	k := newDesk(t)
	b := k.buyer(k.union, 100_00)
	first := b.code()
	second := b.code()
	if first == second || len(second) < 26 {
		t.Fatal(first, second)
	}
	k.cashier.scan(first).fails(model.CodeConflict)
	k.cashier.scan("AAAAAAAAAAAAAAAAAAAAAAAAAA").fails(model.CodeNotFound)
	k.clock.Advance(2*time.Minute - time.Millisecond) // its minute and the grace of one more
	var r, again counter.Redemption
	k.cashier.scan(" " + strings.ToLower(second) + " ").ok(&r)
	k.cashier.scan(second).ok(&again) // the answer was lost
	if again.ID != r.ID {
		t.Errorf("scanned again: %s and %s", r.ID, again.ID)
	}
	k.cashierOf(k.hall).scan(second).fails(model.CodeConflict)
	k.cashier.charge(r.ID, "code-0001", typed("荔枝", 1_00)).ok(nil)
	k.cashier.scan(second).fails(model.CodeConflict)

	late := b.code()
	k.clock.Advance(2 * time.Minute)
	k.cashier.scan(late).fails(model.CodeConflict)

	r = k.scans(b) // and a scan that leads to nothing ends by itself
	k.clock.Advance(10 * time.Minute)
	k.cashier.charge(r.ID, "code-0002", typed("荔枝", 1_00)).fails(model.CodeConflict)
	k.clock.Advance(8 * 24 * time.Hour)
	if err := k.Tidy(context.Background()); err != nil || k.count(&model.CounterCode{}, "1 = 1") != 0 {
		t.Error(err, k.count(&model.CounterCode{}, "1 = 1"))
	}
	if strings.Contains(k.log.String(), second) || k.count(&model.CounterCode{}, "code_hash = ?", second) != 0 {
		t.Error("the code itself was kept")
	}
}

// TestCounterPhoneClock shows that nothing that a phone says about the time reaches the counter: the answer tells seconds, and a wrong
// Date header changes nothing.
func TestCounterPhoneClock(t *testing.T) {
	k := newDesk(t)
	b := k.buyer(k.union, 100_00)
	a := b.do(request{method: "POST", path: "/api/v1/member/counter-code", header: map[string]string{"Date": "Thu, 01 Jan 1998 00:00:00 GMT"}})
	var fields map[string]any
	a.ok(&fields)
	if len(fields) != 2 || fields["expires_in_seconds"] != 60.0 {
		t.Fatalf("%v", fields)
	}
	k.cashier.scan(fields["code"].(string)).ok(nil)
}

// TestCounterScope shows that a cashier acts for its own hall only.
func TestCounterScope(t *testing.T) {
	k := newDesk(t)
	b := k.buyer(k.union, 300_00)
	sibling := k.cashierOf(k.openHall("另一个馆", "4", k.shop.Suppliers[0].ID, 200_00))
	stranger := k.cashierOf(k.openHall("别家的馆", "4", k.shop.Suppliers[1].ID, 200_00))
	r := k.scans(b)
	paid := k.sells(b, typed("荔枝", 10_00))
	for _, c := range []*client{sibling, stranger} {
		c.get(redemptionPath(r.ID, "")).fails(model.CodeNotFound)
		c.charge(r.ID, "scope-001", typed("荔枝", 1_00)).fails(model.CodeNotFound)
		c.post(redemptionPath(r.ID, "/cancel"), nil).fails(model.CodeNotFound)
		c.void(paid.ID, "scope-002", "不是本馆的").fails(model.CodeNotFound)
		c.get("/api/v1/console/halls/" + k.hall.ID.String() + "/sales").fails(model.CodeNotFound)
	}
	k.supplierStaff(0).void(paid.ID, "scope-003", "供应商").fails(model.CodeForbidden)
	k.cashier.charge(r.ID, "scope-004", of(k.shop.SKUs[2], 1)).fails(model.CodeNotFound) // another supplier's goods
	k.cashier.get("/api/v1/console/parcels").fails(model.CodeForbidden)
	k.cashier.get("/api/v1/console/unions").fails(model.CodeForbidden)
}

// TestCounterRefusals shows what is not sold, and that a refusal leaves the redemption as it was.
func TestCounterRefusals(t *testing.T) {
	k := newDesk(t)
	b := k.buyer(k.union, 120_00)
	r := k.scans(b)
	changed := of(k.shop.SKUs[0], 1)
	changed.Items[0].PriceFen, changed.TotalFen = 49_00, 49_00
	noName, noAmount, wrongTotal, both := typed("", 1_00), typed("荔枝", 0), typed("荔枝", 1_00), of(k.shop.SKUs[0], 1)
	noAmount.TotalFen = 1_00
	wrongTotal.TotalFen = 2_00
	both.Goods, both.GoodsFen = "荔枝", 1_00 // and a total without it
	for i, x := range []struct {
		sale order.CounterSale
		code model.Code
	}{
		{changed, model.CodePriceChanged}, {both, model.CodePriceChanged}, {noName, model.CodeInvalid}, {noAmount, model.CodeInvalid}, {wrongTotal, model.CodeInvalid},
		{order.CounterSale{TotalFen: 1}, model.CodeInvalid}, {typed("荔枝", 600_01), model.CodeCapExceeded}, {typed("荔枝", 120_01), model.CodeInsufficientBalance},
		{of(k.shop.SKUs[0], 101), model.CodeSoldOut},
	} {
		if got := k.cashier.charge(r.ID, fmt.Sprintf("refuse-%03d", i), x.sale); got.code() != x.code {
			t.Errorf("%+v: %s, want %s", x.sale, got.Body, x.code)
		}
	}
	short := k.cashier.charge(r.ID, "refuse-020", typed("荔枝", 130_00)).fails(model.CodeInsufficientBalance)
	var data order.Shortage
	if err := json.Unmarshal(short.Data, &data); err != nil || data.AvailableFen != 120_00 || data.MissingFen != 10_00 {
		t.Errorf("%s", short.Data)
	}
	licences := func(status string) {
		err := k.DB.Read(t.Context()).Model(&model.Certificate{}).Where("supplier_id = ? AND kind = 'food_licence'", k.hall.SupplierID).UpdateColumn("status", status).Error
		if err != nil {
			t.Fatal(err)
		}
	}
	licences("withdrawn")
	if e := k.cashier.charge(r.ID, "refuse-021", typed("荔枝", 1_00)).fails(model.CodeConflict); !strings.Contains(e.Message, "缺少食品经营许可证") {
		t.Error(e.Message)
	}
	k.cashier.scan(b.code()).fails(model.CodeConflict)
	licences("active")
	city := k.staffAs(identity.RoleCityFederation, k.root())
	hall := "/api/v1/console/halls/" + k.hall.ID.String()
	city.do(request{method: "PATCH", path: hall, body: map[string]any{"status": "closed"}}).ok(nil)
	k.cashier.charge(r.ID, "refuse-022", typed("荔枝", 1_00)).fails(model.CodeConflict)
	city.do(request{method: "PATCH", path: hall, body: map[string]any{"status": "active"}}).ok(nil)
	if k.redemption(r.ID).Status != counter.StatusScanned {
		t.Errorf("%+v", k.redemption(r.ID))
	}
	k.cashier.charge(r.ID, "refuse-023", typed("荔枝", 120_00)).ok(nil)
}

// TestCounterVoidDay shows that a sale can be voided until midnight in China, also on 31 December, and not after.
func TestCounterVoidDay(t *testing.T) {
	k := deskIn(stallIn(t, newHouseAt(t, modeltest.At("2025-12-31 23:50"))))
	b := k.buyer(k.union, 300_00)
	first, second := k.sells(b, typed("荔枝", 10_00)), k.sells(b, typed("龙眼", 20_00))
	k.clock.Advance(10*time.Minute - time.Millisecond)
	k.cashier.void(first.ID, "void-0001", "退回").ok(nil)
	if k.balance(b.Allowance.ID) != 280_00 {
		t.Errorf("balance %s", k.balance(b.Allowance.ID))
	}
	k.clock.Advance(time.Millisecond)
	e := k.cashier.void(second.ID, "void-0002", "退回").fails(model.CodeConflict)
	if !strings.Contains(e.Message, "只能在付款当天撤销") || !strings.Contains(e.Message, "售后") {
		t.Error(e.Message)
	}
	k.cashier.scan(b.code()).fails(model.CodeConflict) // the licences have ended with the year
}

// TestCounterAtOnce lets several do the same thing at once: one gets it.
func TestCounterAtOnce(t *testing.T) {
	k := newDesk(t)
	b := k.buyer(k.union, 300_00)
	race := func(n int, do func(i int) *answer) (won, lost int) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				a := do(i)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case a.Status < 300:
					won++
				case a.code() == model.CodeConflict:
					lost++
				default:
					t.Errorf("%d %s", a.Status, a.Body)
				}
			})
		}
		wg.Wait()
		return won, lost
	}
	cashiers := []*client{k.cashier, k.cashierOf(k.hall), k.cashierOf(k.hall), k.cashierOf(k.hall)}
	code := b.code()
	if won, lost := race(4, func(i int) *answer { return cashiers[i].scan(code) }); won != 1 || lost != 3 {
		t.Errorf("scans: %d won, %d lost", won, lost)
	}
	r := k.scans(b)
	if won, _ := race(4, func(i int) *answer {
		return k.cashier.charge(r.ID, fmt.Sprintf("race-%04d", i), typed("荔枝", 10_00))
	}); won != 1 {
		t.Errorf("charges: %d won", won)
	}
	if won, _ := race(4, func(i int) *answer { return cashiers[i].void(r.ID, fmt.Sprintf("void-%04d", i), "退回") }); won != 1 {
		t.Errorf("voids: %d won", won)
	}
	for i := range 5 {
		var asked counter.Redemption
		k.cashier.charge(k.scans(b).ID, fmt.Sprintf("asks-%04d", i), typed("荔枝", 201_00)).ok(&asked)
		won, _ := race(3, func(n int) *answer {
			switch n {
			case 0:
				return b.money("/api/v1/member/redemptions/"+asked.ID.String()+"/confirm", fmt.Sprintf("yes-%05d", i), nil)
			case 1:
				return b.post("/api/v1/member/redemptions/"+asked.ID.String()+"/refuse", nil)
			default:
				return k.cashier.post(redemptionPath(asked.ID, "/cancel"), nil)
			}
		})
		if won != 1 {
			t.Errorf("confirm, refuse, cancel: %d won", won)
		}
		if end := k.redemption(asked.ID); end.Status == counter.StatusPaid {
			k.cashier.void(end.ID, fmt.Sprintf("undo-%04d", i), "退回").ok(nil)
		}
	}
	if k.balance(b.Allowance.ID) != 300_00 {
		t.Errorf("balance %s", k.balance(b.Allowance.ID))
	}
}

// TestCounterManySales has fifty cashiers charge one member at once: as many sales stand as there is money for.
func TestCounterManySales(t *testing.T) {
	s := stallIn(t, newHouseAt(t, modeltest.At("2025-03-03 09:00"), func(_ *config.Config, o *app.Options) { o.DoorLimit = -1 }))
	k := deskIn(s)
	b := k.buyer(k.union, 300_00)
	redemptions := make([]model.ID, 50)
	for i := range redemptions {
		redemptions[i] = k.scans(b).ID
	}
	var paid, short atomic.Int64
	var wg sync.WaitGroup
	for i, id := range redemptions {
		wg.Go(func() {
			for range 2000 {
				a := k.cashier.charge(id, fmt.Sprintf("many-%04d", i), typed("荔枝", 10_00))
				switch {
				case a.Status < 300:
					paid.Add(1)
				case a.code() == model.CodeInsufficientBalance:
					short.Add(1)
				case a.code() == model.CodeConflict || a.code() == model.CodeBusy: // the door: one at a time
					time.Sleep(5 * time.Millisecond)
					continue
				default:
					t.Errorf("%d %s", a.Status, a.Body)
				}
				return
			}
		})
	}
	wg.Wait()
	if paid.Load() != 30 || short.Load() != 20 || k.balance(b.Allowance.ID) != 0 {
		t.Errorf("%d paid, %d refused, %s left", paid.Load(), short.Load(), k.balance(b.Allowance.ID))
	}
}

// TestCounterWithoutDoor charges one redemption and voids it many times at once past the door, as two processes without Redis would.
func TestCounterWithoutDoor(t *testing.T) {
	k := newDesk(t)
	b := k.buyer(k.union, 300_00)
	actor := model.Actor{Kind: model.ActorStaff, ID: k.cashier.staff.ID, Hall: k.hall.ID, Supplier: k.hall.SupplierID}
	r := k.scans(b)
	var wg sync.WaitGroup
	var paid atomic.Int64
	for i := range 8 {
		wg.Go(func() {
			var err error
			for range 50 {
				_, err = k.Counter.Pay(t.Context(), actor, fmt.Sprintf("past-%04d", i), r.ID, typed("荔枝", 10_00))
				var shown *model.Error
				if !errors.As(err, &shown) || shown.Data == nil || fmt.Sprint(shown.Data) != "map[in_flight:true]" {
					break
				}
			}
			if err == nil {
				paid.Add(1)
			}
		})
	}
	wg.Wait()
	if paid.Load() != 1 || k.balance(b.Allowance.ID) != 290_00 {
		t.Errorf("%d paid, %s left", paid.Load(), k.balance(b.Allowance.ID))
	}
}

// TestCounterCrash breaks the transaction of a sale off at every statement: nothing of it is left, and the same key then sells.
func TestCounterCrash(t *testing.T) {
	k := newDesk(t)
	b := k.buyer(k.union, 300_00)
	r := k.scans(b)
	actor := model.Actor{Kind: model.ActorStaff, ID: k.cashier.staff.ID, Hall: k.hall.ID, Supplier: k.hall.SupplierID}
	sale := of(k.shop.SKUs[0], 1)
	sale.Goods, sale.GoodsFen, sale.TotalFen = "荔枝", 5_00, 55_00
	var done counter.Redemption
	broken := 0
	for at := int64(1); at < 200; at++ {
		ctx, cancel := context.WithCancel(t.Context())
		var n atomic.Int64
		name := fmt.Sprintf("crash:%d", at)
		stop := func(tx *gorm.DB) {
			if tx.Statement.Context.Err() == nil && tx.Statement.Context.Value(crashKey{}) != nil && n.Add(1) == at {
				cancel()
			}
		}
		db := k.DB.Read(context.Background())
		for _, err := range []error{db.Callback().Create().Before("gorm:create").Register(name, stop), db.Callback().Update().Before("gorm:update").Register(name, stop),
			db.Callback().Query().Before("gorm:query").Register(name, stop), db.Callback().Raw().Before("gorm:raw").Register(name, stop), db.Callback().Row().Before("gorm:row").Register(name, stop)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		var err error
		done, err = k.Counter.Pay(context.WithValue(ctx, crashKey{}, true), actor, "crash-0001", r.ID, sale)
		cancel()
		for _, err := range []error{db.Callback().Create().Remove(name), db.Callback().Update().Remove(name), db.Callback().Query().Remove(name), db.Callback().Raw().Remove(name), db.Callback().Row().Remove(name)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err == nil {
			break
		}
		broken++
		if k.count(&model.Order{}, "1 = 1") != 0 || k.balance(b.Allowance.ID) != 300_00 || k.onHand(k.shop.SKUs[0].ID) != 100 || k.redemption(r.ID).Status != counter.StatusScanned {
			t.Fatalf("statement %d: something is left", at)
		}
	}
	if broken < 15 || done.Status != counter.StatusPaid || k.balance(b.Allowance.ID) != 245_00 {
		t.Errorf("%d breaks, %+v", broken, done)
	}
}

type crashKey struct{}
