//go:build unix

package lab_test

import (
	"context"
	"database/sql"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"bangfu/scripts/lab"
)

// must ends the test on an error; where a server is not installed it is skipped, except in CI.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if errors.Is(err, lab.ErrMissing) && os.Getenv("CI") == "" {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestMariaDB(t *testing.T) {
	ctx := t.Context()
	m := must[*lab.MariaDB](t)(lab.StartMariaDB(ctx, lab.MariaDBOptions{Durable: true, BufferPoolMiB: 32, RedoMiB: 16}))
	defer m.Stop()
	check(t, m.CreateDatabase(ctx, "one"))
	check(t, m.Exec(ctx, "CREATE TABLE one.t (v VARCHAR(20)) ENGINE=InnoDB", "INSERT INTO one.t VALUES ('红薯')"))
	first := m.PID()

	check(t, m.Kill())
	if m.PID() != 0 || !gone(first) {
		t.Fatal("still there after Kill")
	}
	check(t, m.Restart(ctx))
	db := must[*sql.DB](t)(sql.Open("mysql", m.DSN("one")))
	defer db.Close()
	var v string
	if err := db.QueryRow("SELECT v FROM t").Scan(&v); err != nil || v != "红薯" {
		t.Error("what was committed is lost:", v, err)
	}
	var flush, sync, format string
	check(t, db.QueryRow("SELECT @@innodb_flush_log_at_trx_commit, @@sync_binlog, @@binlog_format").Scan(&flush, &sync, &format))
	if flush != "1" || sync != "1" || format != "ROW" {
		t.Error("not durable:", flush, sync, format)
	}

	check(t, m.Pause())
	frozen, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if err := db.QueryRowContext(frozen, "SELECT v FROM t").Scan(&v); err == nil {
		t.Error("answers although frozen")
	}
	check(t, m.Continue())
	check(t, db.QueryRow("SELECT v FROM t").Scan(&v))
	if cpu, err := m.CPU(); err != nil || cpu <= 0 {
		t.Error("CPU", cpu, err)
	}
	if kib, err := m.MemoryKiB(); err != nil || kib < 10_000 {
		t.Error("memory", kib, err)
	}
	last := m.PID()
	check(t, m.Stop())
	if _, err := os.Stat(m.Dir()); !gone(last) || !os.IsNotExist(err) {
		t.Error("something is left after Stop")
	}
}

// TestMariaDBGoesOnWithItsFolder shows that a server started on the folder of an earlier one has its data.
func TestMariaDBGoesOnWithItsFolder(t *testing.T) {
	ctx, o := t.Context(), lab.MariaDBOptions{BufferPoolMiB: 32, RedoMiB: 16, Dir: t.TempDir()}
	m := must[*lab.MariaDB](t)(lab.StartMariaDB(ctx, o))
	check(t, m.CreateDatabase(ctx, "kept"))
	check(t, m.Terminate(30*time.Second))
	check(t, m.Stop())
	m = must[*lab.MariaDB](t)(lab.StartMariaDB(ctx, o))
	defer m.Stop()
	check(t, m.Exec(ctx, "USE kept"))
}

func TestRedis(t *testing.T) {
	ctx := t.Context()
	r := must[*lab.Redis](t)(lab.StartRedis(ctx))
	defer r.Stop()
	must[any](t)(r.Do(ctx, "SET", "a", 1))
	check(t, r.Kill())
	if _, err := r.Do(ctx, "PING"); err == nil {
		t.Error("answers although killed")
	}
	check(t, r.Restart(ctx))
	if v, err := r.Do(ctx, "DBSIZE"); err != nil || v != int64(0) {
		t.Error("a restarted Redis is empty, but:", v, err)
	}
}

func TestRedisCluster(t *testing.T) {
	ctx := t.Context()
	c := must[*lab.RedisCluster](t)(lab.StartRedisCluster(ctx, 3))
	defer c.Stop()
	if len(c.Addrs()) != 6 {
		t.Fatal(c.Addrs())
	}
	check(t, c.Nodes[0].Kill())
	check(t, c.WaitWhole(ctx)) // its replica has taken over
}

func TestProduct(t *testing.T) {
	ctx := t.Context()
	b := must[*lab.Binary](t)(lab.Build(ctx))
	defer b.Remove()
	p := must[*lab.Product](t)(lab.StartProduct(ctx, b, lab.ProductOptions{}))
	defer p.Stop()
	pid := p.PID()
	check(t, p.Kill())
	check(t, p.Spawn())
	check(t, p.WaitReady(ctx))
	if p.PID() == pid {
		t.Error("the same process")
	}
	check(t, p.StopGently())
	clean, report, err := b.Reconcile(ctx, p.Env)
	if err != nil || !clean {
		t.Error(report, err)
	}
}

