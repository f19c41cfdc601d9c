package fleet

import (
	"context"
	"sync"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// Ingest applies events of a device, each once, and then wakes those who watch.
// An error means that they should be brought again; one that can never be applied
// is logged, and the others are applied without it.
func (f *Fleet) Ingest(ctx context.Context, events []spec.Event) error {
	applied, err := f.store.ApplyEvents(ctx, events)
	if fail.Is(err, fail.Invalid) {
		if len(events) == 1 {
			f.log.Error("an event cannot be applied and is dropped", "device", events[0].Device, "sequence", events[0].Sequence, "error", err)
			return nil
		}
		for _, e := range events {
			if err := f.Ingest(ctx, []spec.Event{e}); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil || len(applied) == 0 {
		return err
	}
	last := applied[len(applied)-1]
	if age := f.now().Sub(last.Time); age > -heardWithin && age < heardWithin {
		f.Heard(last.Device) // an event that waited long says nothing of now
	}
	f.hub.wake()
	return nil
}

// hub wakes watchers. They read the events themselves, from the database, which
// keeps them all in order: a slow watcher costs no memory and misses nothing.
type hub struct {
	mu   sync.Mutex
	next chan struct{}
}

func newHub() *hub { return &hub{next: make(chan struct{})} }

func (h *hub) wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.next)
	h.next = make(chan struct{})
}

// waiting is closed at the next wake.
func (h *hub) waiting() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.next
}

// Watch calls each for every event that the query chooses, those there are and
// then those to come, in order, until it returns false or ctx ends. idle, if not
// nil, is called before each wait and ends the watch by returning false.
//
// Events that another server on the same database has applied are seen with the
// next one applied here, and at the latest after lookAgain.
func (f *Fleet) Watch(ctx context.Context, q store.EventQuery, each func(store.StoredEvent) bool, idle func() (bool, error)) error {
	for {
		wake := f.hub.waiting() // before reading, so that nothing falls between
		more, err := f.drain(ctx, &q, each)
		if err != nil || !more {
			return err
		}
		if idle != nil {
			if on, err := idle(); err != nil || !on {
				return err
			}
		}
		if err := waitFor(ctx, wake); err != nil {
			return err
		}
	}
}

// lookAgain is how often a watcher reads the database without being woken.
const lookAgain = 5 * time.Second

func waitFor(ctx context.Context, wake <-chan struct{}) error {
	timer := time.NewTimer(lookAgain)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return fail.Wrap(context.Cause(ctx), fail.Canceled, "watch events", "")
	case <-wake:
	case <-timer.C:
	}
	return nil
}

// drain reads until nothing is left.
func (f *Fleet) drain(ctx context.Context, q *store.EventQuery, each func(store.StoredEvent) bool) (more bool, err error) {
	for {
		events, err := f.store.Events(ctx, *q)
		if err != nil || len(events) == 0 {
			return true, err
		}
		for _, e := range events {
			q.After = e.ID
			if !each(e) {
				return false, nil
			}
		}
	}
}
