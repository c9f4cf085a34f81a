package model

import (
	"context"
	"sync"
	"time"
)

// readerMost is how many keys a Reader asks for at once.
const readerMost = 256

// readerLimit bounds one question of a Reader.
const readerLimit = 10 * time.Second

// Reader reads single rows for many callers at once: what is asked for while a query is under way is asked for together in the next.
// It waits for nobody and remembers nothing, so an answer is never older than its question.
type Reader[K comparable, V any] struct {
	read    func(ctx context.Context, keys []K) (map[K]V, error)
	mu      sync.Mutex
	waiting []*question[K, V]
	busy    bool // a goroutine asks
}

// question is one caller's key on its way to the database.
type question[K comparable, V any] struct {
	key   K
	value V
	found bool
	err   error
	done  chan struct{}
}

// NewReader makes a Reader over a query for distinct keys, at most 256.
func NewReader[K comparable, V any](read func(ctx context.Context, keys []K) (map[K]V, error)) *Reader[K, V] {
	return &Reader[K, V]{read: read}
}

// Get reads one row; found is false if there is none.
func (r *Reader[K, V]) Get(ctx context.Context, key K) (value V, found bool, err error) {
	q := &question[K, V]{key: key, done: make(chan struct{})}
	r.mu.Lock()
	r.waiting = append(r.waiting, q)
	if !r.busy {
		r.busy = true
		go r.ask()
	}
	r.mu.Unlock()
	select {
	case <-q.done:
		return q.value, q.found, q.err
	case <-ctx.Done():
		return value, false, ctx.Err()
	}
}

// ask asks for what is waiting, again and again until nothing is.
func (r *Reader[K, V]) ask() {
	for {
		r.mu.Lock()
		n := min(len(r.waiting), readerMost)
		batch := r.waiting[:n:n]
		r.waiting = r.waiting[n:]
		if n == 0 {
			r.busy, r.waiting = false, nil
		}
		r.mu.Unlock()
		if n == 0 {
			return
		}
		r.answer(batch)
	}
}

func (r *Reader[K, V]) answer(batch []*question[K, V]) {
	keys := make([]K, 0, len(batch))
	seen := make(map[K]bool, len(batch))
	for _, q := range batch {
		if !seen[q.key] {
			seen[q.key] = true
			keys = append(keys, q.key)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), readerLimit)
	defer cancel()
	values, err := r.read(ctx, keys)
	for _, q := range batch {
		q.value, q.found = values[q.key]
		q.err = err
		close(q.done)
	}
}
