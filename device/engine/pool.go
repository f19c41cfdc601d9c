package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
)

// call is one event for a function, and who waits for its result.
type call struct {
	ctx        context.Context // of who waits
	invocation exchange.Invocation
	finish     func(result []byte, err error) // is called once
}

// errStopped is why a call was not even queued.
var errStopped = errors.New("the function was stopped")

// abandon ends calls that nobody will answer.
func abandon(calls []*call, why string) {
	for _, c := range calls {
		c.finish(nil, fail.New(fail.Unavailable, "invoke function", "%s", why))
	}
}

// function is an application that is called: a queue of calls, and as many
// workers as its configuration allows, one call each at a time. One worker is
// kept; the others start when calls wait.
type function struct {
	troubles
	launcher *launcher
	queue    chan *call

	taking context.Context // until stop: calls are taken
	finish context.CancelFunc
	living context.Context // until stop's grace is over: calls go on
	kill   context.CancelFunc
	group  sync.WaitGroup

	active atomic.Bool // it was switched to

	mu      sync.Mutex
	stopped bool
	slots   int // that serve or are starting
	idle    int // of them, that wait for a call

	first *worker // started by begin, taken over by the first slot
}

func newFunction(l *launcher) *function {
	f := &function{
		launcher: l, troubles: troubles{log: l.log},
		queue: make(chan *call, max(l.config.Limits.Queue, 1)),
	}
	f.taking, f.finish = context.WithCancel(context.Background()) // stop ends them
	f.living, f.kill = context.WithCancel(context.Background())
	return f
}

func (f *function) begin(ctx context.Context) (err error) {
	f.first, err = f.launcher.startWorker(ctx)
	return err
}

func (f *function) healthy(ctx context.Context) error {
	if err := f.first.ready(ctx, f.launcher.application.engine.Timing.Ready); err != nil {
		return err
	}
	f.addSlot()
	return nil
}

func (f *function) keep() { f.addSlot() }

// addSlot adds a worker.
func (f *function) addSlot() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addSlotLocked()
}

func (f *function) addSlotLocked() {
	s := &slot{function: f, number: f.slots, worker: f.first}
	f.first = nil
	f.slots++
	f.group.Go(s.run)
}

// submit queues a call. It never waits: fail.Exhausted if the queue is full.
func (f *function) submit(c *call) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped {
		return fail.New(fail.Unavailable, "invoke function", "%w", errStopped)
	}
	select {
	case f.queue <- c:
	default:
		return fail.New(fail.Exhausted, "invoke function", "%d calls are waiting already", cap(f.queue)).
			WithHint("Raise limits.concurrency, or limits.queue, or call it less often.")
	}
	if len(f.queue) > f.idle && f.slots > 0 && f.slots < f.launcher.config.Limits.Concurrency {
		f.addSlotLocked()
	}
	return nil
}

// stop takes no more calls, lets those under way end within the grace, and gives back
// those that were not begun.
func (f *function) stop() []*call {
	f.deactivate()
	f.mu.Lock()
	f.stopped = true
	f.mu.Unlock()
	f.finish()
	late := time.AfterFunc(f.launcher.application.engine.grace(), f.kill)
	f.group.Wait()
	late.Stop()
	f.kill()
	if f.first != nil { // it never became healthy
		f.first.end(0)
	}
	var left []*call
	for {
		select {
		case c := <-f.queue:
			left = append(left, c)
		default:
			return left
		}
	}
}

// setIdle counts the slots that wait for a call.
func (f *function) setIdle(by int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idle += by
}
