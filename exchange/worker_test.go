package exchange_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/exchangetest"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
)

// startWorker runs a worker of alice's and returns it with the process's side.
func startWorker(t *testing.T, b *exchangetest.Broker, o exchange.WorkerOptions) (*exchange.Worker, *exchangetest.Client) {
	t.Helper()
	mine, theirs := net.Pipe()
	w := b.Worker(end{mine, time.Hour}, exchangetest.Alice, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	c := exchangetest.NewClient(t, theirs)
	welcome := c.Hello("")
	if welcome.Capabilities&wire.Functions == 0 || string(welcome.Application) != exchangetest.Alice {
		t.Errorf("welcome %+v", welcome)
	}
	return w, c
}

type result struct {
	payload []byte
	err     error
}

func invoke(ctx context.Context, w *exchange.Worker, i exchange.Invocation) <-chan result {
	c := make(chan result, 1)
	go func() {
		p, err := w.Invoke(ctx, i)
		c <- result{p, err}
	}()
	return c
}

func TestWorkerInvoke(t *testing.T) {
	b := exchangetest.Start(t, inMemory(time.Hour), exchange.Options{})
	logs := make(chan string, 10)
	w, c := startWorker(t, b, exchange.WorkerOptions{OnLog: func(level int, text string) { logs <- fmt.Sprint(level, " ", text) }})
	ctx := context.Background()
	early := invoke(ctx, w, exchange.Invocation{Payload: []byte("waits for READY"), Timeout: time.Minute,
		Attributes: []exchange.Attribute{{Name: "id", Value: "1"}}})
	select {
	case <-w.Ready():
		t.Error("ready before READY")
	case r := <-early:
		t.Errorf("result before READY: %v", r)
	case <-time.After(20 * time.Millisecond):
	}
	c.Send(wire.AppendPlain(nil, wire.Ready, 0, ""), wire.AppendPlain(nil, wire.Log, 2, "loaded"))
	f, err := c.Next()
	if err != nil || f.Type != wire.Invoke {
		t.Fatal(f, err)
	}
	i, err := f.Invoke()
	if err != nil || i.Timeout != 60_000 || i.Count != 1 || string(i.Payload) != "waits for READY" {
		t.Errorf("%+v %v", i, err)
	}
	c.Send(wire.AppendPlain(nil, wire.Result, f.ID, "result"))
	if r := <-early; r.err != nil || string(r.payload) != "result" {
		t.Errorf("%q %v", r.payload, r.err)
	}
	if got := <-logs; got != "2 loaded" {
		t.Errorf("log %q", got)
	}

	failing := invoke(ctx, w, exchange.Invocation{})
	f, _ = c.Next()
	c.Send(wire.AppendFailure(nil, f.ID, "ValueError", "degree 0", "stack"))
	var he *exchange.HandlerError
	if r := <-failing; !errors.As(r.err, &he) || *he != (exchange.HandlerError{Type: "ValueError", Message: "degree 0", Stack: "stack"}) {
		t.Errorf("%v", r.err)
	}
	if _, err := w.Invoke(ctx, exchange.Invocation{Payload: make([]byte, 2<<20)}); !fail.Is(err, fail.TooLarge) {
		t.Errorf("2 MiB: %v", err)
	}
	// A worker is a session of its application as well.
	c.Subscribe(1, "a/+", wire.Block, 0)
	c.Send(wire.AppendPlain(nil, wire.Register, 1, "c/out"))
	c.ExpectError(1, wire.Denied)
}

func TestWorkerGivesUp(t *testing.T) {
	b := exchangetest.Start(t, inMemory(time.Hour), exchange.Options{})
	w, c := startWorker(t, b, exchange.WorkerOptions{})
	c.Send(wire.AppendPlain(nil, wire.Ready, 0, ""))
	late := invoke(context.Background(), w, exchange.Invocation{Timeout: 30 * time.Millisecond})
	f, _ := c.Next()
	if r := <-late; !fail.Is(r.err, fail.Timeout) {
		t.Errorf("%v", r.err)
	}
	c.Expect(wire.Cancel, f.ID)
	c.Send(wire.AppendPlain(nil, wire.Result, f.ID, "too late"))
	ctx, cancel := context.WithCancel(context.Background())
	given := invoke(ctx, w, exchange.Invocation{})
	f, _ = c.Next()
	cancel()
	if r := <-given; !fail.Is(r.err, fail.Canceled) {
		t.Errorf("%v", r.err)
	}
	c.Expect(wire.Cancel, f.ID)
	c.ExpectNothing()
	w.Stop()
	c.Expect(wire.Goodbye, 0)
	c.ExpectNothing() // it may finish what it is doing
	c.Close()
	<-w.Done()
}

func TestWorkerDies(t *testing.T) {
	b := exchangetest.Start(t, inMemory(time.Hour), exchange.Options{})
	w, c := startWorker(t, b, exchange.WorkerOptions{})
	c.Send(wire.AppendPlain(nil, wire.Ready, 0, ""))
	var all []<-chan result
	for range 10 {
		all = append(all, invoke(context.Background(), w, exchange.Invocation{}))
		if f, err := c.Next(); err != nil || f.Type != wire.Invoke {
			t.Fatal(f, err)
		}
	}
	start := time.Now()
	c.Close()
	for _, r := range all {
		if r := <-r; !fail.Is(r.err, fail.Unavailable) {
			t.Errorf("%v", r.err)
		}
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %v", took)
	}
	if _, err := w.Invoke(context.Background(), exchange.Invocation{}); !fail.Is(err, fail.Unavailable) {
		t.Errorf("afterwards: %v", err)
	}
}

// TestWorkerConcurrent: many at once, answered in another order.
func TestWorkerConcurrent(t *testing.T) {
	b := exchangetest.Start(t, inMemory(time.Hour), exchange.Options{})
	w, c := startWorker(t, b, exchange.WorkerOptions{})
	c.Send(wire.AppendPlain(nil, wire.Ready, 0, ""))
	const total = 100
	var callers sync.WaitGroup
	for i := range total {
		callers.Go(func() {
			want := fmt.Sprint(i)
			p, err := w.Invoke(context.Background(), exchange.Invocation{Payload: []byte(want), Timeout: time.Minute})
			if err != nil || string(p) != want {
				t.Errorf("%q %v, want %q", p, err, want)
			}
		})
	}
	var answers [][]byte
	for range total {
		f, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		i, err := f.Invoke()
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, wire.AppendPlain(nil, wire.Result, f.ID, i.Payload))
	}
	for i := range answers {
		c.Send(answers[len(answers)-1-i])
	}
	callers.Wait()
}

