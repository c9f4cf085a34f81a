package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"bangfu/model"
)

// judge ends every scenario with the same verdict. All servers must be up again.
func (s *Stage) judge(ctx context.Context) error {
	for i, p := range s.Products {
		if s.down[i] {
			continue
		}
		if err := p.WaitReady(ctx); err != nil {
			return err
		}
	}
	for _, l := range s.loads {
		l.Stop()
	}
	s.count()
	if err := s.resolve(ctx); err != nil {
		return err
	}
	list, err := s.journal.fates()
	if err != nil {
		return err
	}
	s.replayAll(ctx, list)
	db, err := s.DB()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	for _, check := range []func(context.Context, *sql.DB, []*fate) error{s.exactlyOnce, s.nothingNegative, s.noOversell, s.formRight} {
		if err := check(ctx, db, list); err != nil {
			return err
		}
	}
	clean, report, err := s.binary.Reconcile(ctx, s.directEnv())
	if err != nil {
		return err
	}
	s.Goal(clean, "bangfu reconcile is clean%s", broken(report))
	return nil
}

// directEnv are the product's settings without the proxy in between.
func (s *Stage) directEnv() []string {
	return append(append([]string{}, s.env...), "MYSQL_DSN="+s.MariaDB.DSN(s.database), "HTTP_ADDR=127.0.0.1:0")
}

// broken are the lines of a report that tell of a breach.
func broken(report string) string {
	var lines []string
	for line := range strings.Lines(report) {
		if strings.Contains(line, "不符") || strings.Contains(line, "应为") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return ": " + strings.Join(lines[:min(5, len(lines))], "; ")
}

// count adds up what the clients saw.
func (s *Stage) count() {
	var hung, surprised int
	for _, l := range s.loads {
		for _, a := range l.seen() {
			if a.took > deadline+2*time.Second {
				hung++
			}
		}
		surprised += len(l.wrong)
		for _, w := range l.wrong[:min(3, len(l.wrong))] {
			s.Note("%s", w)
		}
	}
	s.Goal(hung == 0, "no request took longer than its deadline of %s (%d did)", deadline, hung)
	s.Goal(surprised == 0, "no client saw an answer that it must not see (%d)", surprised)
}

// resolve sends every key without an answer again until it has one, as a phone does.
func (s *Stage) resolve(ctx context.Context) error {
	list, err := s.journal.fates()
	if err != nil {
		return err
	}
	var open []*fate
	for _, f := range list {
		switch {
		case len(f.acks) > 0:
			s.result.Acked++
		case f.open():
			open = append(open, f)
		default:
			s.result.Refused++
		}
		if f.unknown {
			s.result.Unknown++
		}
	}
	start := time.Now()
	s.each(open, func(worker int, f *fate) {
		for time.Since(start) < 90*time.Second && ctx.Err() == nil {
			_, url := s.base(worker)
			s.journal.sent(f.Deed)
			r := s.client.do(ctx, url, f.Deed)
			s.journal.told(f.Deed, r)
			f.learn(time.Now(), r)
			if r.Class == Acked || r.Class == Refused {
				return
			}
			sleep(ctx, 200*time.Millisecond)
		}
	})
	left, done := 0, 0
	for _, f := range open {
		if len(f.acks) > 0 {
			done++
		} else if f.refused == "" {
			left++
		}
	}
	s.result.Acked += done
	s.result.Refused += len(open) - done - left
	s.Goal(left == 0, "all %d keys that were left without an answer have one after being sent again (%d placed then or before)", len(open), done)
	return nil
}

// each does something for all keys, eight at a time.
func (s *Stage) each(list []*fate, do func(worker int, f *fate)) {
	next := make(chan *fate)
	var working sync.WaitGroup
	for worker := range 8 {
		working.Go(func() {
			for f := range next {
				do(worker, f)
			}
		})
	}
	for _, f := range list {
		next <- f
	}
	close(next)
	working.Wait()
}

// replayAll sends every acknowledged key once more: the same answer must come.
func (s *Stage) replayAll(ctx context.Context, list []*fate) {
	var mu sync.Mutex
	n, differ := 0, 0
	complain := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		if differ++; differ <= 3 {
			s.Note(format, args...)
		}
	}
	s.each(list, func(worker int, f *fate) {
		if len(f.acks) == 0 {
			return
		}
		mu.Lock()
		n++
		mu.Unlock()
		_, url := s.base(worker)
		r := s.client.do(ctx, url, f.Deed)
		for try := 0; try < 60 && (r.Class == Again || r.Class == Unknown); try++ {
			sleep(ctx, 200*time.Millisecond)
			r = s.client.do(ctx, url, f.Deed)
		}
		if r.Class != Acked {
			complain("acknowledged key %s is now answered %d %s", f.Key, r.Status, r.Code)
			return
		}
		for _, was := range f.acks {
			if !same(was, r.Answer) {
				complain("key %s was answered %s, now %s", f.Key, was, r.Answer)
				return
			}
		}
	})
	s.Goal(differ == 0 && n > 0, "every acknowledged key, sent again, gives the same answer (%d keys, %d differ)", n, differ)
}

