package engine

import (
	"sync/atomic"
	"time"

	"fescue.dev/fescue/observe"
)

// activity counts what an application's programs do. It outlives its versions.
type activity struct {
	calls                                observe.Stopwatch
	errors, timeouts, refused, restarted atomic.Uint64
}

// outcome is how a call has ended.
type outcome int

const (
	answered outcome = iota
	failed           // by an exception, or with its worker
	late
)

// call counts one that a worker was given.
func (a *activity) call(how outcome, took time.Duration) {
	a.calls.Note(took)
	switch how {
	case failed:
		a.errors.Add(1)
	case late:
		a.timeouts.Add(1)
	}
}

// Activity is what each application did since the agent started, by name.
func (e *Engine) Activity() []observe.Activity {
	var list []observe.Activity
	for _, p := range e.board.list() {
		a := e.application(p.Name)
		if a == nil {
			continue
		}
		one := observe.Activity{
			Application: a.name, Calls: a.activity.calls.Durations(), Errors: a.activity.errors.Load(),
			Timeouts: a.activity.timeouts.Load(), Refused: a.activity.refused.Load(), Restarts: a.activity.restarted.Load(),
		}
		if f, is := a.current().(*function); is {
			one.Function = true
			one.Workers, one.Busy, one.Waiting = f.load()
		}
		list = append(list, one)
	}
	return list
}

// load is how many workers there are, how many calls are under way, and how many wait.
func (f *function) load() (workers, busy, waiting int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	waiting = f.queue.len()
	for _, s := range f.slots {
		at := min(len(s.calls), s.lanes)
		busy += at
		waiting += len(s.calls) - at
	}
	return len(f.slots), busy, waiting
}
