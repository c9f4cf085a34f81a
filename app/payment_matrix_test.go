package app_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/service/order"
	"bangfu/service/payment"
	"bangfu/service/wechat/emulator"
	"bangfu/service/wechat/pay"
)

// errBrokenOff is what the program meets where it is made to crash.
var errBrokenOff = errors.New("crashed on purpose")

// breaker ends the work at one named step, once, and remembers which steps were passed.
type breaker struct {
	mu    sync.Mutex
	armed string
	seen  []string
}

func (c *breaker) at(step string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.seen, step) {
		c.seen = append(c.seen, step)
	}
	if step == c.armed {
		c.armed = ""
		return errBrokenOff
	}
	return nil
}

// arm sets the step at which to crash ("" for none) and forgets what was seen; it returns what was.
func (c *breaker) arm(step string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.armed, c.seen = step, nil
	return seen
}

// ordeal is one order that goes through an event, perhaps with a crash in it.
type ordeal struct {
	*stall
	crash   *breaker
	hurried *pay.Client // the same merchant, with less patience, for answers that never come
	b       buyer
	actor   model.Actor
	placed  order.Placed
	keys    int
}

// service is the program as it is after a start: all that it knows is in the database.
func (o *ordeal) service(w *pay.Client) *payment.Service {
	return payment.New(payment.Options{DB: o.DB, Guard: o.Guard, Orders: o.Order, Wechat: w, Crash: o.crash.at})
}

func (o *ordeal) key() string {
	o.keys++
	return fmt.Sprintf("ordeal-%s-%d", o.b.Person, o.keys)
}

func (o *ordeal) no() string { return "P" + o.placed.OrderNo }

func (o *ordeal) order() (row model.Order) {
	o.t.Helper()
	if err := o.DB.Read(context.Background()).Take(&row, o.placed.ID).Error; err != nil {
		o.t.Fatal(err)
	}
	return row
}

// The steps that states and events are made of. Events ignore what the program answers: how it ends is what counts.

func (o *ordeal) place() {
	o.t.Helper()
	cart := o.b.cart(2, o.shop.SKUs[0], o.shop.SKUs[2])
	cart.Payment = order.PayMixed
	var err error
	if o.placed, err = o.Order.Checkout(context.Background(), o.actor, o.key(), cart); err != nil {
		o.t.Fatal(err)
	}
}

// prepay asks for the parameters; a client whose request broke off asks again.
func (o *ordeal) prepay() error {
	_, err := o.service(o.Pay).Prepay(context.Background(), o.actor, o.placed.ID)
	if errors.Is(err, errBrokenOff) {
		_, err = o.service(o.Pay).Prepay(context.Background(), o.actor, o.placed.ID)
	}
	return err
}

func (o *ordeal) check() error {
	_, err := o.service(o.Pay).Check(context.Background(), o.actor, o.placed.ID)
	return err
}

// cancel cancels; a client whose request broke off sends it again, with the same key.
func (o *ordeal) cancel() error {
	key := o.key()
	_, err := o.service(o.Pay).Cancel(context.Background(), o.actor, key, o.placed.ID, "不要了")
	if errors.Is(err, errBrokenOff) {
		_, err = o.service(o.Pay).Cancel(context.Background(), o.actor, key, o.placed.ID, "不要了")
	}
	return err
}

// payerPays has the payer pay, if WeChat lets them, after the client got its parameters.
func (o *ordeal) payerPays(v emulator.Verdict, mode emulator.NoticeMode) {
	o.t.Helper()
	_ = o.prepay()
	err := o.Emulator.Pay(o.no(), v, &emulator.NoticeRule{Mode: mode})
	if err != nil && model.CodeOf(err) != model.CodeConflict && model.CodeOf(err) != model.CodeNotFound {
		o.t.Fatal(err)
	}
	o.Emulator.Settle()
}

func (o *ordeal) rule(r emulator.NoticeRule) {
	o.t.Helper()
	if err := o.Emulator.SetNotices(r); err != nil {
		o.t.Fatal(err)
	}
}

func (o *ordeal) refunds(r emulator.RefundRule) {
	o.t.Helper()
	if err := o.Emulator.SetRefunds(r); err != nil {
		o.t.Fatal(err)
	}
}

