package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"bangfu/model"
	"bangfu/scripts/lab"
)

// shifted is the machine's time and a bit more.
type shifted time.Duration

// Now implements model.Clock.
func (s shifted) Now() time.Time { return model.Millis(time.Now().Add(time.Duration(s))) }

// clockFor gives a stage a product whose clock can be moved, if the scenario wants one, and sets it. It returns the clock by which the
// city is made; nil for the machine's.
func (h *house) clockFor(ctx context.Context, s *Stage, starts func(now time.Time) time.Time) (model.Clock, error) {
	if starts == nil {
		return nil, nil
	}
	if h.clocked == nil {
		var err error
		if h.clocked, err = lab.Build(ctx, lab.LabClock); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	s.binary, s.clock = h.clocked, filepath.Join(s.dir, "clock")
	added := starts(now).Sub(now)
	return shifted(added), s.SetClock(added)
}

// SetClock moves the product's clock to the machine's time and this much more. Only for scenarios with Starts.
func (s *Stage) SetClock(added time.Duration) error {
	temp := s.clock + ".new"
	if err := os.WriteFile(temp, []byte(added.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(temp, s.clock)
}
