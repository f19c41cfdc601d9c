package fescue

import (
	"context"
	"encoding/json"
	"io"

	"fescue.dev/fescue/exchange/wire"
)

// output is where a function writes its answer while it makes it: see [Event.Output].
type output struct {
	worker *worker
	ctx    context.Context // of the invocation
	id     uint32
	head   []byte        // to be sent yet; nil: none
	came   chan struct{} // holds one: credit has

	credit int // under worker.mu
}

// Output gives where the answer can be written while it is made, piece by piece: each Write is sent at once, and waits while the caller
// reads more slowly. It fails with the context's error when nobody waits any longer. What the handler returns is the last piece. status and
// header are those of an answer over HTTP; 0 and nil leave them to the gateway. Call it once, and write from one goroutine.
func (e *Event) Output(status int, header map[string]string) io.Writer {
	o := e.output
	if status != 0 {
		o.head, _ = json.Marshal(map[string]any{"statusCode": status, "headers": header}) // strings never fail
	}
	return o
}

// Write is io.Writer's.
func (o *output) Write(p []byte) (n int, err error) {
	if !o.worker.client.agreed(wire.Parts) {
		return 0, failed(Unsupported, "", "this device takes answers as a whole")
	}
	for n < len(p) {
		piece := p[n:min(len(p), n+wire.MaxPart)]
		if err := o.spend(len(piece)); err != nil {
			return n, err
		}
		o.begin()
		o.worker.client.here(func(b []byte) []byte { return wire.AppendPart(b, o.id, false, string(piece)) })
		n += len(piece)
	}
	return n, nil
}

// begin sends the head, if that has yet to be.
func (o *output) begin() {
	if o.head != nil {
		o.worker.client.here(func(b []byte) []byte { return wire.AppendPart(b, o.id, true, string(o.head)) })
		o.head = nil
	}
}

// spend waits until so many bytes may be sent.
func (o *output) spend(n int) error {
	for {
		o.worker.mu.Lock()
		enough := o.credit >= n
		if enough {
			o.credit -= n
		}
		o.worker.mu.Unlock()
		if err := o.ctx.Err(); err != nil || enough {
			return err
		}
		select {
		case <-o.came:
		case <-o.ctx.Done():
		}
	}
}

// more adds credit to an answer that is under way.
func (w *worker) more(f wire.Frame) {
	n, _ := f.Number()
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.outputs[f.ID]
	if o == nil {
		return
	}
	o.credit += int(n)
	select {
	case o.came <- struct{}{}:
	default: // it will look
	}
}
