package exchange

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// WorkerOptions are a Worker's.
type WorkerOptions struct {
	// OnLog receives what the function logs; level 0 to 3: debug, info,
	// warning, error. It is called by the worker's reader: one at a time, and
	// it should not take long.
	OnLog func(level int, text string)
}

// Worker is a process of a function: it loads the handler once and is called
// for events. It is a session of its application too, and may publish and
// subscribe.
type Worker struct {
	router      *Router
	session     *session
	application spec.Name
	opt         WorkerOptions
	ready       chan struct{}
	readyOnce   sync.Once

	mu        sync.Mutex
	last      uint32
	open      map[uint32]*openCall
	abandoned map[uint32]chan struct{} // cancelled and not answered; closed by the answer
	failure   *HandlerError            // why the handler could not be loaded
	gone      bool
}

// Attribute is one of an event's attributes, named as in CloudEvents 1.0.
type Attribute = wire.Attribute

// Invocation is one event for a function.
type Invocation struct {
	Timeout    time.Duration // 0: none but the context's
	Attributes []Attribute
	Payload    []byte
	// Part takes the result piece by piece while the handler makes it, head being what an answer over HTTP says beside its
	// body; what is left comes as the result. It is called by the worker's reader, which it must not hold up; each piece is
	// its own, and is paid for by [Worker.More]. Without it the pieces come together, as the result.
	Part func(head bool, data []byte)
}

// openCall is an invocation that is under way.
type openCall struct {
	done func([]byte, error)
	part func(head bool, data []byte)

	// Under the worker's mu:
	credit int    // bytes that the worker may send before there is more
	begun  bool   // a piece has come
	whole  []byte // of the pieces, where nobody takes them
	err    error  // what is told in place of the result
}

// HandlerError is an exception of the handler's.
type HandlerError struct{ Type, Message, Stack string }

// Error is the exception in one line, without its stack.
func (e *HandlerError) Error() string { return fmt.Sprintf("%s: %s", e.Type, e.Message) }

// FailKind classifies it: the function, not Fescue, refused the event.
func (e *HandlerError) FailKind() fail.Kind { return fail.Invalid }

// Worker makes the worker's link a session of app. The link itself proves who
// it is; app must have been granted something before the worker says HELLO.
// [Worker.Run] serves it.
func (r *Router) Worker(conn Conn, app spec.Name, o WorkerOptions) *Worker {
	w := &Worker{router: r, application: app, opt: o, ready: make(chan struct{}), open: map[uint32]*openCall{}, abandoned: map[uint32]chan struct{}{}}
	w.session = r.newSession(conn)
	w.session.worker, w.session.kind = w, "worker"
	return w
}

// Run serves the worker until its link ends or ctx is done. Afterwards, open
// invocations have failed. The error tells an end that was not asked for.
func (w *Worker) Run(ctx context.Context) error { return w.session.run(ctx) }

// Ready is closed when the worker has loaded its handler.
func (w *Worker) Ready() <-chan struct{} { return w.ready }

// Done is closed when the worker's session is over.
func (w *Worker) Done() <-chan struct{} { return w.session.done }

// Stop asks the worker to finish what it is doing and to exit.
func (w *Worker) Stop() {
	w.session.tell(wire.AppendGoodbye(nil, wire.GoingAway, "the worker is to exit"))
}

// Invoke gives the function one event and waits for its result, also for the
// worker to become ready. Many may be under way at once; the worker decides how
// many of them it runs. Errors: [*HandlerError]; fail.Timeout and fail.Canceled,
// of which the worker is told; fail.Unavailable as soon as the worker is gone;
// fail.TooLarge.
func (w *Worker) Invoke(ctx context.Context, i Invocation) ([]byte, error) {
	const op = "invoke function"
	var timeout <-chan time.Time
	if i.Timeout > 0 {
		t := time.NewTimer(i.Timeout)
		defer t.Stop()
		timeout = t.C
	}
	select {
	case <-w.ready:
	case <-w.session.done:
		return nil, w.unavailable(op)
	case <-timeout:
		return nil, w.late(op, i.Timeout)
	case <-ctx.Done():
		return nil, w.canceled(op, ctx)
	}
	type outcome struct {
		payload []byte
		err     error
	}
	result := make(chan outcome, 1)
	id, err := w.Begin(i, func(payload []byte, err error) { result <- outcome{payload, err} })
	if err != nil {
		return nil, err
	}
	w.Flush()
	select {
	case o := <-result:
		return o.payload, o.err
	case <-timeout:
		w.abandon(id)
		return nil, w.late(op, i.Timeout)
	case <-ctx.Done():
		w.abandon(id)
		return nil, w.canceled(op, ctx)
	}
}

