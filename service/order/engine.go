package order

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"bangfu/model"
	"bangfu/service/guard"
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

// engine places the orders of one process. Checkouts queue, and a committer takes what is queued into one transaction: on the row
// of a thing that everybody wants, orders placed one by one each wait through the commit of the one before; together they pay
// for locks, commit and round trips once. It waits for nobody: alone, an order is a batch of one. Two batches are under way at once: while
// one holds the stock and commits, the next writes all that needs no stock (docs/adr/0021-checkout-engine.md).
//
// Why a crash at any line loses nothing: the queue holds nothing that anybody has been told of. An answer is given only after COMMIT, and
// everything that the order is, the answer under its idempotency key included, is in that one transaction. If the connection is
// lost and with it the outcome of COMMIT, the batch runs again: it first waits for the locks, which the lost transaction holds until the
// database has decided it, and then finds its own answers under the keys, or nothing of them.
type engine struct {
	door  func(ctx context.Context, callers []guard.Caller) ([]guard.Verdict, func())
	find  func(ctx context.Context, batch []*ticket)
	place func(tx *gorm.DB, batch []*ticket, wary bool) ([]answer, error)
	db    *model.DB
	queue *queue
	lanes sync.WaitGroup // the committers
	sizes func(float64)  // told of each batch's size
	wary  atomic.Int64   // so many batches more lock and read everything first; see attempt
}

// ticket is one checkout that waits for its answer.
type ticket struct {
	ctx   context.Context
	actor model.Actor
	key   string
	hash  string // of what the key stands for
	cart  Cart
	pass  bool        // the door is not asked again: a mark of it was wrong
	reply chan answer // holds one
	said  answer      // what reply will be told
	found *found      // what find has read for it; nil: nothing
}

// answer is what becomes of a ticket.
type answer struct {
	placed Placed
	replay bool          // the key was answered before
	turned guard.Verdict // not Pass: the door turned it away
	err    error
}

func newEngine(s *Service, sizes func(float64)) *engine {
	e := &engine{door: s.guard.Doors, find: s.find, place: s.placeAll, db: s.db, queue: newQueue(), sizes: sizes}
	for range s.db.Lanes() {
		e.lanes.Go(e.run)
	}
	return e
}

// submit queues a ticket and waits for its answer, or until its context ends: then the outcome is unknown, and the same key tells.
// A second checkout of a person whose first is under way is turned away. Errors besides the order's own: CodeBusy when the queue is full or the
// engine is closing.
func (e *engine) submit(t *ticket) answer {
	switch err := e.queue.put(t); {
	case errors.Is(err, errUnderWay):
		return answer{turned: guard.Verdict{Outcome: guard.InFlight}}
	case err != nil:
		return answer{err: err}
	}
	select {
	case a := <-t.reply:
		return a
	case <-t.ctx.Done():
		return answer{err: t.ctx.Err()}
	}
}

// close takes no more tickets, answers those that are queued, and returns when all of them are.
func (e *engine) close() {
	e.queue.close()
	e.lanes.Wait()
}

// look runs find. Whatever keeps it from ending well, the committer looks again.
func (e *engine) look(batch []*ticket) {
	defer func() { _ = recover() }()
	ctx, cancel := context.WithTimeout(model.Together(context.Background()), findLimit)
	defer cancel()
	e.find(ctx, batch)
}

// run is a committer.
func (e *engine) run() {
	for batch := e.queue.take(); batch != nil; batch = e.queue.take() {
		through, release := e.admit(waited(batch))
		if len(through) > 0 {
			e.look(through)
			e.settle(through)
		}
		release()
		e.queue.leave(batch) // whoever has an answer may come again
		for _, t := range batch {
			t.reply <- t.said
		}
		e.queue.done(batch)
	}
}