// TestNoWorkerFrames: functions are for workers' links only.
func TestNoWorkerFrames(t *testing.T) {
	b := exchangetest.Start(t, inMemory(time.Hour), exchange.Options{})
	c := b.Client(exchangetest.AliceToken)
	c.Send(wire.AppendPlain(nil, wire.Ready, 0, ""), wire.AppendPlain(nil, wire.Result, 1, "x"), wire.AppendPlain(nil, wire.Log, 0, "x"))
	c.ExpectError(0, wire.Unsupported)
	c.ExpectError(1, wire.Unsupported)
	c.ExpectNothing()
}

// parts is a worker that takes results in parts, and one call of it with what has come.
func parts(t *testing.T, o exchange.Options, take func(head bool, data []byte)) (*exchange.Worker, *exchangetest.Client, uint32, <-chan result) {
	t.Helper()
	b := exchangetest.Start(t, inMemory(time.Hour), o)
	w, c := startWorker(t, b, exchange.WorkerOptions{})
	c.Send(wire.AppendPlain(nil, wire.Ready, 0, ""))
	<-w.Ready()
	done := make(chan result, 1)
	id, err := w.Begin(exchange.Invocation{Part: take}, func(p []byte, err error) { done <- result{p, err} })
	if err != nil {
		t.Fatal(err)
	}
	w.Flush()
	c.Expect(wire.Invoke, id)
	return w, c, id, done
}

