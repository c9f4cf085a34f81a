package tally_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/tally"
)

var ctx = context.Background()

// city is a tree of unions in which orders are paid and refunded, each with its event as the product writes it.
type city struct {
	t      *testing.T
	db     *model.DB
	clock  *modeltest.Clock
	tally  *tally.Service
	rand   *rand.Rand
	unions []model.Union // the root first
	paid   []model.Order
}

func newCity(t *testing.T, unions int) *city {
	t.Helper()
	clock := modeltest.NewClock(modeltest.At("2025-06-30 23:30"))
	c := &city{t: t, db: modeltest.Open(t, clock), clock: clock, rand: rand.New(rand.NewPCG(uint64(unions), 7))}
	c.tally = tally.New(c.db)
	now := clock.Now()
	c.insert(&model.Channel{ID: 7, Level: "city", No: "1", FormRow: 2, Status: "active", CreatedAt: now, UpdatedAt: now})
	for i := range unions {
		id := model.ID(100 + i)
		u := model.Union{ID: id, Name: fmt.Sprint("工会", i), Kind: "county", Path: "/" + id.String() + "/", Status: "active", CreatedAt: now, UpdatedAt: now}
		if i > 0 {
			parent := c.unions[c.rand.IntN(i)]
			u.ParentID, u.Path = &parent.ID, parent.Path+id.String()+"/"
		}
		c.insert(&u)
		c.unions = append(c.unions, u)
	}
	if err := c.tally.Ensure(ctx); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *city) insert(rows ...any) {
	c.t.Helper()
	for _, r := range rows {
		if err := c.db.Read(ctx).Create(r).Error; err != nil {
			c.t.Fatal(err)
		}
	}
}

// pay has a member of some union pay for an order, within tx.
func (c *city) pay(tx *gorm.DB, u model.Union, at time.Time) (model.Order, error) {
	id := c.db.NewID()
	fen := model.Fen(100 * (1 + c.rand.IntN(50)))
	o := model.Order{ID: id, OrderNo: "T" + id.String(), UnionID: u.ID, MemberID: u.ID*10 + model.ID(c.rand.IntN(3)), ChannelID: 7, Year: 2025, Kind: "online", Status: "paid",
		GoodsFen: fen, AllowanceFen: fen, PlacedAt: at, PaidAt: &at, UpdatedAt: at}
	for _, row := range []any{&o,
		&model.OrderLine{ID: c.db.NewID(), OrderID: id, SupplierID: 8, ProductID: model.ID(20 + c.rand.IntN(3)), SKUID: 1, RegionID: 9, Quantity: 1, AmountFen: fen},
		&model.Transfer{ID: c.db.NewID(), Kind: "spend", Cause: "order:" + id.String(), DebitAccount: "allowance:1", CreditAccount: "supplier:8", AmountFen: fen, Purse: model.PurseExtra, Year: 2025, UnionID: u.ID, OrderID: &id, At: at}} {
		if err := tx.Create(row).Error; err != nil {
			return o, err
		}
	}
	return o, tally.Write(tx, c.db, tally.OrderPaid(c.db, o, map[model.Purse]model.Fen{model.PurseExtra: fen}, nil)...)
}

func (c *city) buy() {
	c.t.Helper()
	var o model.Order
	err := c.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		o, err = c.pay(tx, c.unions[c.rand.IntN(len(c.unions))], c.clock.Now())
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.paid = append(c.paid, o)
}

// giveBack refunds an order in two steps, at random which of them.
func (c *city) giveBack() {
	c.t.Helper()
	if len(c.paid) == 0 {
		return
	}
	i := c.rand.IntN(len(c.paid))
	o := &c.paid[i]
	left := o.GoodsFen - o.RefundedFen
	if left == 0 {
		return
	}
	part := left
	if c.rand.IntN(2) == 0 {
		part = (left + 1) / 2
	}
	at := c.clock.Now()
	r := model.Refund{ID: c.db.NewID(), OrderID: o.ID, UnionID: o.UnionID, Kind: "cancel", AmountFen: part, AllowanceFen: part, RefundedAt: at}
	err := c.db.Tx(ctx, func(tx *gorm.DB) error {
		var l model.OrderLine
		if err := tx.Where("order_id = ?", o.ID).Take(&l).Error; err != nil {
			return err
		}
		for _, row := range []any{&r, &model.RefundLine{ID: c.db.NewID(), RefundID: r.ID, OrderID: o.ID, LineID: l.ID, Quantity: 1, AmountFen: part},
			&model.Transfer{ID: c.db.NewID(), Kind: "refund", Cause: r.ID.String(), DebitAccount: "supplier:8", CreditAccount: "allowance:1", AmountFen: part, Purse: model.PurseExtra, Year: 2025, UnionID: o.UnionID, OrderID: &o.ID, At: at}} {
			if err := tx.Create(row).Error; err != nil {
				return err
			}
		}
		spent := map[model.Purse]model.Fen{model.PurseExtra: part}
		return tally.Write(tx, c.db, tally.OrderRefunded(c.db, *o, r, part == left, spent, nil, nil)...)
	})
	if err != nil {
		c.t.Fatal(err)
	}
	o.RefundedFen += part
}

