//go:build labclock

package main

import (
	"os"
	"strings"
	"sync"
	"time"

	"bangfu/model"
)

// clock, in a binary built with the tag labclock, is the machine's time and what the file named in LAB_CLOCK_FILE adds to it, a length
// of time like -30m. Fault tests move it while the product runs. Other binaries do not have this: no setting can move their clock.
func clock() model.Clock {
	file := os.Getenv("LAB_CLOCK_FILE")
	if file == "" {
		return nil
	}
	return &labClock{file: file}
}

type labClock struct {
	file  string
	mu    sync.Mutex
	read  time.Time
	added time.Duration
}

// Now implements model.Clock.
func (c *labClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.read) > 5*time.Millisecond {
		text, err := os.ReadFile(c.file)
		if err == nil {
			c.added, err = time.ParseDuration(strings.TrimSpace(string(text)))
		}
		if err != nil {
			panic(err) // only fault tests come here
		}
		c.read = time.Now()
	}
	return model.Millis(time.Now().Add(c.added))
}
