package engine

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/observe"
	"fescue.dev/fescue/spec"
)

// reporter hands events to the sink, in order, without making anybody wait for
// it: local work goes on while the journal cannot be written.
type reporter struct {
	sink observe.Sink
	log  *slog.Logger

	mu      sync.Mutex
	waiting []report
	wake    chan struct{} // holds one
}

type report struct {
	event spec.Event
	then  func() // once it is durable; may be nil
}

// mostReports bounds memory while the journal cannot be written. Outcomes of
// deployments survive in records besides.
const mostReports = 4096

func newReporter(sink observe.Sink, log *slog.Logger) *reporter {
	return &reporter{sink: sink, log: log, wake: make(chan struct{}, 1)}
}

// emit queues an event; then is called when it is durable.
func (r *reporter) emit(e spec.Event, then func()) {
	e.Time = time.Now().UTC().Truncate(time.Microsecond)
	r.mu.Lock()
	r.waiting = append(r.waiting, report{e, then})
	if len(r.waiting) > mostReports {
		if len(r.waiting)%1000 == 0 {
			r.log.Warn("events are dropped: the journal takes none", "waiting", len(r.waiting))
		}
		r.waiting = append([]report(nil), r.waiting[1:]...)
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Events that follow each other quickly are recorded together: one write to the
// device's flash, one message, one transaction at the server.
const (
	// gathering is how long a step's event waits for others. It bounds how late
	// somebody who watches sees a step.
	gathering = 50 * time.Millisecond
	// following is how long any other event waits: an outcome and the state
	// that it leads to come one right after the other.
	following = 3 * time.Millisecond
	// together is how many events one record holds at most.
	together = 64
)

// gather waits until what waits should be recorded.
func (r *reporter) gather(ctx context.Context, stopping <-chan struct{}) {
	for end := time.Now().Add(gathering); ; {
		patience := min(time.Until(end), r.patience())
		if patience <= 0 {
			return
		}
		select {
		case <-r.wake:
		case <-time.After(patience):
			return
		case <-ctx.Done():
			return
		case <-stopping:
			return
		}
	}
}

// patience is how long to wait for more: not at all when a record is full.
func (r *reporter) patience() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) >= together {
		return 0
	}
	if slices.ContainsFunc(r.waiting, func(w report) bool { return w.event.Kind != spec.EventStep }) {
		return following
	}
	return gathering
}

// take removes the next record's events from the queue.
func (r *reporter) take() []report {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.waiting), together)
	taken := r.waiting[:n:n]
	r.waiting = r.waiting[n:]
	return taken
}

// run hands on events until ctx ends. When stopping is closed it returns once
// none are left.
func (r *reporter) run(ctx context.Context, stopping <-chan struct{}) {
	for ctx.Err() == nil {
		if r.empty() {
			select {
			case <-r.wake:
			case <-ctx.Done():
			case <-stopping:
				if r.empty() {
					return
				}
			}
			continue
		}
		r.gather(ctx, stopping)
		r.deliver(ctx, r.take())
	}
}

func (r *reporter) empty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting) == 0
}

// deliver tries until the sink has taken them.
func (r *reporter) deliver(ctx context.Context, record []report) {
	events := make([]spec.Event, 0, len(record))
	for _, w := range record {
		events = append(events, w.event)
	}
	for failures := 0; ; failures++ {
		err := r.sink.Emit(ctx, events...)
		switch {
		case err == nil:
			for _, w := range record {
				if w.then != nil {
					w.then()
				}
			}
			return
		case ctx.Err() != nil:
			return
		case fail.Is(err, fail.TooLarge):
			r.deliverParts(ctx, record, err)
			return
		}
		if failures == 0 {
			r.log.Warn("the journal does not take events: trying again", "events", len(events), "error", err)
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
}

// deliverParts records in two halves what was too large for one. What is too
// large by itself never gets through: it must not hold back all others.
func (r *reporter) deliverParts(ctx context.Context, record []report, cause error) {
	if len(record) == 1 {
		r.log.Error("an event is too large for the journal and is dropped", "kind", record[0].event.Kind, "application", record[0].event.Application, "error", cause)
		return
	}
	half := len(record) / 2
	r.deliver(ctx, record[:half])
	r.deliver(ctx, record[half:])
}
