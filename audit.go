package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"bangfu/app"
	"bangfu/config"
	"bangfu/model"
	"bangfu/service/audit"
)

// openForReading opens the database that the settings name, with the keys by which its audit trail is verified; keyless: without them if there
// are none.
func openForReading(ctx context.Context, cfg *config.Config, o app.Options, keyless bool) (*model.DB, error) {
	if err := haveDatabase(cfg); err != nil {
		return nil, err
	}
	db, err := app.OpenDB(ctx, cfg, o)
	if err != nil {
		return nil, err
	}
	if err = db.CheckSchema(ctx); err == nil {
		if err = useAuditKeys(ctx, cfg, db); keyless && errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// haveDatabase refuses to make a database where one is only to be read or mended: the folder may be mistyped.
func haveDatabase(cfg *config.Config) error {
	if cfg.MySQLDSN != "" {
		return nil
	}
	if _, err := os.Stat(app.DatabaseFile(cfg)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no database: MYSQL_DSN is not set and DATA_DIR %s holds none", cfg.DataDir)
	}
	return nil
}

// holdsNote tells whether the audit trail's chain still has the head that this installation noted in DATA_DIR; if not, it says so.
func holdsNote(ctx context.Context, cfg *config.Config, db *model.DB, stdout io.Writer) (bool, error) {
	noted, err := audit.ReadNote(app.AuditNote(cfg))
	if err != nil || noted == nil {
		return err == nil, err
	}
	held, err := audit.Holds(db.Read(ctx), *noted)
	if err == nil && !held {
		_, _ = fmt.Fprintf(stdout, "审计链中没有 %s 记下的链头 %s：审计记录被截断、清空或改写（恢复过备份的，请先确认，再删除该文件）\n", app.AuditNote(cfg), noted)
	}
	return held, err
}

func useAuditKeys(ctx context.Context, cfg *config.Config, db *model.DB) error {
	if err := cfg.ReadKeys(); err != nil {
		return err
	}
	hashKey, err := model.DecodeKey(cfg.HashKey)
	if err != nil {
		return fmt.Errorf("HASH_KEY: %w", err)
	}
	sealer, err := model.NewSealer(cfg.FieldKeys, hashKey)
	if err != nil {
		return err
	}
	if err := db.CheckKeys(ctx, sealer); err != nil {
		return err
	}
	return db.UseAuditKeys(ctx, sealer)
}

// auditHead prints the end of the audit trail's chain, to be noted outside the database.
func auditHead(ctx context.Context, cfg *config.Config, o app.Options, stdout io.Writer) error {
	db, err := openForReading(ctx, cfg, o, false)
	if err != nil {
		return err
	}
	h, err := audit.New(db, o.Log).Head(ctx)
	if err == nil && h.Seq == 0 {
		err = errors.New("nothing of the audit trail is sealed yet")
	}
	if err == nil {
		_, err = fmt.Fprintln(stdout, audit.Anchor{Seq: h.Seq, Hash: h.Hash})
	}
	return errors.Join(err, db.Close())
}

// auditVerify verifies the audit trail, since a noted head if there is one.
func auditVerify(ctx context.Context, cfg *config.Config, o app.Options, since string, stdout io.Writer) error {
	var anchor *audit.Anchor
	if since != "" {
		a, err := audit.ParseAnchor(since)
		if err != nil {
			return usageError(err.Error())
		}
		anchor = &a
	}
	db, err := openForReading(ctx, cfg, o, false)
	if err != nil {
		return err
	}
	out, err := audit.New(db, o.Log).Verify(ctx, anchor, func(ref string) { _, _ = fmt.Fprintln(stdout, ref) })
	if err == nil {
		_, _ = fmt.Fprintf(stdout, "审计链 %d 环、%d 条审计记录，另有 %d 条待封存，不符 %d 处\n链头 %d:%s\n", out.Seals, out.Entries, out.Open, out.Broken, out.Head.Seq, out.Head.Hash)
		var held bool
		if held, err = holdsNote(ctx, cfg, db, stdout); err == nil && (out.Broken > 0 || !held) {
			err = errBreach
		}
	}
	return errors.Join(err, db.Close())
}
