package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"bangfu/scripts/lab"
)

//go:embed testdata/slowdisk.c
var slowDiskSource []byte

// slowDisk makes every sync of the database's files slow, as a disk does that is worn out or shared. A library that is loaded into
// the server delays its fsync; where there is no C compiler, a proxy delays the connection instead, and the document says so.
func slowDisk() Scenario {
	return Scenario{
		Name: "slow-disk", Fault: "a slow disk: every fsync of MariaDB takes 100 ms longer, then 1 s",
		Setup: Setup{Products: -1, OwnMariaDB: &lab.MariaDBOptions{Durable: true}, Proxy: true},
		Play:  playSlowDisk,
	}
}

func playSlowDisk(ctx context.Context, s *Stage) error {
	slow, err := s.slowable(ctx)
	if err != nil {
		return err
	}
	if err := s.Start(ctx, 1); err != nil {
		return err
	}
	l := s.Load(ctx, Traffic{Replay: 0.05})
	start := time.Now()
	s.Sleep(ctx, s.Seconds(5, 2))
	first := time.Now()
	for _, ms := range []int{100, 1000} {
		if err := slow(ms); err != nil {
			return err
		}
		from := time.Now()
		s.Sleep(ctx, s.Seconds(10, 4))
		got := l.Throughput(from, time.Now())
		s.Goal(got > 0, "%d ms more for each sync: orders go on, %.1f a second", ms, got)
	}
	if err := slow(0); err != nil {
		return err
	}
	last := time.Now()
	took := l.AwaitAck(ctx, last)
	s.Recovered(took)
	s.Goal(took <= backAfterDatabase, "quick again %s after the disk is (at most %s)", took.Round(time.Millisecond), backAfterDatabase)
	s.Sleep(ctx, s.Seconds(5, 2))
	l.Stop()
	s.Pace(l.Throughput(start, first), l.Throughput(first, last), l.Throughput(last, time.Now()))
	return nil
}

// slowable restarts the scenario's MariaDB with the library in it and returns what sets the delay of each sync in milliseconds.
func (s *Stage) slowable(ctx context.Context) (func(ms int) error, error) {
	library, err := s.compile(ctx, slowDiskSource)
	if err != nil {
		s.Note("no C compiler here: the connection to the database was slowed down instead of its disk")
		return func(ms int) error { s.Proxy.SetLatency(time.Duration(ms) * time.Millisecond); return nil }, nil
	}
	dial := filepath.Join(s.dir, "slow")
	if err := os.WriteFile(dial, []byte("0"), 0o644); err != nil {
		return nil, err
	}
	s.MariaDB.SetEnv("LD_PRELOAD="+library, "CHAOS_SLOW="+dial)
	if err := s.MariaDB.Restart(ctx); err != nil {
		return nil, err
	}
	return func(ms int) error { return os.WriteFile(dial, fmt.Appendf(nil, "%d", ms), 0o644) }, nil
}

// compile makes a shared library of C source.
func (s *Stage) compile(ctx context.Context, source []byte) (string, error) {
	from, to := filepath.Join(s.dir, "shim.c"), filepath.Join(s.dir, "shim.so")
	if err := os.WriteFile(from, source, 0o600); err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "cc", "-O1", "-shared", "-fPIC", "-o", to, from, "-ldl").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("cc: %w\n%s", err, out)
	}
	return to, nil
}