// same tells whether two answers say the same.
func same(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	p, err := json.Marshal(x)
	q, again := json.Marshal(y)
	return err == nil && again == nil && bytes.Equal(p, q)
}

// placed is what a verdict needs of an answered order.
type placed struct {
	ID       model.ID  `json:"id"`
	TotalFen model.Fen `json:"total_fen"`
}

// exactlyOnce holds the journal against the orders: each acknowledged key is one order with the total that was answered, no two keys
// are the same order, no order is without its key, and no refused key has left anything.
func (s *Stage) exactlyOnce(ctx context.Context, db *sql.DB, list []*fate) error {
	have := map[model.ID]model.Fen{}
	rows, err := db.QueryContext(ctx, "SELECT id, goods_fen FROM orders WHERE kind = 'online'")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, fen int64
		if err := rows.Scan(&id, &fen); err != nil {
			return err
		}
		have[model.ID(id)] = model.Fen(fen)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	known, err := storedKeys(ctx, db)
	if err != nil {
		return err
	}
	orders, lost, twice, acked, leftovers := len(have), 0, 0, 0, 0
	seen := map[model.ID]bool{}
	for _, f := range list {
		if len(f.acks) == 0 && f.refused != "" && known[f.Key] > 0 {
			leftovers++
		}
		if f.Kind != "order" || len(f.acks) == 0 {
			continue
		}
		acked++
		for _, text := range f.acks {
			var p placed
			fen, ok := model.Fen(0), false
			if json.Unmarshal(text, &p) == nil {
				fen, ok = have[p.ID], true
			}
			if !ok || fen != p.TotalFen || known[f.Key] != 1 {
				lost++
			}
		}
		var p placed
		_ = json.Unmarshal(f.acks[0], &p) // counted as lost above if it cannot be read
		if seen[p.ID] {
			twice++
		}
		seen[p.ID] = true
	}
	s.Goal(lost == 0, "every acknowledged order exists with its key and total (%d acknowledged, %d lost)", acked, lost)
	s.Goal(twice == 0 && orders == acked, "exactly once: %d orders for %d acknowledged keys, %d keys share one", orders, acked, twice)
	s.Goal(leftovers == 0, "no refused key left anything (%d did)", leftovers)
	return nil
}

// storedKeys counts the rows of each idempotency key.
func storedKeys(ctx context.Context, db *sql.DB) (map[string]int, error) {
	rows, err := db.QueryContext(ctx, "SELECT idem_key FROM idempotency_keys")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	n := map[string]int{}
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		n[key]++
	}
	return n, rows.Err()
}

func (s *Stage) nothingNegative(ctx context.Context, db *sql.DB, _ []*fate) error {
	var n int
	err := db.QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM allowances WHERE balance_fen < 0 OR held_fen < 0) + (SELECT COUNT(*) FROM funds WHERE balance_fen < 0) + (SELECT COUNT(*) FROM stocks WHERE on_hand < 0)").Scan(&n)
	s.Goal(n == 0, "no balance and no stock below zero (%d)", n)
	return err
}

// noOversell counts what was sold of the scarce SKU from the orders, not from the stock.
func (s *Stage) noOversell(ctx context.Context, db *sql.DB, _ []*fate) error {
	sku := s.City.Goods[Scarce].SKU
	var sold, back, received, onHand int64
	err := db.QueryRowContext(ctx, "SELECT COALESCE((SELECT SUM(quantity) FROM order_lines WHERE sku_id = ?), 0), "+
		"COALESCE((SELECT SUM(quantity) FROM stock_movements WHERE sku_id = ? AND kind = 'return'), 0), "+
		"COALESCE((SELECT SUM(quantity) FROM stock_movements WHERE sku_id = ? AND kind IN ('receive', 'adjust')), 0), "+
		"(SELECT on_hand FROM stocks WHERE sku_id = ?)", sku, sku, sku, sku).Scan(&sold, &back, &received, &onHand)
	s.Goal(sold-back+onHand == received && onHand >= 0, "scarce SKU not oversold: %d received, %d sold, %d returned, %d left", received, sold, back, onHand)
	return err
}

// statement is what the verdict reads of the form.
type statement struct {
	AsOf  time.Time `json:"as_of"`
	Total struct {
		PersonTimes int       `json:"person_times"`
		AmountFen   model.Fen `json:"amount_fen"`
	} `json:"total"`
}

