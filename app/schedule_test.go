package app_test

import (
	"context"
	"testing"
	"time"

	"bangfu/model"
)

// TestChoresGoOnAfterARestart shows that a process that stops leaves its chores to the next one at once, and that they can be done
// out of turn.
func TestChoresGoOnAfterARestart(t *testing.T) {
	h := newHouse(t)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { h.Run(ctx); close(done) }()
	held := func() int64 { return h.count(&model.Lease{}, "name LIKE 'chore:%'") }
	for end := time.Now().Add(10 * time.Second); held() < h.Chores() && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
	}
	if held() != h.Chores() {
		t.Errorf("%d leases are held", held())
	}
	stop()
	<-done
	if held() != 0 {
		t.Errorf("%d leases are still held", held())
	}
	if err := h.Tidy(context.Background()); err != nil {
		t.Error(err)
	}
}
