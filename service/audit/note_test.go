package audit_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"bangfu/service/audit"
)

// TestNote wipes the whole trail, and then only its end: the chain goes on and is sound by itself, but what was noted outside the database is missed
// and stays noted.
func TestNote(t *testing.T) {
	for name, wipe := range map[string][]string{
		"all":     {"DELETE FROM audit_entries", "DELETE FROM audit_seals"},
		"the end": {"DELETE FROM audit_entries WHERE id > (SELECT MAX(last_id) FROM audit_seals WHERE seq = 1)", "DELETE FROM audit_seals WHERE seq > 1"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTrail(t)
			path := filepath.Join(t.TempDir(), "audit-head")
			var log bytes.Buffer
			process := func() *audit.Service {
				s := audit.New(x.db, slog.New(slog.NewTextHandler(&log, nil)))
				s.NoteIn(path)
				return s
			}
			seal := func() {
				t.Helper()
				if err := process().Seal(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			if noted, err := audit.ReadNote(path); noted != nil || err != nil {
				t.Fatalf("%v, %v before anything was noted", noted, err)
			}
			for range 3 {
				x.write(3)
				seal()
			}
			noted, err := audit.ReadNote(path)
			if err != nil || noted == nil || noted.Seq != 3 {
				t.Fatalf("noted %v, %v", noted, err)
			}
			tx := x.db.Read(context.Background())
			if held, err := audit.Holds(tx, *noted); !held || err != nil || strings.Contains(log.String(), "ERROR") {
				t.Fatalf("%v, %v, log %s", held, err, log.String())
			}
			for _, statement := range wipe {
				x.exec(statement)
			}
			for range 4 { // the chain grows beyond where it was
				x.write(3)
				seal()
			}
			if held, err := audit.Holds(tx, *noted); held || err != nil {
				t.Errorf("held: %v, %v", held, err)
			}
			if now, err := audit.ReadNote(path); err != nil || *now != *noted {
				t.Errorf("noted %v, %v: was %v", now, err, noted)
			}
			if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), noted.String()) {
				t.Errorf("log: %s", log.String())
			}
		})
	}
}
