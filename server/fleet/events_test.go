package fleet

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

func TestIngestOnce(t *testing.T) {
	w := newWorld(t)
	w.device("left", "linux/amd64")
	w.version("app", "1.0.0", "")
	d := w.deploy("app")
	for range 3 {
		w.finish("left", 1, d, spec.DeploymentSucceeded)
	}
	w.finish("left", 2, d, spec.DeploymentFailed) // too late to count
	got, err := w.store.Deployment(w.ctx, d.ID)
	if err != nil || got.Status != spec.DeploymentSucceeded {
		t.Errorf("%+v, %v", got, err)
	}
	events, err := w.store.Events(w.ctx, store.EventQuery{})
	if err != nil || len(events) != 2 {
		t.Errorf("%+v, %v", events, err)
	}
	// One that can never be applied does not stand in the way of the others.
	mixed := []spec.Event{{Device: "left", Sequence: 3, Kind: spec.EventDevice}, {Device: "left"}, {Device: "left", Sequence: 4, Kind: spec.EventDevice}}
	if err := w.Ingest(w.ctx, mixed); err != nil {
		t.Errorf("with one without a number: %v", err)
	}
	if events, err := w.store.Events(w.ctx, store.EventQuery{}); err != nil || len(events) != 4 {
		t.Errorf("%+v, %v", events, err)
	}
}

// Watchers that come at any time, fast ones and slow ones, see every event once and
// in order; one on another server of the same database, too.
func TestWatch(t *testing.T) {
	w := newWorld(t)
	w.device("left", "linux/amd64")
	other := New(w.store, w, w.log)
	const n = 300
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	var watchers sync.WaitGroup
	watch := func(f *Fleet, pause time.Duration) {
		watchers.Go(func() {
			var last uint64
			err := f.Watch(ctx, store.EventQuery{Device: "left", Limit: 7}, func(e store.StoredEvent) bool {
				if e.Sequence != last+1 {
					t.Errorf("after %d came %d", last, e.Sequence)
				}
				last = e.Sequence
				time.Sleep(pause)
				return last < n
			}, nil)
			if err != nil || last != n {
				t.Errorf("ended at %d: %v", last, err)
			}
		})
	}
	watch(w.Fleet, 0)
	watch(other, 0)
	for i := range uint64(n) {
		if i == n/2 {
			watch(w.Fleet, time.Millisecond)
		}
		w.report("left", i+1, spec.Event{Kind: spec.EventDevice})
	}
	watch(w.Fleet, 0)
	watchers.Wait()
}

func TestWatchEnds(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancelCause(w.ctx)
	cancel(errors.New("enough"))
	each := func(store.StoredEvent) bool { t.Error("there is no event"); return false }
	if err := w.Watch(ctx, store.EventQuery{}, each, nil); !fail.Is(err, fail.Canceled) {
		t.Errorf("its context ended: %v", err)
	}
	calls := 0
	idle := func() (bool, error) { calls++; return calls < 3, nil }
	go func() {
		for range 100 {
			w.hub.wake()
			time.Sleep(time.Millisecond)
		}
	}()
	if err := w.Watch(w.ctx, store.EventQuery{}, each, idle); err != nil || calls != 3 {
		t.Errorf("idle was called %d times: %v", calls, err)
	}
	broken := errors.New("broken")
	if err := w.Watch(w.ctx, store.EventQuery{}, each, func() (bool, error) { return true, broken }); !errors.Is(err, broken) {
		t.Errorf("idle's error: %v", err)
	}
}

func TestPrune(t *testing.T) {
	w := newWorld(t)
	w.device("left", "linux/amd64")
	for i := range uint64(5) {
		w.report("left", i+1, spec.Event{Kind: spec.EventDevice})
	}
	if err := w.store.PruneEvents(w.ctx, 2); err != nil {
		t.Fatal(err)
	}
	events, err := w.store.Events(w.ctx, store.EventQuery{})
	if err != nil || len(events) != 2 || events[0].Sequence != 4 {
		t.Errorf("%+v, %v", events, err)
	}
}
