package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bangfu/model"
	"bangfu/scripts/lab"
)

// drill drops the database under load and brings it back as it was at a moment between: the last full backup and the archived log.
func drill() Scenario {
	return Scenario{
		Name: "drill", Fault: "the database is dropped under load; backup, binary log, a point in time",
		Play: func(ctx context.Context, s *Stage) error {
			d := &rehearsal{Stage: s, folder: filepath.Join(s.dir, "backup")}
			for _, step := range []func(context.Context) error{d.backUp, d.disaster, d.restore, d.hold, d.goOn} {
				if err := step(ctx); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// rehearsal is one drill under way.
type rehearsal struct {
	*Stage
	folder, made string // of all backups; of this one
	load         *Load
	started      time.Time
	moment       time.Time // to which the database is brought back
	dropped      time.Time
}

// backUp lets clients place orders, makes a full backup meanwhile and archives the log once; the moment comes some seconds later.
func (d *rehearsal) backUp(ctx context.Context) error {
	d.started = time.Now()
	d.load = d.Load(ctx, Traffic{})
	d.Sleep(ctx, d.Seconds(15, 3))
	first := time.Now()
	if _, err := d.command(ctx, "backup", d.folder); err != nil {
		return err
	}
	end := time.Now()
	made, err := filepath.Glob(filepath.Join(d.folder, "2*"))
	if err != nil || len(made) != 1 {
		return errors.Join(err, fmt.Errorf("want one backup, have %q", made))
	}
	d.made = made[0]
	var bytes int64
	if bytes, err = sizeOf(d.made); err != nil {
		return err
	}
	d.Note("full backup of %s under load: %s, %s on disk", d.volume(ctx), lap(end.Sub(first)), mib(bytes))
	before, during := d.load.Throughput(d.started, first), d.load.Throughput(first, end)
	d.Pace(before, during, 0)
	d.Sleep(ctx, d.Seconds(10, 2))
	if _, err := d.command(ctx, "backup", "--log", d.folder); err != nil {
		return err
	}
	d.Sleep(ctx, d.Seconds(15, 2))
	d.moment = time.Now().Truncate(time.Second).Add(time.Second)
	d.Sleep(ctx, time.Until(d.moment)+d.Seconds(6, 2))
	return nil
}

// disaster drops the database while members buy.
func (d *rehearsal) disaster(ctx context.Context) error {
	d.dropped = time.Now()
	if err := d.MariaDB.Exec(ctx, "DROP DATABASE `"+d.database+"`"); err != nil {
		return err
	}
	d.Sleep(ctx, time.Second)
	d.load.Stop()
	for _, p := range d.Products {
		if err := p.StopGently(); err != nil {
			return err
		}
	}
	return nil
}

// restore archives the rest of the log and brings the database back.
func (d *rehearsal) restore(ctx context.Context) error {
	start := time.Now()
	if _, err := d.command(ctx, "backup", "--log", d.folder); err != nil {
		return err
	}
	bytes, err := sizeOf(filepath.Join(d.folder, "log"))
	if err != nil {
		return err
	}
	d.Note("binary log archived: %s", mib(bytes))
	archived := time.Now()
	said, err := d.command(ctx, "restore", d.made, "--until="+d.moment.In(model.China).Format(time.DateTime))
	d.Goal(err == nil && strings.Contains(said, "全部通过"), "bangfu restore ends with every invariant proved")
	if err != nil {
		return err
	}
	end := time.Now()
	d.Note("%s from the full backup to the moment brought back by log; restore and proof: %s, archiving the last of the log: %s", d.covered(), lap(end.Sub(archived)), lap(archived.Sub(start)))
	_, err = d.Redis.Do(ctx, "FLUSHALL")
	return err
}

// hold holds the restored database against the clients' journal: every key acknowledged before the moment is there, no key that was sent
// after it. What came after is then struck from the journal, as from the database.
func (d *rehearsal) hold(ctx context.Context) error {
	split, err := d.journal.rewind(d.moment)
	if err != nil {
		return err
	}
	db, err := d.DB()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	stored, err := storedKeys(ctx, db)
	if err != nil {
		return err
	}
	lost, ghosts, between := 0, 0, 0
	for key := range split.acked {
		if stored[key] != 1 {
			lost++
		}
	}
	for key := range split.later {
		if stored[key] > 0 {
			ghosts++
		}
	}
	for key := range split.crossing {
		between += stored[key]
	}
	d.Goal(lost == 0 && len(split.acked) > 0, "every key acknowledged before the moment is in the restored database, once (%d keys, %d lost)", len(split.acked), lost)
	d.Goal(ghosts == 0 && len(split.later) > 0, "no key sent after the moment is (%d keys, %d found)", len(split.later), ghosts)
	d.Note("%d keys were on their way at the moment; %d of them are in the restored database", len(split.crossing), between)
	return nil
}

// goOn starts the product on the restored database and lets members buy again.
func (d *rehearsal) goOn(ctx context.Context) error {
	for _, p := range d.Products {
		if err := p.Restart(ctx); err != nil {
			return err
		}
	}
	again := time.Now()
	l := d.Load(ctx, Traffic{})
	l.AwaitAck(ctx, again)
	if at, ok := l.FirstAck(again); ok {
		d.Recovered(at.Sub(d.dropped))
		d.Note("from the drop to the next order placed: %s", lap(at.Sub(d.dropped)))
	}
	d.Sleep(ctx, d.Seconds(5, 2))
	l.Stop()
	d.Pace(d.result.Before, d.result.During, l.Throughput(again, time.Now()))
	return nil
}

// command runs one of the product's commands as an operator does: with the settings of the service.
func (d *rehearsal) command(ctx context.Context, args ...string) (string, error) {
	return d.binary.Run(ctx, d.directEnv(), args...)
}

// volume tells how much is in the database.
func (d *rehearsal) volume(ctx context.Context) string {
	db, err := d.DB()
	if err != nil {
		return "?"
	}
	defer func() { _ = db.Close() }()
	var orders, bytes int64
	err = db.QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM orders), (SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema = DATABASE())").Scan(&orders, &bytes)
	if err != nil {
		return "?"
	}
	return fmt.Sprintf("%s orders (%s of tables and indexes)", lab.Number(float64(orders), 0), mib(bytes))
}

// covered is how much time lies between the full backup and the moment.
func (d *rehearsal) covered() string {
	made, err := time.Parse("20060102T150405Z", filepath.Base(d.made))
	if err != nil {
		return "?"
	}
	return lap(d.moment.Sub(made))
}

func lap(t time.Duration) string { return fmt.Sprintf("%.1f s", t.Seconds()) }

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func sizeOf(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}

// split are the keys of a journal, by what was known of them at a moment.
type split struct{ acked, crossing, later map[string]bool }

// rewind strikes from the journal what came after the moment. Keys that were sent before and not answered by then are left without an
// answer.
func (j *Journal) rewind(moment time.Time) (split, error) {
	s := split{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	if err := j.flush(); err != nil {
		return s, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	f, err := os.Open(j.path)
	if err != nil {
		return s, err
	}
	defer f.Close()
	var kept []entry
	for d := json.NewDecoder(bufio.NewReaderSize(f, 1<<20)); ; {
		var e entry
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return s, err
		}
		early := e.At.Before(moment)
		switch {
		case e.Sent != nil && early:
			kept = append(kept, e)
			s.crossing[e.Sent.Key] = true
		case e.Sent != nil:
			s.later[e.Sent.Key] = !s.crossing[e.Sent.Key] // sent once more is not sent after
		case early:
			kept = append(kept, e)
			if e.Reply.Class == Acked {
				s.acked[e.Key] = true
			}
		case s.crossing[e.Key] && e.Reply.Class != Again:
			kept = append(kept, entry{At: e.At, Key: e.Key, Who: e.Who, Reply: &Reply{Class: Unknown}})
		}
	}
	s.tidy(kept)
	if err := j.file.Truncate(0); err != nil {
		return s, err
	}
	for _, e := range kept {
		line, err := json.Marshal(e)
		if err != nil {
			return s, err
		}
		if _, err := j.buf.Write(append(line, '\n')); err != nil {
			return s, err
		}
	}
	return s, j.buf.Flush()
}

// tidy leaves each key in one of the groups.
func (s *split) tidy(kept []entry) {
	for key, only := range s.later {
		if !only {
			delete(s.later, key)
		}
	}
	for _, e := range kept {
		if e.Reply != nil && (e.Reply.Class == Acked || e.Reply.Class == Refused) {
			delete(s.crossing, e.Key)
		}
	}
}

const drillHead = `# The drill: a dropped database comes back

Members place orders through HTTP; under that load a full backup is made and the binary log archived (` + "`bangfu backup`, `bangfu backup --log`" + `), then the database
is dropped. ` + "`bangfu restore --until=…`" + ` brings it back as it was at a whole second chosen between, the product starts on it, members go on. What the clients noted of every key they
sent is held against the restored database, then the usual verdict of docs/chaos.md over everything.

Made by ` + "`make drill`" + ` on %s: %s, MariaDB %s (every commit flushed and the binary log synced). Result: **%s**.

`

// writeDrillDoc writes what came of the drill.
func writeDrillDoc(path, version string, r *Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, drillHead, time.Now().UTC().Format(time.DateOnly), lab.Machine(), version, verdictOf(r))
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	fmt.Fprintf(&b, "- orders a second before, during the backup, after the restore: %s, %s, %s\n\n", rate(r.Before), rate(r.During), rate(r.After))
	for _, g := range r.Goals {
		mark := "✓"
		if !g.OK {
			mark = "✗ missed:"
		}
		fmt.Fprintf(&b, "- %s %s\n", mark, g.What)
	}
	b.WriteString("\nHow to do it: [deploy.md](deploy.md#backing-up).\n")
	return os.WriteFile(path, []byte(b.String()), 0o600)
}
