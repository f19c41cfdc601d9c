package fescue

import (
	"context"
	"iter"
	"sync"
)

// queue holds what arrived until it is taken.
type queue[T any] struct {
	mu      sync.Mutex
	items   []T
	room    int // 0: no bound, what arrives is bounded otherwise
	newest  bool
	waiting int
	wake    chan struct{}
	err     error // why no more will come
	dropped func()
	taken   func() // called after each Next, without the lock
}

func newQueue[T any](room int) *queue[T] {
	return &queue[T]{room: room, wake: make(chan struct{}), dropped: func() {}, taken: func() {}}
}

func (q *queue[T]) push(v T) {
	q.mu.Lock()
	full := q.room > 0 && len(q.items) >= q.room
	switch {
	case full && q.newest:
	case full:
		copy(q.items, q.items[1:])
		q.items[len(q.items)-1] = v
	default:
		q.items = append(q.items, v)
	}
	q.signal()
	q.mu.Unlock()
	if full {
		q.dropped()
	}
}

// signal wakes all who wait; q.mu is held.
func (q *queue[T]) signal() {
	if q.waiting > 0 {
		close(q.wake)
		q.wake, q.waiting = make(chan struct{}), 0
	}
}

func (q *queue[T]) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
	}
	q.signal()
}

// pop takes the oldest, if there is one; else the channel that is closed when it is worth
// looking again.
func (q *queue[T]) pop() (v T, ok bool, wake chan struct{}, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) > 0 {
		v = q.items[0]
		var none T
		q.items[0] = none
		if q.items = q.items[1:]; len(q.items) == 0 {
			q.items = nil
		}
		return v, true, nil, nil
	}
	if q.err == nil {
		q.waiting++
	}
	return v, false, q.wake, q.err
}

// Next waits for the next one.
func (q *queue[T]) Next(ctx context.Context) (T, error) {
	for {
		v, ok, wake, err := q.pop()
		if ok {
			q.taken()
			return v, nil
		}
		if err != nil {
			return v, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}

// All goes through what comes until ctx is done or no more comes.
func (q *queue[T]) All(ctx context.Context) iter.Seq[T] {
	return func(yield func(T) bool) {
		for {
			v, err := q.Next(ctx)
			if err != nil || !yield(v) {
				return
			}
		}
	}
}

// Err is why no more comes: [Closed], or for example [Denied], when the permission was
// taken away; nil while more may come.
func (q *queue[T]) Err() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}
