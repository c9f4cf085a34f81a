package model_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
)

// TestAuditEntryComesBackWithItsMAC shows that what a database gives back fits the MAC that was made before it was stored, and that nothing
// about it can be changed without the MAC telling.
func TestAuditEntryComesBackWithItsMAC(t *testing.T) {
	db := modeltest.Open(t, nil)
	ctx := context.Background()
	actor := model.Actor{Kind: model.ActorStaff, ID: 7, RequestID: "r-1"}
	for _, union := range []model.ID{0, 5} {
		err := db.Tx(ctx, func(tx *gorm.DB) error {
			return db.Audit(tx, actor, time.Now(), "grant.approve", "grant:1", union, map[string]any{"题目": "春节 & <慰问>", "n": 1})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var entries []model.AuditEntry
	if err := db.Read(ctx).Order("id").Find(&entries).Error; err != nil || len(entries) != 2 {
		t.Fatal(len(entries), err)
	}
	keys := db.AuditKeys()
	other := model.ID(6)
	for _, e := range entries {
		if mac, ok := keys.MACOf(e); !ok || mac != e.MAC {
			t.Errorf("%+v: does not fit its MAC", e)
		}
		for what, change := range map[string]func(*model.AuditEntry){
			"id": func(e *model.AuditEntry) { e.ID++ }, "at": func(e *model.AuditEntry) { e.At = e.At.Add(time.Millisecond) },
			"actor": func(e *model.AuditEntry) { e.Actor = "staff:8" }, "action": func(e *model.AuditEntry) { e.Action = "grant.reject" },
			"object": func(e *model.AuditEntry) { e.Object = "grant:2" }, "union": func(e *model.AuditEntry) { e.UnionID = &other },
			"detail": func(e *model.AuditEntry) { e.Detail = "{}" }, "request": func(e *model.AuditEntry) { e.RequestID = "" },
			"bounds": func(e *model.AuditEntry) { e.Actor, e.Action = e.Actor+e.Action[:1], e.Action[1:] },
			"mac":    func(e *model.AuditEntry) { e.MAC = strings.ToUpper(e.MAC) }, "no mac": func(e *model.AuditEntry) { e.MAC = "" },
		} {
			changed := e
			change(&changed)
			if _, ok := keys.MACOf(changed); ok {
				t.Errorf("%s was changed and the MAC fits", what)
			}
		}
	}
}

// TestAuditIsAppendOnly shows that gorm does not change or delete what is only added to.
func TestAuditIsAppendOnly(t *testing.T) {
	db := modeltest.Open(t, nil)
	q := db.Read(context.Background())
	e, err := db.AuditEntry(model.Clockwork(), time.Now(), "a.b", "a:1", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := model.AuditSeal{Seq: 1, SealedAt: time.Now()}
	for _, row := range []any{&e, &s} {
		if err := q.Create(row).Error; err != nil {
			t.Fatal(err)
		}
		if q.Save(row).Error == nil || q.Delete(row).Error == nil {
			t.Errorf("a %T can be changed or deleted", row)
		}
	}
	if q.Model(&e).Update("action", "x").Error == nil {
		t.Error("an entry can be changed")
	}
	if _, err := db.AuditEntry(model.Actor{}, time.Now(), "a.b", "a:1", 0, nil); err == nil {
		t.Error("an entry without an actor is made")
	}
}

// TestIDsTellWhenTheyWereMade shows that ids and moments fit each other.
func TestIDsTellWhenTheyWereMade(t *testing.T) {
	db := modeltest.Open(t, nil)
	before := model.Millis(time.Now())
	id := db.NewID()
	if made := id.Time(); made.Before(before) || made.After(time.Now()) || model.IDAt(made) > id || model.IDAt(made.Add(time.Millisecond)) <= id {
		t.Errorf("%d was made at %s", id, made)
	}
}

// BenchmarkAuditEntry measures what an entry costs before it is stored.
func BenchmarkAuditEntry(b *testing.B) {
	db := modeltest.Open(b, nil)
	actor := model.Actor{Kind: model.ActorPerson, ID: 7, RequestID: "01JXXXXXXXXXXXXXXXXXXXXXXX"}
	now := db.Now()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := db.AuditEntry(actor, now, "order.checkout", "order:1234567890123456789", 5, map[string]any{"total_fen": 19800, "allowance_fen": 19800}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAuditMAC measures the MAC alone.
func BenchmarkAuditMAC(b *testing.B) {
	db := modeltest.Open(b, nil)
	e, err := db.AuditEntry(model.Actor{Kind: model.ActorPerson, ID: 7}, db.Now(), "order.checkout", "order:1234567890123456789", 5, map[string]any{"total_fen": 19800})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		db.AuditKeys().MAC(e)
	}
}