// move puts some union, with all below it, below some other that is not below it.
func (c *city) move() {
	c.t.Helper()
	var all []model.Union
	if err := c.db.Read(ctx).Order("id").Find(&all).Error; err != nil {
		c.t.Fatal(err)
	}
	u, parent := all[1+c.rand.IntN(len(all)-1)], all[c.rand.IntN(len(all))]
	if len(parent.Path) >= len(u.Path) && parent.Path[:len(u.Path)] == u.Path {
		return
	}
	err := c.db.Tx(ctx, func(tx *gorm.DB) error {
		path := parent.Path + u.ID.String() + "/"
		if err := tx.Model(&model.Union{}).Where("id = ?", u.ID).UpdateColumn("parent_id", parent.ID).Error; err != nil {
			return err
		}
		err := tx.Model(&model.Union{}).Where("path LIKE ?", u.Path+"%").UpdateColumn("path", gorm.Expr("CONCAT(?, SUBSTR(path, ?))", path, len(u.Path)+1)).Error
		if err != nil {
			return err
		}
		return tally.Write(tx, c.db, tally.Moved(c.db, u.ID, c.clock.Now()))
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *city) absorb() {
	c.t.Helper()
	if err := c.tally.Absorb(ctx); err != nil {
		c.t.Fatal(err)
	}
}

// exact holds the rollups, with what waits, against a full recount; the tree must be the present one once nothing waits.
func (c *city) exact(when string) {
	c.t.Helper()
	var figures int64
	err := c.db.Snapshot(ctx, func(tx *gorm.DB) (err error) {
		figures, err = tally.Check(tx, func(d tally.Difference) { c.t.Errorf("%s: %s: %d, counted anew %d", when, d.Ref, d.Have, d.Want) })
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if figures == 0 && len(c.paid) > 0 {
		c.t.Errorf("%s: nothing was compared", when)
	}
	if q, err := c.tally.Queue(ctx); err != nil || q.Waiting > 0 {
		return
	}
	var astray []model.ID
	c.db.Read(ctx).Raw("SELECT n.union_id FROM tally_nodes n JOIN unions u ON u.id = n.union_id WHERE u.path <> n.path").Scan(&astray)
	if len(astray) > 0 {
		c.t.Errorf("%s: the rollups have %v elsewhere in the tree", when, astray)
	}
	if c.t.Failed() {
		c.t.FailNow()
	}
}

// own holds what became of each union's own money, with what waits, against its orders; moves may wait.
func (c *city) own(when string) {
	c.t.Helper()
	ids := make([]model.ID, len(c.unions))
	want := map[model.ID]model.Fen{}
	for i, u := range c.unions {
		ids[i] = u.ID
	}
	for _, o := range c.paid {
		want[o.UnionID] += o.GoodsFen - o.RefundedFen
	}
	err := c.db.Snapshot(ctx, func(tx *gorm.DB) error {
		for _, year := range []model.Year{0, 2025} {
			r, known, err := tally.ReadPurses(tx, c.clock.Now(), year)
			if err != nil || !known {
				return fmt.Errorf("known: %t, %w", known, err)
			}
			own, err := r.Own(ids)
			if err != nil {
				return err
			}
			var all model.Fen
			for _, id := range ids {
				all += want[id]
				if have := own[tally.OwnPurse{Union: id, Year: 2025, Purse: model.PurseExtra}]; have.SpentFen != want[id] || have.GrantedFen != 0 {
					c.t.Errorf("%s: union %d itself spent %d, its orders say %d", when, id, have.SpentFen, want[id])
				}
			}
			if year == 0 {
				continue
			}
			if total, err := r.Total(c.unions[0].ID); err != nil || total[model.PurseExtra].SpentFen != all {
				c.t.Errorf("%s: all spent %d, the orders say %d (%v)", when, total[model.PurseExtra].SpentFen, all, err)
			}
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// form is the union's form before a moment as the orders say.
func (c *city) form(u model.ID, before time.Time) (times int64, fen model.Fen) {
	for _, o := range c.paid {
		if o.UnionID != u || !o.PaidAt.Before(before) {
			continue
		}
		var back model.Fen
		c.db.Read(ctx).Model(&model.Refund{}).Where("order_id = ? AND refunded_at < ?", o.ID, before).Select("COALESCE(SUM(amount_fen), 0)").Scan(&back)
		fen += o.GoodsFen - back
		if back < o.GoodsFen {
			times++
		}
	}
	return times, fen
}

// forms holds what the rollups say of forms against the orders, at moments of the last hour and at midnights.
func (c *city) forms(when string) {
	c.t.Helper()
	now := c.clock.Now()
	today := model.DateOf(now).Start()
	var ids []model.ID
	for _, u := range c.unions {
		ids = append(ids, u.ID)
	}
	for _, before := range []time.Time{now.Add(time.Millisecond), now, now.Add(-30 * time.Second), now.Add(-59 * time.Minute), today, today.AddDate(0, 0, -1), today.AddDate(0, 0, 1)} {
		type sum struct {
			times int64
			fen   model.Fen
		}
		have, want := map[model.ID]sum{}, map[model.ID]sum{}
		err := c.db.Snapshot(ctx, func(tx *gorm.DB) error {
			cells, known, err := tally.Form(tx, 2025, before, ids)
			if !known {
				c.t.Errorf("%s: not known before %s", when, before)
			}
			for _, x := range cells {
				s := have[x.UnionID]
				have[x.UnionID] = sum{s.times + x.Times, s.fen + x.AmountFen}
			}
			return err
		})
		if err != nil {
			c.t.Fatal(err)
		}
		for _, id := range ids {
			times, fen := c.form(id, before)
			if want[id] = (sum{times, fen}); have[id] != want[id] {
				c.t.Errorf("%s: union %d before %s: %+v, want %+v", when, id, before, have[id], want[id])
			}
		}
	}
}

// TestHistoriesEndExact plays random purchases, refunds, moves of unions and absorbing over two days and holds every figure against a recount.
func TestHistoriesEndExact(t *testing.T) {
	for seed := range 4 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := newCity(t, 12)
			c.rand = rand.New(rand.NewPCG(uint64(seed), 99))
			for step := range 160 {
				switch n := c.rand.IntN(20); {
				case n < 9:
					c.buy()
				case n < 13:
					c.giveBack()
				case n < 16:
					c.move()
				case n < 18:
					c.absorb()
				default:
					c.clock.Advance(time.Duration(c.rand.IntN(30)) * time.Minute)
				}
				if step%40 == 39 {
					when := fmt.Sprint("step ", step)
					c.exact(when)
					c.forms(when)
					c.own(when)
				}
			}
			c.absorb()
			c.exact("end")
			c.forms("end")
			c.own("end")
			if _, err := c.tally.Rebuild(ctx); err != nil {
				t.Fatal(err)
			}
			c.exact("counted anew")
			c.forms("counted anew")
		})
	}
}

// TestCommittedLate shows that what commits long after later things were taken is counted, whatever its time and id are.
func TestCommittedLate(t *testing.T) {
	c := newCity(t, 3)
	if c.db.Dialect == model.SQLite {
		late := c.clock.Now()
		c.clock.Advance(26 * time.Hour)
		c.buy()
		c.absorb()
		c.payAt(late)
	} else {
		began, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error)
		at := c.clock.Now()
		go func() {
			done <- c.db.Tx(ctx, func(tx *gorm.DB) error {
				o, err := c.pay(tx, c.unions[1], at)
				c.paid = append(c.paid, o)
				close(began)
				<-goOn
				return err
			})
		}()
		<-began
		c.clock.Advance(26 * time.Hour)
		c.buy()
		c.absorb()
		c.exact("while it waits")
		close(goOn)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	c.exact("committed")
	c.forms("committed")
	c.absorb()
	c.exact("taken")
	c.forms("taken")
}

func (c *city) payAt(at time.Time) {
	c.t.Helper()
	err := c.db.Tx(ctx, func(tx *gorm.DB) error {
		o, err := c.pay(tx, c.unions[1], at)
		c.paid = append(c.paid, o)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// TestDiesAnywhere has the worker die before each of its statements in turn: nothing is counted twice and nothing is missed.
func TestDiesAnywhere(t *testing.T) {
	c := newCity(t, 6)
	countdown := -1
	died := errors.New("the process died here")
	before := func(tx *gorm.DB) {
		if countdown == 0 {
			_ = tx.AddError(died)
		} else if countdown > 0 {
			countdown--
		}
	}
	callbacks := c.db.Read(ctx).Callback()
	for _, err := range []error{callbacks.Create().Before("gorm:create").Register("die", before), callbacks.Update().Before("gorm:update").Register("die", before),
		callbacks.Query().Before("gorm:query").Register("die", before), callbacks.Delete().Before("gorm:delete").Register("die", before), callbacks.Raw().Before("gorm:raw").Register("die", before)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	deaths := 0
	for n := range 60 {
		c.buy()
		c.giveBack()
		if n%3 == 0 {
			c.move()
		}
		countdown = n
		err := c.tally.Absorb(ctx)
		countdown = -1
		if errors.Is(err, died) {
			deaths++
		} else if err != nil {
			t.Fatal(err)
		}
		if n%10 == 9 {
			c.exact(fmt.Sprint("before statement ", n))
		}
	}
	if deaths < 10 {
		t.Errorf("the worker died only %d times", deaths)
	}
	for n := 0; n < 200; n += 3 { // a rebuild that broke off starts over
		countdown = n
		_, err := c.tally.Rebuild(ctx)
		countdown = -1
		if err == nil {
			break
		}
	}
	c.absorb()
	c.absorb()
	c.exact("end")
	c.forms("end")
}

// TestManyWorkers shows that workers of several processes, with buyers among them and a rebuild in between, count each event once.
func TestManyWorkers(t *testing.T) {
	c := newCity(t, 8)
	ended, working := make(chan struct{}), sync.WaitGroup{}
	for range 4 {
		working.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
					if err := tally.New(c.db).Absorb(ctx); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for n := range 120 {
		c.buy()
		c.giveBack()
		if n%30 == 0 {
			c.move()
		}
		if n == 60 {
			if _, err := tally.New(c.db).Rebuild(ctx); err != nil {
				t.Error(err)
			}
		}
	}
	close(ended)
	working.Wait()
	c.absorb()
	c.exact("end")
	c.forms("end")
}

// TestNewBranch shows that a union and its parent which are both new to the rollups can buy before the worker comes, the child first.
func TestNewBranch(t *testing.T) {
	c := newCity(t, 2)
	now := c.clock.Now()
	for i, parent := range []model.ID{100, 900} {
		id := model.ID(900 + i)
		u := model.Union{ID: id, ParentID: &parent, Name: fmt.Sprint("新工会", i), Kind: "county", Path: "/100/900/", Status: "active", CreatedAt: now, UpdatedAt: now}
		if i > 0 {
			u.Path += "901/"
		}
		c.insert(&u)
		c.unions = append(c.unions, u)
	}
	for _, u := range []model.Union{c.unions[3], c.unions[2]} {
		err := c.db.Tx(ctx, func(tx *gorm.DB) error {
			o, err := c.pay(tx, u, c.clock.Now())
			c.paid = append(c.paid, o)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		c.clock.Advance(time.Second)
	}
	c.absorb()
	c.exact("taken")
	c.forms("taken")
}

// TestManyBatches shows that a queue of several batches is taken whole, each event once, while answers from it stay exact or say as of when they are.
func TestManyBatches(t *testing.T) {
	c := newCity(t, 4)
	const n = 12_345
	events := make([]model.TallyEvent, n)
	for i := range events {
		events[i] = model.TallyEvent{Kind: "sign", UnionID: c.unions[i%4].ID, Year: 2025, ChannelID: 7, Times: 1, At: c.clock.Now()}
	}
	if err := tally.Write(c.db.Read(ctx), c.db, events...); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		c.absorb()
	}
	v, err := c.tally.Overview(ctx, c.unions[0].ID, 2025)
	if err != nil || v.Total.PersonTimes != n {
		t.Errorf("%+v (%v)", v.Total, err)
	}
	if q, err := c.tally.Queue(ctx); err != nil || q.Waiting != 0 {
		t.Errorf("%+v (%v)", q, err)
	}
}

// TestPurge shows that old events go once they are counted, and that forms stay exact.
func TestPurge(t *testing.T) {
	c := newCity(t, 3)
	for range 20 {
		c.buy()
	}
	c.absorb()
	c.clock.Advance(3 * time.Hour)
	c.buy()
	c.absorb()
	var kept int64
	if err := c.db.Read(ctx).Model(&model.TallyBundle{}).Count(&kept).Error; err != nil || kept != 1 {
		t.Errorf("%d bundles are kept (%v)", kept, err)
	}
	c.exact("purged")
	c.forms("purged")
}

// TestTooMuchWaits shows that an answer says as of when it is where more waits than it can add while it reads.
func TestTooMuchWaits(t *testing.T) {
	c := newCity(t, 2)
	c.buy()
	c.absorb()
	c.clock.Advance(time.Second)
	oldest := c.clock.Now()
	events := make([]model.TallyEvent, 5001)
	for i := range events {
		events[i] = model.TallyEvent{Kind: "sign", UnionID: c.unions[1].ID, Year: 2025, ChannelID: 7, Times: 1, At: oldest}
	}
	if err := tally.Write(c.db.Read(ctx), c.db, events...); err != nil {
		t.Fatal(err)
	}
	c.clock.Advance(10 * time.Second)
	v, err := c.tally.Overview(ctx, c.unions[0].ID, 2025)
	if err != nil || !v.AsOf.Equal(oldest) || v.Total.PersonTimes != 1 {
		t.Errorf("%+v (%v)", v, err)
	}
	q, err := c.tally.Queue(ctx)
	if err != nil || q.Waiting != 5001 || q.Lag != 10*time.Second {
		t.Errorf("%+v (%v)", q, err)
	}
	c.absorb()
	v, err = c.tally.Overview(ctx, c.unions[0].ID, 2025)
	if err != nil || !v.AsOf.Equal(c.clock.Now()) || v.Total.PersonTimes != 5002 {
		t.Errorf("%+v (%v)", v, err)
	}
}

// TestSecondPurse shows that an order paid from two purses is one order whose parts stand under their purses.
func TestSecondPurse(t *testing.T) {
	db := modeltest.Open(t, nil)
	at := db.Now()
	o := model.Order{ID: 5, UnionID: 1, MemberID: 2, ChannelID: 7, Year: 2025, Kind: "online", AllowanceFen: 300, WechatFen: 100, PaidAt: &at}
	events := tally.OrderPaid(db, o, map[model.Purse]model.Fen{model.PurseFestival: 100, model.PurseExtra: 200}, map[model.Purse]int64{model.PurseFestival: -1})
	kinds := []string{events[0].Kind, events[1].Kind}
	if len(events) != 2 || !slices.Equal(kinds, []string{"order", "spend"}) || events[0].Times != 1 || events[1].Times != 0 || events[0].AmountFen != 400 || events[1].AmountFen != 0 ||
		!reflect.DeepEqual([]model.Fen{events[0].PurseFen, events[1].PurseFen}, []model.Fen{200, 100}) || events[0].Holders != 0 || events[1].Holders != -1 {
		t.Errorf("%+v", events)
	}
}

// TestHoldersAreRecounted shows that a recount counts the allowances that have money left, free or held, in their union and above it.
func TestHoldersAreRecounted(t *testing.T) {
	c := newCity(t, 2)
	now := c.clock.Now()
	child := c.unions[1].ID
	c.insert(&model.Fund{ID: 3, UnionID: child, Purse: model.PurseExtra, Year: 2025, CreatedAt: now, UpdatedAt: now})
	for i, money := range [][2]model.Fen{{0, 0}, {5, 0}, {0, 5}, {5, 5}} {
		id := model.ID(50 + i)
		c.insert(&model.Allowance{ID: id, PersonID: id, MemberID: id, UnionID: child, FundID: 3, Purse: model.PurseExtra, Year: 2025, BalanceFen: money[0], HeldFen: money[1], Status: "active", CreatedAt: now, UpdatedAt: now})
	}
	if _, err := c.tally.Rebuild(ctx); err != nil {
		t.Fatal(err)
	}
	v, err := c.tally.Overview(ctx, c.unions[0].ID, 2025)
	if err != nil || len(v.Purses) != 1 || v.Purses[0].Holders != 3 {
		t.Errorf("%+v, %v", v.Purses, err)
	}
}
