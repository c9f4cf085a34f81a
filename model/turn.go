package model

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// share marks a context with how much of the turn its transactions take, see InTurn and InLane.
type share struct{}

// lanes is how many transactions in a lane may run at once; one in turn takes all of the turn.
const lanes = 2

// InTurn makes Tx and Once take their turn with the other transactions of this process that write stock, first come, first
// served. A batch of checkouts (package order) holds the rows of what sells best nearly all the time: a writer that came around its queue
// would starve, or starve it. It is no lock that anything rests on: other processes are kept apart by the database alone.
func InTurn(ctx context.Context) context.Context {
	return context.WithValue(ctx, share{}, int64(lanes))
}

// InLane is InTurn for transactions that write stock last of all: two of them run at once, so that one writes what needs no row of the
// stock while the other commits.
func InLane(ctx context.Context) context.Context { return context.WithValue(ctx, share{}, int64(1)) }

// Lanes is how many transactions in a lane may run at once; the embedded database has one writer anyway.
func (db *DB) Lanes() int {
	if db.Dialect == SQLite {
		return 1
	}
	return lanes
}

// newTurn is what InTurn and InLane queue at.
func newTurn() *semaphore.Weighted { return semaphore.NewWeighted(lanes) }

// take waits for the turn if ctx asks for it; leave is never nil.
func (db *DB) take(ctx context.Context) (leave func(), err error) {
	part, ok := ctx.Value(share{}).(int64)
	if !ok {
		return func() {}, nil
	}
	if err := db.turn.Acquire(ctx, part); err != nil {
		return func() {}, err
	}
	return func() { db.turn.Release(part) }, nil
}
