package micro

import (
	"bytes"
	"context"
	"io"
	"sync"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Events are what a board says on its own. Function is the one that was running,
// or "". They are called from the board's reader and must not wait for the board.
type Events struct {
	Publish func(function spec.Name, topic spec.Topic, payload []byte)
	Log     func(function spec.Name, level uint32, text string)
	// Returned tells that a new module failed in its first invocation, and that the
	// board went back to the one before.
	Returned func(function spec.Name)
	// Frame is told of every frame; it may be nil.
	Frame func(Seen)
}

// Board is a session with a microcontroller.
type Board struct {
	Facts Facts

	conn   io.ReadWriteCloser
	frames *wire.Reader
	events Events
	turn   chan struct{} // holds one: a board does one thing at a time

	mu        sync.Mutex
	lastID    uint32
	running   spec.Name
	wait      map[uint32]chan wire.Frame
	transfers map[uint32]spec.Name  // that were committed in this session
	topics    map[uint32]spec.Topic // that the board has registered
	closed    chan struct{}
	ready     chan struct{}
}

// maxBody is the largest frame that a board may send.
const maxBody = 16 << 10

// Greet reads the HELLO of a board and welcomes it.
func Greet(conn io.ReadWriteCloser, device spec.DeviceID, ev Events) (*Board, error) {
	const op = "greet microcontroller"
	b := &Board{
		conn: conn, frames: wire.NewReader(conn, maxBody), events: ev, turn: make(chan struct{}, 1),
		wait: map[uint32]chan wire.Frame{}, transfers: map[uint32]spec.Name{}, topics: map[uint32]spec.Topic{}, closed: make(chan struct{}), ready: make(chan struct{}),
	}
	f, err := b.frames.Next()
	if err != nil {
		return nil, fail.Wrap(err, fail.Unavailable, op, "")
	}
	b.seen(false, f)
	h, err := f.Hello()
	if err != nil || f.Type != wire.Hello {
		return nil, fail.New(fail.Invalid, op, "the session did not begin with HELLO")
	}
	if b.Facts, err = parseFacts(h); err != nil {
		return nil, err
	}
	err = b.send(wire.AppendWelcome(nil, wire.WelcomeBody{
		Version: wire.Version, Capabilities: wire.Functions | wire.Logs | wire.Modules, MaxBody: maxBody, Device: []byte(device),
	}))
	if err == nil {
		err = b.tellTime()
	}
	return b, err
}

// Run reads what the board sends until the session ends.
func (b *Board) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = b.conn.Close() })
	defer stop()
	ended := make(chan struct{})
	defer func() { close(b.closed); <-ended }()
	go func() { defer close(ended); b.keepTime() }()
	for {
		f, err := b.frames.Next()
		if err != nil {
			return err
		}
		b.seen(false, f)
		if err := b.take(f); err != nil {
			return err
		}
	}
}

// Ready is closed once the board takes invocations.
func (b *Board) Ready() <-chan struct{} { return b.ready }

// Done is closed when the session has ended.
func (b *Board) Done() <-chan struct{} { return b.closed }

func (b *Board) take(f wire.Frame) error {
	switch f.Type {
	case wire.Ping:
		return b.send(wire.AppendPlain(nil, wire.Pong, f.ID, f.Body))
	case wire.Ready:
		select {
		case <-b.ready:
		default:
			close(b.ready)
		}
	case wire.Log:
		b.events.Log(b.function(), f.ID, string(f.Body))
	case wire.PublishTo:
		t, err := f.Topical()
		if err != nil {
			return err
		}
		b.events.Publish(b.function(), spec.Topic(t.Topic), bytes.Clone(t.Payload))
	case wire.Register, wire.Unregister, wire.Publish:
		return b.registered(f)
	case wire.Abort:
		b.returned(f)
	default:
		b.answer(f)
	}
	return nil
}

// returned handles an ABORT: of a transfer under way, or of a committed one.
func (b *Board) returned(f wire.Frame) {
	b.mu.Lock()
	name, committed := b.transfers[f.ID]
	delete(b.transfers, f.ID)
	b.mu.Unlock()
	if committed {
		b.events.Returned(name)
	}
	b.answer(f)
}

