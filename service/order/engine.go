package order

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
)

// The engine's measures.
const (
	batchMost    = 256                    // orders in one transaction
	queueMost    = 2048                   // checkouts that may wait; beyond, they are told to come back
	batchLimit   = 15 * time.Second       // for one transaction with its repetitions; below the deadline of a request
	batchRuns    = 4                      // how often a batch whose connection was lost is run
	findLimit    = 2 * time.Second        // for what is read before
	batchPause   = 100 * time.Millisecond // before the second run; doubled for each further
	busyForAbout = time.Second            // after which somebody whom a full queue turned away may come back
)

// engine places the orders of one process. Checkouts queue, and one committer takes what is queued into one transaction: on the row
// of a thing that everybody wants, orders placed one by one each wait through the commit of the one before; together they pay
// for locks, commit and round trips once. It waits for nobody: alone, an order is a batch of one.
//
// Why a crash at any line loses nothing: the queue holds nothing that anybody has been told of. An answer is given only after COMMIT, and
// everything that the order is, the answer under its idempotency key included, is in that one transaction. If the connection is
// lost and with it the outcome of COMMIT, the batch runs again: it first waits for the locks, which the lost transaction holds until the
// database has decided it, and then finds its own answers under the keys, or nothing of them.
type engine struct {
	find  func(ctx context.Context, batch []*ticket)
	place func(tx *gorm.DB, batch []*ticket, wary bool) ([]answer, error)
	db    *model.DB
	queue chan *ticket
	found chan *ticket  // those for whom find has run
	done  chan struct{} // closed when the committer has ended
	sizes func(float64) // told of each batch's size
	wary  int           // so many batches more read their keys at once; see attempt

	closing sync.RWMutex // held for reading while a ticket is queued
	closed  bool
}

// ticket is one checkout that waits for its answer.
type ticket struct {
	ctx   context.Context
	actor model.Actor
	key   string
	hash  string // of what the key stands for
	cart  Cart
	reply chan answer // holds one
	found *found      // what find has read for it; nil: nothing
}

// answer is what becomes of a ticket.
type answer struct {
	placed Placed
	replay bool // the key was answered before
	err    error
}

func newEngine(s *Service, sizes func(float64)) *engine {
	e := &engine{find: s.find, place: s.placeAll, db: s.db, queue: make(chan *ticket, queueMost), found: make(chan *ticket, batchMost), done: make(chan struct{}), sizes: sizes}
	go e.prepare()
	go e.run()
	return e
}

// submit queues a ticket and waits for its answer, or until its context ends: then the outcome is unknown, and the same key tells.
// Errors besides the order's own: CodeBusy when the queue is full or the engine is closing.
func (e *engine) submit(t *ticket) answer {
	if err := e.enqueue(t); err != nil {
		return answer{err: err}
	}
	select {
	case a := <-t.reply:
		return a
	case <-t.ctx.Done():
		return answer{err: t.ctx.Err()}
	}
}

func (e *engine) enqueue(t *ticket) error {
	e.closing.RLock()
	defer e.closing.RUnlock()
	if e.closed {
		return busy("系统正在重启，请稍后再试")
	}
	select {
	case e.queue <- t:
		return nil
	default:
		return busy("下单的人太多了，请稍后再试")
	}
}

func busy(message string) error {
	e := model.E(model.CodeBusy, "%s", message)
	e.RetryAfter = busyForAbout
	return e
}

// close takes no more tickets, answers those that are queued, and returns when all of them are.
func (e *engine) close() {
	e.closing.Lock()
	if !e.closed {
		e.closed = true
		close(e.queue)
	}
	e.closing.Unlock()
	<-e.done
}

// prepare finds what the committer need not lock to know, while it is busy with the batch before.
func (e *engine) prepare() {
	defer close(e.found)
	for first := range e.queue {
		batch := waited(gather(first, e.queue))
		if len(batch) > 0 {
			e.look(batch)
		}
		for _, t := range batch {
			e.found <- t
		}
	}
}

