package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// serving runs an agent and waits until it answers calls.
func serving(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.run(t)
	w.applied(t)
	eventually(t, "it answers the last of its calls", func() bool {
		_, err := fabric.Call[fabric.LogsCall, string](within(t), w.server, "kitchen", fabric.VerbLogs, fabric.LogsCall{})
		return fail.Is(err, fail.Invalid) // a stream without an inbox
	})
	return w
}

func TestInvoke(t *testing.T) {
	w := serving(t)
	invoke := func(ctx context.Context, payload string) (fabric.InvokeReply, error) {
		return fabric.Call[fabric.InvokeCall, fabric.InvokeReply](ctx, w.server, "kitchen", fabric.VerbInvoke,
			fabric.InvokeCall{Application: "roots", Payload: []byte(payload)})
	}
	r, err := invoke(within(t), "x")
	if err != nil || string(r.Payload) != "result of x" || r.Failure != nil {
		t.Errorf("got %+v, %v", r, err)
	}
	r, err = invoke(within(t), "raise")
	want := &fabric.HandlerFailure{Type: "ValueError", Message: "bad", Stack: "line 1"}
	if err != nil || cmp.Diff(want, r.Failure) != "" {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err = invoke(within(t), "stopped"); !fail.Is(err, fail.Unavailable) || fail.HintOf(err) != "Start it." {
		t.Errorf("got %v", err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = invoke(short, "slow"); !fail.Is(err, fail.Timeout) {
		t.Errorf("got %v", err)
	}
}

func publish(t *testing.T, w *world, topic spec.Topic, payload string) error {
	t.Helper()
	_, err := fabric.Call[fabric.PublishCall, fabric.PublishReply](within(t), w.server, "kitchen", fabric.VerbPublish,
		fabric.PublishCall{Topic: topic, Payload: []byte(payload)})
	return err
}

func TestPublishAndTopics(t *testing.T) {
	w := serving(t)
	client, err := w.router.Local("")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	heard := make(chan exchange.Message, 1)
	if _, err := client.Subscribe("poly/+", exchange.SubscribeOptions{}, func(m exchange.Message) { heard <- m }); err != nil {
		t.Fatal(err)
	}
	if err := publish(t, w, "poly/request", "[1]"); err != nil {
		t.Fatal(err)
	}
	if m := <-heard; m.Topic != "poly/request" || string(m.Payload) != "[1]" {
		t.Errorf("got %+v", m)
	}
	if err := publish(t, w, "poly/#", ""); err == nil {
		t.Error("published to a filter")
	}
	r, err := fabric.Call[fabric.TopicsCall, fabric.TopicsReply](within(t), w.server, "kitchen", fabric.VerbTopics, fabric.TopicsCall{})
	if err != nil || len(r.Topics) != 2 || r.Topics[0].Topic != "poly/+" || r.Topics[1].Topic != "poly/request" || r.Topics[1].Messages != 1 || r.Topics[1].Subscribers != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestTail(t *testing.T) {
	w := serving(t)
	tail, err := fabric.OpenStream[fabric.TailCall, spec.Message](t.Context(), w.server, "kitchen", fabric.VerbTail, fabric.TailCall{Filter: "poly/#"})
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	for _, topic := range []spec.Topic{"other", "poly/roots", "poly/a/b"} {
		if err := publish(t, w, topic, "\x00"+string(topic)); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []spec.Topic{"poly/roots", "poly/a/b"} {
		i, err := tail.Next(within(t))
		if err != nil || i.Value.Topic != want || string(i.Value.Payload) != "\x00"+string(want) || i.Value.Time.IsZero() {
			t.Errorf("got %+v, %v; want %s", i, err, want)
		}
	}
	_, err = fabric.OpenStream[fabric.TailCall, spec.Message](t.Context(), w.server, "kitchen", fabric.VerbTail, fabric.TailCall{Filter: "a/#/b"})
	if !fail.Is(err, fail.Invalid) {
		t.Errorf("a bad filter: %v", err)
	}
}

// Nobody reads the tail: the publisher is not held back, and the reader is told
// in the end.
func TestTailDropsRatherThanBlocks(t *testing.T) {
	w := serving(t)
	tail, err := fabric.OpenStream[fabric.TailCall, spec.Message](t.Context(), w.server, "kitchen", fabric.VerbTail, fabric.TailCall{Filter: "flood"})
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	client, err := w.router.Local("")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	const messages = 60_000
	payload := make([]byte, 1000)
	begin := time.Now()
	for range messages {
		if err := client.Publish("flood", payload); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("publishing took %v", took)
	}
	var seen, dropped int64
	for dropped == 0 {
		i, err := tail.Next(within(t))
		if err != nil {
			t.Fatal(err)
		}
		if i.Dropped == 0 {
			seen++
		}
		dropped += i.Dropped
	}
	if seen == 0 || seen+dropped > messages {
		t.Errorf("seen %d, dropped %d of %d", seen, dropped, messages)
	}
}

func openLogs(t *testing.T, w *world, c fabric.LogsCall) *fabric.Stream[spec.LogLine] {
	t.Helper()
	s, err := fabric.OpenStream[fabric.LogsCall, spec.LogLine](t.Context(), w.server, "kitchen", fabric.VerbLogs, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestLogs(t *testing.T) {
	w := serving(t)
	out := w.logs.Writer("roots", "1.0.0", 0).Stream(spec.StreamOut)
	fmt.Fprint(out, "1\n2\n3\n")

	last := openLogs(t, w, fabric.LogsCall{Application: "roots", Tail: 2})
	for _, want := range []string{"2", "3"} {
		if i, err := last.Next(within(t)); err != nil || i.Value.Text != want {
			t.Errorf("got %+v, %v; want %s", i, err, want)
		}
	}
	if _, err := last.Next(within(t)); !errors.Is(err, io.EOF) {
		t.Errorf("without follow: %v", err)
	}

	live := openLogs(t, w, fabric.LogsCall{Application: "roots", Tail: 1, Follow: true})
	if i, err := live.Next(within(t)); err != nil || i.Value.Text != "3" {
		t.Errorf("got %+v, %v", i, err)
	}
	fmt.Fprint(out, "4\n")
	if i, err := live.Next(within(t)); err != nil || i.Value.Text != "4" {
		t.Errorf("got %+v, %v", i, err)
	}
}

func TestLogsOfWhatIsNotThere(t *testing.T) {
	w := serving(t)
	for app, kind := range map[spec.Name]fail.Kind{"nobody": fail.NotFound, "../etc": fail.Invalid} {
		_, err := fabric.OpenStream[fabric.LogsCall, spec.LogLine](t.Context(), w.server, "kitchen", fabric.VerbLogs, fabric.LogsCall{Application: app, Tail: -1})
		if !fail.Is(err, kind) {
			t.Errorf("%s: %v", app, err)
		}
	}
	// On the device, but silent so far: no error, no lines.
	s := openLogs(t, w, fabric.LogsCall{Application: "roots", Tail: -1})
	if _, err := s.Next(within(t)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

func TestStatus(t *testing.T) {
	w := serving(t)
	r, err := fabric.Call[fabric.StatusCall, fabric.StatusReply](within(t), w.server, "kitchen", fabric.VerbStatus, fabric.StatusCall{})
	if err != nil {
		t.Fatal(err)
	}
	want := fabric.StatusReply{
		Device: "kitchen", Agent: "1.2.3", StartedAt: r.StartedAt, Revision: 1,
		Applications: []fabric.ApplicationStatus{{Name: "roots", Version: "1.0.0", State: spec.Running}},
	}
	if d := cmp.Diff(want, r); d != "" || r.StartedAt.IsZero() {
		t.Error(d, r.StartedAt)
	}
}
