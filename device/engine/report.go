package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"

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

func (r *reporter) next() (report, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) == 0 {
		return report{}, false
	}
	first := r.waiting[0]
	r.waiting = r.waiting[1:]
	return first, true
}

// run hands on events until ctx ends. When stopping is closed it returns once
// none are left.
func (r *reporter) run(ctx context.Context, stopping <-chan struct{}) {
	for ctx.Err() == nil {
		next, ok := r.next()
		if ok {
			r.deliver(ctx, next)
			continue
		}
		select {
		case <-r.wake:
		case <-ctx.Done():
		case <-stopping:
			if next, ok := r.next(); ok {
				r.deliver(ctx, next)
				continue
			}
			return
		}
	}
}

// deliver tries until the sink has taken it.
func (r *reporter) deliver(ctx context.Context, next report) {
	for failures := 0; ; failures++ {
		err := r.sink.Emit(ctx, next.event)
		if err == nil {
			if next.then != nil {
				next.then()
			}
			return
		}
		if ctx.Err() != nil {
			return
		}
		if failures == 0 {
			r.log.Warn("the journal does not take an event: trying again", "kind", next.event.Kind, "error", err)
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
}
