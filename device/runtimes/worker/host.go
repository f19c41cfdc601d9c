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

	mu       sync.Mutex // of writing, and all below
	maxBody  int
	receipts map[uint32]chan error
	last     uint32
}

func newHost(w io.Writer) *Host {
	return &Host{write: w, maxBody: wire.DefaultBody, receipts: map[uint32]chan error{}}
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
	answer := make(chan error, 1)
	h.mu.Lock()
	h.last++
	receipt := h.last
	h.receipts[receipt] = answer
	h.mu.Unlock()
	if err := h.send(wire.AppendPublishTo(nil, receipt, topic, payload)); err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
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

// settle hands the broker's answer to who waits for a receipt.
func (h *Host) settle(receipt uint32, err error) {
	h.mu.Lock()
	answer := h.receipts[receipt]
	delete(h.receipts, receipt)
	h.mu.Unlock()
	if answer != nil {
		answer <- err
	}
}

// Refusal is the broker's ERROR.
type Refusal struct {
	Code wire.Code
	Text string
}

// Error says what was refused and why.
func (r *Refusal) Error() string { return r.Code.String() + ": " + r.Text }
