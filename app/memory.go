package app

import (
	"os"
	"runtime/debug"
)

// How the process uses memory.
const (
	heapGrowth = 400       // percent by which the heap may grow before it is collected again: what lives is some 10 MB, and each request leaves little behind
	heapSoft   = 512 << 20 // bytes from which on it is collected more often instead
)

// TuneMemory lets a process collect its garbage less often: with Go's own settings a busy one does so forty times a second, for a tenth of all its
// processor time. GOGC and GOMEMLIMIT in the environment win.
func TuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(heapSoft)
	}
}
