package worker

import (
	"context"
	"io"
	"sync"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
)

// Event is what a handler is called for.
type Event struct {
	Attributes map[string]string // by CloudEvents' names
	Payload    []byte            // its own
}

// Handler serves one event. The context ends when nobody waits any longer. An error
// that is a [*Failure] is told as it is, another one by its text.
type Handler func(ctx context.Context, e Event) ([]byte, error)

// Failure is an exception of the handler.
type Failure struct{ Type, Message, Stack string }

// Error is the exception in one line.
func (f *Failure) Error() string { return f.Type + ": " + f.Message }

// Host is the link, as a handler may use it.
type Host struct {
	write io.Writer

	mu      sync.Mutex // of writing, and all below
	maxBody int
	agreed  wire.Capabilities
	open    map[uint32]chan answer // what was asked, by id
	last    uint32
}

// answer is the broker's, to a frame with an id.
type answer struct {
	value []byte
	err   error
}

func newHost(w io.Writer) *Host {
	return &Host{write: w, maxBody: wire.DefaultBody, open: map[uint32]chan answer{}}
}

// MaxBody is the largest body that the broker accepts.
func (h *Host) MaxBody() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.maxBody
}

// Publish publishes on a topic and waits until the broker has taken the message: the
// error is a [*Refusal] if it does not.
func (h *Host) Publish(ctx context.Context, topic string, payload []byte) error {
	if 2+len(topic)+len(payload) > h.MaxBody() {
		return &Refusal{wire.TooLarge, "the message is larger than the broker accepts"}
	}
	_, err := h.ask(ctx, func(id uint32) []byte { return wire.AppendPublishTo(nil, id, topic, payload) })
	return err
}

// State is the value of a key in the application's store. The error is a [*Refusal] with
// wire.NotFound where there is none.
func (h *Host) State(ctx context.Context, key string) ([]byte, error) {
	if err := h.hasState(); err != nil {
		return nil, err
	}
	return h.ask(ctx, func(id uint32) []byte { return wire.AppendPlain(nil, wire.Get, id, key) })
}

// SetState writes a key; when it returns, the value is on disk. No bytes remove the key.
func (h *Host) SetState(ctx context.Context, key string, value []byte) error {
	if err := h.hasState(); err != nil {
		return err
	}
	if len(key)+len(value)+32 > h.MaxBody() {
		return &Refusal{wire.TooLarge, "the value is larger than the broker accepts"}
	}
	_, err := h.ask(ctx, func(id uint32) []byte {
		if len(value) == 0 {
			return wire.AppendDelete(nil, id, wire.Always, 0, key)
		}
		return wire.AppendPut(nil, id, wire.PutBody{Key: []byte(key), Value: value})
	})
	return err
}

func (h *Host) hasState() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.agreed&wire.State == 0 {
		return &Refusal{wire.Unsupported, "this device keeps no state"}
	}
	return nil
}

// ask sends a frame and waits for what comes under its id.
func (h *Host) ask(ctx context.Context, frame func(id uint32) []byte) ([]byte, error) {
	came := make(chan answer, 1)
	h.mu.Lock()
	h.last++
	id := h.last
	h.open[id] = came
	h.mu.Unlock()
	if err := h.send(frame(id)); err != nil {
		return nil, err
	}
	select {
	case a := <-came:
		return a.value, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Log writes a line to the application's log; level 0 to 3 is debug, info, warning, error.
func (h *Host) Log(level int, text string) error {
	text = text[:min(len(text), h.MaxBody())]
	return h.send(wire.AppendPlain(nil, wire.Log, uint32(min(max(level, 0), 3)), text))
}

func (h *Host) send(frame []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.write.Write(frame)
	return fail.Wrap(err, fail.Unavailable, "write to Data Xchange", "")
}

// settle hands the broker's answer to who waits for it.
func (h *Host) settle(id uint32, a answer) {
	h.mu.Lock()
	came := h.open[id]
	delete(h.open, id)
	h.mu.Unlock()
	if came != nil {
		came <- a
	}
}

// Refusal is the broker's ERROR.
type Refusal struct {
	Code wire.Code
	Text string
}

// Error says what was refused and why.
func (r *Refusal) Error() string { return r.Code.String() + ": " + r.Text }
