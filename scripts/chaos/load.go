package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"bangfu/model"
	"bangfu/service/order"
)

// Traffic says what the clients of a load do.
type Traffic struct {
	Clients int
	Rate    int     // checkouts a second over all clients at most; 0: no bound
	Replay  float64 // how many of the acknowledged keys are sent once more
	Other   float64 // how many of the acknowledged keys are sent once more with another cart, which must be refused with 422
	Twins   float64 // how many requests are sent twice at the same time, to two processes where there are two
	Shared  bool    // all clients act for the same few members
	Pick    func(r *rand.Rand, c *City) []order.Item
	Payment string                               // of the carts: order.PayMixed; empty: allowances only
	Then    func(d Deed, answer json.RawMessage) // done after the first acknowledgement of a key, by the client that got it
}

// attempt is one request and how it went.
type attempt struct {
	at     time.Time // of the end
	took   time.Duration
	class  Class
	status int
	base   int // which process
	worker int
	fresh  bool // the first acknowledgement of its key
}

// Load is clients at work.
type Load struct {
	Traffic
	stage *Stage
	stop  context.CancelFunc
	done  sync.WaitGroup

	mu       sync.Mutex
	attempts []attempt
	pending  []Deed
	wrong    []string // what no client should ever see
	replays  int
	others   int
	keys     atomic.Int64
	tokens   chan struct{} // of the rate
}

// Load starts clients; Stop ends them.
func (s *Stage) Load(ctx context.Context, t Traffic) *Load {
	if t.Clients == 0 {
		t.Clients = s.Options.Clients
	}
	if t.Rate == 0 {
		t.Rate = s.Options.Rate
	}
	if t.Pick == nil {
		t.Pick = usual
	}
	ctx, stop := context.WithCancel(ctx)
	l := &Load{Traffic: t, stage: s, stop: stop}
	if t.Rate > 0 {
		l.tokens = make(chan struct{}, t.Clients)
		l.done.Go(func() { l.pace(ctx) })
	}
	for i := range t.Clients {
		l.done.Go(func() { l.work(ctx, i) })
	}
	s.loads = append(s.loads, l)
	return l
}

// Stop lets every client finish what it is at and ends the load.
func (l *Load) Stop() {
	l.stop()
	l.done.Wait()
}

func (l *Load) pace(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for owed := 0.0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for owed += float64(l.Rate) / 100; owed >= 1; owed-- {
			select {
			case l.tokens <- struct{}{}:
			default: // nobody is free: what is not asked for now is not asked for later
			}
		}
	}
}

// work is one client until ctx ends: it asks for something new, or again for what it has no answer to.
func (l *Load) work(ctx context.Context, worker int) {
	r := rand.New(rand.NewPCG(uint64(worker), 7))
	for ctx.Err() == nil {
		if d, ok := l.unanswered(r); ok {
			l.ask(ctx, r, worker, d)
			continue
		}
		if l.crowded() {
			sleep(ctx, 20*time.Millisecond)
			continue
		}
		if l.tokens != nil {
			select {
			case <-ctx.Done():
				return
			case <-l.tokens:
			}
		}
		d := l.checkout(r, worker)
		if r.Float64() < l.Twins {
			var twin sync.WaitGroup
			twin.Go(func() { l.ask(ctx, rand.New(rand.NewPCG(r.Uint64(), 8)), worker+1, d) })
			l.ask(ctx, r, worker, d)
			twin.Wait()
			continue
		}
		l.ask(ctx, r, worker, d)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// leftToTheEnd is the part of the keys without an answer that are not sent again before the verdict, as by a member who has closed
// the phone.
const leftToTheEnd = 0.2

// unanswered takes a key that has no answer yet, half of the time.
func (l *Load) unanswered(r *rand.Rand) (Deed, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) == 0 || r.Float64() < 0.5 {
		return Deed{}, false
	}
	d := l.pending[0]
	l.pending = l.pending[1:]
	return d, true
}

// crowded tells whether so many keys are without an answer that nobody should begin anything new.
func (l *Load) crowded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pending) > 4*l.Clients
}

// checkout is a new cart of a member. Each client has members of its own, unless they are shared.
func (l *Load) checkout(r *rand.Rand, worker int) Deed {
	c := l.stage.City
	n := len(c.Members)
	i := r.IntN(n)
	if !l.Shared {
		share := max(1, n/l.Clients)
		i = (worker*share + r.IntN(share)) % n
	}
	m := c.Members[i]
	basket := cart(c, m, l.Pick(r, c))
	basket.Payment = l.Payment
	body, err := json.Marshal(basket)
	if err != nil {
		panic(err) // a cart is always JSON
	}
	return Deed{Kind: "order", Key: fmt.Sprintf("%s-%d-%07d", l.stage.name, len(l.stage.loads), l.keys.Add(1)), Who: m.Name, Path: "/api/v1/member/orders", Body: body}
}

