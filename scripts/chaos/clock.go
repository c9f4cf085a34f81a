package main

import (
	"context"
	"fmt"
	"net/http"
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
	s.added = added
	return os.Rename(temp, s.clock)
}

// WalkClock moves the product's clock forward to a moment, in steps so small that no console account's session ends.
func (s *Stage) WalkClock(ctx context.Context, to time.Time) error {
	const step = 20 * time.Minute
	path := fmt.Sprintf("/api/v1/console/unions/%s/statements/%s", s.City.Root, s.City.Period)
	for ctx.Err() == nil {
		ahead := time.Until(to) - s.added
		if err := s.SetClock(s.added + min(ahead, step)); err != nil {
			return err
		}
		for _, l := range []Login{s.City.Office, s.City.Checker} {
			_, url := s.base(0)
			if r := s.client.call(ctx, http.MethodGet, url+path, l.Name, nil, nil); r.Class != Acked {
				return fmt.Errorf("%s is answered %d %s %s", path, r.Status, r.Code, r.Err)
			}
		}
		if ahead <= step {
			return nil
		}
	}
	return ctx.Err()
}
