//go:build unix

// Package lab starts private servers for benchmarks and fault tests: MariaDB or MySQL, Redis, a Redis Cluster, the
// product itself, and a proxy that breaks connections. Everything listens on loopback, lives in temporary folders
// and is ended by process id; on Linux the servers also die with the program that started them. The package is for
// programs under scripts/ and for tests, never for the product's binary.
package lab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// loopback is the only address that anything here listens on.
const loopback = "127.0.0.1"

// ErrMissing says that a server program is not installed.
var ErrMissing = errors.New("server program is not installed")

// Server is one process that can be killed, frozen and started again with the same folder and port.
type Server struct {
	name    string
	dir     string // removed by Stop unless keep
	keep    bool
	program string
	args    []string
	env     []string // added to the environment of this program
	ready   func(ctx context.Context) error

	mu    sync.Mutex
	child *exec.Cmd
	ended chan struct{} // closed when child has ended
}

// readyWait bounds how long a server may take until it is ready.
const readyWait = 90 * time.Second

// start runs the program and waits until it is ready.
func (s *Server) start(ctx context.Context) error {
	if err := s.spawn(); err != nil {
		return err
	}
	return s.WaitReady(ctx)
}

func (s *Server) spawn() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child != nil {
		select {
		case <-s.ended:
		default:
			return fmt.Errorf("%s runs already", s.name)
		}
	}
	log, err := os.OpenFile(s.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	child := exec.Command(s.program, s.args...)
	child.Stdout, child.Stderr, child.Dir = log, log, s.dir
	child.Env = append(os.Environ(), s.env...)
	child.SysProcAttr = dyingWithUs()
	if err := child.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	ended := make(chan struct{})
	go func() {
		_ = child.Wait() // how it ended is seen in its log
		close(ended)
	}()
	s.child, s.ended = child, ended
	return nil
}

// WaitReady returns when the server answers, or with an error that holds the end of its log when it ended or took too long.
func (s *Server) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	_, ended := s.process()
	for {
		try, done := context.WithTimeout(ctx, 2*time.Second)
		err := s.ready(try)
		done()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ended:
			return fmt.Errorf("%s ended before it was ready:\n%s", s.name, s.LogTail(20))
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w\n%s", s.name, err, s.LogTail(20))
		}
	}
}

func (s *Server) process() (*exec.Cmd, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child == nil {
		closed := make(chan struct{})
		close(closed)
		return nil, closed
	}
	return s.child, s.ended
}

// PID is the process id, 0 when the server does not run.
func (s *Server) PID() int {
	child, ended := s.process()
	select {
	case <-ended:
		return 0
	default:
		return child.Process.Pid
	}
}

func (s *Server) signal(sig os.Signal) error {
	child, _ := s.process()
	if child == nil {
		return fmt.Errorf("%s does not run", s.name)
	}
	return child.Process.Signal(sig)
}

// Pause freezes the server (SIGSTOP): its sockets stay open and nothing answers.
func (s *Server) Pause() error {
	if err := s.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for range 100 { // its threads stop one by one, on a busy machine not at once
		if stopped(s.PID()) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("the server goes on after SIGSTOP")
}

// Continue lets a frozen server go on (SIGCONT).
func (s *Server) Continue() error { return s.signal(syscall.SIGCONT) }

// Kill ends the server with SIGKILL and waits until it is gone. Killing what does not run is no error.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL, 10*time.Second) }

// Terminate asks the server to stop (SIGTERM), waits up to patience and kills it if it is still there; that is an error.
func (s *Server) Terminate(patience time.Duration) error {
	err := s.end(syscall.SIGTERM, patience)
	if err != nil {
		return errors.Join(err, s.Kill())
	}
	return nil
}

func (s *Server) end(sig os.Signal, patience time.Duration) error {
	child, ended := s.process()
	if child == nil {
		return nil
	}
	if err := child.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-ended:
	case <-time.After(patience):
		return fmt.Errorf("%s did not end within %s", s.name, patience)
	}
	s.mu.Lock()
	if s.child == child {
		s.child = nil
	}
	s.mu.Unlock()
	return nil
}

// SetEnv gives the server these settings besides this program's environment from its next start on.
func (s *Server) SetEnv(env ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.env = env
}

// Restart starts the server again, after Kill or Terminate or when it ended by itself, on the same folder and port, and waits
// until it is ready. It ends a server that still runs with SIGKILL first.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Kill(); err != nil {
		return err
	}
	return s.start(ctx)
}

// Stop ends the server, whatever state it is in, and removes its folder unless the caller gave it.
func (s *Server) Stop() error {
	err := s.Kill()
	if s.keep {
		return err
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// Dir is the server's folder.
func (s *Server) Dir() string { return s.dir }

// LogFile is where the server's output goes, over all restarts.
func (s *Server) LogFile() string { return filepath.Join(s.dir, s.name+".log") }

// LogTail is the end of the server's output.
func (s *Server) LogTail(lines int) string {
	text, err := os.ReadFile(s.LogFile())
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// CPU is the processor time that the running process has used so far, user and system together. Linux only.
func (s *Server) CPU() (time.Duration, error) { return CPUOf(s.PID()) }

// MemoryKiB is the resident memory of the running process. Linux only.
func (s *Server) MemoryKiB() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID()))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
		}
	}
	return 0, errors.New("no VmRSS")
}

// clockTick is the unit of processor times in /proc: 1/100 s on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// CPUOf is the processor time that a process has used so far. Linux only.
func CPUOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name in parentheses may hold blanks
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, errors.New("unexpected form of /proc/PID/stat")
	}
	var ticks int64
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// FreePort finds a port on loopback that nothing listens on, below the range from which kernels pick outgoing ports, so that
// a server which is down for a while finds its port free again.
func FreePort() (int, error) {
	for range 200 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp", address(port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no free port found")
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// find looks for the first of the programs on the PATH and where Debian puts servers.
func find(programs ...string) (string, error) {
	for _, p := range programs {
		for _, candidate := range []string{p, "/usr/sbin/" + p, "/usr/local/sbin/" + p} {
			if path, err := exec.LookPath(candidate); err == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%s: %w", strings.Join(programs, " or "), ErrMissing)
}

// tempDir makes a temporary folder, in memory where fast is asked for and there is such a place.
func tempDir(name string, fast bool) (string, error) {
	base := ""
	if fast && runtime.GOOS == "linux" && os.Getenv("TMPDIR") == "" && freeBytes("/dev/shm") > 4<<30 {
		base = "/dev/shm"
	}
	return os.MkdirTemp(base, "bangfu-"+name+".")
}

// freeBytes is what a file system has left, 0 if that cannot be told.
func freeBytes(path string) uint64 {
	var st syscall.Statfs_t
	if syscall.Statfs(path, &st) != nil {
		return 0
	}
	return st.Bavail * uint64(st.Bsize)
}
