package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// function is an application that is called: a queue of calls, and workers that take
// them. So many as the configuration's minimum are kept, more start when calls wait, and end when
// they have had nothing to do for a while.
//
// Who submits a call gives it to a worker that is free, without another goroutine; a worker's answer gives it the
// next that waits.
type function struct {
	troubles
	launcher *launcher
	nursery  *nursery // nil if workers are not forked

	taking context.Context // until stop: calls are taken
	finish context.CancelFunc
	living context.Context // until stop's grace is over: calls go on
	kill   context.CancelFunc
	group  sync.WaitGroup

	active atomic.Bool // it was switched to

	mu      sync.Mutex
	stopped bool
	opened  bool // it was found healthy, or is kept
	queue   queue
	slots   map[int]*slot // by number
	lanes   int           // of all slots
	usual   time.Duration // that the handler takes, of late
	streams bool          // its results have come in parts: they may take long

	first *worker // started by begin, taken over by the first slot
}

func newFunction(l *launcher) *function {
	f := &function{launcher: l, troubles: troubles{log: l.log, activity: &l.application.activity}, slots: map[int]*slot{}, usual: time.Second}
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
	if h := f.launcher.config.Health; h.Interval > 0 && !f.opened {
		ask := f.askHandler
		if h.Command != "" {
			ask = f.launcher.askCommand
		}
		f.group.Go(func() { f.launcher.watchHealth(f.taking, &f.troubles, ask) })
	}
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
	s := newSlot(f, number, lanes, f.first)
	f.first = nil
	f.slots[number] = s
	f.lanes += lanes
	f.group.Go(s.run)
}

// grow adds a worker if more calls wait than those that are about to start will take. mu is held.
func (f *function) grow() {
	waiting := f.queue.len()
	for _, s := range f.slots {
		waiting += max(0, len(s.calls)-s.lanes)
		if s.coming {
			waiting -= s.lanes
		}
	}
	if waiting > 0 && f.opened {
		f.addSlot()
	}
}

// leave takes a slot out that has had nothing to do, unless it is needed after all.
func (f *function) leave(s *slot) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.slots) <= int(f.launcher.config.Workers.Min) || f.queue.len() > 0 || len(s.calls) > 0 {
		return false
	}
	s.taking = false
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
}

// room is how many calls may wait.
func (f *function) room() int { return max(f.launcher.config.Limits.Queue, 1) }

// submit gives a call to a worker, or queues it. It never waits: fail.Exhausted if the queue is full.
func (f *function) submit(c *call) error {
	const op = "invoke function"
	f.mu.Lock()
	if f.stopped {
		f.mu.Unlock()
		return fail.New(fail.Unavailable, op, "%w", errStopped)
	}
	for f.queue.len() == 0 {
		s := f.free(c)
		if s == nil {
			break
		}
		err := s.take(c)
		if errors.Is(err, errGone) {
			continue
		}
		w := s.worker
		f.mu.Unlock()
		f.began(w, c, err)
		return nil
	}
	if f.queue.len() >= f.room() {
		if f.launcher.config.Limits.Full == spec.FullDropOldest {
			oldest := f.queue.pop()
			f.queue.push(c)
			f.mu.Unlock()
			f.activity.refused.Add(1)
			oldest.finish(nil, fail.New(fail.Exhausted, op, "%w", errDropped).WithHint("Raise limits.concurrency, or limits.queue, or call it less often."))
			return nil
		}
		f.mu.Unlock()
		f.activity.refused.Add(1)
		return fail.New(fail.Exhausted, op, "%d calls are waiting already", f.room()).
			WithHint("Raise limits.concurrency, or limits.queue, or call it less often.")
	}
	f.queue.push(c)
	f.grow()
	f.mu.Unlock()
	return nil
}

// began flushes a call to its worker, or tells why the worker could not take it.
func (f *function) began(w *worker, c *call, err error) {
	if err != nil {
		c.finish(nil, err)
		return
	}
	w.session.Flush()
}

// free is the slot that can take a call: a free one, or one whose worker lets calls wait. mu is held.
func (f *function) free(c *call) *slot {
	var best *slot
	for _, s := range f.slots {
		if s.admits(c) && (best == nil || len(s.calls)-s.lanes < len(best.calls)-best.lanes) {
			best = s
		}
	}
	if best != nil && len(best.calls) >= best.lanes && len(f.slots) < max(f.launcher.config.Workers.Max, 1) {
		f.growFor(best)
	}
	return best
}

// growFor starts another worker when calls are to wait in those there are. mu is held.
func (f *function) growFor(s *slot) {
	for _, other := range f.slots {
		if other.coming {
			return
		}
	}
	if s != nil && f.opened {
		f.addSlot()
	}
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
	f.mu.Lock()
	defer f.mu.Unlock()
	left := f.queue.calls[f.queue.head:]
	f.queue = queue{}
	return left
}

// giveUp is for a call for which nobody waits any more. If the worker is at it, it is told so.
func (f *function) giveUp(c *call) {
	f.mu.Lock()
	if c.slot == nil || c.over {
		f.mu.Unlock()
		return // what is in the queue is passed over when its turn comes
	}
	c.over = true
	w, begun := c.slot.worker, !c.begun.IsZero()
	c.slot.arm()
	f.mu.Unlock()
	if begun && w != nil {
		f.activity.call(answered, time.Since(c.begun)) // who cancels wants no answer
		w.session.Cancel(c.id)
	}
}
