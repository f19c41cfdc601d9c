package fescue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"fescue.dev/fescue/exchange/wire"
)

// Event is what a function is called for.
type Event struct {
	Attributes map[string]string // CloudEvents': id, source, type, time, subject, datacontenttype
	Payload    []byte
	Client     *Client // of the function's own: to publish, keep state and log

	output *output
}

// Topic is the topic of the message that called the function, or "".
func (e *Event) Topic() string { return e.Attributes["subject"] }

// Handler is a function's: what it returns is the event's result. Its context ends when
// nobody waits for the result any longer.
type Handler func(ctx context.Context, e *Event) ([]byte, error)

// Serve is the main function of a function's program, which `handler:` in fescue.yaml names: it
// calls handler for each event, as many at once as `workers.concurrency` says, until the agent asks
// the worker to exit, or ctx is done.
func Serve(ctx context.Context, handler Handler) error {
	conn, err := adopt()
	if err != nil {
		return err
	}
	var o Options
	o.fill()
	o.Token = "" // the link itself proves who this is
	w := &worker{
		handler: handler, serial: os.Getenv("FESCUE_CONCURRENCY") == "1",
		under: map[uint32]context.CancelFunc{}, outputs: map[uint32]*output{}, leave: make(chan struct{}),
	}
	c := newClient(o, w)
	w.client = c
	l := newLink(conn)
	r, err := c.greet(l)
	if err != nil {
		return err
	}
	c.begin(l, r)
	defer c.Close() //nolint:errcheck // it has no errors
	c.here(func(b []byte) []byte { return wire.AppendPlain(b, wire.Ready, 0, "") })
	return w.wait(ctx)
}

// worker is the part of a client that is called.
type worker struct {
	client  *Client
	handler Handler
	serial  bool // one after the other
	running sync.WaitGroup
	leaving sync.Once
	leave   chan struct{}

	mu      sync.Mutex
	under   map[uint32]context.CancelFunc // invocations under way
	outputs map[uint32]*output            // of them
	waiting []*invocation                 // for those before them, the oldest first
}

// invocation is one that has yet to begin.
type invocation struct {
	id      uint32
	timeout time.Duration
	event   *Event
}

func (w *worker) wait(ctx context.Context) error {
	for {
		w.client.mu.Lock()
		fatal, changed := w.client.fatal, w.client.changed
		w.client.mu.Unlock()
		if fatal != nil {
			return fatal
		}
		select {
		case <-w.leave:
			w.running.Wait()
			return nil
		case <-ctx.Done():
			w.running.Wait()
			return nil
		case <-changed:
		}
	}
}

func (w *worker) handle(f wire.Frame) {
	switch f.Type {
	case wire.Goodbye:
		w.leaving.Do(func() { close(w.leave) })
	case wire.Cancel:
		w.cancel(f.ID)
	case wire.More:
		w.more(f)
	case wire.Invoke:
		w.invoke(f)
	}
}

func (w *worker) cancel(id uint32) {
	w.mu.Lock()
	cancel := w.under[id]
	at := slices.IndexFunc(w.waiting, func(i *invocation) bool { return i.id == id })
	if at >= 0 {
		w.waiting = slices.Delete(w.waiting, at, at+1)
	}
	w.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	if at >= 0 {
		w.answer(id, nil, &cancelled{"it was cancelled before it began"})
		w.running.Done()
	}
}

func (w *worker) invoke(f wire.Frame) {
	i, _ := f.Invoke()
	e := &Event{Attributes: map[string]string{}, Payload: clone(i.Payload), Client: w.client}
	maps.Insert(e.Attributes, func(yield func(string, string) bool) {
		for k, v := range i.Attributes() {
			if !yield(string(k), string(v)) {
				return
			}
		}
	})
	timeout := time.Duration(i.Timeout) * time.Millisecond
	if timeout == 0 {
		timeout = 24 * 365 * time.Hour
	}
	w.running.Add(1)
	w.mu.Lock()
	w.waiting = append(w.waiting, &invocation{f.ID, timeout, e})
	w.mu.Unlock()
	w.begin()
}

// begin begins the invocation that has waited longest, unless another has to end first.
func (w *worker) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 || w.serial && len(w.under) > 0 {
		return
	}
	i := w.waiting[0]
	w.waiting = slices.Delete(w.waiting, 0, 1)
	ctx, cancel := context.WithTimeout(context.Background(), i.timeout)
	w.under[i.id] = cancel
	i.event.output = &output{worker: w, ctx: ctx, id: i.id, credit: wire.Window, came: make(chan struct{}, 1)}
	w.outputs[i.id] = i.event.output
	go w.call(ctx, i)
}

func (w *worker) call(ctx context.Context, i *invocation) {
	defer w.running.Done()
	result, err := guarded(func() ([]byte, error) { return w.handler(ctx, i.event) })
	if err != nil && errors.Is(err, ctx.Err()) {
		err = &cancelled{err.Error()}
	}
	if err == nil {
		i.event.output.begin()
	}
	w.answer(i.id, result, err)
	if w.serial {
		w.client.written() // before the next begins, so the broker knows which has
	}
	w.mu.Lock()
	w.under[i.id]()
	delete(w.under, i.id)
	delete(w.outputs, i.id)
	w.mu.Unlock()
	w.begin()
}

// answer sends what came of an invocation.
func (w *worker) answer(id uint32, result []byte, err error) {
	if err == nil {
		err = w.client.checkSize("", len(result))
	}
	w.client.here(func(b []byte) []byte {
		if err == nil {
			return wire.AppendPlain(b, wire.Result, id, result)
		}
		kind, stack := describe(err)
		return wire.AppendFailure(b, id, kind, err.Error(), stack)
	})
}

// cancelled is why an invocation ended for which nobody waits any longer.
type cancelled struct{ text string }

func (c *cancelled) Error() string { return c.text }

// describe is the kind of an error, and the stack of a panic.
func describe(err error) (kind, stack string) {
	var p *panicked
	if errors.As(err, &p) {
		return "panic", string(p.stack)
	}
	var c *cancelled
	if errors.As(err, &c) {
		return wire.Cancelled, ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code.Error(), ""
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", err), "*"), ""
}
