package job_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bangfu/model"
	"bangfu/model/modeltest"
	"bangfu/service/job"
)

func runner(db *model.DB) *job.Runner { return job.NewRunner(db, slog.New(slog.DiscardHandler)) }

func enqueue(t *testing.T, db *model.DB, r *job.Runner, subject model.ID) {
	t.Helper()
	if err := r.Enqueue(db.Read(context.Background()), "count", subject); err != nil {
		t.Fatal(err)
	}
}

func state(t *testing.T, db *model.DB, subject model.ID) model.Job {
	t.Helper()
	var j model.Job
	if err := db.Read(context.Background()).Where("subject_id = ?", subject).Take(&j).Error; err != nil {
		t.Fatal(err)
	}
	return j
}

// TestEachJobRunsOnce shows that several runners share the work and none is done twice.
func TestEachJobRunsOnce(t *testing.T) {
	db := modeltest.Open(t, nil)
	var mu sync.Mutex
	ran := map[model.ID]int{}
	var runners []*job.Runner
	for range 3 {
		r := runner(db)
		r.Handle("count", func(_ context.Context, subject model.ID) error {
			mu.Lock()
			defer mu.Unlock()
			ran[subject]++
			return nil
		}, nil)
		runners = append(runners, r)
	}
	for id := model.ID(1); id <= 30; id++ {
		enqueue(t, db, runners[0], id)
		enqueue(t, db, runners[1], id) // queued already: stays one job
	}
	var wg sync.WaitGroup
	for _, r := range runners {
		wg.Go(func() {
			if err := r.Drain(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for id := model.ID(1); id <= 30; id++ {
		if ran[id] != 1 {
			t.Errorf("job %d ran %d times", id, ran[id])
		}
	}
	enqueue(t, db, runners[0], 7) // done: due again
	if err := runners[2].Drain(context.Background()); err != nil || ran[7] != 2 {
		t.Errorf("%v, %d", err, ran[7])
	}
}

// TestFailures shows what each kind of failure leads to: a message that may be shown is final, anything else is tried again, a
// panic ends neither the process nor the job.
func TestFailures(t *testing.T) {
	db := modeltest.Open(t, nil)
	r := runner(db)
	var tries atomic.Int64
	told := ""
	r.Handle("count", func(_ context.Context, subject model.ID) error {
		switch subject {
		case 1:
			return model.E(model.CodeConflict, "名册已变化")
		case 2:
			if tries.Add(1) == 1 {
				return errors.New("connection lost")
			}
			return nil
		default:
			panic("nil map")
		}
	}, func(_ context.Context, subject model.ID, message string) { told += subject.String() + message })
	for id := model.ID(1); id <= 3; id++ {
		enqueue(t, db, r, id)
	}
	if err := r.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
	if j := state(t, db, 1); j.Status != "failed" || j.Error != "名册已变化" || told != "1名册已变化" {
		t.Errorf("%+v, told %q", j, told)
	}
	for _, id := range []model.ID{2, 3} {
		if j := state(t, db, id); j.Status != "queued" || j.Attempts != 1 || !j.RunAt.After(time.Now()) {
			t.Errorf("job %d is not tried again later: %+v", id, j)
		}
	}
	if err := db.Read(context.Background()).Model(&model.Job{}).Where("subject_id = 2").UpdateColumn("run_at", model.Millis(time.Now())).Error; err != nil {
		t.Fatal(err)
	}
	if err := r.Drain(context.Background()); err != nil || state(t, db, 2).Status != "done" {
		t.Errorf("%v %+v", err, state(t, db, 2))
	}
}

// TestStopAndTakeOver shows that a job that is stopped with its process is due again at once, and that one whose process died
// is taken over when its lease ends.
func TestStopAndTakeOver(t *testing.T) {
	db := modeltest.Open(t, nil)
	first, second := runner(db), runner(db)
	started := make(chan struct{})
	first.Handle("count", func(ctx context.Context, _ model.ID) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	}, nil)
	ran := 0
	second.Handle("count", func(context.Context, model.ID) error { ran++; return nil }, nil)
	enqueue(t, db, first, 1)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { first.Run(ctx, 1); close(done) }()
	<-started
	if err := second.Drain(context.Background()); err != nil || ran != 0 {
		t.Errorf("a job under lease was taken: %v, %d", err, ran)
	}
	stop()
	<-done
	if j := state(t, db, 1); j.Status != "queued" || j.Attempts != 0 {
		t.Errorf("%+v", j)
	}
	past := model.Millis(time.Now().Add(-time.Second))
	dead := map[string]any{"status": "running", "holder": "dead", "lease_until": past}
	if err := db.Read(context.Background()).Model(&model.Job{}).Where("subject_id = 1").UpdateColumns(dead).Error; err != nil {
		t.Fatal(err)
	}
	if err := second.Drain(context.Background()); err != nil || ran != 1 || state(t, db, 1).Status != "done" {
		t.Errorf("%v, ran %d, %+v", err, ran, state(t, db, 1))
	}
}
