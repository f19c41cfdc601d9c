package engine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// records is a sink that keeps what was emitted together apart, and takes no
// more than most at once.
type records struct {
	most int

	mu   sync.Mutex
	kept [][]spec.Event
}

func (r *records) Emit(_ context.Context, events ...spec.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(events) > r.most {
		return fail.New(fail.TooLarge, "record", "%d events", len(events))
	}
	r.kept = append(r.kept, events)
	return nil
}

// report hands on n events of a kind and waits until all are with the sink.
func (r *records) report(t *testing.T, kind spec.EventKind, n int) (durable int) {
	t.Helper()
	reports := newReporter(r, slog.New(slog.DiscardHandler))
	for i := range n {
		reports.emit(spec.Event{Kind: kind, Message: fmt.Sprint(i)}, func() { durable++ })
	}
	stopping := make(chan struct{})
	close(stopping)
	reports.run(t.Context(), stopping)
	return durable
}

func TestEventsAreRecordedTogether(t *testing.T) {
	r := &records{most: together}
	const n = 2*together + 1
	if durable := r.report(t, spec.EventStep, n); durable != n {
		t.Errorf("%d of %d are durable", durable, n)
	}
	if len(r.kept) != 3 {
		t.Errorf("%d records of %d events", len(r.kept), n)
	}
	i := 0
	for _, record := range r.kept {
		for _, e := range record {
			if e.Message != fmt.Sprint(i) {
				t.Fatalf("event %d is %q", i, e.Message)
			}
			i++
		}
	}
}

// What is too large for one record is parted, and what is too large for any is
// given up: it does not hold back what comes after it.
func TestEventsTooLargeTogether(t *testing.T) {
	r := &records{most: 3}
	if durable := r.report(t, spec.EventApplication, 10); durable != 10 {
		t.Errorf("%d of 10 are durable", durable)
	}
	r = &records{most: 0}
	if durable := r.report(t, spec.EventApplication, 2); durable != 0 {
		t.Errorf("%d are durable with a sink that takes none", durable)
	}
}
