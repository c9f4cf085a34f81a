package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/reconcile"
)

// Histories are random: a handful of members, suppliers and staff do everything that moves money, in any order, with keys used twice,
// the clock running over the year's end, and crashes in the middle of any of it. After each history everything that a
// crash left is finished as the product would finish it, and then every invariant must hold and every acknowledged answer must
// be given again.
//
//	HISTORIES      how many (default 150; a tenth of it on MySQL)
//	HISTORY_SEED   replay the one history of this seed

// historiesPerHouse bounds how many histories share a database: they meet each other's leftovers, and reconcile stays quick.
const historiesPerHouse = 25

func TestHistories(t *testing.T) {
	n, seed := 150, uint64(time.Now().UnixNano())
	if s := os.Getenv("HISTORIES"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	if os.Getenv("TEST_DB") == "mysql" { // a fresh database takes longer there
		n = max(1, n/10)
	}
	if s := os.Getenv("HISTORY_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
		n = 1
	}
	tally := &deeds{counts: map[string]int{}}
	t.Run("played", func(t *testing.T) {
		for first := 0; first < n; first += historiesPerHouse {
			t.Run(fmt.Sprint(first), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, tally)
				for i := first; i < min(n, first+historiesPerHouse); i++ {
					w.play(seed + uint64(i))
				}
				w.takeStock()
			})
		}
	})
	var list []string
	for name, count := range tally.counts {
		list = append(list, fmt.Sprintf("%s %d", name, count))
	}
	slices.Sort(list)
	t.Logf("%d histories: %s", n, strings.Join(list, ", "))
}

// deeds counts what was done, over all histories.
type deeds struct {
	mu     sync.Mutex
	counts map[string]int
}

func (d *deeds) add(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts[name]++
}

// world is a house in which histories are played.
type world struct {
	*stall
	crash *crasher
	tally *deeds
}

func newWorld(t *testing.T, tally *deeds) *world {
	w := &world{stall: stallIn(t, newHouseAt(t, modeltest.At("2025-10-20 09:00"))), tally: tally}
	w.exec("UPDATE certificates SET valid_until = '2099-12-31'")
	w.Emulator.RetryNotices(time.Millisecond)
	w.crash = newCrasher(t, w.DB)
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if err := w.DB.Read(context.Background()).Exec(sql, args...).Error; err != nil {
		w.t.Fatal(err)
	}
}

// takeStock counts what came of the histories of a house, so that one sees that they reach everywhere.
func (w *world) takeStock() {
	for name, rows := range map[string]struct {
		entity any
		where  string
	}{
		"orders paid through WeChat": {&model.Order{}, "paid_at IS NOT NULL AND wechat_fen > 0"}, "orders closed unpaid": {&model.Order{}, "status = 'closed'"},
		"late payments sent back": {&model.WechatRefund{}, "refund_id IS NULL"}, "refunds to WeChat": {&model.WechatRefund{}, "refund_id IS NOT NULL"},
		"refunds": {&model.Refund{}, "1 = 1"}, "after-sales refunds": {&model.Refund{}, "kind = 'after_sale'"}, "refunds to a fund": {&model.Transfer{}, "kind = 'refund' AND credit_account LIKE 'fund:%'"},
		"settlements paid": {&model.Settlement{}, "status = 'paid'"}, "allowances swept": {&model.Transfer{}, "kind = 'sweep'"}, "claims approved": {&model.Claim{}, "status = 'approved'"}, "counter sales": {&model.Order{}, "kind = 'counter'"},
		"counter sales voided": {&model.Refund{}, "kind = 'void'"}, "group purchases": {&model.Order{}, "kind = 'group'"}, "sign-offs": {&model.GroupSignoff{}, "1 = 1"},
	} {
		for range w.count(rows.entity, rows.where) {
			w.tally.add("= " + name)
		}
	}
}

// crasher makes the process "die" before a chosen statement: that statement and all after it fail until it is revived.
type crasher struct{ countdown atomic.Int64 }

var errCrash = errors.New("the process died here")

