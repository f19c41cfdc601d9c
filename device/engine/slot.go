package engine

import (
	"context"
	"errors"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
)

// slot is a place for one worker of a function: it keeps one there and feeds it.
type slot struct {
	function *function
	number   int
	worker   *worker // nil when there is none
	pauses   backoff
}

// run serves calls until the function stops.
func (s *slot) run() {
	f := s.function
	t := f.launcher.application.engine.Timing
	s.pauses = backoff{first: t.FirstPause, longest: t.LongestPause, window: t.Window}
	for f.taking.Err() == nil {
		if !s.occupy() {
			continue
		}
		s.await()
	}
	if s.worker != nil {
		s.worker.end(f.launcher.application.engine.grace())
	}
}

// occupy makes sure that a worker is there and ready; false if it had to wait instead.
func (s *slot) occupy() bool {
	f := s.function
	var err error
	if s.worker == nil {
		s.worker, err = f.launcher.startWorker(f.taking)
	}
	if err == nil {
		err = s.worker.ready(f.taking, f.launcher.application.engine.Timing.Ready)
	}
	switch {
	case f.taking.Err() != nil:
		return false
	case err != nil:
		if s.worker != nil {
			s.worker.end(0)
			s.worker = nil
		}
		s.fault(err.Error())
		return false
	}
	f.up(s.number)
	return true
}

// fault tells that the worker is gone, and waits before the next.
func (s *slot) fault(what string) {
	pause, count := s.pauses.next(time.Now())
	s.function.ended(s.number, what, pause.String(), count)
	wait(s.function.taking, pause)
}

// await takes calls, one after the other, for as long as the worker is there.
func (s *slot) await() {
	f := s.function
	for s.worker != nil {
		f.setIdle(1)
		var c *call
		select {
		case c = <-f.queue:
		case <-s.worker.session.Done():
		case <-s.worker.done:
		case <-f.taking.Done():
		}
		f.setIdle(-1)
		switch {
		case c != nil:
			s.serve(c)
		case f.taking.Err() != nil:
			return
		default:
			what := s.worker.exited()
			s.worker = nil
			s.fault(what)
		}
	}
}

// serve has the worker handle one call.
func (s *slot) serve(c *call) {
	if err := c.ctx.Err(); err != nil {
		c.finish(nil, fail.New(fail.Canceled, "invoke function", "%w", err)) // nobody waits any more
		return
	}
	f := s.function
	begun := time.Now()
	stopping := context.AfterFunc(f.living, func() { s.worker.stop(0) })
	result, err := s.worker.session.Invoke(c.ctx, c.invocation)
	if !stopping() { // it was killed: its end is awaited by the kill
		<-s.worker.done
	}
	s.finish(c, result, err, begun)
}

// finish tells the caller, and finds out whether the worker can go on.
func (s *slot) finish(c *call, result []byte, err error, begun time.Time) {
	f := s.function
	var exception *exchange.HandlerError
	switch kind := fail.KindOf(err); {
	case err == nil:
		c.finish(result, nil)
	case errors.As(err, &exception):
		f.log.Note("error", exceptionText(exception))
		c.finish(nil, err)
	case kind == fail.Unavailable:
		what := s.worker.exited()
		s.worker = nil
		c.finish(nil, fail.New(fail.Unavailable, "invoke function", "%s", what).
			WithHint("See the application's logs; it is started again."))
		if f.taking.Err() == nil {
			s.fault(what)
		}
	case kind == fail.Timeout || kind == fail.Canceled:
		c.finish(nil, err)
		s.settle(begun, c.invocation.Timeout)
	default:
		c.finish(nil, err)
	}
}

// settle replaces the worker if it is still at a call for which nobody waits, when its time
// and a little more is over: a handler in an endless loop can only be ended.
func (s *slot) settle(begun time.Time, limit time.Duration) {
	f := s.function
	ctx, cancel := context.WithDeadline(f.living, begun.Add(limit+f.launcher.application.engine.Timing.Settle))
	defer cancel()
	if s.worker.session.Settle(ctx) == nil {
		return
	}
	s.worker.end(0)
	s.worker = nil
	if f.taking.Err() == nil {
		f.log.Note("warning", "a worker was ended and is replaced: its handler went on after its time ("+limit.String()+")")
	}
}

func exceptionText(e *exchange.HandlerError) string {
	if e.Stack != "" {
		return e.Stack
	}
	return e.Error()
}
