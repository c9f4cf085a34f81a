//go:build unix

package lab

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// Spread is what several rounds gave.
type Spread struct{ Median, Min, Max float64 }

// SpreadOf sums up the rounds; all zero without any.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	v := slices.Sorted(slices.Values(values))
	return Spread{Median: (v[(len(v)-1)/2] + v[len(v)/2]) / 2, Min: v[0], Max: v[len(v)-1]}
}

// Format writes median and range with that many digits after the point: "8,970 (8,312–9,404)".
func (s Spread) Format(digits int) string {
	return fmt.Sprintf("%s (%s–%s)", Number(s.Median, digits), Number(s.Min, digits), Number(s.Max, digits))
}

// Number writes a figure with that many digits after the point and commas between thousands; "–" where there is none.
func Number(v float64, digits int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	text := fmt.Sprintf("%.*f", digits, v)
	whole, rest, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		return whole + "." + rest
	}
	return whole
}

// Quantile is the value below which that part (0 to 1) of the sorted values lies; 0 without any.
func Quantile[T any](sorted []T, part float64) T {
	if len(sorted) == 0 {
		var none T
		return none
	}
	return sorted[min(len(sorted)-1, int(part*float64(len(sorted))))]
}

// Table is a table of texts.
type Table struct {
	Head []string
	Rows [][]string
}

// Add appends a row; the cells are written with fmt.Sprint.
func (t *Table) Add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = fmt.Sprint(c)
	}
	t.Rows = append(t.Rows, row)
}

// Markdown writes the table for a document.
func (t *Table) Markdown() string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.Head)
	line(slices.Repeat([]string{"---"}, len(t.Head)))
	for _, r := range t.Rows {
		line(r)
	}
	return b.String()
}

// Machine describes what this runs on, without its name: "2 cores (…), 23.5 GiB memory, Linux 6.1.0, go1.26.0".
func Machine() string {
	parts := []string{fmt.Sprintf("%d cores%s", runtime.NumCPU(), parenthesis(procLine("/proc/cpuinfo", "model name")))}
	if kib := procLine("/proc/meminfo", "MemTotal"); kib != "" {
		var n float64
		if _, err := fmt.Sscan(kib, &n); err == nil {
			parts = append(parts, fmt.Sprintf("%.1f GiB memory", n/(1<<20)))
		}
	}
	if kernel, err := exec.Command("uname", "-sr").Output(); err == nil {
		parts = append(parts, strings.TrimSpace(string(kernel)))
	}
	return strings.Join(append(parts, runtime.Version()), ", ")
}

func parenthesis(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

// procLine is the value after the colon of the first line that begins with name.
func procLine(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// SelfCPU is the processor time, in seconds, that this program has used so far.
func SelfCPU() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