func newCrasher(t *testing.T, db *model.DB) *crasher {
	c := &crasher{}
	c.revive()
	before := func(tx *gorm.DB) {
		for {
			switch n := c.countdown.Load(); {
			case n < 0:
				return
			case n == 0:
				_ = tx.AddError(errCrash)
				return
			case c.countdown.CompareAndSwap(n, n-1):
				return
			}
		}
	}
	callbacks := db.Read(context.Background()).Callback()
	for _, err := range []error{
		callbacks.Create().Before("gorm:create").Register("crash", before), callbacks.Update().Before("gorm:update").Register("crash", before),
		callbacks.Delete().Before("gorm:delete").Register("crash", before), callbacks.Query().Before("gorm:query").Register("crash", before),
		callbacks.Raw().Before("gorm:raw").Register("crash", before), callbacks.Row().Before("gorm:row").Register("crash", before),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// in dies before the n-th statement of do.
func (c *crasher) in(n int, do func()) {
	c.countdown.Store(int64(n))
	defer c.revive()
	do()
}

func (c *crasher) dead() bool { return c.countdown.Load() == 0 }

func (c *crasher) revive() { c.countdown.Store(-1) }

// spare runs do without dying in it: fixtures do not crash.
func (c *crasher) spare(do func()) {
	n := c.countdown.Swap(-1)
	defer c.countdown.Store(n)
	do()
}

// history is one random history: its own union, members and memory.
type history struct {
	*world
	seed  uint64
	rand  *rand.Rand
	union model.Union
	cast
	log  []string
	acks []ack
}

// cast are those who act, and the ids of what they have made.
type cast struct {
	buyers          []buyer
	admin, approver model.Actor
	city, treasurer model.Actor
	supplierStaff   []model.Actor
	orders, topups  []model.ID
	parcels, grants []model.ID
	keys            int
	memberships     []model.ID
	extra           map[string][]model.ID // ids that other acts keep, by kind
}

// ack is an answer that was given: the same request must get it again.
type ack struct {
	what  string
	again func() (string, error)
	want  string
}

// act is something that somebody does. It returns nil when there was nothing to do it to.
type act struct {
	name   string
	weight int
	do     func(h *history) error
}

// acts are all things that move money, and what lies between. A file a capability adds to them.
func acts() []act {
	var all []act
	for _, some := range [][]act{moneyActs(), orderActs(), claimActs(), payActs(), afterSaleActs(), settlementActs(), counterActs(), groupActs()} {
		all = append(all, some...)
	}
	return all
}

const stepsPerHistory = 60

func (w *world) play(seed uint64) {
	h := &history{world: w, seed: seed, rand: rand.New(rand.NewPCG(seed, 1))}
	h.extra = map[string][]model.ID{}
	h.begin()
	all := acts()
	total := 0
	for _, a := range all {
		total += a.weight
	}
	for range stepsPerHistory {
		pick := h.rand.IntN(total)
		for _, a := range all {
			if pick -= a.weight; pick < 0 {
				h.step(a)
				break
			}
		}
	}
	h.end()
}

// step does one act: usually to its end, now and then only up to a random statement.
func (h *history) step(a act) {
	var err error
	died := h.rand.IntN(6) == 0
	if died {
		h.crash.in(h.rand.IntN(40), func() { err = a.do(h) })
	} else {
		err = a.do(h)
	}
	outcome := "ok"
	var shown *model.Error
	switch {
	case err == nil:
	case errors.Is(err, errCrash):
		outcome = "crash"
	case errors.As(err, &shown) && shown.Code != model.CodeInternal:
		outcome = "refused"
	case died: // the death showed as another error
		outcome = "crash"
	default:
		h.fail("%s: %v", a.name, err)
	}
	h.tally.add(a.name + "/" + outcome)
	h.crash.revive()
	h.log = append(h.log, fmt.Sprintf("%s %s: %s %v", h.clock.Now().In(model.China).Format("01-02 15:04"), a.name, outcome, err))
}

func (h *history) fail(format string, args ...any) {
	h.t.Helper()
	h.t.Fatalf("HISTORY_SEED=%d: %s\n%s", h.seed, fmt.Sprintf(format, args...), strings.Join(h.log, "\n"))
}

// end finishes what crashes left, as the product does by itself, and judges.
func (h *history) end() {
	h.calm()
	ctx := context.Background()
	for range 4 {
		h.clock.Advance(20 * time.Minute)
		if err := h.Tidy(ctx); err != nil {
			h.fail("tidying up: %v", err)
		}
		if err := h.Jobs.Drain(ctx); err != nil {
			h.fail("draining: %v", err)
		}
	}
	h.compareForms()
	h.submitForms()
	for _, a := range h.acks {
		if got, err := a.again(); err != nil || got != a.want {
			h.fail("%s was answered with %s, and again with %s (%v)", a.what, a.want, got, err)
		}
	}
	h.compareForms()
	h.judgeDues()
	report, err := reconcile.Run(ctx, h.DB)
	if err != nil {
		h.fail("reconcile: %v", err)
	}
	if !report.OK() {
		var out strings.Builder
		_ = report.Write(&out)
		h.fail("%s", out.String())
	}
}

// key is an idempotency key, mostly new.
func (h *history) key() string {
	h.keys++
	return fmt.Sprintf("h%d-%06d", h.seed, h.keys)
}

// keep runs a request with a key, remembers its answer if there is one, and asks again at once now and then.
func keep[T any](h *history, what string, ask func(key string) (T, error)) (T, error) {
	key := h.key()
	answer, err := ask(key)
	if err != nil && h.crash.dead() { // died: the client does not know, and asks again after the restart
		h.crash.revive()
		h.tally.add(what + "/asked again")
		answer, err = ask(key)
	}
	if err != nil {
		return answer, err
	}
	text := func(v T) string {
		b, err := json.Marshal(v)
		if err != nil {
			h.fail("%v", err)
		}
		return string(b)
	}
	h.acks = append(h.acks, ack{what + " " + key, func() (string, error) { v, err := ask(key); return text(v), err }, text(answer)})
	return answer, nil
}

func pick[T any](h *history, list []T) (one T, ok bool) {
	if len(list) == 0 {
		return one, false
	}
	return list[h.rand.IntN(len(list))], true
}
