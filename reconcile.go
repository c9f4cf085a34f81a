package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/service/reconcile"
)

// errBreach says that reconcile found something that must not be; the report has been printed.
var errBreach = errors.New("an invariant is broken")

// reconcileDB proves every invariant on the database that the settings name. restored: one that was just restored, on which the audit trail is left
// out if there are no keys, and it says so, and is not held against the head that the product noted.
func reconcileDB(ctx context.Context, cfg *config.Config, o app.Options, restored bool, stdout io.Writer) error {
	db, err := openForReading(ctx, cfg, o, restored)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	start := time.Now()
	prove := reconcile.Run
	if db.AuditKeys() == nil {
		prove = reconcile.RunWithoutKeys
		_, _ = fmt.Fprintln(stdout, "审计记录没有核对：没有 HASH_KEY。密钥就位后请再运行 reconcile")
	}
	report, err := prove(ctx, db)
	if err != nil {
		return err
	}
	if err := report.Write(stdout); err != nil {
		return err
	}
	held := true
	if !restored {
		if held, err = holdsNote(ctx, cfg, db, stdout); err != nil {
			return err
		}
	}
	verdict := "全部通过"
	if !report.OK() || !held {
		verdict = "有不符，请勿继续记账，先查明原因"
	}
	_, _ = fmt.Fprintf(stdout, "%s 核对 %d 项，用时 %s：%s\n", report.At.In(model.China).Format(time.DateTime), len(report.Results), time.Since(start).Round(time.Millisecond), verdict)
	if !report.OK() || !held {
		return errBreach
	}
	return nil
}