// Begin gives a worker that is ready one event, once [Worker.Flush] is called. done is called once, with
// what [Worker.Invoke] would return, and no time-out: by the worker's reader, which it must not hold up. What done
// sends to the same worker needs no Flush. With an error, done is not called.
func (w *Worker) Begin(i Invocation, done func(payload []byte, err error)) (id uint32, err error) {
	w.mu.Lock()
	if w.gone {
		w.mu.Unlock()
		return 0, w.unavailable("invoke function")
	}
	for {
		w.last++
		if _, used := w.open[w.last]; w.last != 0 && !used {
			break
		}
	}
	id = w.last
	w.open[id] = &openCall{done: done, part: i.Part, credit: wire.Window}
	w.mu.Unlock()
	if err := w.sendInvoke(id, i); err != nil {
		w.end(id)
		return 0, err
	}
	return id, nil
}

// Flush sends what was begun.
func (w *Worker) Flush() { w.session.flush() }

// Cancel tells the worker that nobody waits for an invocation any longer. It is still answered.
func (w *Worker) Cancel(id uint32) {
	w.session.tell(wire.AppendPlain(nil, wire.Cancel, id, ""))
}

// Queues tells whether the worker handles invocations one after the other, in the order of
// [Worker.Begin], and answers each before it begins the next. Once it is ready.
func (w *Worker) Queues() bool {
	w.session.mu.Lock()
	defer w.session.mu.Unlock()
	return w.session.caps&wire.Queues != 0
}

// MaxBody is the largest body that the worker accepts, and with [Worker.Queues] also how much may wait in it. Once it
// is ready.
func (w *Worker) MaxBody() int {
	w.session.out.mu.Lock()
	defer w.session.out.mu.Unlock()
	return w.session.out.maxBody
}

// end takes an invocation out; nil if it was ended before.
func (w *Worker) end(id uint32) *openCall {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.open[id]
	delete(w.open, id)
	return c
}

func (w *Worker) sendInvoke(id uint32, i Invocation) error {
	frame := wire.AppendInvoke(nil, id, uint32(i.Timeout.Milliseconds()), i.Attributes, i.Payload)
	if body := len(frame) - wire.HeaderSize; body > wire.MaxLength || !w.session.accepts(body) {
		return fail.New(fail.TooLarge, "invoke function", "an event of %d bytes is larger than the worker accepts", body).On(string(w.application))
	}
	w.session.push(frame)
	return nil
}

// abandon is Cancel of an invocation whose answer nobody is told; see Settle.
func (w *Worker) abandon(id uint32) {
	w.mu.Lock()
	_, open := w.open[id]
	if open {
		delete(w.open, id)
		w.abandoned[id] = make(chan struct{})
	}
	w.mu.Unlock()
	if open {
		w.session.tell(wire.AppendPlain(nil, wire.Cancel, id, ""))
	}
}

