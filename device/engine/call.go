package engine

import (
	"context"
	"errors"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
)

// call is one event for a function, and who waits for its result.
type call struct {
	ctx        context.Context // of who waits
	invocation exchange.Invocation
	finish     func(result []byte, err error) // is called once, and must not wait

	// Under the function's mu, once it was given to a worker:
	slot  *slot
	id    uint32    // of the worker
	begun time.Time // zero while it waits in the worker
	over  bool      // finish was called, or nobody waits; the worker has yet to answer
}

// size is about what the call takes in the worker's buffer.
func (c *call) size() int {
	n := wire.HeaderSize + len(c.invocation.Payload)
	for _, a := range c.invocation.Attributes {
		n += 4 + len(a.Name) + len(a.Value)
	}
	return n
}

// errStopped is why a call was not even queued.
var errStopped = errors.New("the function was stopped")

// errGone is why a worker did not take a call: it has ended, which its slot will notice.
var errGone = errors.New("the worker is gone")

// errDropped is why a call was taken out of the queue again.
var errDropped = errors.New("the queue was full, and newer events came")

// abandon ends calls that nobody will answer.
func abandon(calls []*call, why string) {
	for _, c := range calls {
		c.finish(nil, fail.New(fail.Unavailable, "invoke function", "%s", why))
	}
}

// queue is the calls that wait for a worker, the oldest first.
type queue struct {
	calls []*call
	head  int // calls before it were taken
}

func (q *queue) len() int { return len(q.calls) - q.head }

func (q *queue) push(c *call) {
	if q.head > 64 && q.head > len(q.calls)/2 { // room that was given back is used again
		n := copy(q.calls, q.calls[q.head:])
		clear(q.calls[n:])
		q.calls, q.head = q.calls[:n], 0
	}
	q.calls = append(q.calls, c)
}

// first is the oldest; nil if there is none.
func (q *queue) first() *call {
	if q.len() == 0 {
		return nil
	}
	return q.calls[q.head]
}

// pop takes the oldest; nil if there is none.
func (q *queue) pop() *call {
	if q.len() == 0 {
		return nil
	}
	c := q.calls[q.head]
	q.calls[q.head] = nil
	if q.head++; q.head == len(q.calls) {
		q.calls, q.head = q.calls[:0], 0
	}
	return c
}

// putBack makes calls the oldest again.
func (q *queue) putBack(calls []*call) {
	if len(calls) == 0 {
		return
	}
	q.calls = append(append(make([]*call, 0, len(calls)+q.len()), calls...), q.calls[q.head:]...)
	q.head = 0
}