// tick lets time pass and the completer work, in a program that was started anew.
func (o *ordeal) tick(after time.Duration) {
	o.t.Helper()
	o.clock.Advance(after)
	if err := o.service(o.Pay).Complete(context.Background()); err != nil && !errors.Is(err, errBrokenOff) {
		o.t.Errorf("completer: %v", err)
	}
	o.Emulator.Settle()
}

// orderStates are the states in which an event may meet an order; each brings a new order there.
var orderStates = []struct {
	name    string
	pending bool
	stays   string // the state in which the order ends where the event changes nothing
	reach   func(o *ordeal) error
}{
	{"unprepaid", true, "", func(o *ordeal) error { o.place(); return nil }},
	{"prepaid", true, "", func(o *ordeal) error { o.place(); return o.prepay() }},
	{"paid", false, order.StatusPaid, (*ordeal).reachPaid},
	{"shipped", false, order.StatusShipped, (*ordeal).reachShipped},
	{"completed", false, order.StatusCompleted, func(o *ordeal) error {
		return errors.Join(o.reachShipped(), o.eachParcel(func(id model.ID) error { return o.Order.Confirm(context.Background(), o.actor, id) }))
	}},
	{"cancelled", false, order.StatusCancelled, func(o *ordeal) error { return errors.Join(o.reachPaid(), o.cancel()) }},
	{"partly_refunded", false, order.StatusPaid, (*ordeal).reachPartlyRefunded},
	{"closed", false, order.StatusClosed, func(o *ordeal) error { o.place(); return errors.Join(o.prepay(), o.cancel()) }},
	{"overdue", false, order.StatusClosed, func(o *ordeal) error { o.place(); o.tick(16 * time.Minute); return nil }},
}

// reachPaid pays with a notice that WeChat holds back, so that it can come at any time later.
func (o *ordeal) reachPaid() error {
	o.place()
	o.payerPays(emulator.PaySuccess, emulator.Held)
	return o.check()
}

func (o *ordeal) reachShipped() error {
	return errors.Join(o.reachPaid(), o.eachParcel(func(id model.ID) error {
		var parcel model.Parcel
		if err := o.DB.Read(context.Background()).Take(&parcel, id).Error; err != nil {
			return err
		}
		supplier := model.Actor{Kind: model.ActorStaff, ID: 1, Supplier: parcel.SupplierID}
		_, err := o.Order.Ship(context.Background(), supplier, id, order.Shipment{Carrier: "虚拟速运", TrackingNo: "XN0000000001"})
		return err
	}))
}

func (o *ordeal) reachPartlyRefunded() error {
	if err := o.reachPaid(); err != nil {
		return err
	}
	return o.DB.Tx(context.Background(), func(tx *gorm.DB) error {
		var line model.OrderLine
		if err := tx.Where("order_id = ?", o.placed.ID).Order("id").Take(&line).Error; err != nil {
			return err
		}
		_, err := o.Order.GiveBack(tx, model.Clockwork(), o.DB.Now(), order.Return{Order: o.placed.ID, Kind: order.RefundCancel, Reason: "坏果", Lines: []order.ReturnLine{{LineID: line.ID, Quantity: 1}}})
		return err
	})
}

func (o *ordeal) eachParcel(do func(model.ID) error) error {
	var parcels []model.Parcel
	if err := o.DB.Read(context.Background()).Where("order_id = ?", o.placed.ID).Find(&parcels).Error; err != nil {
		return err
	}
	for _, p := range parcels {
		if err := do(p.ID); err != nil {
			return err
		}
	}
	return nil
}

// paymentEvent is something that happens to an order's money.
type paymentEvent struct {
	name    string
	pending string // how a pending order ends; "" for either paid or closed
	cancels bool   // a paid order of which nothing was shipped ends cancelled
	fails   bool   // money on its way back is first refused
	fault   string // the call to WeChat that fails, "" for none
	do      func(o *ordeal)
}

// meets tells whether the short run has the event happen in the state: calls that fail are tried where they are made.
func (e paymentEvent) meets(state string) bool {
	where := map[string][]string{
		"prepay": {"unprepaid"}, "query": {"prepaid", "closed"}, "close": {"prepaid"}, "refund": {"paid", "cancelled"}, "query_refund": {"paid"},
	}[e.fault]
	return e.fault == "" || slices.Contains(where, state)
}