// admit asks the door for a whole batch at once: for each by itself it would be one more queue before this one. Who is turned away costs no
// transaction. The holds of the others last until release.
func (e *engine) admit(batch []*ticket) (through []*ticket, release func()) {
	callers := make([]guard.Caller, 0, len(batch))
	for _, t := range batch {
		if !t.pass {
			callers = append(callers, guard.Caller{Member: t.actor.ID, SKUs: t.cart.skus()})
		}
	}
	var verdicts []guard.Verdict
	release = func() {}
	if len(callers) > 0 {
		verdicts, release = e.door(context.Background(), callers)
	}
	through = make([]*ticket, 0, len(batch))
	for _, t := range batch {
		if !t.pass {
			t.said.turned, verdicts = verdicts[0], verdicts[1:]
		}
		if t.said.turned.Outcome == guard.Pass {
			through = append(through, t)
		}
	}
	return through, release
}

// waited leaves out those whose callers have given up.
func waited(batch []*ticket) []*ticket {
	kept := make([]*ticket, 0, len(batch))
	for _, t := range batch {
		if t.said.err = t.ctx.Err(); t.said.err == nil {
			kept = append(kept, t)
		}
	}
	return kept
}

// settle places a batch and writes down what becomes of its tickets. When something about one of them makes the database refuse the whole, the halves
// are placed by themselves, and theirs, until it stands alone and fails alone.
func (e *engine) settle(batch []*ticket) {
	answers, err := e.commit(batch)
	switch {
	case err == nil:
		e.sizes(float64(len(batch)))
		for i, t := range batch {
			t.said = answers[i]
		}
	case len(batch) == 1 || !model.Refused(err):
		for _, t := range batch {
			t.said = answer{err: err}
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
		if answers, err = e.attempt(ctx, batch, run == 0 && e.eager()); err == nil || !model.Unavailable(err) || ctx.Err() != nil {
			break
		}
	}
	return answers, err
}

// waryFor is how many batches are wary after one in which something was not as it seemed.
const waryFor = 64

// attempt is one transaction. An eager one takes stock and keys as they seem to be, writes the stock last of all, by guarded
// statements, and has the insert of the keys prove that they are new. When one of these fails, and whenever a batch is tried again, it is wary:
// it locks the stock, reads the keys after that, and sends its statements one by one. Where keys come twice or stock runs out it is likely to happen
// again: the next batches are wary at once. A panic is an error of the batch, not the end of the process and of everybody's order.
func (e *engine) attempt(ctx context.Context, batch []*ticket, eager bool) (answers []answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			answers, err = nil, errors.Join(errPanic, fmt.Errorf("%v\n%s", p, debug.Stack()))
		}
	}()
	if eager {
		answers, err = e.transact(model.Together(model.InLane(ctx)), batch, false)
		if !errors.Is(err, model.ErrExists) && !errors.Is(err, errShort) {
			return answers, err
		}
	}
	return e.transact(model.InTurn(ctx), batch, true)
}

// eager tells whether the next batch may be, and counts it.
func (e *engine) eager() bool {
	for {
		left := e.wary.Load()
		if left <= 1 {
			e.wary.CompareAndSwap(left, 0)
			return true
		}
		if e.wary.CompareAndSwap(left, left-1) {
			return false
		}
	}
}

// transact runs one transaction, wary when it has to be run again.
func (e *engine) transact(ctx context.Context, batch []*ticket, wary bool) (answers []answer, err error) {
	err = e.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		answers, err = e.place(tx, batch, wary)
		if trouble(err) || slices.ContainsFunc(answers, func(a answer) bool { return a.replay }) {
			e.wary.Store(waryFor)
		}
		wary = wary || err != nil
		return err
	})
	if trouble(err) {
		e.wary.Store(waryFor)
	}
	return answers, err
}

// trouble tells whether more of an error's kind is to be expected in the next batches. That a row exists already says nothing yet: it is a key, which the
// wary run finds, or an order number, of which two meet in every day that has many.
func trouble(err error) bool {
	return err != nil && !errors.Is(err, model.ErrExists) && !errors.Is(err, model.ErrRerun)
}

var (
	errUnderWay = errors.New("another checkout of the person is under way")
	errPanic    = errors.New("placing orders panicked")
	errShort    = errors.New("the stock is less than it seemed to be")
)
