package report

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
)

// TestAuditSearch shows that a search through more of the trail than one page looks through goes on until it has found everything, exactly,
// by actor, action and days, for those at the root and for a union with many entries.
func TestAuditSearch(t *testing.T) {
	const n = auditReach*2 + 500
	clock := modeltest.NewClock(modeltest.At("2025-03-01 00:00"))
	db, ctx := modeltest.Open(t, clock), context.Background()
	s := New(db, nil)
	root, union := model.ID(1), model.ID(5)
	for _, u := range []model.Union{{ID: root, Name: "市总工会", Kind: "city", Path: "/1/", Status: "active"}, {ID: union, ParentID: &root, Name: "工会", Kind: "grassroots", Path: "/1/5/", Depth: 1, Status: "active"}} {
		u.CreatedAt, u.UpdatedAt = clock.Now(), clock.Now() // MySQL refuses times of zero
		if err := db.Read(ctx).Create(&u).Error; err != nil {
			t.Fatal(err)
		}
	}
	entries := make([]model.AuditEntry, n)
	for i := range entries {
		e := model.AuditEntry{ID: db.NewID(), At: modeltest.At("2025-03-01 00:00").Add(time.Duration(i) * time.Minute), Actor: "person:1", Action: "order.checkout", Object: fmt.Sprint("order:", i), UnionID: &union, Detail: "{}"}
		if i%3_001 == 3 {
			e.Actor, e.Action = "staff:9", "grant.approve"
		}
		if i%5 == 0 {
			e.UnionID = nil
		}
		entries[i] = e
	}
	if err := db.Tx(ctx, func(tx *gorm.DB) error { return tx.CreateInBatches(&entries, db.BatchRows()).Error }); err != nil {
		t.Fatal(err)
	}
	for _, actor := range []model.Actor{{Kind: model.ActorStaff, UnionID: root, UnionPath: "/1/"}, {Kind: model.ActorStaff, UnionID: union, UnionPath: "/1/5/"}} {
		for _, f := range []AuditFilter{{Actor: "staff:9"}, {Action: "grant"}, {Actor: "staff:10"}, {Action: "grant.approve", From: "2025-03-05", To: "2025-03-12"}, {From: "2025-03-10", To: "2025-03-10"}} {
			var want, got []model.ID
			for _, e := range slices.Backward(entries) {
				if (f.Actor == "" || e.Actor == f.Actor) && (f.Action == "" || e.Action == "grant.approve") && (actor.UnionID == root || e.UnionID != nil) &&
					(f.From == "" || !e.At.Before(f.From.Start()) && e.At.Before(f.To.End())) {
					want = append(want, e.ID)
				}
			}
			for page := (model.Page{Limit: 100}); ; {
				list, err := s.AuditTrail(ctx, actor, f, page)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range list.Items {
					got = append(got, e.ID)
				}
				if list.NextCursor == nil {
					break
				}
				page.Cursor = *list.NextCursor
			}
			if !slices.Equal(got, want) {
				t.Errorf("%+v of union %s: %d found, want %d", f, actor.UnionID, len(got), len(want))
			}
		}
	}
}