// cart is what a phone sends.
func cart(_ *City, m Member, items []order.Item) order.Cart {
	c := order.Cart{AddressID: m.Address, Items: items}
	for _, it := range items {
		c.TotalFen += it.PriceFen * model.Fen(it.Quantity)
	}
	return c
}

// item is n of the i-th good.
func item(c *City, i int, n int64) order.Item {
	return order.Item{SKUID: c.Goods[i].SKU, Quantity: n, PriceFen: c.Goods[i].Price}
}

// usual is the usual cart: mostly the hot SKU, now and then several suppliers, and the scarce one.
func usual(r *rand.Rand, c *City) []order.Item {
	switch n := r.IntN(20); {
	case n < 12:
		return []order.Item{item(c, Hot, 1)}
	case n < 14:
		return []order.Item{item(c, Scarce, 1+r.Int64N(2))}
	default:
		a := 2 + r.IntN(len(c.Goods)-2)
		return []order.Item{item(c, Hot, 1), item(c, a, 1)}
	}
}

// ask sends a deed, notes what came of it, and does with it what the traffic asks for.
func (l *Load) ask(ctx context.Context, r *rand.Rand, worker int, d Deed) {
	reply := l.once(worker, d)
	switch reply.Class {
	case Acked:
		if l.Then != nil {
			l.Then(d, reply.Answer)
		}
		if r.Float64() < l.Replay {
			l.replay(worker+1, d, reply)
		}
		if r.Float64() < l.Other {
			l.other(worker, d)
		}
	case Again, Unknown:
		if reply.Class == Again || r.Float64() >= leftToTheEnd {
			l.mu.Lock()
			l.pending = append(l.pending, d)
			l.mu.Unlock()
		}
		if reply.Code == nobodyThere || reply.Class == Again {
			sleep(ctx, time.Duration(10+r.IntN(30))*time.Millisecond)
		}
	}
}

// once sends a deed and notes what came of it. The load's end does not cut it off: a client waits for its answer.
func (l *Load) once(worker int, d Deed) Reply {
	s := l.stage
	base, url := s.base(worker)
	s.journal.sent(d)
	start := time.Now()
	reply := s.client.do(context.Background(), url, d)
	end := time.Now()
	s.journal.told(d, reply)
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh := reply.Class == Acked && s.first(d)
	l.attempts = append(l.attempts, attempt{end, end.Sub(start), reply.Class, reply.Status, base, worker, fresh})
	return reply
}

// replay sends an acknowledged key once more: the same answer must come, or none.
func (l *Load) replay(worker int, d Deed, was Reply) {
	reply := l.once(worker, d)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.replays++
	if reply.Class == Refused || reply.Class == Acked && !same(was.Answer, reply.Answer) {
		l.wrong = append(l.wrong, fmt.Sprintf("key %s was answered %s and, sent again, %d %s %s", d.Key, was.Answer, reply.Status, reply.Code, reply.Answer))
	}
}

// other sends an acknowledged key with another cart: it must be refused with 422. This is not noted in the journal, since it is
// another request.
func (l *Load) other(worker int, d Deed) {
	var c order.Cart
	if err := json.Unmarshal(d.Body, &c); err != nil {
		return
	}
	c.Note = "另一个购物车"
	d.Body, _ = json.Marshal(c)
	_, url := l.stage.base(worker)
	reply := l.stage.client.do(context.Background(), url, d)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.others++
	if reply.Class == Acked || reply.Class == Refused && reply.Code != string(model.CodeIdempotencyMismatch) {
		l.wrong = append(l.wrong, fmt.Sprintf("key %s with another cart was answered %d %s", d.Key, reply.Status, reply.Code))
	}
}

// Throughput is the acknowledged new orders a second between two moments.
func (l *Load) Throughput(from, to time.Time) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, a := range l.attempts {
		if a.fresh && a.at.After(from) && a.at.Before(to) {
			n++
		}
	}
	return float64(n) / to.Sub(from).Seconds()
}

// FirstAck is the first acknowledgement after a moment; ok is false if none came yet.
func (l *Load) FirstAck(after time.Time) (at time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.attempts {
		if a.class == Acked && a.at.Add(-a.took).After(after) && (!ok || a.at.Before(at)) {
			at, ok = a.at, true
		}
	}
	return at, ok
}

// AwaitAck waits for the first request that was sent after the moment and acknowledged, and tells how long after it that was;
// patience if none comes.
func (l *Load) AwaitAck(ctx context.Context, after time.Time) time.Duration {
	for time.Since(after) < patience && ctx.Err() == nil {
		if at, ok := l.FirstAck(after); ok {
			return at.Sub(after)
		}
		sleep(ctx, 20*time.Millisecond)
	}
	return patience
}

// seen returns the attempts so far.
func (l *Load) seen() []attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.attempts)
}

// quantile is the latency below which that part of the attempts of a class lies.
func quantile(list []attempt, q float64, which func(a attempt) bool) time.Duration {
	var took []time.Duration
	for _, a := range list {
		if which(a) {
			took = append(took, a.took)
		}
	}
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[min(len(took)-1, int(q*float64(len(took))))]
}
