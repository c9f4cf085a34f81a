package order

import (
	"slices"
	"sync"

	"bangfu/model"
)

// queue holds the checkouts that wait for a committer, in the order of arrival, and knows how many are being placed.
type queue struct {
	mu      sync.Mutex
	ready   sync.Cond // worth's answer may have become yes, or the queue was closed
	waiting []*ticket
	placing int               // taken and not yet answered
	persons map[model.ID]bool // who waits or is being placed
	closed  bool
}

func newQueue() *queue {
	q := &queue{persons: map[model.ID]bool{}}
	q.ready.L = &q.mu
	return q
}

// put queues a ticket. Errors: errUnderWay while another one of the same person is queued or being placed, so that a person's checkouts are never in
// two hands at once; CodeBusy when the queue is full or closed.
func (q *queue) put(t *ticket) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return busy("系统正在重启，请稍后再试")
	case q.persons[t.actor.ID]:
		return errUnderWay
	case len(q.waiting) >= queueMost:
		return busy("下单的人太多了，请稍后再试")
	}
	q.persons[t.actor.ID] = true
	q.waiting = append(q.waiting, t)
	if q.worth() {
		q.ready.Signal()
	}
	return nil
}

// worth tells whether a committer that has nothing to do should begin. While nothing is being placed, one ticket is enough. Beside a batch that
// is under way another saves time, but each costs the database a fixed part: it has to be as large as that one, so that batches never
// become smaller for being two.
func (q *queue) worth() bool {
	n := len(q.waiting)
	return n > 0 && n >= min(q.placing, batchMost)
}

// take waits until it is worth it and takes what is queued, batchMost at most; nil when the queue is closed and empty. What it takes
// counts as being placed until done.
func (q *queue) take() []*ticket {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.worth() {
		if q.closed && len(q.waiting) == 0 {
			return nil
		}
		q.ready.Wait()
	}
	n := min(batchMost, len(q.waiting))
	batch := slices.Clone(q.waiting[:n])
	left := copy(q.waiting, q.waiting[n:])
	clear(q.waiting[left:])
	q.waiting = q.waiting[:left]
	q.placing += n
	return batch
}

// leave says that tickets taken together are decided: their persons may queue again.
func (q *queue) leave(batch []*ticket) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range batch {
		delete(q.persons, t.actor.ID)
	}
}

// done says that tickets taken together have been answered. It comes after the answers, so that those who come back at once are there before the next batch
// is taken.
func (q *queue) done(batch []*ticket) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.placing -= len(batch)
	if q.closed {
		q.ready.Broadcast() // there may be nothing left for those who wait
	} else if q.worth() {
		q.ready.Signal()
	}
}

// close lets nobody else queue; what is queued is still taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.ready.Broadcast()
}

// length is how many wait.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

func busy(message string) error {
	e := model.E(model.CodeBusy, "%s", message)
	e.RetryAfter = busyForAbout
	return e
}
