package reconcile_test

import (
	"context"
	"log/slog"
	"testing"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/audit"
)

// fillTrail writes three entries, seals them, and writes one more.
func fillTrail(t *testing.T, db *model.DB) {
	t.Helper()
	ctx := context.Background()
	for i := range 4 {
		id := model.ID(101 + i)
		err := db.Tx(ctx, func(tx *gorm.DB) error {
			e, err := db.AuditEntry(model.Actor{Kind: model.ActorStaff, ID: 2}, db.Now(), "grant.approve", "grant:16", 1, nil)
			if err != nil {
				return err
			}
			e.ID = id
			e.MAC = db.AuditKeys().MAC(e)
			return tx.Create(&e).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		if i != 2 {
			continue
		}
		if err := audit.New(db, slog.New(slog.DiscardHandler)).SealAll(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

var auditBreaks = []breach{
	{"audit_chain", "audit_entry:102 内容与其校验码不符（已封存于 audit_seal:1）", "UPDATE audit_entries SET action = 'grant.reject' WHERE id = 102"},
	{"audit_chain", "audit_entry:103 缺失（已封存于 audit_seal:1）", "DELETE FROM audit_entries WHERE id = 103"},
	{"audit_chain", "audit_entry:104 不是由本系统写入的，或已被改动", "UPDATE audit_entries SET object = 'grant:17' WHERE id = 104"},
	{"audit_chain", "audit_entry:105 不是由本系统写入的，或已被改动", "UPDATE audit_entries SET id = 105 WHERE id = 104"},
	{"audit_chain", "audit_seal:1 与其内容或前一环不符", "UPDATE audit_seals SET entries = 2"},
	{"audit_chain", "audit_seal:1 缺失", "UPDATE audit_seals SET seq = 2"},
}