// TestProxy shows each way to break a connection, on a server that answers every line.
func TestProxy(t *testing.T) {
	p := must[*lab.Proxy](t)(lab.StartProxy(echo(t)))
	defer p.Close()
	dial := func() net.Conn {
		c := must[net.Conn](t)(net.Dial("tcp", p.Addr()))
		t.Cleanup(func() { c.Close() })
		return c
	}
	c := dial()
	check(t, say(c, "hello", time.Second))

	p.SetLatency(60 * time.Millisecond)
	start := time.Now()
	check(t, say(c, "slow", time.Second))
	if d := time.Since(start); d < 120*time.Millisecond {
		t.Error("no latency:", d)
	}
	p.SetLatency(0)

	p.BlackHole(true)
	if err := say(c, "lost?", 100*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("a black hole answers:", err)
	}
	p.BlackHole(false)
	if err := hear(c, "lost?", time.Second); err != nil {
		t.Error("nothing may be lost in a black hole:", err)
	}
	if n := p.CutAll(); n != 1 {
		t.Error("cut", n)
	}
	if err := say(c, "cut", time.Second); err == nil {
		t.Error("a cut connection answers")
	}
	check(t, say(dial(), "again", time.Second))
}

// TestProxyCutsCommits shows what the database holds after a COMMIT was cut before and after it arrived.
func TestProxyCutsCommits(t *testing.T) {
	ctx := t.Context()
	m := must[*lab.MariaDB](t)(lab.StartMariaDB(ctx, lab.MariaDBOptions{BufferPoolMiB: 32, RedoMiB: 16}))
	defer m.Stop()
	check(t, m.CreateDatabase(ctx, "one"))
	check(t, m.Exec(ctx, "CREATE TABLE one.t (v INT) ENGINE=InnoDB"))
	p := must[*lab.Proxy](t)(lab.StartProxy(m.Addr()))
	defer p.Close()
	db := must[*sql.DB](t)(sql.Open("mysql", m.DSNAt(p.Addr(), "one")))
	defer db.Close()
	insert := func(v int) error {
		tx := must[*sql.Tx](t)(db.Begin())
		if _, err := tx.Exec("INSERT INTO t VALUES (?)", v); err != nil {
			t.Fatal(err)
		}
		return tx.Commit()
	}
	check(t, insert(1))
	for v, fault := range map[int]lab.CommitFault{2: lab.CutBeforeCommit, 3: lab.CutAfterCommit} {
		p.CutCommits(fault, 1)
		if insert(v) == nil {
			t.Error("a cut COMMIT was answered")
		}
	}
	check(t, insert(4))
	var all string
	check(t, db.QueryRow("SELECT GROUP_CONCAT(v ORDER BY v) FROM t").Scan(&all))
	if all != "1,3,4" || p.Cut() != 2 {
		t.Error(all, p.Cut())
	}
}

// echo serves on loopback and answers what it hears.
func echo(t *testing.T) string {
	l := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

func say(c net.Conn, text string, patience time.Duration) error {
	if _, err := c.Write([]byte(text)); err != nil {
		return err
	}
	return hear(c, text, patience)
}

func hear(c net.Conn, text string, patience time.Duration) error {
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, len(text)))
	return err
}

func TestReport(t *testing.T) {
	s := lab.SpreadOf([]float64{3000, 1000, 2000, 9000})
	if got := s.Format(1); got != "2,500.0 (1,000.0–9,000.0)" {
		t.Error(got)
	}
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := lab.Number(v, 0); got != want {
			t.Error(got, want)
		}
	}
	if q := lab.Quantile([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0.99); q != 10 {
		t.Error(q)
	}
	table := lab.Table{Head: []string{"a", "b"}}
	table.Add("x", 1)
	if got := table.Markdown(); got != "| a | b |\n| --- | --- |\n| x | 1 |\n" {
		t.Error(got)
	}
	if m := lab.Machine(); !strings.Contains(m, "cores") {
		t.Error(m)
	}
}

// TestPlots shows that the pictures are well-formed and hold every series.
func TestPlots(t *testing.T) {
	pictures := []string{
		lab.Bars("Orders & more", "orders/s", []string{"64", "256"}, []lab.Series{{Name: "naive", Values: []float64{700, math.NaN()}}, {Name: "engine", Values: []float64{9000, 16000}}}),
		lab.Lines("Latency", "part", "ms", []lab.Series{{Name: "naive", Points: [][2]float64{{0, 1}, {1, 80}}}, {Name: "engine", Points: [][2]float64{{0, 0.5}, {1, 9}}}}, true),
	}
	for _, svg := range pictures {
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err, svg)
			}
		}
		if !strings.Contains(svg, "naive") || !strings.Contains(svg, "engine") {
			t.Error("a series is missing")
		}
	}
}
