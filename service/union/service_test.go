package union

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/allowance"
	"bangfu/service/files"
	"bangfu/service/job"
	"bangfu/service/union/rosterfile"
)

// cutClock stands still; after a number of readings it ends a context, so that a test can stop a job after any of its
// transactions.
type cutClock struct {
	mu   sync.Mutex
	at   time.Time
	left int
	cut  context.CancelFunc
}

func (c *cutClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left == 0 && c.cut != nil {
		c.cut()
	}
	return c.at
}

// after returns a context that ends after n readings of the clock.
func (c *cutClock) after(t testing.TB, n int) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left, c.cut = n, cancel
	return ctx
}

// town is the service on a fresh database with some unions.
type town struct {
	*Service
	t     testing.TB
	clock *cutClock
	actor model.Actor
}

func newTown(t testing.TB) *town {
	t.Helper()
	clock := &cutClock{at: modeltest.At("2025-03-03 09:00")}
	db := modeltest.Open(t, clock)
	key, err := model.DecodeKey(model.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := model.NewSealer("k1:"+model.GenerateKey(), key)
	if err != nil {
		t.Fatal(err)
	}
	store, err := files.Open(files.Options{Kind: files.KindLocal, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	jobs := job.NewRunner(db, slog.New(slog.DiscardHandler))
	s := New(db, sealer, files.NewService(db, store), jobs, allowance.New(db, jobs, sealer).RevokeMember)
	if _, err := s.EnsureRoot(context.Background(), "示例市总工会"); err != nil {
		t.Fatal(err)
	}
	w := &town{Service: s, t: t, clock: clock, actor: model.Actor{Kind: model.ActorStaff, ID: 7, UnionID: rootID, UnionPath: "/1/"}}
	t.Cleanup(w.counted)
	return w
}

// counted fails the test if a union has another number of members than it keeps.
func (w *town) counted() {
	w.t.Helper()
	if mended, err := w.Recount(context.Background()); mended != 0 || err != nil {
		w.t.Errorf("%d unions keep another number of members, %v", mended, err)
	}
}

func (w *town) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) union(name string) model.ID {
	w.t.Helper()
	d, err := w.CreateChild(context.Background(), w.actor, rootID, name, kindGrassroots)
	w.ok(err)
	return d.ID
}

// csv is a roster of the invented people from to to-1.
func csv(from, to int) []byte {
	var b bytes.Buffer
	b.WriteString("姓名,手机号,身份证号,工号,部门\n")
	for n := from; n < to; n++ {
		fmt.Fprintf(&b, "职工甲,%s,%s,A%d,财务科\n", rosterfile.DemoPhone(n), rosterfile.DemoIDNumber(n), n)
	}
	return b.Bytes()
}

func (w *town) upload(union model.ID, content []byte) model.ID {
	w.t.Helper()
	v, err := w.UploadRoster(context.Background(), w.actor, union, "名册.csv", bytes.NewReader(content))
	w.ok(err)
	return v.ID
}

// previewed uploads and previews a roster and asks for its import.
func (w *town) previewed(union model.ID, content []byte) model.ID {
	w.t.Helper()
	id := w.upload(union, content)
	w.ok(w.preview(context.Background(), id))
	_, err := w.StartImport(context.Background(), w.actor, id)
	w.ok(err)
	return id
}

func (w *town) count(from any, where string, args ...any) int {
	w.t.Helper()
	var n int64
	w.ok(w.db.Read(context.Background()).Model(from).Where(where, args...).Count(&n).Error)
	return int(n)
}

func (w *town) want(id model.ID, status string, fresh, changed, unchanged, wrong int) {
	w.t.Helper()
	v, err := w.Import(context.Background(), id)
	w.ok(err)
	if v.Status != status || v.NewRows != fresh || v.ChangedRows != changed || v.UnchangedRows != unchanged || v.WrongRows != wrong ||
		v.DoneRows != v.TotalRows || v.TotalRows != fresh+changed+unchanged+wrong {
		w.t.Errorf("import %+v, want %s with %d new, %d changed, %d unchanged, %d wrong", v, status, fresh, changed, unchanged, wrong)
	}
	for verdict, n := range map[string]int{verdictNew: fresh, verdictChanged: changed, verdictUnchanged: unchanged, verdictWrong: wrong} {
		if got := w.count(&model.RosterRow{}, "import_id = ? AND verdict = ?", id, verdict); got != n {
			w.t.Errorf("%d rows are %s, want %d", got, verdict, n)
		}
	}
}

// untilDone runs a job, cut off after ever more readings of the clock, until it ends by itself.
func (w *town) untilDone(work func(context.Context) error) (cuts int) {
	w.t.Helper()
	for n := 1; ; n++ {
		if err := work(w.clock.after(w.t, n)); err == nil {
			return cuts
		}
		if cuts++; cuts > 200 {
			w.t.Fatal("never ends")
		}
	}
}

// TestRestart shows that a preview and an import that are stopped again and again end as if they had not been.
func TestRestart(t *testing.T) {
	w := newTown(t)
	w.step = 20
	u := w.union("甲厂工会")
	id := w.upload(u, csv(0, 205))
	cuts := w.untilDone(func(ctx context.Context) error { return w.preview(ctx, id) })
	w.want(id, importPreviewed, 205, 0, 0, 0)
	_, err := w.StartImport(context.Background(), w.actor, id)
	w.ok(err)
	cuts += w.untilDone(func(ctx context.Context) error { return w.runImport(ctx, id) })
	w.want(id, importImported, 205, 0, 0, 0)
	if persons, members := w.count(&model.Person{}, "1 = 1"), w.count(&model.Member{}, "union_id = ?", u); persons != 205 || members != 205 {
		t.Errorf("%d persons, %d members", persons, members)
	}
	if n := w.count(&model.RosterRow{}, "imported = ?", true); n != 205 {
		t.Errorf("%d rows are marked", n)
	}
	if cuts < 4 {
		t.Errorf("was stopped only %d times", cuts)
	}
	w.ok(w.runImport(context.Background(), id)) // and once more: nothing happens
	again := w.previewed(u, csv(0, 205))
	w.ok(w.runImport(context.Background(), again))
	w.want(again, importImported, 0, 0, 205, 0)
}

// atOnce runs the works side by side.
func (w *town) atOnce(works ...func() error) {
	w.t.Helper()
	var wg sync.WaitGroup
	errs := make([]error, len(works))
	for i, work := range works {
		wg.Go(func() { errs[i] = work() })
	}
	wg.Wait()
	for _, err := range errs {
		w.ok(err)
	}
}

// TestImportsAtOnce/SameUnion and /SamePeople show that imports side by side make each person and each member once.
func TestImportsAtOnce(t *testing.T) {
	t.Run("SameUnion", func(t *testing.T) {
		w := newTown(t)
		w.step = 10
		u := w.union("甲厂工会")
		a, b := w.previewed(u, csv(0, 100)), w.previewed(u, csv(0, 100))
		w.atOnce(func() error { return w.runImport(context.Background(), a) }, func() error { return w.runImport(context.Background(), b) })
		va, err := w.Import(context.Background(), a)
		w.ok(err)
		vb, err := w.Import(context.Background(), b)
		w.ok(err)
		if va.NewRows+vb.NewRows != 100 || va.UnchangedRows+vb.UnchangedRows != 100 || w.count(&model.Member{}, "union_id = ?", u) != 100 {
			t.Errorf("ended as %+v and %+v", va, vb)
		}
	})
	t.Run("SamePeople", func(t *testing.T) {
		w := newTown(t)
		w.step = 10
		var works []func() error
		for i := range 4 {
			id := w.previewed(w.union(fmt.Sprintf("第%d厂工会", i)), csv(0, 100))
			works = append(works, func() error { return w.runImport(context.Background(), id) })
		}
		w.atOnce(works...)
		if persons, members := w.count(&model.Person{}, "1 = 1"), w.count(&model.Member{}, "1 = 1"); persons != 100 || members != 400 {
			t.Errorf("%d persons, %d members", persons, members)
		}
	})
	t.Run("OneByHand", func(t *testing.T) {
		w := newTown(t)
		var works []func() error
		for i := range 8 {
			u := w.union(fmt.Sprintf("第%d厂工会", i))
			works = append(works, func() error {
				_, err := w.AddMember(context.Background(), w.actor, u, NewMember{Name: "职工甲", Phone: rosterfile.DemoPhone(1), IDNumber: rosterfile.DemoIDNumber(1)})
				return err
			})
		}
		w.atOnce(works...)
		if persons, members := w.count(&model.Person{}, "1 = 1"), w.count(&model.Member{}, "1 = 1"); persons != 1 || members != 8 {
			t.Errorf("%d persons, %d members", persons, members)
		}
	})
}

// TestImportJudgesAgain shows that what happened between preview and import is respected, row by row.
func TestImportJudgesAgain(t *testing.T) {
	w := newTown(t)
	u := w.union("甲厂工会")
	ctx := context.Background()
	first := w.previewed(u, csv(5, 6))
	w.ok(w.runImport(ctx, first))
	id := w.previewed(u, append(csv(0, 4), []byte(strings.ReplaceAll(string(csv(5, 6)), "财务科", "销售科")[len("姓名,手机号,身份证号,工号,部门\n"):])...))
	w.found(id, 4, 1)
	_, err := w.AddMember(ctx, w.actor, u, NewMember{Name: "职工乙", Phone: rosterfile.DemoPhone(0), IDNumber: rosterfile.DemoIDNumber(90)}) // takes row 2's phone
	w.ok(err)
	_, err = w.AddMember(ctx, w.actor, u, NewMember{Name: "职工甲", Phone: rosterfile.DemoPhone(1), IDNumber: rosterfile.DemoIDNumber(1), EmployeeNo: "A1", Department: "财务科"})
	w.ok(err) // is row 3
	_, err = w.AddMember(ctx, w.actor, u, NewMember{Name: "职工丙", Phone: rosterfile.DemoPhone(2), IDNumber: rosterfile.DemoIDNumber(2)})
	w.ok(err) // is row 4, but otherwise
	w.ok(w.runImport(ctx, id))
	w.want(id, importImported, 1, 2, 1, 1)
	rows, err := w.Rows(ctx, id, verdictWrong, model.Page{Limit: 10})
	w.ok(err)
	if len(rows.Items) != 1 || rows.Items[0].RowNo != 2 || !strings.Contains(rows.Items[0].Reason, "手机号已被") || rows.Items[0].Imported {
		t.Errorf("wrong rows %+v", rows.Items)
	}
	if n := w.count(&model.Member{}, "name = '职工甲' AND department = '销售科'"); n != 1 {
		t.Errorf("%d members changed", n)
	}
}

// found checks what a preview has found, before the import runs.
func (w *town) found(id model.ID, fresh, changed int) {
	w.t.Helper()
	v, err := w.Import(context.Background(), id)
	w.ok(err)
	if v.NewRows != fresh || v.ChangedRows != changed {
		w.t.Errorf("previewed %+v", v)
	}
}

// TestClosedWhileImporting shows that the import into a union that was closed meanwhile fails and says so.
func TestClosedWhileImporting(t *testing.T) {
	w := newTown(t)
	u := w.union("甲厂工会")
	id := w.previewed(u, csv(0, 3))
	_, err := w.Close(context.Background(), w.actor, u)
	w.ok(err)
	w.ok(w.jobs.Drain(context.Background()))
	v, err := w.Import(context.Background(), id)
	w.ok(err)
	if v.Status != importFailed || !strings.Contains(v.Error, "已撤销") || w.count(&model.Member{}, "1 = 1") != 0 {
		t.Errorf("ended as %+v", v)
	}
}

// TestMovesAtOnce shows that two moves that together would make a circle do not both happen.
func TestMovesAtOnce(t *testing.T) {
	w := newTown(t)
	for range 5 {
		a, b := w.union("甲"+w.db.NewID().String()), w.union("乙"+w.db.NewID().String())
		var wg sync.WaitGroup
		var errs [2]error
		wg.Go(func() { _, errs[0] = w.Move(context.Background(), w.actor, a, b) })
		wg.Go(func() { _, errs[1] = w.Move(context.Background(), w.actor, b, a) })
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("moved with %v and %v", errs[0], errs[1])
		}
	}
}

// TestDeepTree shows that the tree stops growing before paths no longer fit.
func TestDeepTree(t *testing.T) {
	w := newTown(t)
	at, depth := rootID, 0
	for ; ; depth++ {
		d, err := w.CreateChild(context.Background(), w.actor, at, "下一级", kindGrassroots)
		if err != nil {
			if model.CodeOf(err) != model.CodeConflict || depth < 15 {
				t.Fatalf("at depth %d: %v", depth, err)
			}
			break
		}
		at = d.ID
	}
	var ids []model.ID
	w.ok(w.db.Read(context.Background()).Model(&model.Union{}).Where("depth = 1").Pluck("id", &ids).Error)
	if _, err := w.Move(context.Background(), w.actor, ids[0], w.union("旁边")); model.CodeOf(err) != model.CodeConflict {
		t.Errorf("the deepest tree moved down: %v", err)
	}
}

// BenchmarkRoster measures a roster of 50,000 people (or ROSTER_ROWS): preview and import of new, then of changed, then of
// unchanged rows. Run it once: go test ./service/union -run ^$ -bench Roster -benchtime 1x
func BenchmarkRoster(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("ROSTER_ROWS"))
	if err != nil {
		n = 50_000
	}
	for range b.N {
		w := newTown(b)
		u := w.union("甲厂工会")
		file, moved := xlsx(b, n, "财务科"), xlsx(b, n, "销售科")
		for _, pass := range []struct {
			name                      string
			file                      []byte
			fresh, changed, unchanged int
		}{{"new", file, n, 0, 0}, {"changed", moved, 0, n, 0}, {"unchanged", moved, 0, 0, n}} {
			id := w.upload(u, pass.file)
			previewTook := w.measure(func() error { return w.preview(context.Background(), id) })
			_, err := w.StartImport(context.Background(), w.actor, id)
			w.ok(err)
			importTook := w.measure(func() error { return w.runImport(context.Background(), id) })
			w.want(id, importImported, pass.fresh, pass.changed, pass.unchanged, 0)
			b.Logf("%d rows, all %s: preview %s, import %s", n, pass.name, previewTook, importTook)
		}
	}
}

// xlsx is a roster of n invented people.
func xlsx(t testing.TB, n int, department string) []byte {
	t.Helper()
	rows := make([]rosterfile.Row, n)
	for i := range rows {
		rows[i] = rosterfile.Row{Name: "职工甲", Phone: rosterfile.DemoPhone(i), IDNumber: rosterfile.DemoIDNumber(i), EmployeeNo: strconv.Itoa(i), Department: department}
	}
	var b bytes.Buffer
	if err := rosterfile.WriteErrors(&b, rows); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// measure tells how long work took and the most heap that was in use meanwhile.
func (w *town) measure(work func() error) string {
	w.t.Helper()
	runtime.GC()
	done, most := make(chan struct{}), make(chan uint64)
	go func() {
		var peak uint64
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
			select {
			case <-done:
				most <- peak
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	start := time.Now()
	err := work()
	took := time.Since(start)
	close(done)
	peak := <-most
	w.ok(err)
	return fmt.Sprintf("%.1f s (heap up to %d MB)", took.Seconds(), peak>>20)
}
