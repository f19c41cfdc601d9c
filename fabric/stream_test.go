package fabric

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// serveFeed serves the feed as the tail of device kitchen.
func serveFeed(t testing.TB, nc *nats.Conn, feed Feed[int]) (stop func()) {
	t.Helper()
	stop, err := ServeStream(t.Context(), nc, "kitchen", VerbTail, func(_ context.Context, c TailCall) (Feed[int], error) {
		if c.Filter == "refuse" {
			return nil, fail.New(fail.Denied, "tail", "no").WithHint("Ask for another.")
		}
		return feed, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return stop
}

func openTail(t testing.TB, nc *nats.Conn, lease time.Duration) *Stream[int] {
	t.Helper()
	s, err := openStream[TailCall, int](t.Context(), nc, "kitchen", VerbTail, TailCall{Filter: "#"}, lease)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestStreamInOrderToItsEnd(t *testing.T) {
	s := start(t)
	const items = 20_000
	serveFeed(t, control(t, s), func(ctx context.Context, out *Outlet[int]) error {
		for i := range items {
			if err := out.Send(ctx, i); err != nil {
				return err
			}
		}
		return nil
	})
	tail := openTail(t, control(t, s), defaultLease)
	for want := range items {
		got, err := tail.Next(within(t))
		if err != nil || got.Dropped != 0 || got.Value != want {
			t.Fatalf("item %d is %+v, %v", want, got, err)
		}
	}
	for range 2 {
		if _, err := tail.Next(within(t)); !errors.Is(err, io.EOF) {
			t.Fatalf("at the end: %v", err)
		}
	}
}

// Nobody reads while far more is offered than may wait: the reader finds each
// item or the number of those that are missing, at their place.
func TestStreamTellsWhatItDropped(t *testing.T) {
	s := start(t)
	const items = 100_000
	offered := make(chan struct{})
	serveFeed(t, control(t, s), func(_ context.Context, out *Outlet[int]) error {
		defer close(offered)
		for i := range items {
			out.Offer(i)
		}
		return nil
	})
	tail := openTail(t, control(t, s), defaultLease)
	<-offered
	next, dropped := 0, int64(0)
	for {
		i, err := tail.Next(within(t))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if i.Dropped > 0 {
			next, dropped = next+int(i.Dropped), dropped+i.Dropped
			continue
		}
		if i.Value != next {
			t.Fatalf("got %d, want %d", i.Value, next)
		}
		next++
	}
	if next != items || dropped == 0 {
		t.Errorf("%d accounted for, %d of them dropped; want %d and some", next, dropped, items)
	}
}

func TestStreamOpenErrors(t *testing.T) {
	s := start(t)
	nc := control(t, s)
	serveFeed(t, nc, nil)
	_, err := OpenStream[TailCall, int](t.Context(), nc, "kitchen", VerbTail, TailCall{Filter: "refuse"})
	if !fail.Is(err, fail.Denied) || fail.HintOf(err) != "Ask for another." {
		t.Errorf("got %v", err)
	}
	_, err = OpenStream[TailCall, int](t.Context(), nc, "attic", VerbTail, TailCall{})
	if !fail.Is(err, fail.Unavailable) {
		t.Errorf("got %v", err)
	}
	_, err = Call[TailCall, int](t.Context(), nc, "kitchen", VerbTail, TailCall{})
	if !fail.Is(err, fail.Invalid) {
		t.Errorf("without an inbox: %v", err)
	}
}

func TestStreamFeedError(t *testing.T) {
	s := start(t)
	serveFeed(t, control(t, s), func(context.Context, *Outlet[int]) error {
		return fail.New(fail.Exhausted, "tail", "broke").WithHint("Mend it.")
	})
	_, err := openTail(t, control(t, s), defaultLease).Next(within(t))
	if !fail.Is(err, fail.Exhausted) || fail.HintOf(err) != "Mend it." {
		t.Errorf("got %v", err)
	}
}

// ending is a feed that runs until its context ends and then tells.
func ending() (Feed[int], <-chan struct{}) {
	ended := make(chan struct{})
	return func(ctx context.Context, out *Outlet[int]) error {
		out.Offer(1)
		<-ctx.Done()
		close(ended)
		return nil
	}, ended
}

func awaitEnd(t *testing.T, ended <-chan struct{}) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the feed did not end")
	}
}

func TestStreamEndsWhenReaderCloses(t *testing.T) {
	s := start(t)
	feed, ended := ending()
	serveFeed(t, control(t, s), feed)
	tail := openTail(t, control(t, s), defaultLease)
	if i, err := tail.Next(within(t)); err != nil || i.Value != 1 {
		t.Fatal(i, err)
	}
	tail.Close()
	awaitEnd(t, ended)
	if _, err := tail.Next(within(t)); !fail.Is(err, fail.Canceled) {
		t.Errorf("after Close: %v", err)
	}
}

func TestStreamEndsWhenReaderDies(t *testing.T) {
	s := start(t)
	feed, ended := ending()
	serveFeed(t, control(t, s), feed)
	reader := control(t, s)
	openTail(t, reader, 200*time.Millisecond)
	reader.Close()
	awaitEnd(t, ended)
}

func TestStreamReaderNoticesSilence(t *testing.T) {
	s := start(t)
	feed, _ := ending()
	device := control(t, s)
	serveFeed(t, device, feed)
	tail := openTail(t, control(t, s), 200*time.Millisecond)
	if _, err := tail.Next(within(t)); err != nil {
		t.Fatal(err)
	}
	device.Close() // as if the device lost its power
	if _, err := tail.Next(within(t)); !fail.Is(err, fail.Unavailable) {
		t.Errorf("got %v", err)
	}
}

func TestStreamLivesBeyondItsLease(t *testing.T) {
	s := start(t)
	const lease = time.Second // a loaded machine may be late by a good part of it
	serveFeed(t, control(t, s), func(ctx context.Context, out *Outlet[int]) error {
		select {
		case <-time.After(2 * lease):
			out.Offer(7)
		case <-ctx.Done():
		}
		return nil
	})
	if i, err := openTail(t, control(t, s), lease).Next(within(t)); err != nil || i.Value != 7 {
		t.Errorf("got %+v, %v", i, err)
	}
}

func TestStreamToldThatTheAgentStops(t *testing.T) {
	s := start(t)
	feed, ended := ending()
	stop := serveFeed(t, control(t, s), feed)
	tail := openTail(t, control(t, s), defaultLease)
	if _, err := tail.Next(within(t)); err != nil {
		t.Fatal(err)
	}
	stop()
	awaitEnd(t, ended)
	if _, err := tail.Next(within(t)); !fail.Is(err, fail.Unavailable) {
		t.Errorf("got %v", err)
	}
}

func TestNextMayBeCalledAgain(t *testing.T) {
	s := start(t)
	release := make(chan struct{})
	serveFeed(t, control(t, s), func(_ context.Context, out *Outlet[int]) error {
		<-release
		out.Offer(3)
		return nil
	})
	tail := openTail(t, control(t, s), defaultLease)
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := tail.Next(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	close(release)
	if i, err := tail.Next(within(t)); err != nil || i.Value != 3 {
		t.Errorf("got %+v, %v", i, err)
	}
}

func BenchmarkStream(b *testing.B) {
	s := start(b)
	n := b.N
	stop, err := ServeStream(b.Context(), control(b, s), "kitchen", VerbLogs, func(context.Context, LogsCall) (Feed[spec.LogLine], error) {
		return func(ctx context.Context, out *Outlet[spec.LogLine]) error {
			line := spec.LogLine{Application: "app", Version: "1.0.0", Stream: spec.StreamOut, Text: strings.Repeat("x", 100)}
			for range n {
				if err := out.Send(ctx, line); err != nil {
					return err
				}
			}
			return nil
		}, nil
	})
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	logs, err := OpenStream[LogsCall, spec.LogLine](b.Context(), control(b, s), "kitchen", VerbLogs, LogsCall{})
	if err != nil {
		b.Fatal(err)
	}
	defer logs.Close()
	for range n {
		if _, err := logs.Next(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