// crashes tells whether the short run crashes at the event's steps too: not twice where the same steps are passed from the same state on.
func (e paymentEvent) crashes(state string) bool {
	switch state {
	case "prepaid", "paid", "cancelled", "closed":
		return e.fault == "" || strings.HasSuffix(e.name, "_lost")
	case "unprepaid":
		return slices.Contains([]string{"pay_on_time", "cancel", "nothing", "wrong_sum_paid", "pay_then_cancel"}, e.name)
	default:
		return e.name == "pay_late_notice" || e.name == "cancel"
	}
}

// cancelThen pays, if that is possible, and cancels, so that there is money on its way back.
func cancelThen(o *ordeal) {
	o.payerPays(emulator.PaySuccess, emulator.OnTime)
	_ = o.check()
	_ = o.cancel()
}

// paymentEvents are what may happen.
func paymentEvents() []paymentEvent {
	const paid, closed, cancelled = order.StatusPaid, order.StatusClosed, order.StatusCancelled
	var list []paymentEvent
	for _, mode := range []emulator.NoticeMode{emulator.OnTime, emulator.Silent, emulator.Doubled, emulator.Replayed, emulator.WrongAmount, emulator.WrongMerchant, emulator.BadSignature, emulator.TooOld, emulator.Mangled} {
		list = append(list, paymentEvent{name: "pay_" + string(mode), pending: paid, do: func(o *ordeal) { o.payerPays(emulator.PaySuccess, mode) }})
	}
	list = append(list,
		paymentEvent{name: "nothing", pending: closed, do: func(*ordeal) {}},
		paymentEvent{name: "prepay_only", pending: closed, do: func(o *ordeal) { _ = o.prepay() }},
		paymentEvent{name: "payerror", pending: closed, do: func(o *ordeal) { o.payerPays(emulator.PayError, emulator.OnTime) }},
		paymentEvent{name: "payerror_then_pay", pending: paid, do: func(o *ordeal) {
			o.payerPays(emulator.PayError, emulator.OnTime)
			o.payerPays(emulator.PaySuccess, emulator.OnTime)
		}},
		paymentEvent{name: "pay_and_check", pending: paid, do: func(o *ordeal) { o.payerPays(emulator.PaySuccess, emulator.Silent); _ = o.check() }},
		paymentEvent{name: "pay_late_notice", pending: paid, do: func(o *ordeal) {
			o.payerPays(emulator.PaySuccess, emulator.Held)
			_ = o.check()
			o.Emulator.ReleaseNotices()
			o.Emulator.Settle()
		}},
		paymentEvent{name: "pay_all_at_once", pending: paid, do: allAtOnce},
		paymentEvent{name: "wrong_sum_paid", pending: closed, do: func(o *ordeal) { o.payerPays(emulator.PayWrongAmount, emulator.OnTime) }},
		paymentEvent{name: "paid_after_close", pending: paid, do: func(o *ordeal) { o.payerPays(emulator.PayLate, emulator.OnTime) }},
		paymentEvent{name: "close_races_pay", pending: "", do: closeRacesPay},
		paymentEvent{name: "cancel", pending: closed, cancels: true, do: func(o *ordeal) { _ = o.cancel() }},
		paymentEvent{name: "pay_then_cancel", pending: cancelled, cancels: true, do: func(o *ordeal) { o.payerPays(emulator.PaySuccess, emulator.Silent); _ = o.cancel() }},
	)
	return append(append(list, refundEvents()...), faultEvents()...)
}

