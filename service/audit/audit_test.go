package audit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/audit"
)

// trail is an audit trail on a fresh database.
type trail struct {
	t testing.TB
	*audit.Service
	db *model.DB
}

func newTrail(t testing.TB) *trail {
	db := modeltest.Open(t, nil)
	return &trail{t, audit.New(db, slog.New(slog.DiscardHandler)), db}
}

func (x *trail) exec(sql string, args ...any) int64 {
	x.t.Helper()
	res := x.db.Read(context.Background()).Exec(sql, args...)
	if res.Error != nil {
		x.t.Fatal(res.Error)
	}
	return res.RowsAffected
}

// write commits n entries and tells their ids.
func (x *trail) write(n int) (ids []model.ID) {
	x.t.Helper()
	err := x.db.Tx(context.Background(), func(tx *gorm.DB) error {
		var rows []model.AuditEntry
		for i := range n {
			e, err := x.db.AuditEntry(model.Actor{Kind: model.ActorStaff, ID: 7}, x.db.Now(), "grant.approve", fmt.Sprintf("grant:%d", i), 5, map[string]int{"n": i})
			if err != nil {
				return err
			}
			rows, ids = append(rows, e), append(ids, e.ID)
		}
		return tx.CreateInBatches(&rows, x.db.BatchRows()).Error
	})
	if err != nil {
		x.t.Fatal(err)
	}
	return ids
}

func (x *trail) seal() {
	x.t.Helper()
	if err := x.Seal(context.Background()); err != nil {
		x.t.Fatal(err)
	}
}

// verify is everything that does not fit, and what verifying gave.
func (x *trail) verify(anchor *audit.Anchor) (found []string, out audit.Outcome) {
	x.t.Helper()
	out, err := x.Verify(context.Background(), anchor, func(ref string) { found = append(found, ref) })
	if err != nil {
		x.t.Fatal(err)
	}
	if len(found) != out.Broken {
		x.t.Errorf("%d found, %d broken", len(found), out.Broken)
	}
	return found, out
}

func (x *trail) sound(entries, open int64) audit.Outcome {
	x.t.Helper()
	found, out := x.verify(nil)
	if len(found) > 0 || out.Entries != entries || out.Open != open {
		x.t.Errorf("%+v %v, want %d sealed and %d open", out, found, entries, open)
	}
	return out
}

// TestSealing shows that every committed entry is sealed once, in the order of the ids, and that nothing is done where nothing is new.
func TestSealing(t *testing.T) {
	x := newTrail(t)
	x.seal()
	x.sound(0, 0)
	x.write(3)
	x.sound(0, 3)
	x.seal()
	x.write(2000)
	x.seal()
	out := x.sound(2003, 0)
	x.seal()
	if again := x.sound(2003, 0); again.Seals != 4 || out.Head.Hash != again.Head.Hash { // 3, 800, 800, 400
		t.Errorf("%+v then %+v", out, again)
	}
}

