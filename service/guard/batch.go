package guard

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

const (
	senders   = 2    // one pipeline on its way while the next fills
	batchSize = 64   // most calls in one pipeline
	queueSize = 2048 // most calls waiting in a lane; beyond it callers are let through at once
)

var (
	errOpen   = errors.New("redis is away")
	errFull   = errors.New("too many calls are waiting for redis")
	errClosed = errors.New("guard is closed")
)

// notAsked tells whether a call failed before Redis was asked, so that nothing can have happened there.
func notAsked(err error) bool {
	return errors.Is(err, errOpen) || errors.Is(err, errFull) || errors.Is(err, errClosed)
}

// call is one caller's commands on their way to Redis.
type call struct {
	ctx  context.Context
	fill func(redis.Pipeliner) // adds the commands; runs on a sender
	then func(err error)       // if nobody waits for the call: told how it went
	err  error                 // first failure among the commands; read it after done
	done chan struct{}
}

// run has the commands that fill adds carried out and waits for them, but never longer than the
// guard's patience. On an error the commands may or may not have been carried out, and what fill
// wrote must not be looked at. A missing key (redis.Nil) is not an error.
func (g *Guard) run(ctx context.Context, fill func(redis.Pipeliner)) error {
	return g.runIn(ctx, int(g.next.Add(1)%senders), fill)
}

// runIn is run in a certain lane.
func (g *Guard) runIn(ctx context.Context, lane int, fill func(redis.Pipeliner)) error {
	ctx, cancel := context.WithTimeout(ctx, g.time.patience)
	defer cancel()
	c := &call{ctx: ctx, fill: fill, done: make(chan struct{})}
	if err := g.enqueue(lane, c); err != nil {
		return err
	}
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	case <-g.stop:
		return errClosed
	}
}

// post has the commands carried out after all that are in the lane already, without waiting for them; then is told how it went.
func (g *Guard) post(lane int, fill func(redis.Pipeliner), then func(err error)) {
	if err := g.enqueue(lane, &call{ctx: context.Background(), fill: fill, then: then, done: make(chan struct{})}); err != nil {
		then(err)
	}
}

func (g *Guard) enqueue(lane int, c *call) error {
	if g.breaker.open.Load() {
		return errOpen
	}
	select {
	case <-g.stop:
		return errClosed
	case g.lanes[lane] <- c:
		return nil
	default:
		return errFull
	}
}

// send takes what is waiting, as one pipeline, again and again.
func (g *Guard) send(lane chan *call) {
	for {
		select {
		case <-g.stop:
			return
		case first := <-lane:
			g.exec(gather(lane, first))
		}
	}
}

func gather(lane chan *call, first *call) []*call {
	batch := append(make([]*call, 0, batchSize), first)
	for len(batch) < batchSize {
		select {
		case c := <-lane:
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

// exec carries a batch out, tells the breaker how it went and wakes the callers.
func (g *Guard) exec(batch []*call) {
	pipe := g.client.Pipeline()
	ends := make([]int, len(batch))
	for i, c := range batch {
		if c.ctx.Err() == nil { // nobody waits for the others any more
			c.fill(pipe)
		}
		ends[i] = pipe.Len()
	}
	var cmds []redis.Cmder
	if pipe.Len() > 0 && !g.breaker.open.Load() {
		ctx, cancel := context.WithTimeout(context.Background(), g.time.batch)
		cmds, _ = pipe.Exec(ctx) // each command holds its own error
		cancel()
		g.report(failure(cmds))
	}
	start := 0
	for i, c := range batch {
		if cmds == nil || start == ends[i] {
			c.err = errOpen
		} else {
			c.err = failure(cmds[start:ends[i]])
		}
		start = ends[i]
		if c.then != nil {
			c.then(c.err)
		}
		close(c.done)
	}
}

// failure is the first error among the commands; that a key is missing is none.
func failure(cmds []redis.Cmder) error {
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
	}
	return nil
}
