package model_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bangfu/model"
)

// TestReader shows that callers who ask while a query is under way share the next, each with its own answer.
func TestReader(t *testing.T) {
	var queries atomic.Int64
	release := make(chan struct{})
	failed := errors.New("the database is away")
	r := model.NewReader(func(_ context.Context, keys []int) (map[int]string, error) {
		if queries.Add(1) == 1 {
			<-release
		}
		found := map[int]string{}
		for _, k := range keys {
			if k == 666 {
				return nil, failed
			}
			if k%2 == 0 {
				found[k] = "even"
			}
		}
		return found, nil
	})
	var wg sync.WaitGroup
	for i := range 600 {
		wg.Go(func() {
			value, found, err := r.Get(context.Background(), i%100)
			if err != nil || found != (i%2 == 0) || found && value != "even" {
				t.Errorf("%d: %q %v %v", i, value, found, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := r.Get(ctx, 2); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	time.Sleep(300 * time.Millisecond) // all 600 have asked
	close(release)
	wg.Wait()
	if n := queries.Load(); n > 300 {
		t.Errorf("%d queries", n)
	}
	if _, _, err := r.Get(context.Background(), 666); !errors.Is(err, failed) {
		t.Error(err)
	}
}