// TestTampering shows that whatever is changed behind the program's back is found, and where.
func TestTampering(t *testing.T) {
	db := modeltest.Open(t, nil)
	for name, c := range map[string]struct {
		tamper func(x *trail, ids []model.ID)
		want   string // %d: the id of the entry in the middle
	}{
		"a changed entry": {func(x *trail, ids []model.ID) {
			x.exec("UPDATE audit_entries SET actor = 'staff:8' WHERE id = ?", ids[4])
		},
			"audit_entry:%d 内容与其校验码不符（已封存于 audit_seal:2）"},
		"a changed entry that was not sealed": {func(x *trail, ids []model.ID) { x.exec("UPDATE audit_entries SET detail = '{}' WHERE id = ?", ids[9]) },
			"audit_entry:%d 不是由本系统写入的，或已被改动"},
		"a changed moment": {func(x *trail, ids []model.ID) {
			x.exec("UPDATE audit_entries SET at = '2020-01-01 00:00:00' WHERE id = ?", ids[4])
		},
			"audit_entry:%d 内容与其校验码不符（已封存于 audit_seal:2）"},
		"a removed MAC": {func(x *trail, ids []model.ID) { x.exec("UPDATE audit_entries SET mac = '' WHERE id = ?", ids[4]) },
			"audit_entry:%d 内容与其校验码不符（已封存于 audit_seal:2）"},
		"a removed entry in the middle": {func(x *trail, ids []model.ID) { x.exec("DELETE FROM audit_entries WHERE id = ?", ids[4]) },
			"audit_entry:%d 缺失（已封存于 audit_seal:2）"},
		"the last sealed entry removed": {func(x *trail, ids []model.ID) { x.exec("DELETE FROM audit_entries WHERE id = ?", ids[8]) },
			"audit_entry:%d 缺失（已封存于 audit_seal:3）"},
		"a forged entry": {func(x *trail, ids []model.ID) {
			x.exec("INSERT INTO audit_entries (id, at, actor, action, object, union_id, detail, request_id, mac) SELECT ?, at, actor, 'grant.reject', object, union_id, detail, request_id, mac FROM audit_entries WHERE id = ?", ids[0]-1, ids[4])
		}, "audit_entry:%d 不是由本系统写入的，或已被改动"},
		"a forged entry without a MAC": {func(x *trail, ids []model.ID) {
			x.exec("INSERT INTO audit_entries (id, at, actor, action, object, union_id, detail, request_id) SELECT ?, at, actor, action, object, union_id, detail, request_id FROM audit_entries WHERE id = ?", ids[0]-1, ids[4])
			x.exec("DELETE FROM installation WHERE name = 'audit-swept'") // the whole trail is looked through
			x.seal()
		}, "audit_entry:%d 不是由本系统写入的，或已被改动"},
		"two entries swapped": {func(x *trail, ids []model.ID) {
			x.exec("UPDATE audit_entries SET id = 1 WHERE id = ?", ids[4])
			x.exec("UPDATE audit_entries SET id = ? WHERE id = ?", ids[4], ids[5])
			x.exec("UPDATE audit_entries SET id = ? WHERE id = 1", ids[5])
		}, "audit_entry:%d 内容与其校验码不符（已封存于 audit_seal:2）"},
		"a changed seal": {func(x *trail, _ []model.ID) {
			x.exec("UPDATE audit_seals SET sealed_at = '2020-01-01 00:00:00' WHERE seq = 2")
		},
			"audit_seal:2 与其内容或前一环不符"},
		"a changed hash": {func(x *trail, _ []model.ID) { x.exec("UPDATE audit_seals SET hash = '1.x' WHERE seq = 2") },
			"audit_seal:2 与其内容或前一环不符"},
		"a removed seal": {func(x *trail, _ []model.ID) { x.exec("DELETE FROM audit_seals WHERE seq = 2") }, "audit_seal:2 缺失"},
		"damaged members": {func(x *trail, _ []model.ID) { x.exec("UPDATE audit_seals SET members = '!' WHERE seq = 2") },
			"audit_seal:2 与其内容或前一环不符"},
		"two seals swapped": {func(x *trail, _ []model.ID) {
			x.exec("UPDATE audit_seals SET seq = 99 WHERE seq = 2")
			x.exec("UPDATE audit_seals SET seq = 2 WHERE seq = 3")
			x.exec("UPDATE audit_seals SET seq = 3 WHERE seq = 99")
		}, "audit_seal:2 与其内容或前一环不符"},
	} {
		t.Run(name, func(t *testing.T) {
			x := &trail{t, audit.New(db, slog.New(slog.DiscardHandler)), db}
			for _, all := range []string{"audit_entries", "audit_seals", "installation WHERE name = 'audit-swept'"} {
				x.exec("DELETE FROM " + all)
			}
			var ids []model.ID
			for range 3 {
				ids = append(ids, x.write(3)...)
				x.seal()
			}
			ids = append(ids, x.write(1)...)
			x.sound(9, 1)
			c.tamper(x, ids)
			found, _ := x.verify(nil)
			want := c.want
			if strings.Contains(want, "%d") {
				id := ids[4]
				switch {
				case strings.HasPrefix(name, "a forged"):
					id = ids[0] - 1
				case strings.Contains(name, "not sealed"):
					id = ids[9]
				case strings.Contains(name, "last sealed"):
					id = ids[8]
				}
				want = fmt.Sprintf(want, id)
			}
			if !slices.Contains(found, want) {
				t.Errorf("found %q, want %q", found, want)
			}
			if len(found) > 4 {
				t.Errorf("more than what was touched is named: %q", found)
			}
		})
	}
}

