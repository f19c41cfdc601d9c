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

// function is an application that is called: a queue of calls, and workers that take
// them. So many as the configuration's minimum are kept, more start when calls wait, and end when
// they have had nothing to do for a while.
type function struct {
	troubles
	launcher *launcher
	nursery  *nursery // nil if workers are not forked
	queue    chan *call

	taking context.Context // until stop: calls are taken
	finish context.CancelFunc
	living context.Context // until stop's grace is over: calls go on
	kill   context.CancelFunc
	group  sync.WaitGroup

	active atomic.Bool // it was switched to

	mu      sync.Mutex
	stopped bool
	opened  bool          // it was found healthy, or is kept
	slots   map[int]*slot // by number
	lanes   int           // of all slots
	free    int           // lanes that could take a call now, or soon

	first *worker // started by begin, taken over by the first slot
}

func newFunction(l *launcher) *function {
	f := &function{
		launcher: l, troubles: troubles{log: l.log, activity: &l.application.activity}, slots: map[int]*slot{},
		queue: make(chan *call, max(l.config.Limits.Queue, 1)),
	}
	if l.forkServer != nil {
		f.nursery = &nursery{launcher: l}
	}
	f.taking, f.finish = context.WithCancel(context.Background()) // stop ends them
	f.living, f.kill = context.WithCancel(context.Background())
	return f
}

func (f *function) begin(ctx context.Context) (err error) {
	f.first, err = f.startWorker(ctx)
	return err
}

func (f *function) healthy(ctx context.Context) error {
	if err := f.first.ready(ctx, f.launcher.application.engine.Timing.Ready); err != nil {
		return err
	}
	f.open(1) // the first worker is there, whatever the minimum
	return nil
}

func (f *function) keep() {
	f.open(0)
	if int(f.launcher.config.Workers.Min) == 0 {
		f.up(0) // with no worker it is well, too
	}
}

// open lets calls in and starts the workers that are kept.
func (f *function) open(least int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened = true
	for range max(int(f.launcher.config.Workers.Min), least) {
		f.addSlot()
	}
}

// addSlot adds a worker, unless there are as many as may be. mu is held.
func (f *function) addSlot() {
	w, total := f.launcher.config.Workers, max(f.launcher.config.Limits.Concurrency, 1)
	lanes := min(max(w.Concurrency, 1), total-f.lanes)
	if f.stopped || lanes <= 0 || len(f.slots) >= max(w.Max, 1) {
		return
	}
	number := 0
	for f.slots[number] != nil {
		number++
	}
	s := &slot{function: f, number: number, lanes: lanes, worker: f.first, open: true}
	f.first = nil
	f.slots[number] = s
	f.lanes += lanes
	f.free += lanes
	f.group.Go(s.run)
}

// leave takes a slot out that has had nothing to do, unless it is needed after all.
func (f *function) leave(s *slot) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.slots) <= int(f.launcher.config.Workers.Min) || len(f.queue) > 0 {
		return false
	}
	f.removeLocked(s)
	return true
}

// remove takes out a slot that ends.
func (f *function) remove(s *slot) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.slots[s.number] == s {
		f.removeLocked(s)
	}
}

func (f *function) removeLocked(s *slot) {
	delete(f.slots, s.number)
	f.lanes -= s.lanes
	if s.open {
		f.free -= s.lanes
	}
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
		f.activity.refused.Add(1)
		return fail.New(fail.Exhausted, "invoke function", "%d calls are waiting already", cap(f.queue)).
			WithHint("Raise limits.concurrency, or limits.queue, or call it less often.")
	}
	if f.opened && len(f.queue) > f.free {
		f.addSlot()
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
	if f.nursery != nil {
		f.nursery.close()
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

// giveBack queues a call again that was taken and not begun.
func (f *function) giveBack(c *call) {
	if err := f.submit(c); err != nil {
		c.finish(nil, err)
	}
}

// took and gave count the lanes that are free.
func (f *function) took() { f.count(-1) }
func (f *function) gave() { f.count(1) }

func (f *function) count(by int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.free += by
}

// setOpen tells whether a slot, none of whose lanes is busy, can take calls now or soon.
func (f *function) setOpen(s *slot, open bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.open == open || f.slots[s.number] != s {
		return
	}
	s.open = open
	if !open {
		f.free -= s.lanes
		if f.opened && len(f.queue) > f.free { // others have to take what waits
			f.addSlot()
		}
		return
	}
	f.free += s.lanes
}
