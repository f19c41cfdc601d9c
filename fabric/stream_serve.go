package fabric

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// A stream, on the wire. The reader calls the verb with the inbox for the items
// and the lease it asks for; the device answers with a subject for control. Then the device sends
// batches (numbered from 1) to the inbox, no more than streamWindow ahead of those that the
// reader has confirmed, and an empty batch where nothing was sent for a third of the
// lease. The reader sends controls, at least each third of the lease. A
// device that hears none for a lease ends the stream; so does the reader.

const (
	defaultLease = 30 * time.Second
	leastLease   = 50 * time.Millisecond
	longestLease = 5 * time.Minute
	streamWindow = 16 // batches on their way
)

// streamOpened is the answer to the call that opens a stream.
type streamOpened struct {
	Control string `json:"control"`
}

// streamControl is what the reader says. It renews the lease.
type streamControl struct {
	Confirmed uint64 `json:"confirmed"` // the last batch that was consumed
	Stop      bool   `json:"stop,omitempty"`
}

// streamBatch is a message of a stream. Without items, and no end, it says that
// the device is there.
type streamBatch struct {
	Number uint64     `json:"n,omitempty"`
	Items  []item     `json:"items,omitempty"`
	End    bool       `json:"end,omitempty"`
	Error  *wireError `json:"error,omitempty"`
}

// Feed makes the items of one stream until it has no more (nil), fails, or ctx
// ends, which it must obey.
type Feed[T any] func(ctx context.Context, out *Outlet[T]) error

// ServeStream answers the calls of a verb with streams, until stop or until ctx ends. open
// checks the request: its error is the caller's error. The feed it returns then
// runs in a goroutine of its own until it ends, the reader stops, or the reader is
// not heard of for its lease (30 s).
func ServeStream[Q, T any](ctx context.Context, nc *nats.Conn, device spec.DeviceID, verb Verb, open func(context.Context, Q) (Feed[T], error)) (stop func(), err error) {
	return serve(ctx, nc, device, verb, func(ctx context.Context, m *nats.Msg) {
		var q Q
		if err := json.Unmarshal(m.Data, &q); err != nil || m.Header.Get(headerInbox) == "" {
			err = errors.Join(err, errors.New("a stream needs an inbox"))
			_ = respond(m, nil, fail.New(fail.Invalid, "read call "+string(verb), "%w", err))
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		feed, err := open(ctx, q)
		if err != nil {
			_ = respond(m, nil, err)
			return
		}
		box := newOutbox()
		newPump(nc, m, box).run(ctx, cancel, m, func() error { return feed(ctx, &Outlet[T]{box}) })
	})
}

// pump sends what is in an outbox to one reader.
type pump struct {
	nc    *nats.Conn
	inbox string
	lease time.Duration
	box   *outbox

	control   chan struct{} // one token: the reader was heard of
	confirmed atomic.Uint64
	stopped   atomic.Bool

	sent      uint64 // batches
	lastSent  time.Time
	lastHeard time.Time
}

func newPump(nc *nats.Conn, m *nats.Msg, box *outbox) *pump {
	now := time.Now()
	lease := millis(m, headerLease, leastLease, longestLease)
	return &pump{nc: nc, inbox: m.Header.Get(headerInbox), lease: lease, box: box,
		control: make(chan struct{}, 1), lastSent: now, lastHeard: now}
}

// run opens the stream and returns when it is over and the feed has ended.
func (p *pump) run(ctx context.Context, cancel context.CancelFunc, m *nats.Msg, feed func() error) {
	subject := nats.NewInbox()
	sub, err := p.nc.Subscribe(subject, p.hear)
	if err != nil {
		_ = respond(m, nil, fail.Wrap(err, fail.Unavailable, "open stream", ""))
		return
	}
	defer func() { _ = sub.Unsubscribe() }()
	if respond(m, streamOpened{Control: subject}, nil) != nil {
		return
	}
	ended := make(chan error, 1)
	go func() { ended <- feed() }()
	over, reason := p.send(ctx, ended)
	cancel()
	if !over {
		<-ended
	}
	p.end(reason)
}

// hear takes the reader's controls, on the connection's goroutine.
func (p *pump) hear(m *nats.Msg) {
	var c streamControl
	if json.Unmarshal(m.Data, &c) != nil {
		return
	}
	p.confirmed.Store(max(p.confirmed.Load(), c.Confirmed))
	if c.Stop {
		p.stopped.Store(true)
	}
	token(p.control)
}

// send moves items until the feed has ended and all it made is sent, or until
// nobody wants them. over tells whether the feed's end was received.
func (p *pump) send(ctx context.Context, ended <-chan error) (over bool, reason error) {
	tick := time.NewTicker(p.lease / 3)
	defer tick.Stop()
	for {
		for p.sent-p.confirmed.Load() < streamWindow {
			batch := p.box.take()
			if batch == nil {
				break
			}
			p.sent++
			p.publish(streamBatch{Number: p.sent, Items: batch})
		}
		if over && p.box.empty() {
			return over, reason
		}
		select {
		case <-p.box.filledWhile(p.sent-p.confirmed.Load() < streamWindow):
		case reason = <-ended:
			over, ended = true, nil
		case <-p.control:
			p.lastHeard = time.Now()
			if p.stopped.Load() {
				return over, nil
			}
		case <-tick.C:
			if time.Since(p.lastHeard) > p.lease {
				return over, nil
			}
			if time.Since(p.lastSent) >= p.lease/4 {
				p.publish(streamBatch{})
			}
		case <-ctx.Done():
			return over, fail.New(fail.Unavailable, "stream", "the agent is stopping").
				WithHint("Open the stream again when the device is connected.")
		}
	}
}

func (p *pump) publish(b streamBatch) {
	data, err := json.Marshal(b)
	if err != nil {
		return // raw JSON that was marshalled before: cannot be
	}
	_ = p.nc.Publish(p.inbox, data) // a lost connection ends the lease
	p.lastSent = time.Now()
}

func (p *pump) end(reason error) {
	b := streamBatch{Number: p.sent + 1, End: true}
	if reason != nil && !errors.Is(reason, io.EOF) {
		b.Error = toWire(reason)
	}
	p.publish(b)
	_ = p.nc.FlushTimeout(time.Second) // the connection may be closed next
}

// filledWhile is the channel that says there is something to take, or none
// where nothing may be taken now.
func (o *outbox) filledWhile(open bool) <-chan struct{} {
	if !open {
		return nil
	}
	return o.filled
}

func (o *outbox) empty() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.queue) == 0
}
