// Package observe is how parts of the device tell what happened, without
// knowing who listens.
//
// The deployment engine, Data Xchange's denials and the agent emit [spec.Event]
// values into a [Sink]. On a device the sink is the fabric's durable journal,
// from which the server applies each event once; in tests it is a [Recorder].
package observe

import (
	"context"
	"sync"

	"fescue.dev/fescue/spec"
)

// Sink takes events. Emit is safe for concurrent use and returns nil when all of
// the events are durable: from then on no crash and no power cut loses them. While that
// is not possible Emit blocks, until ctx ends; then it returns an error and the
// events may or may not have been stored, all or none of them. Several at once cost
// one write to the disk.
//
// The sink fills in Device and Sequence, and Time where it is zero.
type Sink interface {
	Emit(ctx context.Context, events ...spec.Event) error
}

// SinkFunc makes a function a [Sink].
type SinkFunc func(ctx context.Context, events ...spec.Event) error

// Emit calls f.
func (f SinkFunc) Emit(ctx context.Context, events ...spec.Event) error { return f(ctx, events...) }

// Recorder is a [Sink] in memory, for tests: it numbers events from 1 and keeps
// them. Its zero value is ready for use.
type Recorder struct {
	mu      sync.Mutex
	events  []spec.Event
	changed chan struct{} // closed at the next Emit; nil while nobody waits
}

// Emit keeps the events. It never fails.
func (r *Recorder) Emit(_ context.Context, events ...spec.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		e.Sequence = uint64(len(r.events) + 1)
		r.events = append(r.events, e)
	}
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
	return nil
}

// Events is a copy of what was emitted so far, in order.
func (r *Recorder) Events() []spec.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]spec.Event(nil), r.events...)
}

// Wait returns the first event for which match holds, past or future, or the
// context's error.
func (r *Recorder) Wait(ctx context.Context, match func(spec.Event) bool) (spec.Event, error) {
	for seen := 0; ; {
		events, changed := r.after(seen)
		for _, e := range events {
			if match(e) {
				return e, nil
			}
		}
		seen += len(events)
		select {
		case <-changed:
		case <-ctx.Done():
			return spec.Event{}, context.Cause(ctx)
		}
	}
}

// after gives the events from number seen on, and a channel that is closed when
// there are more.
func (r *Recorder) after(seen int) ([]spec.Event, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return append([]spec.Event(nil), r.events[seen:]...), r.changed
}
