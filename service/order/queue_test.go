package order

import (
	"errors"
	"testing"
	"time"

	"bangfu/model"
)

// TestQueue shows when a committer begins, in which order it takes, and how a queue turns away and ends.
func TestQueue(t *testing.T) {
	q := newQueue()
	person := model.ID(1000)
	put := func(n int) {
		t.Helper()
		for range n {
			person++
			if err := q.put(&ticket{actor: model.Actor{ID: person}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	take := func(want int) []*ticket {
		t.Helper()
		got := q.take()
		if len(got) != want {
			t.Errorf("took %d, want %d", len(got), want)
		}
		return got
	}
	first := &ticket{key: "first"}
	if err := q.put(first); err != nil {
		t.Fatal(err)
	}
	put(9)
	begun := take(10) // nothing is being placed: all that waits
	if begun[0] != first {
		t.Error("not in the order of arrival")
	}
	put(9)
	taken := make(chan int)
	var second []*ticket
	go func() { second = q.take(); taken <- len(second) }()
	select {
	case n := <-taken:
		t.Errorf("took %d beside 10", n)
	case <-time.After(50 * time.Millisecond):
	}
	put(1)
	if n := <-taken; n != 10 {
		t.Errorf("took %d beside 10", n)
	}
	put(3)
	q.done(begun)
	go func() { taken <- len(q.take()) }()
	select {
	case n := <-taken:
		t.Errorf("took %d beside 10", n)
	case <-time.After(50 * time.Millisecond):
	}
	q.done(second)
	if n := <-taken; n != 3 {
		t.Errorf("took %d of 3 that waited for nobody", n)
	}
	put(queueMost)
	if code := model.CodeOf(q.put(&ticket{actor: model.Actor{ID: 1}})); code != model.CodeBusy {
		t.Errorf("full: %q", code)
	}
	take(batchMost)
	take(batchMost) // a full batch beside any other
	q.close()
	if code := model.CodeOf(q.put(&ticket{})); code != model.CodeBusy {
		t.Errorf("closed: %q", code)
	}
	for range queueMost/batchMost - 2 {
		q.done(take(batchMost))
	}
	if got := q.take(); got != nil {
		t.Errorf("took %d from an empty, closed queue", len(got))
	}
}

// TestQueueOnePersonOneCheckout shows that a person has one checkout under way, from the queue until it is done.
func TestQueueOnePersonOneCheckout(t *testing.T) {
	q := newQueue()
	put := func(person model.ID) error { return q.put(&ticket{actor: model.Actor{ID: person}}) }
	refused := func(when string) {
		t.Helper()
		if err := put(1); !errors.Is(err, errUnderWay) {
			t.Errorf("%s: %v", when, err)
		}
	}
	if err := put(1); err != nil {
		t.Fatal(err)
	}
	refused("queued")
	first := q.take()
	refused("being placed")
	if err := put(2); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	q.leave(first)
	if err := put(1); err != nil {
		t.Errorf("decided: %v", err)
	}
	q.done(first)
	if got := q.take(); len(got) != 2 {
		t.Errorf("took %d of two", len(got))
	}
}

// TestQueueEndsThoseWhoWait shows that closing ends committers that wait for something to do, also those who wait beside another's batch.
func TestQueueEndsThoseWhoWait(t *testing.T) {
	for _, queued := range []int{0, 1, 3} {
		q := newQueue()
		for i := range queued {
			if err := q.put(&ticket{actor: model.Actor{ID: model.ID(7 + i)}}); err != nil {
				t.Fatal(err)
			}
		}
		ended := make(chan int)
		for range 2 {
			go func() {
				served := 0
				for batch := q.take(); batch != nil; batch = q.take() {
					served += len(batch)
					time.Sleep(20 * time.Millisecond)
					q.done(batch)
				}
				ended <- served
			}()
		}
		time.Sleep(10 * time.Millisecond)
		q.close()
		served := 0
		for range 2 {
			select {
			case n := <-ended:
				served += n
			case <-time.After(10 * time.Second):
				t.Fatal("a committer waits for ever")
			}
		}
		if served != queued {
			t.Errorf("%d of %d served", served, queued)
		}
	}
}
