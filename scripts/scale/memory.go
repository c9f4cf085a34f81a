//go:build unix

package main

import (
	"sync"
	"time"

	"bangfu/scripts/lab"
)

// memory watches what the product's process takes.
type memory struct {
	mu    sync.Mutex
	now   string
	peaks []peak
	end   chan struct{}
	once  sync.Once
}

type peak struct {
	label string
	kib   int64
}

func watch(p *lab.Product) *memory {
	m := &memory{now: "start", end: make(chan struct{})}
	go func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-m.end:
				return
			case <-tick.C:
				if kib, err := p.MemoryKiB(); err == nil {
					m.note(kib)
				}
			}
		}
	}()
	return m
}

func (m *memory) note(kib int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.peaks); n > 0 && m.peaks[n-1].label == m.now {
		m.peaks[n-1].kib = max(m.peaks[n-1].kib, kib)
		return
	}
	m.peaks = append(m.peaks, peak{m.now, kib})
}

// label names what is done from now on.
func (m *memory) label(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = name
}

// of is the peak while something was done, in MiB.
func (m *memory) of(label string) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	var most int64
	for _, p := range m.peaks {
		if label == "" || p.label == label {
			most = max(most, p.kib)
		}
	}
	return float64(most) / 1024
}

func (m *memory) stop() { m.once.Do(func() { close(m.end) }) }
