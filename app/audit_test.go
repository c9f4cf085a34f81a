package app_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/identity"
)

// TestAuditHead shows that an auditor reads the head of the chain, that it moves with what is done, and that no chore takes anything of the
// trail away.
func TestAuditHead(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	auditor := h.staffAs(identity.RoleAuditor, h.root())
	type head struct {
		Seq      int64      `json:"seq"`
		Hash     string     `json:"hash"`
		SealedAt *time.Time `json:"sealed_at"`
	}
	if err := h.Audit.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	var first, second head
	auditor.get("/api/v1/console/audit-head").ok(&first)
	h.union(h.root(), "county", "县总工会")
	h.write("union.create")
	h.clock.Advance(400 * 24 * time.Hour)
	entries := h.count(&model.AuditEntry{}, "1 = 1")
	if err := h.Tidy(ctx); err != nil {
		t.Fatal(err)
	}
	if left := h.count(&model.AuditEntry{}, "1 = 1"); left < entries {
		t.Errorf("the chores left %d of %d entries", left, entries)
	}
	auditor = h.staffAs(identity.RoleAuditor, h.root())
	auditor.get("/api/v1/console/audit-head").ok(&second)
	if first.Hash == second.Hash || second.Seq <= first.Seq || second.SealedAt == nil {
		t.Errorf("%+v, then %+v", first, second)
	}
	h.sound(t)
}

// write puts an entry into the trail.
func (h *house) write(action string) {
	h.t.Helper()
	err := h.DB.Tx(context.Background(), func(tx *gorm.DB) error {
		return h.DB.Audit(tx, model.Clockwork(), h.clock.Now(), action, "union:1", 0, nil)
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// TestAccountThatCannotChangeTheTrail gives the database account of the product the grants of docs/deploy.md, and shows that the product works with
// it, background work included, and that the audit trail cannot be changed or deleted from.
func TestAccountThatCannotChangeTheTrail(t *testing.T) {
	if os.Getenv("TEST_DB") != "mysql" {
		t.Skip("NOT TESTED: the embedded database has no accounts")
	}
	h := newHouseAt(t, modeltest.At("2025-03-03 09:00"), withGrants(t))
	ctx := context.Background()
	h.write("union.create")
	if err := h.Audit.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	h.staffAs(identity.RoleAuditor, h.root()).get("/api/v1/console/audit").ok(nil)
	if err := h.Tidy(ctx); err != nil {
		t.Errorf("the chores: %v", err)
	}
	for _, sql := range []string{"UPDATE audit_entries SET actor = 'staff:8'", "DELETE FROM audit_entries", "UPDATE audit_seals SET seq = 9", "DELETE FROM audit_seals",
		"TRUNCATE audit_entries", "DROP TABLE audit_seals", "ALTER TABLE audit_entries ADD COLUMN x INT"} {
		var refused *mysqldriver.MySQLError
		if err := h.DB.Read(ctx).Exec(sql).Error; !errors.As(err, &refused) || refused.Number != 1142 && refused.Number != 8121 { // 8121: TiDB's, of UPDATE
			t.Errorf("%s: %v", sql, err)
		}
	}
	h.sound(t)
}

// withGrants migrates as the administrator, does the statements of docs/deploy.md and lets the product in as the account that they make.
func withGrants(t *testing.T) func(*config.Config, *app.Options) {
	doc, err := os.ReadFile("../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)<!-- audit grants -->\\s*```sql\\n(.*?)```").FindSubmatch(doc)
	if block == nil {
		t.Fatal("docs/deploy.md has no statements for the product's account")
	}
	return func(cfg *config.Config, o *app.Options) {
		ctx := context.Background()
		if _, err := app.Migrate(ctx, cfg, *o); err != nil {
			t.Fatal(err)
		}
		dsn, err := mysqldriver.ParseDSN(cfg.MySQLDSN)
		if err != nil {
			t.Fatal(err)
		}
		admin, err := app.OpenDB(ctx, cfg, *o)
		if err != nil {
			t.Fatal(err)
		}
		account := "bangfu_run_" + dsn.DBName[len(dsn.DBName)-8:]
		var from string // not '%': a server may have an account for everybody from here, which would come first
		if err := admin.Read(ctx).Raw("SELECT SUBSTRING_INDEX(USER(), '@', -1)").Scan(&from).Error; err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = admin.Read(ctx).Exec(fmt.Sprintf("DROP USER '%s'@'%s'", account, from)).Error
			_ = admin.Close()
		})
		text := strings.NewReplacer("bangfu_run", account, "'%'", "'"+from+"'", "''%''", "''"+from+"''", "bangfu.*", dsn.DBName+".*", "'bangfu'", "'"+dsn.DBName+"'", "'…'", "'not-a-secret-1'").Replace(string(block[1]))
		for _, statement := range strings.Split(strings.TrimSpace(text), ";\n") {
			statement = strings.TrimSuffix(strings.TrimSpace(statement), ";")
			if !strings.HasPrefix(statement, "SELECT") {
				if err := admin.Read(ctx).Exec(statement).Error; err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
				continue
			}
			var grants []string
			if err := admin.Read(ctx).Raw(statement).Scan(&grants).Error; err != nil || len(grants) < 50 {
				t.Fatalf("%s: %d, %v", statement, len(grants), err)
			}
			for _, g := range grants {
				if err := admin.Read(ctx).Exec(g).Error; err != nil {
					t.Fatalf("%s: %v", g, err)
				}
			}
		}
		dsn.User, dsn.Passwd = account, "not-a-secret-1"
		cfg.MySQLDSN = dsn.FormatDSN()
	}
}