func (b *Board) function() spec.Name {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.running
}

// answer gives a frame to who waits for it.
func (b *Board) answer(f wire.Frame) {
	f.Body = append([]byte(nil), f.Body...)
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.wait[f.ID] <- f: // a nil channel takes nothing
	default:
	}
}

func (b *Board) send(frame []byte) error {
	b.seenSent(frame)
	if _, err := b.conn.Write(frame); err != nil {
		return fail.Wrap(err, fail.Unavailable, "send to microcontroller", b.Facts.ID)
	}
	return nil
}

// begin takes the board's turn and an id, whose frames come on the channel.
func (b *Board) begin(ctx context.Context, function spec.Name) (uint32, <-chan wire.Frame, func(), error) {
	select {
	case b.turn <- struct{}{}:
	case <-b.closed:
		return 0, nil, nil, b.gone()
	case <-ctx.Done():
		return 0, nil, nil, fail.Wrap(context.Cause(ctx), fail.Canceled, "wait for the microcontroller", b.Facts.ID)
	}
	frames := make(chan wire.Frame, 64)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lastID++
	id := b.lastID
	b.wait[id], b.running = frames, function
	return id, frames, func() {
		b.mu.Lock()
		delete(b.wait, id)
		b.running = ""
		b.mu.Unlock()
		<-b.turn
	}, nil
}

func (b *Board) gone() error {
	return fail.New(fail.Unavailable, "talk to microcontroller", "its session has ended").On(b.Facts.ID).
		WithHint("Look at its line and power: fescue micro ports.")
}

// next waits for a frame.
func (b *Board) next(ctx context.Context, op string, frames <-chan wire.Frame) (wire.Frame, error) {
	select {
	case f := <-frames:
		if f.Type == wire.Error {
			return f, boardError(op, f)
		}
		return f, nil
	case <-b.closed:
		return wire.Frame{}, b.gone()
	case <-ctx.Done():
		return wire.Frame{}, fail.Wrap(context.Cause(ctx), fail.Timeout, op, b.Facts.ID)
	}
}

func boardError(op string, f wire.Frame) error {
	e, err := f.Error()
	if err != nil {
		return fail.Wrap(err, fail.Invalid, op, "")
	}
	kind := fail.Invalid
	switch e.Code {
	case wire.NoRoom:
		kind = fail.Exhausted
	case wire.NotFound:
		kind = fail.NotFound
	case wire.Denied:
		kind = fail.Denied
	}
	return fail.New(kind, op, "the board refused %v: %v", e.Refused, e.Code)
}

// Ping waits for the answer to a frame of 8 bytes and so many more, at most 64.
func (b *Board) Ping(ctx context.Context, size int) error {
	id, frames, done, err := b.begin(ctx, "")
	if err != nil {
		return err
	}
	defer done()
	if err := b.send(wire.AppendPlain(nil, wire.Ping, id, string(make([]byte, size)))); err != nil {
		return err
	}
	_, err = b.next(ctx, "ping microcontroller", frames)
	return err
}

// Held is what a board has in its slots.
func (b *Board) Held(ctx context.Context) ([]wire.Module, error) {
	const op = "list functions of microcontroller"
	id, frames, done, err := b.begin(ctx, "")
	if err != nil {
		return nil, err
	}
	defer done()
	if err := b.send(wire.AppendPlain(nil, wire.List, id, "")); err != nil {
		return nil, err
	}
	f, err := b.next(ctx, op, frames)
	if err != nil {
		return nil, err
	}
	held, err := f.Held()
	if err != nil {
		return nil, err
	}
	var modules []wire.Module
	for m := range held.Modules() {
		modules = append(modules, m)
	}
	return modules, nil
}

// Remove takes a function off the board; one that is not there is no error.
func (b *Board) Remove(ctx context.Context, function spec.Name) error {
	id, frames, done, err := b.begin(ctx, "")
	if err != nil {
		return err
	}
	defer done()
	if err := b.send(wire.AppendPlain(nil, wire.Remove, id, string(function))); err != nil {
		return err
	}
	_, err = b.next(ctx, "remove function from microcontroller", frames)
	if fail.Is(err, fail.NotFound) {
		return nil
	}
	return err
}