// TestCutOffEnd shows what only a head noted outside the database shows: that the end of the chain was cut off, or all of it made anew.
func TestCutOffEnd(t *testing.T) {
	x := newTrail(t)
	var anchors []*audit.Anchor
	for range 3 {
		x.write(3)
		x.seal()
		h, err := x.Head(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		a, err := audit.ParseAnchor(fmt.Sprintf("%d:%s\n", h.Seq, h.Hash))
		if err != nil {
			t.Fatal(err)
		}
		anchors = append(anchors, &a)
	}
	if found, out := x.verify(anchors[1]); len(found) > 0 || out.Entries != 3 || out.Seals != 1 {
		t.Errorf("since the second head: %+v %q", out, found)
	}
	last := x.exec("DELETE FROM audit_entries WHERE id > (SELECT last_id FROM audit_seals WHERE seq = 2)")
	x.exec("DELETE FROM audit_seals WHERE seq = 3")
	if last != 3 {
		t.Fatalf("%d entries were cut off", last)
	}
	x.sound(6, 0) // nothing inside the database tells
	if found, _ := x.verify(anchors[2]); !slices.Equal(found, []string{"audit_seal:3 已不存在：审计链在留存的链头之前被截断"}) {
		t.Errorf("%q", found)
	}
	x.write(1)
	x.seal()
	if found, _ := x.verify(anchors[2]); !slices.Equal(found, []string{"audit_seal:3 与留存的链头不符"}) {
		t.Errorf("grown again: %q", found)
	}
	for _, wrong := range []string{"", "x", "3", "0:abc", "3:", ":abc"} {
		if _, err := audit.ParseAnchor(wrong); err == nil {
			t.Errorf("%q is taken for a head", wrong)
		}
	}
}

// TestWritersAndSealersAtOnce shows that entries written by many at once, some committed long after their ids were made, are each sealed
// exactly once though several processes seal.
func TestWritersAndSealersAtOnce(t *testing.T) {
	x := newTrail(t)
	var writing, sealing sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		other := audit.New(x.db, slog.New(slog.DiscardHandler))
		sealing.Go(func() {
			for {
				if err := other.Seal(context.Background()); err != nil {
					t.Error(err)
				}
				select {
				case <-done:
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
		})
	}
	const writers, rounds, each = 8, 15, 20
	for w := range writers {
		writing.Go(func() {
			for range rounds {
				x.slowWrite(each, time.Duration(w)*3*time.Millisecond)
			}
		})
	}
	writing.Wait()
	close(done)
	sealing.Wait()
	x.seal()
	if out := x.sound(writers*rounds*each, 0); out.Seals < 2 {
		t.Errorf("%+v: the sealers did not run meanwhile", out)
	}
}

// slowWrite makes n entries, lets some time pass, and only then stores them.
func (x *trail) slowWrite(n int, pause time.Duration) {
	var rows []model.AuditEntry
	for range n {
		e, err := x.db.AuditEntry(model.Clockwork(), x.db.Now(), "order.checkout", "order:1", 0, nil)
		if err != nil {
			x.t.Error(err)
		}
		rows = append(rows, e)
	}
	time.Sleep(pause)
	if err := x.db.Tx(context.Background(), func(tx *gorm.DB) error { return tx.CreateInBatches(&rows, 40).Error }); err != nil {
		x.t.Error(err)
	}
}

// TestLateCommit shows that an entry whose transaction committed long after later ones were sealed is found: at the daily look through the whole
// trail if it came too late for the others.
func TestLateCommit(t *testing.T) {
	x := newTrail(t)
	x.write(2)
	x.seal()
	late, err := x.db.AuditEntry(model.Clockwork(), x.db.Now(), "grant.issued", "grant:1", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, age := range []time.Duration{3 * time.Second, 3 * time.Hour} {
		e := late
		e.ID = model.IDAt(time.Now().Add(-age))
		e.MAC = x.db.AuditKeys().MAC(e)
		if err := x.db.Read(context.Background()).Create(&e).Error; err != nil {
			t.Fatal(err)
		}
		x.seal()
	}
	x.sound(3, 1) // what came three hours late waits for the daily look
	x.exec("UPDATE installation SET value = ? WHERE name = 'audit-swept'", time.Now().Add(-25*time.Hour).UTC().Format(time.RFC3339))
	x.seal()
	x.sound(4, 0)
}

// TestNeverSealed shows that a sound entry that stayed without a seal for more than a day is told of.
func TestNeverSealed(t *testing.T) {
	x := newTrail(t)
	x.write(1)
	x.seal()
	e, err := x.db.AuditEntry(model.Clockwork(), x.db.Now(), "grant.issued", "grant:1", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	e.ID = model.IDAt(time.Now().Add(-26 * time.Hour))
	e.MAC = x.db.AuditKeys().MAC(e)
	if err := x.db.Read(context.Background()).Create(&e).Error; err != nil {
		t.Fatal(err)
	}
	if found, _ := x.verify(nil); !slices.Equal(found, []string{fmt.Sprintf("audit_entry:%d 一直没有封存", e.ID)}) {
		t.Errorf("%q", found)
	}
}

// TestUpgrade shows that entries of before there were MACs become part of the chain as they are, are protected from then on, and that
// none without a MAC is taken in later.
func TestUpgrade(t *testing.T) {
	x := newTrail(t)
	const old = 1500
	for i := range old {
		at := x.db.Now().AddDate(0, 0, -3).Add(time.Duration(i) * time.Second)
		x.exec("INSERT INTO audit_entries (id, at, actor, action, object, detail, request_id) VALUES (?, ?, 'staff:1', 'grant.approve', 'grant:1', '{}', '')", model.IDAt(at), at)
	}
	sealer, err := model.NewSealer("test:"+strings.Repeat("A", 43), make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	x.exec("DELETE FROM installation WHERE name = 'audit-macs-since'") // as before the upgrade
	if err := x.db.UseAuditKeys(context.Background(), sealer); err != nil {
		t.Fatal(err)
	}
	x.write(5)
	bare := model.IDAt(time.Now()) // an old process still writes
	x.exec("INSERT INTO audit_entries (id, at, actor, action, object, detail, request_id) VALUES (?, ?, 'staff:1', 'grant.approve', 'grant:1', '{}', '')", bare, x.db.Now())
	x.seal()
	x.sound(old+6, 0)
	if err := x.db.UseAuditKeys(context.Background(), sealer); err != nil { // the next start
		t.Fatal(err)
	}
	x.sound(old+6, 0)
	x.exec("UPDATE audit_entries SET actor = 'staff:2' WHERE id = ?", bare)
	if found, _ := x.verify(nil); len(found) != 1 || !strings.HasPrefix(found[0], "audit_seal:") {
		t.Errorf("a changed old entry: %q", found)
	}
	x.exec("UPDATE audit_entries SET actor = 'staff:1' WHERE id = ?", bare)

	x.ahead(30 * time.Hour) // the upgrade is long done
	forged := model.IDAt(time.Now().Add(-time.Hour))
	x.exec("INSERT INTO audit_entries (id, at, actor, action, object, detail, request_id) VALUES (?, ?, 'staff:1', 'grant.approve', 'grant:1', '{}', '')", forged, x.db.Now())
	if err := x.SealAll(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, out := x.verify(nil); out.Entries != old+7 {
		t.Errorf("%+v: an entry without a MAC was taken in after the upgrade", out)
	}
	x.exec("UPDATE installation SET value = '9223372036854775807 1.forged' WHERE name = 'audit-macs-since'")
	if err := x.db.UseAuditKeys(context.Background(), sealer); err != nil {
		t.Fatal(err)
	}
	if since := x.db.AuditKeys().Since; since != 0 {
		t.Errorf("a forged mark is believed: %d", since)
	}
}

// ahead seals an entry whose id is of the future.
func (x *trail) ahead(d time.Duration) {
	x.t.Helper()
	e, err := x.db.AuditEntry(model.Clockwork(), x.db.Now(), "grant.issued", "grant:1", 0, nil)
	if err != nil {
		x.t.Fatal(err)
	}
	e.ID = model.IDAt(time.Now().Add(d))
	e.MAC = x.db.AuditKeys().MAC(e)
	if err := x.db.Read(context.Background()).Create(&e).Error; err != nil {
		x.t.Fatal(err)
	}
	x.seal()
}

// TestClockThatRanAhead shows that entries are sealed as ever after a clock was a year ahead for a while.
func TestClockThatRanAhead(t *testing.T) {
	x := newTrail(t)
	x.write(1)
	x.ahead(365 * 24 * time.Hour)
	x.write(3)
	x.seal()
	x.sound(5, 0)
}

// TestWithoutKeys shows that nothing is verified without keys.
func TestWithoutKeys(t *testing.T) {
	o := modeltest.Options(t, nil)
	modeltest.OpenWith(t, o)
	db, err := model.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := audit.Verify(db.Read(context.Background()), db, nil, nil); !errors.Is(err, audit.ErrNoKeys) {
		t.Error(err)
	}
}

// BenchmarkSealAndVerify measures both an entry.
func BenchmarkSealAndVerify(b *testing.B) {
	x := newTrail(b)
	const n = 50_000
	for range n / 5000 {
		x.write(5000)
	}
	start := time.Now()
	x.seal()
	sealing := time.Since(start)
	start = time.Now()
	x.sound(n, 0)
	verifying := time.Since(start)
	for b.Loop() {
		x.seal() // nothing new
	}
	b.ReportMetric(float64(sealing.Nanoseconds())/n, "seal-ns/entry")
	b.ReportMetric(float64(verifying.Nanoseconds())/n, "verify-ns/entry")
}
