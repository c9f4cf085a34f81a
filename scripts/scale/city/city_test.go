package city_test

import (
	"context"
	"os"
	"testing"
	"time"

	"bangfu/app"
	"bangfu/config"
	"bangfu/model/modeltest"
	"bangfu/scripts/scale/city"
	"bangfu/service/reconcile"
)

// TestReconcile shows that everything in a made city agrees with everything else.
func TestReconcile(t *testing.T) {
	if os.Getenv("TEST_MYSQL_DSN") == "" {
		t.Skip("cities are made in MySQL or MariaDB only: TEST_MYSQL_DSN is not set")
	}
	ctx := context.Background()
	cfg, err := config.Load([]string{"DATA_DIR=" + t.TempDir(), "MYSQL_DSN=" + modeltest.MySQLOptions(t, nil).MySQLDSN})
	if err != nil {
		t.Fatal(err)
	}
	today := modeltest.At("2025-11-20 10:00")
	size := city.Size{Members: 3000, Unions: 120, Orders: 8000, Claims: 400}
	if err := city.Make(ctx, cfg, city.Options{Size: size, Seed: 1, Today: today, Say: t.Logf}); err != nil {
		t.Fatal(err)
	}
	db, err := app.OpenDB(ctx, cfg, app.Options{Clock: modeltest.NewClock(today.Add(time.Minute))})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	sealer, err := city.Sealer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.UseAuditKeys(ctx, sealer); err != nil {
		t.Fatal(err)
	}
	report, err := reconcile.Run(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if r.Broken > 0 {
			t.Errorf("%s: %d broken: %+v", r.Name, r.Broken, r.Breaches)
		}
		switch r.Name {
		case "statements", "wechat_refunds", "payments", "counter_orders", "settlement_items", "after_sales", "acknowledged_orders", "invoice_amounts", "claim_shares", "group_shares":
			if r.Figure == 0 {
				t.Errorf("%s: there is nothing of it", r.Name)
			}
		}
	}
}
