package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// slot is a place for one worker of a function: it keeps one there and feeds it, so many
// calls at once as it has lanes.
type slot struct {
	function *function
	number   int
	lanes    int
	open     bool    // under function.mu: its lanes count as free or busy
	worker   *worker // nil when there is none
	pauses   backoff

	calls    int       // that the worker was given
	lookedAt time.Time // at the worker's memory
	busy     chan struct{}
	underWay sync.WaitGroup
	overdue  atomic.Bool // a handler went on after its time; the worker is being ended for it
}

// run serves calls until the function stops, or there is nothing to do.
func (s *slot) run() {
	f := s.function
	t := f.launcher.application.engine.Timing
	defer f.remove(s)
	s.pauses = backoff{first: t.FirstPause, longest: t.LongestPause, window: t.Window}
	s.busy = make(chan struct{}, s.lanes)
	for f.taking.Err() == nil {
		if !s.occupy() {
			continue
		}
		end := s.attend()
		s.underWay.Wait()
		switch end {
		case endIdle:
			s.worker.end(f.launcher.application.engine.grace())
			return
		case endWorn:
			// Its successor starts while it says goodbye.
			old := s.worker
			f.group.Go(func() { old.end(f.launcher.application.engine.grace()) })
			s.worker = nil
		case endGone:
			s.lost()
		case endStopped:
		}
	}
	if s.worker != nil {
		s.underWay.Wait()
		s.worker.end(f.launcher.application.engine.grace())
	}
}

// occupy makes sure that a worker is there and ready; false if it had to wait instead.
func (s *slot) occupy() bool {
	f := s.function
	var err error
	if s.worker == nil {
		s.worker, err = f.startWorker(f.taking)
		s.calls = 0
		s.overdue.Store(false)
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
	f := s.function
	f.setOpen(s, false)
	pause, count := s.pauses.next(time.Now())
	f.ended(s.number, what, pause.String(), count)
	wait(f.taking, pause)
	f.setOpen(s, true)
}

// lost finds out why the worker has ended. One that was ended for its handler's sake is
// replaced without a pause.
func (s *slot) lost() {
	f := s.function
	what := s.worker.exited()
	s.worker = nil
	if f.taking.Err() == nil && !s.overdue.Load() {
		s.fault(what)
	}
}

// ending is why a slot gives its worker no more calls.
type ending int

const (
	endStopped ending = iota // the function is
	endGone                  // the worker is
	endIdle                  // there was nothing to do
	endWorn                  // it has had its number of calls, or takes too much memory
)

// attend takes calls for as long as the worker is to have them.
func (s *slot) attend() ending {
	f, w := s.function, s.worker
	idle := time.NewTimer(idleTime(f.launcher.config))
	defer idle.Stop()
	for {
		if s.worn() {
			return endWorn
		}
		select {
		case s.busy <- struct{}{}:
		case <-w.session.Done():
			return endGone
		case <-w.done:
			return endGone
		case <-f.taking.Done():
			return endStopped
		}
		var c *call
		why := endStopped
		select {
		case c = <-f.queue:
		case <-w.session.Done():
			why = endGone
		case <-w.done:
			why = endGone
		case <-f.taking.Done():
		case <-idle.C:
			why = endIdle
		}
		if c != nil && w.gone() { // at the same time
			<-s.busy
			f.giveBack(c)
			return endGone
		}
		if c != nil {
			s.start(w, c)
			idle.Reset(idleTime(f.launcher.config))
			continue
		}
		<-s.busy
		if why == endIdle && (len(s.busy) > 0 || !f.leave(s)) {
			idle.Reset(idleTime(f.launcher.config))
			continue
		}
		return why
	}
}

func idleTime(c *spec.Configuration) time.Duration {
	if c.Workers.Idle <= 0 {
		return time.Duration(spec.DefaultIdle)
	}
	return time.Duration(c.Workers.Idle)
}

// start has the worker handle a call. With one lane that is waited for: nothing else can
// happen meanwhile.
func (s *slot) start(w *worker, c *call) {
	s.calls++
	s.function.took()
	handle := func() {
		defer func() { <-s.busy }()
		defer s.function.gave()
		s.serve(w, c)
	}
	if s.lanes == 1 {
		handle()
		return
	}
	s.underWay.Go(handle)
}

// serve has the worker handle one call.
func (s *slot) serve(w *worker, c *call) {
	if err := c.ctx.Err(); err != nil {
		c.finish(nil, fail.New(fail.Canceled, "invoke function", "%w", err)) // nobody waits any more
		return
	}
	f := s.function
	begun := time.Now()
	stopping := context.AfterFunc(f.living, func() { w.stop(0) })
	result, err := w.session.Invoke(c.ctx, c.invocation)
	if !stopping() { // it was killed: its end is awaited by the kill
		<-w.done
	}
	s.finish(w, c, result, err, begun)
}

// finish tells the caller, and finds out whether the worker can go on.
func (s *slot) finish(w *worker, c *call, result []byte, err error, begun time.Time) {
	f := s.function
	var exception *exchange.HandlerError
	took := time.Since(begun)
	switch kind := fail.KindOf(err); {
	case err == nil:
		f.activity.call(answered, took)
		c.finish(result, nil)
	case errors.As(err, &exception):
		f.activity.call(failed, took)
		f.log.Note("error", exceptionText(exception))
		c.finish(nil, err)
	case kind == fail.Unavailable:
		f.activity.call(failed, took)
		c.finish(nil, fail.New(fail.Unavailable, "invoke function", "%s", w.exited()).
			WithHint("See the application's logs; it is started again."))
	case kind == fail.Timeout || kind == fail.Canceled:
		how := answered // who cancels wants no answer
		if kind == fail.Timeout {
			how = late
		}
		f.activity.call(how, took)
		c.finish(nil, err)
		s.settle(w, begun, c.invocation.Timeout)
	default:
		f.activity.call(failed, took)
		c.finish(nil, err)
	}
}

// settle ends the worker if it is still at a call for which nobody waits, when its time
// and a little more is over: a handler in an endless loop can only be ended.
func (s *slot) settle(w *worker, begun time.Time, limit time.Duration) {
	f := s.function
	ctx, cancel := context.WithDeadline(f.living, begun.Add(limit+f.launcher.application.engine.Timing.Settle))
	defer cancel()
	if err := w.session.Settle(ctx); err == nil || fail.Is(err, fail.Unavailable) {
		return
	}
	s.overdue.Store(true)
	w.end(0)
	f.activity.restarted.Add(1)
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
