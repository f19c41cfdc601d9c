package engine

import (
	"context"
	"errors"
	"sync"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// slot is a place for one worker of a function: it keeps one there and gives it calls, as many at
// once as it has lanes, and, where the handler is quick and the worker lets calls wait, some ahead.
type slot struct {
	function *function
	number   int
	lanes    int
	worker   *worker // nil when there is none; changed by run alone, under function.mu
	pauses   backoff

	// Under function.mu:
	taking bool    // the worker takes calls
	coming bool    // a worker is about to
	queues bool    // calls may wait in the worker
	given  int     // calls that the worker was given
	calls  []*call // that it has, in the order in which they were given
	bytes  int     // of them
	most   int     // bytes that may wait in the worker
	used   time.Time
	looked time.Time // at the worker's memory
	stuck  bool      // a handler went on after its time
	alarm  *time.Timer
	armed  bool

	finishing sync.WaitGroup // calls that were given and whose answer is not dealt with
	nudged    chan struct{}  // it has no calls left, or is stuck
}

func newSlot(f *function, number, lanes int, w *worker) *slot {
	s := &slot{function: f, number: number, lanes: lanes, worker: w, coming: true, nudged: make(chan struct{}, 1)}
	s.alarm = time.AfterFunc(time.Hour, s.overdue)
	s.alarm.Stop()
	return s
}

const (
	// ahead is how many calls may wait in a worker: it reads them at once, and
	// goes on without the agent. More would let them wait for longer behind one that is slow for once.
	ahead = 6
	// quick is the handler for which that is worth while.
	quick = 2 * time.Millisecond
)

// admits tells whether the worker takes another call. function.mu is held, as for all that follows but run.
func (s *slot) admits(c *call) bool {
	w := s.function.launcher.config.Workers
	switch n := len(s.calls); {
	case !s.taking, w.Calls > 0 && s.given >= w.Calls:
		return false
	case n < s.lanes:
		return true
	default:
		return s.queues && s.function.usual < quick && !s.function.streams && n < s.lanes+ahead && s.bytes+c.size() <= s.most
	}
}

// take gives the worker a call; it is sent with the session's next flush. A call that
// cannot be sent is not taken; with errGone another may take it.
func (s *slot) take(c *call) error {
	c.slot = s
	id, err := s.worker.session.Begin(c.invocation, func(result []byte, err error) { s.answered(c, result, err) })
	if err != nil {
		c.slot = nil
		if fail.Is(err, fail.Unavailable) {
			s.taking = false
			return errGone
		}
		return err
	}
	c.id = id
	s.finishing.Add(1)
	s.given++
	s.calls = append(s.calls, c)
	s.bytes += c.size()
	if len(s.calls) <= s.lanes {
		c.begun = time.Now()
		s.arm()
	}
	return nil
}

// fill gives the worker what waits. Calls that are over, or cannot be given, are returned with the reason.
func (s *slot) fill() (undone []*call, why []error) {
	for {
		c := s.function.queue.first()
		if c == nil || !s.admits(c) {
			break
		}
		s.function.queue.pop()
		err := c.ctx.Err()
		if err != nil {
			err = fail.New(fail.Canceled, "invoke function", "%w", err) // nobody waits any more
		} else {
			err = s.take(c)
		}
		if errors.Is(err, errGone) {
			s.function.queue.putBack([]*call{c})
			break
		}
		if err != nil {
			undone, why = append(undone, c), append(why, err)
		}
	}
	return undone, why
}

func finishAll(calls []*call, why []error) {
	for i, c := range calls {
		c.finish(nil, why[i])
	}
}

// answered is called by the worker's reader, with its answer to a call. That the worker is
// gone is dealt with by run.
func (s *slot) answered(c *call, result []byte, err error) {
	if fail.Is(err, fail.Unavailable) {
		return
	}
	f := s.function
	f.mu.Lock()
	told := c.over
	c.over = true
	s.used = time.Now()
	var took time.Duration
	if !c.begun.IsZero() {
		took = s.used.Sub(c.begun)
		f.usual += (took - f.usual) / 8
	}
	s.drop(c)
	if s.queues && len(s.calls) > 0 && s.calls[0].begun.IsZero() {
		s.calls[0].begun = s.used
		s.arm()
	}
	undone, why := s.fill()
	nudge := len(s.calls) == 0 && (!s.taking || s.spent()) || s.toLook()
	f.mu.Unlock()
	if told {
		s.noteLate(err)
	} else {
		s.tell(c, result, err, took)
	}
	finishAll(undone, why)
	s.finishing.Done()
	if nudge {
		s.nudge()
	}
}

func (s *slot) drop(c *call) {
	for i := range s.calls {
		if s.calls[i] == c {
			n := copy(s.calls[i:], s.calls[i+1:])
			s.calls[i+n] = nil
			s.calls = s.calls[:i+n]
			s.bytes -= c.size()
			return
		}
	}
}

// tell gives a call its result.
func (s *slot) tell(c *call, result []byte, err error, took time.Duration) {
	how := answered
	if err != nil {
		how = failed
	}
	s.function.activity.call(how, took)
	s.note(err)
	c.finish(result, err)
}

// note logs an exception of the handler.
func (s *slot) note(err error) {
	var exception *exchange.HandlerError
	if errors.As(err, &exception) {
		s.function.log.Note("error", exceptionText(exception))
	}
}

// noteLate logs an exception for which nobody waits any more, unless it is only that of having been cancelled.
func (s *slot) noteLate(err error) {
	var exception *exchange.HandlerError
	if !errors.As(err, &exception) || exception.Type != wire.Cancelled {
		s.note(err)
	}
}

func (s *slot) nudge() {
	select {
	case s.nudged <- struct{}{}:
	default: // it will look
	}
}

// arm has the alarm ring when the time of the oldest call is over.
func (s *slot) arm() {
	if s.armed || len(s.calls) == 0 {
		return
	}
	s.armed = true
	s.alarm.Reset(max(0, time.Until(s.due(s.calls[0]))))
}

// due is when something has to be done about a call: its time is over, or its worker's.
func (s *slot) due(c *call) time.Time {
	begun := c.begun
	if begun.IsZero() {
		begun = time.Now()
	}
	limit := c.invocation.Timeout
	if limit <= 0 {
		limit = 1000 * time.Hour
	}
	due := begun.Add(limit)
	if c.over {
		due = due.Add(s.function.launcher.application.engine.Timing.Settle)
	}
	return due
}

// overdue cancels calls whose time is over, and ends a worker that goes on all the same: a handler in
// an endless loop can only be ended.
func (s *slot) overdue() {
	f := s.function
	f.mu.Lock()
	s.armed = false
	now := time.Now()
	next := now.Add(time.Hour)
	var expired []*call
	for _, c := range s.calls {
		switch due := s.due(c); {
		case c.begun.IsZero():
			continue
		case due.After(now):
		case c.over:
			s.stuck = true
		default:
			c.over = true
			expired = append(expired, c)
		}
		if due := s.due(c); due.Before(next) {
			next = due
		}
	}
	w, stuck := s.worker, s.stuck
	if len(s.calls) > 0 && !stuck {
		s.armed = true
		s.alarm.Reset(max(time.Millisecond, next.Sub(now)))
	}
	f.mu.Unlock()
	for _, c := range expired {
		f.activity.call(late, c.invocation.Timeout)
		if w != nil {
			w.session.Cancel(c.id)
		}
		c.finish(nil, fail.New(fail.Timeout, "invoke function", "no result within %v", c.invocation.Timeout).
			WithHint("Raise limits.timeout in the configuration if the handler may take longer."))
	}
	if stuck {
		s.nudge()
	}
}

func idleTime(c *spec.Configuration) time.Duration {
	if c.Workers.Idle <= 0 {
		return time.Duration(spec.DefaultIdle)
	}
	return time.Duration(c.Workers.Idle)
}

func exceptionText(e *exchange.HandlerError) string {
	if e.Stack != "" {
		return e.Stack
	}
	return e.Error()
}

// awaitEmpty waits until the worker has answered all that it has, is gone, or ctx is done.
func (s *slot) awaitEmpty(ctx context.Context) {
	for !s.empty() {
		select {
		case <-s.nudged:
		case <-s.worker.session.Done():
			return
		case <-s.worker.done:
			return
		case <-ctx.Done():
			return
		}
		if s.isStuck() {
			return
		}
	}
}

func (s *slot) empty() bool {
	s.function.mu.Lock()
	defer s.function.mu.Unlock()
	return len(s.calls) == 0
}

func (s *slot) isStuck() bool {
	s.function.mu.Lock()
	defer s.function.mu.Unlock()
	return s.stuck
}