// Settle waits until the worker has answered every invocation that was cancelled
// or late: until then its handler may still be at it. It is ctx's error when the worker
// has not by then, fail.Unavailable when it is gone.
func (w *Worker) Settle(ctx context.Context) error {
	for {
		answered := w.oneAbandoned()
		if answered == nil {
			return nil
		}
		select {
		case <-answered:
		case <-w.session.done:
			return w.unavailable("settle worker")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *Worker) oneAbandoned() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, answered := range w.abandoned {
		return answered
	}
	return nil
}

// Failure is the exception with which the worker could not load its handler, as
// it told before it ended, or nil.
func (w *Worker) Failure() *HandlerError {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}

// handle takes READY, RESULT and FAILURE. Answers to what was cancelled are dropped.
func (w *Worker) handle(f wire.Frame) {
	if f.Type == wire.Ready {
		w.readyOnce.Do(func() { close(w.ready) })
		return
	}
	if f.ID == 0 && f.Type == wire.Failure {
		w.mu.Lock()
		w.failure, _ = handlerError(f)
		w.mu.Unlock()
		return
	}
	c := w.end(f.ID)
	if c == nil {
		w.settled(f.ID)
		return
	}
	defer w.session.pub.touched(w.session) // done may have begun others
	if f.Type == wire.Result {
		c.done(append(append([]byte{}, c.whole...), f.Body...), c.err)
		return
	}
	exception, err := handlerError(f)
	if err == nil {
		err = exception
	}
	if c.err != nil {
		err = c.err
	}
	c.done(nil, err)
}

// part takes a piece of a result. One of an invocation that is over is dropped.
func (w *Worker) part(f wire.Frame) error {
	head, data, _ := f.Part() // it was checked
	w.mu.Lock()
	c := w.open[f.ID]
	if c == nil {
		w.mu.Unlock()
		return nil
	}
	if head && (c.begun || len(data) > maxHead) || !head && len(data) > c.credit {
		w.mu.Unlock()
		return w.session.violate(wire.Malformed, f, "it is more than its credit, or a second head")
	}
	c.begun = true
	if !head {
		c.credit -= len(data)
	}
	if c.part != nil {
		w.mu.Unlock()
		c.part(head, append([]byte{}, data...))
		return nil
	}
	defer w.mu.Unlock()
	if head {
		return nil
	}
	if c.err != nil || len(c.whole)+len(data) > w.session.router.opt.MaxBody {
		if c.err == nil {
			c.err = fail.New(fail.TooLarge, "invoke function", "the result has more than %d bytes in all, and who called it takes it as a whole", w.session.router.opt.MaxBody).
				On(string(w.application)).WithHint("Results of any size are for HTTP routes without reply and async.")
			w.session.answer(wire.AppendPlain(nil, wire.Cancel, f.ID, ""))
		}
		c.whole = nil
		return nil
	}
	c.whole = append(c.whole, data...)
	if c.credit < wire.Window/2 {
		w.session.answer(w.grant(f.ID, c, wire.Window-c.credit))
	}
	return nil
}

// maxHead is how large a head may be.
const maxHead = 16 << 10

func (w *Worker) grant(id uint32, c *openCall, bytes int) []byte {
	c.credit += bytes
	return wire.AppendNumber(nil, wire.More, id, uint32(bytes))
}

// More lets the worker send so many bytes more of a result, which were taken.
func (w *Worker) More(id uint32, bytes int) {
	w.mu.Lock()
	c := w.open[id]
	var frame []byte
	if c != nil && bytes > 0 {
		frame = w.grant(id, c, bytes)
	}
	w.mu.Unlock()
	if frame != nil {
		w.session.tell(frame)
	}
}

func handlerError(f wire.Frame) (*HandlerError, error) {
	b, err := f.Failure()
	if err != nil {
		return nil, err
	}
	return &HandlerError{Type: string(b.Type), Message: string(b.Message), Stack: string(b.Stack)}, nil
}

func (w *Worker) settled(id uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if answered, ok := w.abandoned[id]; ok {
		close(answered)
		delete(w.abandoned, id)
	}
}

// lost fails everything that is under way.
func (w *Worker) lost() {
	w.mu.Lock()
	w.gone = true
	open := w.open
	w.open = map[uint32]*openCall{}
	w.mu.Unlock()
	for _, c := range open {
		c.done(nil, w.unavailable("invoke function"))
	}
}

func (w *Worker) unavailable(op string) error {
	return fail.New(fail.Unavailable, op, "its worker is gone").On(string(w.application)).
		WithHint("See the application's logs for why it ended.")
}

func (w *Worker) late(op string, after time.Duration) error {
	return fail.New(fail.Timeout, op, "no result within %v", after).On(string(w.application)).
		WithHint("Raise limits.timeout in the configuration if the handler may take longer.")
}

func (w *Worker) canceled(op string, ctx context.Context) error {
	kind := fail.Canceled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		kind = fail.Timeout
	}
	return fail.New(kind, op, "%w", ctx.Err()).On(string(w.application))
}