// look runs find. Whatever keeps it from ending well, the committer looks again.
func (e *engine) look(batch []*ticket) {
	defer func() { _ = recover() }()
	ctx, cancel := context.WithTimeout(model.Together(context.Background()), findLimit)
	defer cancel()
	e.find(ctx, batch)
}

// run is the committer.
func (e *engine) run() {
	defer close(e.done)
	for first := range e.found {
		if batch := waited(gather(first, e.found)); len(batch) > 0 {
			e.settle(batch)
		}
	}
}

// gather takes what is queued by now, in the order of arrival.
func gather(first *ticket, queue <-chan *ticket) []*ticket {
	batch := append(make([]*ticket, 0, batchMost), first)
	for len(batch) < batchMost {
		select {
		case t, ok := <-queue:
			if !ok {
				return batch
			}
			batch = append(batch, t)
		default:
			return batch
		}
	}
	return batch
}

// waited leaves out those whose callers have given up.
func waited(batch []*ticket) []*ticket {
	kept := batch[:0]
	for _, t := range batch {
		if t.ctx.Err() == nil {
			kept = append(kept, t)
		}
	}
	return kept
}

// settle places a batch and answers its tickets. When something about one of them makes the database refuse the whole, the halves
// are placed by themselves, and theirs, until it stands alone and fails alone.
func (e *engine) settle(batch []*ticket) {
	answers, err := e.commit(batch)
	switch {
	case err == nil:
		e.sizes(float64(len(batch)))
		for i, t := range batch {
			t.reply <- answers[i]
		}
	case len(batch) == 1 || !model.Refused(err):
		for _, t := range batch {
			t.reply <- answer{err: err}
		}
	default:
		e.settle(batch[:len(batch)/2])
		e.settle(batch[len(batch)/2:])
	}
}

// commit places a batch in one transaction. model.DB.Tx runs it again after a deadlock, lock timeout or conflict; here it is run
// again, a bounded number of times, after a lost connection.
func (e *engine) commit(batch []*ticket) (answers []answer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), batchLimit)
	defer cancel()
	for run := range batchRuns {
		if run > 0 {
			select {
			case <-time.After(batchPause << (run - 1)):
			case <-ctx.Done():
				return nil, err
			}
		}
		if answers, err = e.attempt(ctx, batch); err == nil || !model.Unavailable(err) || ctx.Err() != nil {
			break
		}
	}
	return answers, err
}

// waryFor is how many batches read their keys at once after one in which a key had been answered before.
const waryFor = 64

// attempt is one transaction. That the keys are new is proved by the insert of their rows; only when that fails, and whenever a batch is
// tried again, are they read, after the locks, and the statements sent one by one. Where keys come twice it is likely that more do: the next
// batches read theirs at once. A panic is an error of the batch, not the end of the process and of everybody's order.
func (e *engine) attempt(ctx context.Context, batch []*ticket) (answers []answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			answers, err = nil, errors.Join(errPanic, fmt.Errorf("%v\n%s", p, debug.Stack()))
		}
	}()
	e.wary = max(0, e.wary-1)
	ctx = model.InTurn(ctx)
	if e.wary == 0 {
		answers, err = e.transact(model.Together(ctx), batch)
		if !errors.Is(err, model.ErrExists) {
			return answers, err
		}
	}
	return e.transact(ctx, batch)
}

func (e *engine) transact(ctx context.Context, batch []*ticket) (answers []answer, err error) {
	err = e.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		answers, err = e.place(tx, batch, e.wary > 0)
		if err != nil || slices.ContainsFunc(answers, func(a answer) bool { return a.replay }) {
			e.wary = waryFor
		}
		return err
	})
	if err != nil {
		e.wary = waryFor
	}
	return answers, err
}

var errPanic = errors.New("placing orders panicked")
