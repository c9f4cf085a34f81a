// Package job runs work that goes on after a request: previews, imports, grants, sweeps. A job is a row; any
// number of processes may run side by side, because each job is claimed by a conditional update under a lease
// and resumed by another process when its holder dies. A job's function must therefore be restartable: it commits
// in steps and takes up where the last committed step ended.
package job

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// Func does one job. It must be restartable and give up when ctx ends. A model.Error is final: the job fails with
// its message. Any other error is tried again, a bounded number of times.
type Func func(ctx context.Context, subject model.ID) error

const (
	lease       = 30 * time.Second
	poll        = 500 * time.Millisecond
	maxAttempts = 8
)

// Runner claims due jobs and runs them.
type Runner struct {
	db     *model.DB
	log    *slog.Logger
	holder string
	wake   chan struct{}

	mu     sync.Mutex
	kinds  map[string]Func
	onFail map[string]func(ctx context.Context, subject model.ID, message string)
}

// NewRunner makes a runner; nothing runs before Run or Drain.
func NewRunner(db *model.DB, log *slog.Logger) *Runner {
	b := make([]byte, 8)
	_, _ = rand.Read(b)
	return &Runner{db: db, log: log, holder: hex.EncodeToString(b), wake: make(chan struct{}, 1),
		kinds: map[string]Func{}, onFail: map[string]func(context.Context, model.ID, string){}}
}

// Handle registers the function of a kind; onFail (may be nil) is told when a job failed for good, with a message
// that may be shown.
func (r *Runner) Handle(kind string, fn Func, onFail func(ctx context.Context, subject model.ID, message string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kinds[kind], r.onFail[kind] = fn, onFail
}

// Enqueue puts a job into the table within tx, or makes a finished one of the same kind and subject due again.
// A queued or running one stays as it is. Call Wake after the commit to have it taken up at once.
func (r *Runner) Enqueue(tx *gorm.DB, kind string, subject model.ID) error {
	now := r.machineTime()
	row := model.Job{ID: r.db.NewID(), Kind: kind, SubjectID: subject, Status: "queued", RunAt: now, CreatedAt: now, UpdatedAt: now}
	res := tx.Model(&model.Job{}).Where("kind = ? AND subject_id = ?", kind, subject).Where("status IN ?", []string{"done", "failed"}).
		UpdateColumns(map[string]any{"status": "queued", "attempts": 0, "run_at": now, "error": "", "holder": "", "lease_until": nil, "updated_at": now})
	if res.Error != nil || res.RowsAffected == 1 {
		return res.Error
	}
	var there int64
	if err := tx.Model(&model.Job{}).Where("kind = ? AND subject_id = ?", kind, subject).Count(&there).Error; err != nil || there > 0 {
		return err
	}
	return tx.Create(&row).Error
}

// Wake has the runner look for due jobs at once.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Jobs are timed by the machine, not by the injected clock: leases must expire in real time.
func (r *Runner) machineTime() time.Time { return model.Millis(time.Now()) }

// Run runs due jobs, at most workers at a time, until ctx ends; then it waits for those under way.
func (r *Runner) Run(ctx context.Context, workers int) {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				ran, err := r.runOne(ctx)
				if err != nil && ctx.Err() == nil {
					r.log.ErrorContext(ctx, "job", "error", err)
				}
				if ran && err == nil {
					continue
				}
				select {
				case <-ctx.Done():
				case <-r.wake:
				case <-time.After(poll):
				}
			}
		})
	}
	wg.Wait()
}

// Drain runs due jobs one after another until none is due; tests and the demonstration use it.
func (r *Runner) Drain(ctx context.Context) error {
	for {
		ran, err := r.runOne(ctx)
		if err != nil || !ran {
			return err
		}
	}
}

// Depth counts jobs by status, for metrics.
func (r *Runner) Depth(ctx context.Context) (queued, running, failed int64, err error) {
	var rows []struct {
		Status string
		N      int64
	}
	err = r.db.Read(ctx).Model(&model.Job{}).Select("status, COUNT(*) AS n").Where("status <> 'done'").Group("status").Scan(&rows).Error
	for _, row := range rows {
		switch row.Status {
		case "queued":
			queued = row.N
		case "running":
			running = row.N
		case "failed":
			failed = row.N
		}
	}
	return queued, running, failed, err
}