func TestWorkerParts(t *testing.T) {
	came := make(chan string, 10)
	w, c, id, done := parts(t, exchange.Options{}, func(head bool, data []byte) { came <- fmt.Sprint(head, " ", string(data)) })
	c.Send(wire.AppendPart(nil, id, true, `{"statusCode":200}`), wire.AppendPart(nil, id, false, "one"))
	if head, one := <-came, <-came; head != `true {"statusCode":200}` || one != "false one" {
		t.Errorf("%q %q", head, one)
	}
	w.More(id, 3)
	c.Expect(wire.More, id)
	c.Send(wire.AppendPart(nil, id+1, false, "nobody's"), wire.AppendPlain(nil, wire.Result, id, "rest"))
	if r := <-done; string(r.payload) != "rest" || r.err != nil {
		t.Errorf("%q %v", r.payload, r.err)
	}
	w.More(id, 3) // it is over
	c.ExpectNothing()
}

// Who takes no parts gets them together, with credit as they come, up to what a message may have.
func TestWorkerPartsTogether(t *testing.T) {
	_, c, id, done := parts(t, exchange.Options{MaxBody: 1 << 20}, nil)
	part := make([]byte, wire.MaxPart)
	for range 3 {
		c.Send(wire.AppendPart(nil, id, false, part))
	}
	c.Expect(wire.More, id)
	c.Send(wire.AppendPlain(nil, wire.Result, id, "x"))
	if r := <-done; len(r.payload) != 3*len(part)+1 || r.err != nil {
		t.Errorf("%d bytes, %v", len(r.payload), r.err)
	}

	_, c, id, done = parts(t, exchange.Options{MaxBody: 100_000}, nil)
	c.Send(wire.AppendPart(nil, id, false, part), wire.AppendPart(nil, id, false, part))
	c.Expect(wire.Cancel, id)
	c.Send(wire.AppendFailure(nil, id, wire.Cancelled, "", ""))
	if r := <-done; !fail.Is(r.err, fail.TooLarge) {
		t.Errorf("%d bytes, %v", len(r.payload), r.err)
	}
}

// A worker that sends more than it may, or what is no part, loses its session; one that fails in the middle tells why.
func TestWorkerPartsRefused(t *testing.T) {
	part := make([]byte, wire.MaxPart)
	none := func(bool, []byte) {}
	for name, frames := range map[string]func(id uint32) [][]byte{
		"too much": func(id uint32) [][]byte {
			p := wire.AppendPart(nil, id, false, part)
			return [][]byte{p, p, p, p, wire.AppendPart(nil, id, false, "x")}
		},
		"two heads": func(id uint32) [][]byte {
			return [][]byte{wire.AppendPart(nil, id, true, "{}"), wire.AppendPart(nil, id, true, "{}")}
		},
		"a long head": func(id uint32) [][]byte { return [][]byte{wire.AppendPart(nil, id, true, part)} },
		"a long part": func(id uint32) [][]byte { return [][]byte{wire.AppendPart(nil, id, false, append(part, 0))} },
	} {
		t.Run(name, func(t *testing.T) {
			w, c, id, done := parts(t, exchange.Options{}, none)
			go c.Send(frames(id)...)
			c.ExpectError(id, wire.Malformed)
			if r := <-done; !fail.Is(r.err, fail.Unavailable) {
				t.Errorf("%v", r.err)
			}
			<-w.Done()
		})
	}
	_, c, id, done := parts(t, exchange.Options{}, none)
	c.Send(wire.AppendPart(nil, id, false, part), wire.AppendFailure(nil, id, "ValueError", "in the middle", ""))
	var he *exchange.HandlerError
	if r := <-done; !errors.As(r.err, &he) || he.Message != "in the middle" {
		t.Errorf("%v", r.err)
	}
}