// formPatience is how long the verdict waits until the form, which speaks of half a minute ago, counts all that was done.
const formPatience = 45 * time.Second

// formRight asks the city federation's form for its total and counts it from the clients' journal alone: what was acknowledged before
// the moment that the form speaks of.
func (s *Stage) formRight(ctx context.Context, _ *sql.DB, list []*fate) error {
	wait := s.Seconds(formPatience.Seconds(), 0)
	some := wait
	if s.result.Scenario.Setup.Form { // also in a hurry something must be on the form
		some = formPatience
	}
	path := fmt.Sprintf("/api/v1/console/unions/%s/statements/%s", s.City.Root, s.City.Period)
	start := time.Now()
	for {
		var st statement
		_, url := s.base(0)
		if r := s.client.call(ctx, http.MethodGet, url+path, s.City.Office.Name, nil, &st); r.Class != Acked {
			return fmt.Errorf("the form is answered %d %s %s", r.Status, r.Code, r.Err)
		}
		sum, counted, later := tally(s.counted(list), st.AsOf)
		if later && time.Since(start) < wait || counted == 0 && time.Since(start) < some {
			sleep(ctx, time.Second)
			continue
		}
		if sum != st.Total.AmountFen && time.Since(start) < wait+10*time.Second { // figures may be some seconds old
			sleep(ctx, time.Second)
			continue
		}
		s.judgeForm(sum, st.Total.AmountFen, counted, some > 0)
		return nil
	}
}

// judgeForm compares the form with the journal. Where nothing was sold by the form's moment, an empty form proves nothing: that is a miss where the
// verdict waited for something, and in the short run, which does not wait, it is only said.
func (s *Stage) judgeForm(journal, form model.Fen, counted int, waited bool) {
	if counted == 0 && form == 0 && !waited {
		s.Note("the form was not proved: nothing was sold by the moment of which it speaks, and the short run does not wait for the next")
		return
	}
	s.Goal(journal == form && (counted > 0 || !waited), "the form is right: %s yuan of %d acknowledged deeds (form: %s)", journal.Yuan(), counted, form.Yuan())
}

// counted are the deeds that the form counts.
func (s *Stage) counted(list []*fate) []*fate {
	return slices.DeleteFunc(slices.Clone(list), func(f *fate) bool { return s.void[f.Key] })
}

// tally is what the acknowledged deeds before a moment come to; later tells whether there are some after it.
func tally(list []*fate, until time.Time) (sum model.Fen, counted int, later bool) {
	for _, f := range list {
		effect := effects[f.Kind]
		if len(f.acks) == 0 || effect == nil {
			continue
		}
		fen, at := effect(f.acks[0], f.ackedAt)
		if !at.Before(until) {
			later = true
			continue
		}
		sum += fen
		counted++
	}
	return sum, counted, later
}

// effects tell what each kind of deed adds to the form, and when, from its answer and the moment at which it was heard. Kinds that are not here add nothing.
var effects = map[string]func(answer json.RawMessage, heard time.Time) (model.Fen, time.Time){
	"order": func(answer json.RawMessage, _ time.Time) (model.Fen, time.Time) {
		var a struct {
			TotalFen model.Fen `json:"total_fen"`
			PlacedAt time.Time `json:"placed_at"`
		}
		_ = json.Unmarshal(answer, &a) // nothing of it counts then, and the form differs
		return a.TotalFen, a.PlacedAt
	},
	"cancel": func(answer json.RawMessage, _ time.Time) (model.Fen, time.Time) {
		var a struct {
			RefundedFen model.Fen `json:"refunded_fen"`
			CancelledAt time.Time `json:"cancelled_at"`
		}
		_ = json.Unmarshal(answer, &a) // as above
		return -a.RefundedFen, a.CancelledAt
	},
	"counter": func(answer json.RawMessage, _ time.Time) (model.Fen, time.Time) {
		var a struct {
			TotalFen model.Fen `json:"total_fen"`
			PaidAt   time.Time `json:"paid_at"`
		}
		_ = json.Unmarshal(answer, &a) // as above
		return a.TotalFen, a.PaidAt
	},
	"void": func(answer json.RawMessage, _ time.Time) (model.Fen, time.Time) {
		var a struct {
			TotalFen model.Fen `json:"total_fen"`
			VoidedAt time.Time `json:"voided_at"`
		}
		_ = json.Unmarshal(answer, &a) // as above
		return -a.TotalFen, a.VoidedAt
	},
	"refund": func(answer json.RawMessage, heard time.Time) (model.Fen, time.Time) {
		var a struct {
			RefundedFen model.Fen `json:"refunded_fen"`
		}
		_ = json.Unmarshal(answer, &a) // as above
		return -a.RefundedFen, heard
	},
}
