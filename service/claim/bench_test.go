package claim_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/allowance"
	"bangfu/service/claim"
	"bangfu/service/job"
	"bangfu/service/shop"
)

// BenchmarkApproveLargest approves claims that list as many persons as one may.
func BenchmarkApproveLargest(b *testing.B) {
	ctx := context.Background()
	db := modeltest.Open(b, modeltest.NewClock(modeltest.At("2025-03-03 09:00")))
	sealer, err := model.NewSealer("k1:"+model.GenerateKey(), make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	allowances := allowance.New(db, job.NewRunner(db, nil), sealer)
	if err := allowances.SeedPolicies(ctx); err != nil {
		b.Fatal(err)
	}
	if err := shop.New(db, sealer, nil, nil).EnsureChannels(ctx); err != nil {
		b.Fatal(err)
	}
	now, u := db.Now(), model.ID(1)
	members := make([]model.Member, claim.MaxPersons)
	in := claim.Input{PurchasedOn: "2025-03-01", AmountFen: 100 * claim.MaxPersons, Purse: model.PurseExtra, FileIDs: []model.ID{7}}
	for i := range members {
		members[i] = model.Member{ID: db.NewID(), UnionID: u, PersonID: db.NewID(), Name: "职工", PhoneHash: fmt.Sprint(i), Status: "active", JoinedAt: now, CreatedAt: now, UpdatedAt: now}
		in.Persons = append(in.Persons, claim.Person{MemberID: members[i].ID})
	}
	read := db.Read(ctx)
	for _, rows := range []any{&model.Union{ID: u, Name: "大厂工会", Kind: "grassroots", Path: "/1/", Status: "active", CreatedAt: now, UpdatedAt: now},
		&model.File{ID: 7, StoreKey: "evidence/7.pdf", Kind: "evidence", UnionID: &u, CreatedAt: now}, &members} {
		if err := read.CreateInBatches(rows, db.BatchRows()).Error; err != nil {
			b.Fatal(err)
		}
	}
	var platform model.Channel
	if err := read.Where("form_row = 7").Take(&platform).Error; err != nil {
		b.Fatal(err)
	}
	in.ChannelID = platform.ID
	s := claim.New(db, allowances)
	var entering, approving time.Duration
	for n := range b.N {
		in.InvoiceNo = fmt.Sprintf("2544%016d", n)
		began := time.Now()
		v, err := s.Enter(ctx, model.Actor{Kind: model.ActorStaff, ID: 1}, fmt.Sprintf("enter-%d", n), u, in)
		if err != nil {
			b.Fatal(err)
		}
		entering += time.Since(began)
		began = time.Now()
		if _, err := s.Approve(ctx, model.Actor{Kind: model.ActorStaff, ID: 2}, fmt.Sprintf("approve-%d", n), v.ID, 1, ""); err != nil {
			b.Fatal(err)
		}
		approving += time.Since(began)
	}
	b.ReportMetric(float64(entering.Milliseconds())/float64(b.N), "ms/enter")
	b.ReportMetric(float64(approving.Milliseconds())/float64(b.N), "ms/approve")
}
