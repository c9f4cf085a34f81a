package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"bangfu/model"
	"bangfu/service/order"
)

// wechatLies has WeChat do all that it can do wrong while members pay for mixed orders: part allowance, part WeChat money.
func wechatLies() Scenario {
	return Scenario{
		Name: "wechat-lies", Fault: "WeChat late, silent, doubled, out of order, lying, slow, down, cut off", Quick: false,
		Setup: Setup{Starts: func(now time.Time) time.Time { return now }, City: Plan{Allow: 6_00}},
		Play: func(ctx context.Context, s *Stage) error {
			w := &payers{Stage: s, paid: map[string]model.Fen{}, all: map[string]bool{}}
			start := time.Now()
			l := s.Load(ctx, Traffic{Rate: min(s.Options.Rate, 150), Replay: 0.05, Pick: dear, Payment: order.PayMixed, Then: func(d Deed, a json.RawMessage) { w.pay(ctx, d, a) }})
			s.Sleep(ctx, s.Seconds(5, 2))
			first := time.Now()
			if err := w.misbehave(ctx); err != nil {
				return err
			}
			last := time.Now()
			s.Sleep(ctx, s.Seconds(5, 2))
			l.Stop()
			s.Pace(l.Throughput(start, first), l.Throughput(first, last), l.Throughput(last, time.Now()))
			for _, step := range []func(context.Context) error{w.settle, w.late, w.exact, w.outcome} {
				if err := step(ctx); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// dear is a cart that allowances do not cover for long.
func dear(r *rand.Rand, c *City) []order.Item {
	a := 2 + r.IntN(len(c.Goods)-2)
	return []order.Item{item(c, Hot, 1+r.Int64N(2)), item(c, a, 1+r.Int64N(3))}
}

// payers are the members at WeChat: they know what they paid.
type payers struct {
	*Stage
	mu   sync.Mutex
	paid map[string]model.Fen // by payment number: what left their purse
	all  map[string]bool      // payments begun
	open []string             // begun and never paid
}

func (w *payers) emulator(ctx context.Context, method, path string, in any) error {
	_, url := w.base(0)
	if r := w.client.call(ctx, method, url+"/emulator/_emulator/"+path, "", in, nil); r.Class != Acked {
		return fmt.Errorf("the emulator answers %s %s with %d %s", path, r.Answer, r.Status, r.Err)
	}
	return nil
}

// ways are how WeChat tells of a payment.
var ways = []map[string]any{
	nil, {"mode": "late", "delay_ms": 1500}, {"mode": "silent"}, {"mode": "doubled", "count": 3}, {"mode": "replayed", "count": 3}, {"mode": "held"},
	{"mode": "wrong_amount"}, {"mode": "wrong_merchant"}, {"mode": "bad_signature"}, {"mode": "too_old"}, {"mode": "garbage"},
}

// pay does what a member does whose order wants WeChat money: most pay, some pay one fen too much, some go away.
func (w *payers) pay(ctx context.Context, d Deed, answer json.RawMessage) {
	var p order.Placed
	if json.Unmarshal(answer, &p) != nil || p.WechatFen == 0 {
		return
	}
	var bill struct {
		PaymentNo string    `json:"payment_no"`
		AmountFen model.Fen `json:"amount_fen"`
	}
	_, url := w.base(0)
	for range 3 { // WeChat may be down
		if r := w.client.call(ctx, http.MethodPost, url+"/api/v1/member/orders/"+p.ID.String()+"/prepay", d.Who, nil, &bill); r.Class == Acked {
			break
		}
	}
	if bill.PaymentNo == "" {
		return
	}
	choice, verdict, amount := rand.IntN(20), "success", bill.AmountFen
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all[bill.PaymentNo] {
		return // the order was acknowledged twice
	}
	w.all[bill.PaymentNo] = true
	switch {
	case choice < 4:
		w.open = append(w.open, bill.PaymentNo)
		return
	case choice < 5:
		verdict, amount = "wrong_amount", amount+1
	}
	in := map[string]any{"verdict": verdict}
	if notice := ways[rand.IntN(len(ways))]; notice != nil {
		in["notice"] = notice
	}
	if w.emulator(ctx, http.MethodPost, "payments/"+bill.PaymentNo+"/pay", in) == nil {
		w.paid[bill.PaymentNo] = amount
	} else {
		w.open = append(w.open, bill.PaymentNo)
	}
}

// misbehave has WeChat's interfaces fail, one way after the other, while members go on.
func (w *payers) misbehave(ctx context.Context) error {
	const begin, query, closing = "/v3/pay/transactions/jsapi", "/v3/pay/transactions/out-trade-no/{no}", "/v3/pay/transactions/out-trade-no/{no}/close"
	for _, fault := range []map[string]any{
		{"mode": "slow", "delay_ms": 1200}, {"mode": "down"}, {"mode": "garbage"}, {"mode": "lost"}, {"mode": "error", "status": 500, "code": "SYSTEM_ERROR"}, {"mode": "never", "times": 5},
	} {
		for _, path := range []string{begin, query, closing, "/v3/refund/domestic/refunds"} {
			fault["path"] = path
			if err := w.emulator(ctx, http.MethodPost, "faults", fault); err != nil {
				return err
			}
		}
		w.Sleep(ctx, w.Seconds(4, 1.5))
		if err := w.emulator(ctx, http.MethodDelete, "faults", nil); err != nil {
			return err
		}
	}
	return w.emulator(ctx, http.MethodPost, "notices/release", nil)
}

// settle waits until WeChat, which is well again, and the product agree on everything; for what nobody paid the time has to run out.
func (w *payers) settle(ctx context.Context) error {
	start := time.Now()
	for walk := time.Duration(0); walk <= 3*time.Hour; walk += 15 * time.Minute {
		if walk > 0 {
			if err := w.WalkClock(ctx, time.Now().Add(walk)); err != nil {
				return err
			}
		}
		for until := time.Now().Add(12 * time.Second); time.Now().Before(until) && ctx.Err() == nil; w.Sleep(ctx, 200*time.Millisecond) {
			left, err := w.count(ctx, "SELECT COUNT(*) FROM orders WHERE status = 'pending'")
			if err != nil {
				return err
			}
			if left == 0 {
				w.Goal(true, "no order is pending %s later on the product's clock", walk)
				w.Recovered(time.Since(start))
				return nil
			}
		}
	}
	left, err := w.count(ctx, "SELECT COUNT(*) FROM orders WHERE status = 'pending'")
	w.Goal(left == 0, "no order is left pending (%d are)", left)
	return err
}

func (w *payers) count(ctx context.Context, query string) (n int, err error) {
	db, err := w.DB()
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }()
	err = db.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

// late lets WeChat say of payments that are closed that they had been made all the same.
func (w *payers) late(ctx context.Context) error {
	done := 0
	for _, no := range w.open {
		var asked model.Fen
		db, err := w.DB()
		if err != nil {
			return err
		}
		err = db.QueryRowContext(ctx, "SELECT amount_fen FROM payments WHERE payment_no = ?", no).Scan(&asked)
		_ = db.Close()
		if err != nil {
			return err
		}
		if w.emulator(ctx, http.MethodPost, "payments/"+no+"/pay", map[string]any{"verdict": "late"}) != nil {
			continue // WeChat never heard of it
		}
		w.paid[no] = asked
		if done++; done == w.Times(40, 10) {
			break
		}
	}
	w.Note("%d of %d payments were made, %d of them said so only after their order was closed", len(w.paid), len(w.all), done)
	return nil
}

// exact holds every payment against what its payer knows: what the payer gave is what the product has for a living order, or gave back.
func (w *payers) exact(ctx context.Context) error {
	var wrong []string
	var given, kept, back model.Fen
	for start := time.Now(); time.Since(start) < 100*time.Second && ctx.Err() == nil; w.Sleep(ctx, 500*time.Millisecond) {
		var err error
		if wrong, given, kept, back, err = w.compare(ctx); err != nil || len(wrong) == 0 {
			if err != nil {
				return err
			}
			break
		}
		if time.Since(start) > 30*time.Second { // what is tried again waits by the product's clock
			if err := w.WalkClock(ctx, time.Now().Add(w.added+5*time.Minute)); err != nil {
				return err
			}
		}
	}
	w.Goal(len(wrong) == 0 && given == kept+back, "to the fen: members paid %s yuan through WeChat, orders hold %s, %s were given back (%d payments differ)", given.Yuan(), kept.Yuan(), back.Yuan(), len(wrong))
	for _, text := range wrong[:min(5, len(wrong))] {
		w.Note("%s", text)
	}
	return nil
}

func (w *payers) compare(ctx context.Context) (wrong []string, given, kept, back model.Fen, err error) {
	db, err := w.DB()
	if err != nil {
		return nil, 0, 0, 0, err
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(ctx, "SELECT p.payment_no, p.status, p.paid_fen, o.status, o.wechat_fen, COALESCE((SELECT SUM(r.amount_fen) FROM wechat_refunds r WHERE r.payment_id = p.id AND r.status = 'done'), 0) FROM payments p JOIN orders o ON o.id = p.order_id")
	if err != nil {
		return nil, 0, 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var no, status, stands string
		var paid, part, returned model.Fen
		if err := rows.Scan(&no, &status, &paid, &stands, &part, &returned); err != nil {
			return nil, 0, 0, 0, err
		}
		if stands == "pending" || stands == "closed" || stands == "cancelled" {
			part = 0
		}
		if paid != w.paid[no] || paid-returned != part {
			wrong = append(wrong, fmt.Sprintf("payment %s (%s, order %s): its payer gave %s, the product knows of %s and gave back %s, the order holds %s", no, status, stands, w.paid[no].Yuan(), paid.Yuan(), returned.Yuan(), part.Yuan()))
		}
		kept, back = kept+part, back+returned
	}
	for _, fen := range w.paid {
		given += fen
	}
	return wrong, given, kept, back, rows.Err()
}

// outcome asks for every order as its member does, and notes which came to nothing.
func (w *payers) outcome(ctx context.Context) error {
	list, err := w.journal.fates()
	if err != nil {
		return err
	}
	w.void = map[string]bool{}
	var mu sync.Mutex
	odd := 0
	w.each(list, func(worker int, f *fate) {
		var p placed
		if len(f.acks) == 0 || json.Unmarshal(f.acks[0], &p) != nil {
			return
		}
		var v struct {
			Status string `json:"status"`
		}
		_, url := w.base(worker)
		r := w.client.call(ctx, http.MethodGet, url+"/api/v1/member/orders/"+p.ID.String(), f.Who, nil, &v)
		mu.Lock()
		defer mu.Unlock()
		if r.Class != Acked || v.Status == "pending" {
			odd++
		}
		w.void[f.Key] = v.Status == "closed" || v.Status == "cancelled"
	})
	w.Goal(odd == 0, "every member sees how the order ended (%d do not)", odd)
	return nil
}
