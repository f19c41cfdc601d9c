package observe_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"fescue.dev/fescue/observe"
	"fescue.dev/fescue/spec"
)

func TestRecorderNumbersAndKeeps(t *testing.T) {
	var r observe.Recorder
	var sink observe.Sink = &r
	for _, status := range []string{"started", "succeeded"} {
		if err := sink.Emit(t.Context(), spec.Event{Kind: spec.EventStep, Status: status}); err != nil {
			t.Fatal(err)
		}
	}
	got := r.Events()
	if len(got) != 2 || got[0].Sequence != 1 || got[1].Sequence != 2 || got[1].Status != "succeeded" {
		t.Fatalf("got %+v", got)
	}
}

func TestRecorderWait(t *testing.T) {
	var r observe.Recorder
	done := make(chan spec.Event, 1)
	go func() {
		e, err := r.Wait(t.Context(), func(e spec.Event) bool { return e.Status == "failed" })
		if err == nil {
			done <- e
		}
		close(done)
	}()
	_ = r.Emit(t.Context(), spec.Event{Status: "started"})
	_ = r.Emit(t.Context(), spec.Event{Status: "failed"})
	if e := <-done; e.Sequence != 2 {
		t.Fatalf("got %+v", e)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := r.Wait(ctx, func(spec.Event) bool { return false })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want the context's error", err)
	}
}

func TestSinkFunc(t *testing.T) {
	refuse := errors.New("no")
	sink := observe.SinkFunc(func(context.Context, ...spec.Event) error { return refuse })
	if err := sink.Emit(t.Context(), spec.Event{}); !errors.Is(err, refuse) {
		t.Fatalf("got %v", err)
	}
}