func refundEvents() []paymentEvent {
	var list []paymentEvent
	for _, mode := range []emulator.NoticeMode{emulator.OnTime, emulator.Silent, emulator.Doubled, emulator.WrongAmount, emulator.WrongMerchant, emulator.BadSignature} {
		list = append(list, paymentEvent{name: "refund_" + string(mode), pending: order.StatusCancelled, cancels: true, do: func(o *ordeal) {
			o.rule(emulator.NoticeRule{About: emulator.AboutRefund, Mode: mode})
			cancelThen(o)
		}})
	}
	for _, result := range []emulator.RefundOutcome{emulator.RefundAbnormal, emulator.RefundClosed} {
		list = append(list, paymentEvent{name: "refund_" + string(result), pending: order.StatusCancelled, cancels: true, fails: true, do: func(o *ordeal) {
			o.refunds(emulator.RefundRule{Result: result, Times: 1})
			cancelThen(o)
		}})
	}
	return append(list,
		paymentEvent{name: "refund_before_pay_notice", pending: order.StatusCancelled, cancels: true, do: func(o *ordeal) {
			o.rule(emulator.NoticeRule{Mode: emulator.Held})
			o.payerPays(emulator.PaySuccess, emulator.Held)
			_ = o.check()
			_ = o.cancel()
			o.tick(time.Second)
			o.Emulator.ReleaseNotices() // the newest first: the refund's before the payment's
			o.Emulator.Settle()
		}},
		paymentEvent{name: "refund_lasts", pending: order.StatusCancelled, cancels: true, do: func(o *ordeal) {
			o.refunds(emulator.RefundRule{Result: emulator.RefundNever})
			cancelThen(o)
			o.tick(time.Minute)
			o.tick(time.Minute)
		}})
}

// faultEvents have each call to WeChat fail once in every way.
func faultEvents() []paymentEvent {
	const trades, refunds = "/v3/pay/transactions/out-trade-no/{no}", "/v3/refund/domestic/refunds"
	calls := []struct {
		name, path, pending string
		cancels             bool
		do                  func(o *ordeal)
	}{
		{"prepay", "/v3/pay/transactions/jsapi", order.StatusPaid, false, func(o *ordeal) {
			_, _ = o.service(o.hurried).Prepay(context.Background(), o.actor, o.placed.ID)
			o.Emulator.ClearFaults()
			o.payerPays(emulator.PaySuccess, emulator.OnTime)
		}},
		{"query", trades, order.StatusPaid, false, func(o *ordeal) {
			o.payerPays(emulator.PaySuccess, emulator.Silent)
			_, _ = o.service(o.hurried).Check(context.Background(), o.actor, o.placed.ID)
		}},
		{"close", trades + "/close", order.StatusClosed, true, func(o *ordeal) {
			_ = o.prepay()
			_, _ = o.service(o.hurried).Cancel(context.Background(), o.actor, o.key(), o.placed.ID, "不要了") // the completer ends it
		}},
		{"refund", refunds, order.StatusCancelled, true, func(o *ordeal) { cancelThen(o); o.hurry() }},
		{"query_refund", refunds + "/{no}", order.StatusCancelled, true, func(o *ordeal) {
			o.refunds(emulator.RefundRule{Result: emulator.RefundNever})
			cancelThen(o)
			o.tick(time.Second)
			o.clock.Advance(time.Minute)
			o.hurry()
		}},
	}
	var list []paymentEvent
	for _, c := range calls {
		for _, f := range []emulator.Fault{{Mode: emulator.Down}, {Mode: emulator.Garbage}, {Mode: emulator.Lost}, {Mode: emulator.Never}, {Mode: emulator.Slow, DelayMS: 600}, {Mode: emulator.Error, Status: 500, Code: "SYSTEM_ERROR"}} {
			f.Path, f.Times = c.path, 1
			list = append(list, paymentEvent{name: c.name + "_" + string(f.Mode), fault: c.name, pending: c.pending, cancels: c.cancels, do: func(o *ordeal) {
				if err := o.Emulator.InjectFault(f); err != nil {
					o.t.Fatal(err)
				}
				c.do(o)
				o.Emulator.ClearFaults()
			}})
		}
	}
	return list
}

// hurry is a tick of the completer with little patience.
func (o *ordeal) hurry() {
	o.t.Helper()
	if err := o.service(o.hurried).Complete(context.Background()); err != nil && !errors.Is(err, errBrokenOff) {
		o.t.Errorf("completer: %v", err)
	}
	o.Emulator.Settle()
}

