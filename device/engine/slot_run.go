package engine

import (
	"time"

	"fescue.dev/fescue/device/gateway"
	"fescue.dev/fescue/fail"
)

// run keeps a worker in the slot until the function stops, or there is nothing to do.
func (s *slot) run() {
	f := s.function
	t := f.launcher.application.engine.Timing
	defer f.remove(s)
	defer s.alarm.Stop()
	s.pauses = backoff{first: t.FirstPause, longest: t.LongestPause, window: t.Window}
	for f.taking.Err() == nil {
		if !s.occupy() {
			continue
		}
		s.enter()
		switch s.attend() {
		case endIdle:
			s.worker.end(f.launcher.application.engine.grace())
			return
		case endWorn:
			// Its successor starts while it says goodbye.
			s.finishing.Wait()
			s.setComing(true)
			old := s.worker
			f.group.Go(func() { old.end(f.launcher.application.engine.grace()) })
			s.setWorker(nil)
		case endGone:
			s.lost()
		case endStopped:
		}
	}
	if s.worker != nil {
		s.depart()
	}
}

// depart lets the last worker answer what it has, within the grace of the function.
func (s *slot) depart() {
	f := s.function
	s.close()
	s.awaitEmpty(f.living)
	if s.empty() {
		s.finishing.Wait()
		s.worker.end(f.launcher.application.engine.grace())
		return
	}
	s.worker.end(0)
	s.lost()
}

// occupy makes sure that a worker is there and ready; false if it had to wait instead.
func (s *slot) occupy() bool {
	f := s.function
	var err error
	if s.worker == nil {
		var w *worker
		if w, err = f.startWorker(f.taking); err == nil {
			s.setWorker(w)
		}
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
			s.setWorker(nil)
		}
		s.fault(err.Error())
		return false
	}
	f.up(s.number)
	return true
}

func (s *slot) setWorker(w *worker) {
	f := s.function
	f.mu.Lock()
	defer f.mu.Unlock()
	s.worker, s.given, s.stuck = w, 0, false
}

// enter lets calls come to the worker, those first that wait.
func (s *slot) enter() {
	f := s.function
	queues, most := s.worker.session.Queues(), s.worker.session.MaxBody()
	if queues && s.lanes > 1 {
		f.log.Note("warning", "the worker handles one event at a time: workers.concurrency has no effect; raise workers.max instead")
	}
	f.mu.Lock()
	if queues {
		f.lanes -= s.lanes - 1
		s.lanes = 1
	}
	s.taking, s.coming, s.queues, s.most, s.used = true, false, queues, most, time.Now()
	undone, why := s.fill()
	f.mu.Unlock()
	s.worker.session.Flush()
	finishAll(undone, why)
}

// close gives the worker no more calls.
func (s *slot) close() {
	f := s.function
	f.mu.Lock()
	defer f.mu.Unlock()
	s.taking = false
}

func (s *slot) closed() bool {
	s.function.mu.Lock()
	defer s.function.mu.Unlock()
	return !s.taking
}

// setComing tells whether a worker is about to take calls; if not, others have to.
func (s *slot) setComing(coming bool) {
	f := s.function
	f.mu.Lock()
	defer f.mu.Unlock()
	s.coming = coming
	if !coming {
		f.grow()
	}
}

// fault tells that the worker is gone, and waits before the next.
func (s *slot) fault(what string) {
	f := s.function
	s.setComing(false)
	pause, count := s.pauses.next(time.Now())
	f.ended(s.number, what, pause.String(), count)
	wait(f.taking, pause)
	s.setComing(true)
}

// lost deals with a worker that is gone. What it had begun has failed; what it had not is
// given to others. One that was ended for its handler's sake is replaced without a pause.
func (s *slot) lost() {
	f := s.function
	s.close()
	limit := f.launcher.config.Limits.Timeout.String()
	if s.isStuck() {
		s.worker.end(0)
		f.activity.restarted.Add(1)
		if f.taking.Err() == nil {
			f.log.Note("warning", "a worker was ended and is replaced: its handler went on after its time ("+limit+")")
		}
	}
	what := s.worker.exited()
	f.mu.Lock()
	var begun, waiting []*call
	for _, c := range s.calls {
		s.finishing.Done()
		c.slot = nil
		switch {
		case c.over:
		case c.begun.IsZero():
			waiting = append(waiting, c)
		default:
			c.over = true
			begun = append(begun, c)
		}
	}
	s.calls, s.bytes = nil, 0
	f.queue.putBack(waiting)
	stuck := s.stuck
	s.coming = true
	f.mu.Unlock()
	for _, c := range begun {
		f.activity.call(failed, time.Since(c.begun))
		c.finish(nil, fail.New(fail.Unavailable, "invoke function", "%s: %w", what, gateway.ErrLost).
			WithHint("See the application's logs; it is started again."))
	}
	s.finishing.Wait()
	s.setWorker(nil)
	if f.taking.Err() == nil && !stuck {
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

// attend watches the worker for as long as it is to have calls.
func (s *slot) attend() ending {
	f, w := s.function, s.worker
	limit := idleTime(f.launcher.config)
	idle := time.NewTimer(limit)
	defer idle.Stop()
	for {
		select {
		case <-w.session.Done():
			return endGone
		case <-w.done:
			return endGone
		case <-f.taking.Done():
			return endStopped
		case <-s.nudged:
			if s.worn() || s.large() {
				s.close()
				s.awaitEmpty(f.taking)
			}
			switch {
			case s.isStuck():
				return endGone
			case s.closed() && s.empty():
				return endWorn
			}
		case <-idle.C:
			rest := s.unused(limit)
			if rest <= 0 && f.leave(s) {
				return endIdle
			}
			idle.Reset(max(rest, limit/16, time.Millisecond))
		}
	}
}

// unused is how long the worker may yet be without a call.
func (s *slot) unused(limit time.Duration) time.Duration {
	s.function.mu.Lock()
	defer s.function.mu.Unlock()
	if len(s.calls) > 0 {
		return limit
	}
	return limit - time.Since(s.used)
}
