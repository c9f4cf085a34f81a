package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"bangfu/scripts/lab"
)

// errNeedsRoot says that a scenario cannot be played by this user or on this system.
var errNeedsRoot = errors.New("a file system of its own can only be mounted by root on Linux")

// afterDiskFull is how long orders may take to come back once there is room: MariaDB itself looks once a minute.
const afterDiskFull = 75 * time.Second

// diskFull fills the database's disk under load, and makes room again.
func diskFull() Scenario {
	return Scenario{
		Name: "disk-full", Fault: "the database's disk is full", Quick: false,
		Setup: Setup{DiskMiB: 384, OwnMariaDB: &lab.MariaDBOptions{Durable: true, BufferPoolMiB: 96, RedoMiB: 48}},
		Play: func(ctx context.Context, s *Stage) error {
			l := s.Load(ctx, Traffic{Replay: 0.05})
			start := time.Now()
			s.Sleep(ctx, s.Seconds(5, 2))
			first := time.Now()
			filler := filepath.Join(s.disk, "filler")
			if err := fill(filler); err != nil {
				return err
			}
			s.Sleep(ctx, s.Seconds(30, 6))
			during := l.Throughput(first.Add(5*time.Second), time.Now())
			if err := os.Remove(filler); err != nil {
				return err
			}
			room := time.Now()
			if s.MariaDB.PID() == 0 {
				s.Note("MariaDB gave up and was started again")
				if err := s.MariaDB.Restart(ctx); err != nil {
					return err
				}
			}
			for time.Since(room) < afterDiskFull+10*time.Second && ctx.Err() == nil {
				if _, ok := l.FirstAck(room); ok {
					break
				}
				s.Sleep(ctx, 100*time.Millisecond)
			}
			at, ok := l.FirstAck(room)
			s.Goal(ok && at.Sub(room) < afterDiskFull, "orders are placed again %s after there is room (at most %s)", at.Sub(room).Round(100*time.Millisecond), afterDiskFull)
			s.Recovered(at.Sub(room))
			last := time.Now()
			s.Sleep(ctx, s.Seconds(5, 2))
			l.Stop()
			s.Pace(l.Throughput(start, first), during, l.Throughput(last, time.Now()))
			return nil
		},
	}
}

// fill writes until there is no room left.
func fill(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for size := 1 << 20; size > 0; {
		n, err := f.Write(make([]byte, size))
		if err != nil || n < size {
			size /= 16
		}
	}
	err = f.Sync()
	if errors.Is(err, io.ErrShortWrite) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

// ownMariaDB starts a server of the stage's own, on a disk of its own if the scenario wants one.
func (s *Stage) ownMariaDB(ctx context.Context, setup Setup) (err error) {
	o := *setup.OwnMariaDB
	s.MariaDB = nil
	if setup.DiskMiB > 0 {
		disk := filepath.Join(s.dir, "disk")
		if err := os.Mkdir(disk, 0o700); err != nil {
			return err
		}
		if err := mount(disk, setup.DiskMiB); err != nil {
			return fmt.Errorf("%w (%w)", errNeedsRoot, err)
		}
		s.disk, o.Dir = disk, filepath.Join(disk, "mariadb")
	}
	s.MariaDB, err = lab.StartMariaDB(ctx, o)
	return err
}