// allAtOnce has notices, questions and completers meet on one payment.
func allAtOnce(o *ordeal) {
	_ = o.prepay()
	_ = o.Emulator.Pay(o.no(), emulator.PaySuccess, &emulator.NoticeRule{Mode: emulator.Doubled, Count: 3})
	o.clock.Advance(20 * time.Second)
	var all sync.WaitGroup
	for _, one := range []func(){func() { _ = o.check() }, func() { _ = o.check() }, func() { _ = o.service(o.Pay).Complete(context.Background()) }, func() { _ = o.service(o.Pay).Complete(context.Background()) }} {
		all.Go(one)
	}
	all.Wait()
	o.Emulator.Settle()
}

// closeRacesPay has the payer pay in the moment in which the order's time ends and the completer closes it.
func closeRacesPay(o *ordeal) {
	_ = o.prepay()
	if row := o.order(); row.Status == order.StatusPending {
		o.clock.Set(*row.PayBefore)
	}
	var all sync.WaitGroup
	all.Go(func() { _ = o.Emulator.Pay(o.no(), emulator.PayLate, nil) })
	all.Go(func() { _ = o.service(o.Pay).Complete(context.Background()) })
	all.Go(func() { _ = o.check() })
	all.Wait()
	o.Emulator.Settle()
}

