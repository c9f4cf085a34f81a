package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"bangfu/model"
	"bangfu/service/order"
)

// Writer is somebody besides the checkouts who writes, one deed after the other.
type Writer struct {
	Name  string
	Pause time.Duration // between two deeds
	// Next prepares the next deed; ok is false when there is nothing to do now.
	Next func(ctx context.Context, s *Stage, n int) (d Deed, ok bool)

	done, refused int
	took          []time.Duration
}

// Write runs a writer until ctx ends. Each deed is noted in the journal and sent until it has an answer.
func (s *Stage) Write(ctx context.Context, w *Writer) {
	for n := 0; ctx.Err() == nil; n++ {
		d, ok := w.Next(ctx, s, n)
		start := time.Now()
		for ok && ctx.Err() == nil {
			_, url := s.base(n)
			s.journal.sent(d)
			r := s.client.do(context.Background(), url, d)
			s.journal.told(d, r)
			if r.Class == Acked || r.Class == Refused {
				w.took = append(w.took, time.Since(start))
				if r.Class == Acked {
					w.done++
				} else {
					w.refused++
				}
				break
			}
			sleep(ctx, 50*time.Millisecond)
		}
		sleep(ctx, w.Pause)
	}
}

// WriteAll runs writers until the returned function is called, which waits for them.
func (s *Stage) WriteAll(ctx context.Context, writers []*Writer) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var working sync.WaitGroup
	for _, w := range writers {
		working.Go(func() { s.Write(ctx, w) })
	}
	return func() { cancel(); working.Wait() }
}

// worst is the longest that a deed took until it was answered.
func (w *Writer) worst() time.Duration {
	if len(w.took) == 0 {
		return 0
	}
	return slices.Max(w.took)
}

// restocker has the city federation bring goods of a SKU in.
func restocker(good int, quantity int64, pause time.Duration) *Writer {
	return &Writer{Name: "restock", Pause: pause, Next: func(_ context.Context, s *Stage, n int) (Deed, bool) {
		body := fmt.Appendf(nil, `{"kind":"receive","quantity":%d}`, quantity)
		return Deed{Kind: "restock", Key: fmt.Sprintf("restock-%d-%06d", good, n), Who: s.City.Office.Name, Path: fmt.Sprintf("/api/v1/console/skus/%s/movements", s.City.Goods[good].SKU), Body: body}, true
	}}
}

// bought is an acknowledged order of somebody.
type bought struct {
	who string
	id  model.ID
}

// buyOne places an order of one piece of a good outside the load, noted in the journal, so that something can be done with it.
func (s *Stage) buyOne(ctx context.Context, m Member, key string, items []order.Item) (bought, bool) {
	body, err := json.Marshal(cart(s.City, m, items))
	if err != nil {
		return bought{}, false
	}
	d := Deed{Kind: "order", Key: key, Who: m.Name, Path: "/api/v1/member/orders", Body: body}
	for try := 0; try < 100 && ctx.Err() == nil; try++ {
		_, url := s.base(try)
		s.journal.sent(d)
		r := s.client.do(context.Background(), url, d)
		s.journal.told(d, r)
		var p placed
		if r.Class == Acked && json.Unmarshal(r.Answer, &p) == nil {
			return bought{m.Name, p.ID}, true
		}
		if r.Class == Refused {
			return bought{}, false
		}
		sleep(ctx, 50*time.Millisecond)
	}
	return bought{}, false
}