func (r *Runner) runOne(ctx context.Context) (bool, error) {
	j, err := r.claim(ctx)
	if err != nil || j == nil {
		return false, err
	}
	r.mu.Lock()
	fn := r.kinds[j.Kind]
	r.mu.Unlock()
	running, cancel := context.WithCancel(ctx)
	renewed := make(chan struct{})
	go func() { defer close(renewed); r.renew(running, cancel, j.ID) }()
	err = call(running, fn, j.SubjectID)
	cancel()
	<-renewed
	return true, r.finish(context.WithoutCancel(ctx), j, err, ctx.Err() != nil)
}

// call turns a panic into an error, so that one bad job does not end the process.
func call(ctx context.Context, fn Func, subject model.ID) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return fn(ctx, subject)
}

func (r *Runner) claim(ctx context.Context) (*model.Job, error) {
	r.mu.Lock()
	kinds := make([]string, 0, len(r.kinds))
	for k := range r.kinds {
		kinds = append(kinds, k)
	}
	r.mu.Unlock()
	now := r.machineTime()
	due := func(q *gorm.DB) *gorm.DB {
		return q.Where("kind IN ?", kinds).Where("(status = 'queued' AND run_at <= ?) OR (status = 'running' AND lease_until < ?)", now, now)
	}
	var found []model.Job
	if err := due(r.db.Read(ctx)).Order("run_at, id").Limit(4).Find(&found).Error; err != nil {
		return nil, err
	}
	for _, j := range found {
		res := due(r.db.Read(ctx).Model(&model.Job{}).Where("id = ?", j.ID)).
			UpdateColumns(map[string]any{"status": "running", "holder": r.holder, "lease_until": now.Add(lease), "attempts": gorm.Expr("attempts + 1"), "updated_at": now})
		if res.Error != nil {
			return nil, res.Error
		}
		if res.RowsAffected == 1 {
			j.Attempts++
			return &j, nil
		}
	}
	return nil, nil
}

// renew keeps the lease; when it is lost, the job's context ends.
func (r *Runner) renew(ctx context.Context, cancel context.CancelFunc, id model.ID) {
	tick := time.NewTicker(lease / 3)
	defer tick.Stop()
	until := time.Now().Add(lease)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			now := r.machineTime()
			res := r.mine(ctx, id).UpdateColumns(map[string]any{"lease_until": now.Add(lease)})
			switch {
			case res.Error == nil && res.RowsAffected == 1:
				until = now.Add(lease)
			case res.Error == nil, time.Now().After(until.Add(-lease / 3)):
				cancel()
				return
			}
		}
	}
}

func (r *Runner) mine(ctx context.Context, id model.ID) *gorm.DB {
	return r.db.Read(ctx).Model(&model.Job{}).Where("id = ? AND status = 'running' AND holder = ?", id, r.holder)
}

func (r *Runner) finish(ctx context.Context, j *model.Job, err error, stopping bool) error {
	now := r.machineTime()
	set := map[string]any{"holder": "", "lease_until": nil, "updated_at": now}
	var shown *model.Error
	switch {
	case err == nil:
		set["status"] = "done"
	case stopping:
		set["status"], set["run_at"], set["attempts"] = "queued", now, j.Attempts-1
	case errors.As(err, &shown) && shown.Code != model.CodeBusy && shown.Code != model.CodeInternal:
		set["status"], set["error"] = "failed", shown.Message
	case j.Attempts >= maxAttempts:
		set["status"], set["error"] = "failed", "多次重试后仍未成功，请联系运维人员"
	default:
		set["status"], set["run_at"] = "queued", now.Add(time.Duration(j.Attempts*j.Attempts)*time.Second)
	}
	if err != nil {
		level := slog.LevelError
		if errors.As(err, &shown) && set["status"] == "failed" && shown.Code == model.CodeInvalid {
			level = slog.LevelInfo // what somebody handed in is not right, and they are told
		}
		r.log.Log(ctx, level, "job ended with an error", "kind", j.Kind, "subject", j.SubjectID.String(), "attempt", j.Attempts, "status", set["status"], "error", err)
	}
	if res := r.mine(ctx, j.ID).UpdateColumns(set); res.Error != nil {
		return res.Error
	}
	if set["status"] == "failed" {
		r.mu.Lock()
		tell := r.onFail[j.Kind]
		r.mu.Unlock()
		if tell != nil {
			tell(ctx, j.SubjectID, set["error"].(string))
		}
	}
	return nil
}
