package allowance

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/job"
	"bangfu/service/reconcile"
	"bangfu/service/union/rosterfile"
)

// bench is the service on a fresh database at 3 March 2025, with the notice's policies and the root of the tree.
type bench struct {
	*Service
	t     testing.TB
	clock *modeltest.Clock
	root  model.Union
	keys  int
}

func newBench(t testing.TB) *bench {
	t.Helper()
	clock := modeltest.NewClock(modeltest.At("2025-03-03 09:00"))
	db := modeltest.Open(t, clock)
	hashKey, err := model.DecodeKey(model.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := model.NewSealer("k1:"+model.GenerateKey(), hashKey)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Service: New(db, job.NewRunner(db, slog.New(slog.DiscardHandler)), sealer), t: t, clock: clock}
	b.root = model.Union{ID: 1, Name: "市总工会", Kind: "city", Path: "/1/", Status: "active", CreatedAt: clock.Now(), UpdatedAt: clock.Now()}
	b.insert(&b.root, &model.UnionPath{UnionID: 1, FromAt: clock.Now(), Path: "/1/"})
	if err := b.SeedPolicies(context.Background()); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) insert(rows ...any) {
	b.t.Helper()
	for _, r := range rows {
		if err := b.db.Read(context.Background()).Create(r).Error; err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// union makes a union with the persons first…first+n-1 on its roster.
func (b *bench) union(name string, first, n int) model.Union {
	b.t.Helper()
	id, now := b.db.NewID(), b.clock.Now()
	u := model.Union{ID: id, ParentID: &b.root.ID, Name: name, Kind: "grassroots", Path: b.root.Path + id.String() + "/", Depth: 1, Status: "active", ActiveMembers: int64(n), CreatedAt: now, UpdatedAt: now}
	b.insert(&u, &model.UnionPath{UnionID: id, FromAt: now, Path: u.Path})
	var persons []model.Person
	var members []model.Member
	for i := first; i < first+n; i++ {
		person := model.Person{ID: model.ID(1000 + i), IDNumberSealed: "sealed", IDNumberHash: b.sealer.Hash(model.HashIDNumber, rosterfile.DemoIDNumber(i)), CreatedAt: now}
		persons = append(persons, person)
		members = append(members, model.Member{ID: b.db.NewID(), UnionID: id, PersonID: person.ID, Name: "职工甲", PhoneSealed: "sealed",
			PhoneHash: b.sealer.Hash(model.HashPhone, rosterfile.DemoPhone(i)), Status: "active", JoinedAt: now, CreatedAt: now, UpdatedAt: now})
	}
	b.must(b.db.Tx(context.Background(), func(tx *gorm.DB) error {
		var known []model.ID
		if err := tx.Model(&model.Person{}).Where("id >= ? AND id < ?", 1000+first, 1000+first+n).Pluck("id", &known).Error; err != nil {
			return err
		}
		if len(known) == 0 {
			if err := tx.CreateInBatches(persons, b.db.BatchRows()).Error; err != nil {
				return err
			}
		}
		return tx.CreateInBatches(members, b.db.BatchRows()).Error
	}))
	return u
}

func (b *bench) nextKey() string { b.keys++; return fmt.Sprintf("key-%08d", b.keys) }

// The two people of every union in these tests.
var (
	clerk    = model.Actor{Kind: model.ActorStaff, ID: 11, Name: "经办"}
	approver = model.Actor{Kind: model.ActorStaff, ID: 12, Name: "审批"}
)

func (b *bench) topup(u model.Union, purse model.Purse, fen model.Fen) {
	b.t.Helper()
	ctx := context.Background()
	v, err := b.EnterTopup(ctx, clerk, b.nextKey(), u.ID, TopupInput{Purse: purse, Year: 2025, AmountFen: fen, EvidenceNo: b.nextKey()})
	b.must(err)
	_, err = b.ConfirmTopup(ctx, approver, b.nextKey(), v.ID, "")
	b.must(err)
}

// approved is an approved grant over the whole roster.
func (b *bench) approved(u model.Union, purse model.Purse, fen model.Fen) model.ID {
	b.t.Helper()
	ctx := context.Background()
	g, err := b.DraftGrant(ctx, clerk, b.nextKey(), u.ID, GrantInput{Purse: purse, Year: 2025, Title: "额度", Selection: "roster", AmountFen: fen})
	b.must(err)
	b.must(b.prepare(ctx, g.ID)) // not by Drain: it would issue what other grants have waiting
	_, err = b.ApproveGrant(ctx, approver, b.nextKey(), g.ID, "")
	b.must(err)
	return g.ID
}

// started is an approved grant whose issuing was asked for, but of which nothing was issued yet.
func (b *bench) started(u model.Union, purse model.Purse, fen model.Fen) model.ID {
	b.t.Helper()
	id := b.approved(u, purse, fen)
	_, err := b.StartGrant(context.Background(), clerk, b.nextKey(), id)
	b.must(err)
	return id
}

func (b *bench) grant(id model.ID) model.Grant {
	b.t.Helper()
	g, err := findGrant(b.db.Read(context.Background()), id)
	b.must(err)
	return g
}

func (b *bench) balanced() {
	b.t.Helper()
	r, err := reconcile.Run(context.Background(), b.db)
	b.must(err)
	if !r.OK() {
		var text bytes.Buffer
		_ = r.Write(&text)
		b.t.Fatal(text.String())
	}
}

// atOnce runs all functions at the same time and fails the test if one fails.
func (b *bench) atOnce(fns ...func() error) {
	b.t.Helper()
	var wg sync.WaitGroup
	errs := make([]error, len(fns))
	for i, fn := range fns {
		wg.Go(func() { errs[i] = fn() })
	}
	wg.Wait()
	for _, err := range errs {
		b.must(err)
	}
}