// canceller buys hot goods and thinks better of it. first and count are the members that it acts for.
func canceller(first, count int) *Writer {
	return &Writer{Name: "cancel", Pause: 20 * time.Millisecond, Next: func(ctx context.Context, s *Stage, n int) (Deed, bool) {
		m := s.City.Members[first+n%count]
		b, ok := s.buyOne(ctx, m, fmt.Sprintf("to-cancel-%d-%06d", first, n), []order.Item{item(s.City, Hot, 1), item(s.City, Scarce, 1)})
		if !ok { // the scarce one is sold out
			if b, ok = s.buyOne(ctx, m, fmt.Sprintf("to-cancel-hot-%d-%06d", first, n), []order.Item{item(s.City, Hot, 2)}); !ok {
				return Deed{}, false
			}
		}
		return Deed{Kind: "cancel", Key: fmt.Sprintf("cancel-%d-%06d", first, n), Who: b.who, Path: fmt.Sprintf("/api/v1/member/orders/%s/cancel", b.id), Body: []byte(`{"reason":"不想要了"}`)}, true
	}}
}

// refunder has members ask for money back and the supplier agree, goods back on the shelf.
func refunder(first, count int) *Writer {
	return &Writer{Name: "refund", Pause: 20 * time.Millisecond, Next: func(ctx context.Context, s *Stage, n int) (Deed, bool) {
		m := s.City.Members[first+n%count]
		b, ok := s.buyOne(ctx, m, fmt.Sprintf("to-refund-%d-%06d", first, n), []order.Item{item(s.City, Hot, 2)})
		if !ok {
			return Deed{}, false
		}
		_, url := s.base(n)
		var o struct {
			Parcels []struct{ Lines []struct{ ID model.ID } }
		}
		if r := s.client.call(ctx, http.MethodGet, fmt.Sprintf("%s/api/v1/member/orders/%s", url, b.id), m.Name, nil, &o); r.Class != Acked || len(o.Parcels) != 1 || len(o.Parcels[0].Lines) != 1 {
			return Deed{}, false
		}
		var c placed
		ask := Deed{Key: fmt.Sprintf("ask-refund-%d-%06d", first, n), Who: m.Name, Path: fmt.Sprintf("/api/v1/member/orders/%s/after-sales", b.id),
			Body: fmt.Appendf(nil, `{"kind":"refund_only","reason":"unwanted","description":"","lines":[{"line_id":"%s","quantity":1}]}`, o.Parcels[0].Lines[0].ID)}
		if r := s.client.do(ctx, url, ask); r.Class != Acked || json.Unmarshal(r.Answer, &c) != nil {
			return Deed{}, false
		}
		return Deed{Kind: "refund", Key: fmt.Sprintf("refund-%d-%06d", first, n), Who: s.City.Supplier.Name, Path: fmt.Sprintf("/api/v1/console/after-sales/%s/agree", c.ID), Body: []byte(`{"note":"同意","restock":true}`)}, true
	}}
}

// seller is a cashier who sells hot goods over the counter. A cashier may scan 60 codes a minute.
func seller(cashier, first, count int) *Writer {
	return &Writer{Name: "counter", Pause: time.Second, Next: func(ctx context.Context, s *Stage, n int) (Deed, bool) {
		m, who := s.City.Members[first+n%count], s.City.Cashiers[cashier].Name
		_, url := s.base(n)
		var code struct {
			Code string `json:"code"`
		}
		if r := s.client.call(ctx, http.MethodPost, url+"/api/v1/member/counter-code", m.Name, nil, &code); r.Class != Acked {
			return Deed{}, false
		}
		var scanned placed
		if r := s.client.call(ctx, http.MethodPost, url+"/api/v1/console/counter/scan", who, map[string]string{"code": code.Code}, &scanned); r.Class != Acked {
			return Deed{}, false
		}
		it := item(s.City, Hot, 1+rand.Int64N(3))
		body, err := json.Marshal(map[string]any{"items": []order.Item{it}, "total_fen": it.PriceFen * model.Fen(it.Quantity)})
		if err != nil {
			return Deed{}, false
		}
		return Deed{Kind: "counter", Key: fmt.Sprintf("counter-%d-%06d", cashier, n), Who: who, Path: fmt.Sprintf("/api/v1/console/counter/redemptions/%s/pay", scanned.ID), Body: body}, true
	}}
}
