package lab

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// dyingWithUs has the kernel kill the child when this program dies, however it dies. Each child leads its own
// process group, so that Ctrl-C reaches this program alone, which then ends its children in order.
func dyingWithUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// stopped tells whether all threads of a process are stopped.
func stopped(pid int) bool {
	threads, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/stat")
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil { // the thread has ended
			continue
		}
		if _, state, ok := bytes.Cut(text, []byte(") ")); !ok || state[0] != 'T' {
			return false
		}
	}
	return true
}
