package fabric

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func TestCall(t *testing.T) {
	s := start(t)
	device, server := control(t, s), control(t, s)
	stop, err := Serve(t.Context(), device, "kitchen", VerbInvoke, func(_ context.Context, c InvokeCall) (InvokeReply, error) {
		return InvokeReply{Payload: append(c.Payload, c.Application...)}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	got, err := Call[InvokeCall, InvokeReply](t.Context(), server, "kitchen", VerbInvoke, InvokeCall{Application: "roots", Payload: []byte("\x00of ")})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(InvokeReply{Payload: []byte("\x00of roots")}, got); d != "" {
		t.Error(d)
	}
}

func TestCallErrors(t *testing.T) {
	s := start(t)
	device, server := control(t, s), control(t, s)
	failure := fail.New(fail.NotFound, "publish", "no such %s", "topic").On("a/b").WithHint("Name one that is.")
	replies := map[string]error{
		"kind":     failure,
		"deadline": context.DeadlineExceeded,
		"foreign":  errors.New("plain"),
	}
	stop, err := Serve(t.Context(), device, "kitchen", VerbPublish, func(ctx context.Context, c PublishCall) (string, error) {
		switch c.Topic {
		case "large":
			return strings.Repeat("x", maxPayload), nil
		case "slow":
			<-ctx.Done() // the caller's deadline reaches the device
			return "", ctx.Err()
		}
		return "", replies[string(c.Topic)]
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for _, c := range []struct {
		device  spec.DeviceID
		topic   spec.Topic
		payload int
		kind    fail.Kind
		text    string
	}{
		{"kitchen", "kind", 0, fail.NotFound, failure.Error()},
		{"kitchen", "deadline", 0, fail.Timeout, "deadline"},
		{"kitchen", "foreign", 0, fail.Internal, "plain"},
		{"kitchen", "large", 0, fail.TooLarge, "the result takes"},
		{"kitchen", "request", maxPayload, fail.TooLarge, "the request takes"},
		{"kitchen", "slow", 0, fail.Timeout, "deadline exceeded"},
		{"attic", "any", 0, fail.Unavailable, "device attic is not connected"},
	} {
		patience := 20 * time.Second
		if c.topic == "slow" {
			patience = 300 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		_, err := Call[PublishCall, string](ctx, server, c.device, VerbPublish, PublishCall{Topic: c.topic, Payload: make([]byte, c.payload)})
		cancel()
		if !fail.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v (%v), want %v with %q", c.topic, err, fail.KindOf(err), c.kind, c.text)
		}
		if c.topic == "kind" && fail.HintOf(err) != "Name one that is." {
			t.Errorf("the hint became %q", fail.HintOf(err))
		}
	}
}

func TestMalformedCall(t *testing.T) {
	s := start(t)
	nc := control(t, s)
	stop, err := Serve(t.Context(), nc, "kitchen", VerbPublish, func(context.Context, PublishCall) (string, error) { return "", nil })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	_, err = Call[string, string](t.Context(), nc, "kitchen", VerbPublish, "not an object")
	if !fail.Is(err, fail.Invalid) {
		t.Errorf("got %v", err)
	}
}

func TestStopWaitsForHandlers(t *testing.T) {
	s := start(t)
	nc := control(t, s)
	entered, left := make(chan struct{}), make(chan struct{})
	stop, err := Serve(t.Context(), nc, "kitchen", VerbStatus, func(ctx context.Context, _ StatusCall) (StatusReply, error) {
		close(entered)
		<-ctx.Done()
		close(left)
		return StatusReply{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, _ = Call[StatusCall, StatusReply](ctx, nc, "kitchen", VerbStatus, StatusCall{})
	}()
	<-entered
	stop()
	select {
	case <-left:
	default:
		t.Error("stop did not wait")
	}
}

func TestTooManyCalls(t *testing.T) {
	b := &bounded{slots: make(chan struct{}, 2)}
	hold := make(chan struct{})
	if !b.run(func() { <-hold }) || !b.run(func() { <-hold }) {
		t.Fatal("refused within its bound")
	}
	if b.run(func() {}) {
		t.Error("a third ran")
	}
	close(hold)
	b.stop(time.Second)
	if b.run(func() {}) {
		t.Error("ran after stop")
	}
}

func TestSignals(t *testing.T) {
	s := start(t)
	nc := control(t, s)
	alive, hinted := make(chan spec.DeviceID, 1), make(chan struct{}, 1)
	stopAlive, err := OnAlive(nc, func(d spec.DeviceID) { alive <- d })
	if err != nil {
		t.Fatal(err)
	}
	stopHint, err := OnHint(nc, "kitchen", func() { hinted <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Alive(nc, "kitchen"), Hint(nc, "attic"), Hint(nc, "kitchen")); err != nil {
		t.Fatal(err)
	}
	if d := <-alive; d != "kitchen" {
		t.Errorf("%q is alive", d)
	}
	<-hinted
	stopAlive()
	stopHint()
}

func BenchmarkCall(b *testing.B) {
	s := start(b)
	nc := control(b, s)
	stop, err := Serve(b.Context(), control(b, s), "kitchen", VerbPublish, func(context.Context, PublishCall) (PublishReply, error) { return PublishReply{}, nil })
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	for b.Loop() {
		if _, err := Call[PublishCall, PublishReply](b.Context(), nc, "kitchen", VerbPublish, PublishCall{Topic: "a"}); err != nil {
			b.Fatal(err)
		}
	}
}