// TestPaymentMatrix walks order states × payment events × crash points. Each case ends, after the completer has had its time in a program
// that was started anew, with exactly the state that it must have, WeChat's books and ours agree to the fen, and all invariants hold.
// PAYMENT_MATRIX=full walks everything with everything (minutes); the short run leaves out what would pass the same steps again.
func TestPaymentMatrix(t *testing.T) {
	crash := &breaker{}
	s := newCashDesk(t, func(_ *config.Config, o *app.Options) { o.Crash = crash.at })
	for _, k := range s.shop.SKUs {
		s.receive(k.ID, 100_000)
	}
	m := s.Emulator.Merchant()
	hurried, err := pay.New(pay.Options{BaseURL: s.base + "/emulator", AppID: config.EmulatorAppID, MchID: m.MchID, SerialNo: m.SerialNo, PrivateKeyPEM: m.PrivateKeyPEM, APIv3Key: m.APIv3Key,
		PublicKeyID: m.PublicKeyID, PublicKeyPEM: m.PublicKeyPEM, NotifyURL: s.base + config.NoticePath, Clock: s.clock, Timeout: 250 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	full := os.Getenv("PAYMENT_MATRIX") == "full"
	begun, cases, crashes := time.Now(), 0, 0
	var buyers []buyer
	for _, state := range orderStates {
		for _, event := range paymentEvents() {
			if !full && !event.meets(state.name) {
				continue
			}
			steps := []string{""}
			for i := 0; i < len(steps); i++ {
				if len(buyers) == 0 {
					buyers = s.buyers(s.union, 100, 150_00)
				}
				o := &ordeal{stall: s, crash: crash, hurried: hurried, b: buyers[0]}
				buyers = buyers[1:]
				name := state.name + "/" + event.name
				if steps[i] != "" {
					name += "/crash_at_" + steps[i]
					crashes++
				}
				cases++
				t.Run(name, func(t *testing.T) {
					seen := o.run(t, steps[i], state.reach, event.do)
					if i == 0 && (full || event.crashes(state.name)) {
						steps = append(steps, seen...)
					}
					want := state.stays
					switch {
					case state.pending:
						want = event.pending
					case event.cancels && state.stays == order.StatusPaid:
						want = order.StatusCancelled
					}
					o.exact(t, want, event.fails)
				})
				s.t = t
			}
		}
		s.sound(t)
	}
	t.Logf("%d cases, %d of them with a crash, in %s", cases, crashes, time.Since(begun).Round(time.Millisecond))
}

// run brings a new order into the state, has the event happen, crashing at the step, and gives the completer its time. It returns the steps
// that were passed.
func (o *ordeal) run(t *testing.T, step string, reach func(*ordeal) error, event func(*ordeal)) []string {
	t.Helper()
	o.t = t
	var account model.WechatAccount
	if err := o.DB.Read(context.Background()).Where("person_id = ?", o.b.Person).Take(&account).Error; err != nil {
		t.Fatal(err)
	}
	o.actor = model.Actor{Kind: model.ActorPerson, ID: o.b.Person, AccountID: account.ID}
	o.crash.arm("")
	if err := reach(o); err != nil {
		t.Fatalf("the state is not reached: %v", err)
	}
	o.crash.arm(step)
	event(o)
	for range 3 {
		o.tick(time.Minute)
	}
	o.tick(16 * time.Minute)
	for range 2 {
		o.tick(time.Minute)
	}
	return o.crash.arm("")
}

// exact ends what still has to be ended by people, and holds order, payment, refunds, ledger and allowance against WeChat's books.
func (o *ordeal) exact(t *testing.T, want string, fails bool) {
	t.Helper()
	o.retryFailed(t, fails)
	row, p := o.order(), o.payment(o.placed.ID)
	if want == "" && (row.Status == order.StatusPaid || row.Status == order.StatusClosed || row.Status == order.StatusCancelled) {
		want = row.Status
	}
	if row.Status != want {
		t.Errorf("the order is %s, want %s; payment %+v", row.Status, want, p)
	}
	paid, back := o.Emulator.Books(p.PaymentNo)
	if wantStatus := map[bool]string{true: payment.StatusPaid, false: payment.StatusClosed}[paid > 0]; p.Status != wantStatus || p.PaidFen != paid || p.NextTryAt != nil {
		t.Errorf("payment %+v, but at WeChat %d was paid", p, paid)
	}
	posted := func(kind, accounts string) (sum model.Fen) {
		t.Helper()
		if err := o.DB.Read(context.Background()).Model(&model.Transfer{}).Select("COALESCE(SUM(amount_fen), 0)").Where("order_id = ? AND kind = ? AND "+accounts, row.ID, kind).Scan(&sum).Error; err != nil {
			t.Fatal(err)
		}
		return sum
	}
	spent, given := posted("spend", "debit_account LIKE 'payment:%'"), posted("refund", "credit_account LIKE 'payment:%'")
	if in, out := posted("pay", "debit_account = 'wechat'"), posted("payback", "credit_account = 'wechat'"); in != paid || out != back || in-out != spent-given {
		t.Errorf("paid %d and back %d at WeChat; booked in %d, out %d, spent %d, given back %d", paid, back, in, out, spent, given)
	}
	stands := row.Status != order.StatusClosed
	if stands && spent != row.WechatFen || !stands && (spent != 0 || paid != back) || row.Status == order.StatusCancelled && paid != back {
		t.Errorf("%s order of %d: spent %d, paid %d, back %d", row.Status, row.WechatFen, spent, paid, back)
	}
	fromAllowance, toAllowance := posted("spend", "debit_account LIKE 'allowance:%'"), posted("refund", "credit_account LIKE 'allowance:%'")
	if a := o.allowance(o.b.Allowance.ID); a.HeldFen != 0 || a.BalanceFen != 150_00-fromAllowance+toAllowance || stands && fromAllowance != row.AllowanceFen || !stands && fromAllowance != 0 {
		t.Errorf("allowance %+v after %d and %d back", a, fromAllowance, toAllowance)
	}
	if n := o.count(&model.WechatRefund{}, "payment_id = ? AND status <> ?", p.ID, payment.RefundDone); n != 0 {
		t.Errorf("%d refunds are not done", n)
	}
}

// retryFailed gives refunds in processing their result, has people see to failed ones, and lets late notices come.
func (o *ordeal) retryFailed(t *testing.T, fails bool) {
	t.Helper()
	o.Emulator.ClearRules()
	var rows []model.WechatRefund
	if err := o.DB.Read(context.Background()).Where("payment_id = ?", o.payment(o.placed.ID).ID).Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, r := range rows {
		_ = o.Emulator.FinishRefund(r.RefundNo, emulator.RefundSuccess, silently) // CodeConflict where it has its result
		if r.Status != payment.RefundFailed {
			continue
		}
		failed++
		if _, err := o.Payment.RetryRefund(context.Background(), model.Actor{Kind: model.ActorStaff, ID: 1}, o.key(), r.ID); err != nil {
			t.Errorf("retry: %v", err)
		}
	}
	if want := fails && len(rows) > 0; want != (failed > 0) {
		t.Errorf("%d of %d refunds failed", failed, len(rows))
	}
	o.Emulator.ReleaseNotices()
	o.Emulator.Settle()
	for i := range 7 { // the pauses double
		o.tick(time.Minute << i)
	}
}
