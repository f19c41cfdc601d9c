package fabric

import (
	"context"
	"encoding/json"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Item is an element of a stream: a value, or, where Dropped is not 0, the
// news that so many were dropped at this place.
type Item[T any] struct {
	Value   T
	Dropped int64
}

// Stream is the reader's end of a live stream from a device. Close it.
type Stream[T any] struct {
	nc      *nats.Conn
	device  spec.DeviceID
	lease   time.Duration
	control string

	batches  chan streamBatch // never full: the device stays within its window
	consumed atomic.Uint64
	progress chan struct{} // one token: consumed has grown
	cancel   context.CancelFunc
	done     sync.WaitGroup

	current []item // of the batch being read; belongs to Next
	number  uint64
	end     error
}

// OpenStream asks a device for a stream, which lasts until it ends by itself, is
// closed, or ctx ends. Errors are those of [Call]; ctx's deadline bounds the whole
// stream, the opening takes 30 s at most.
func OpenStream[Q, T any](ctx context.Context, nc *nats.Conn, device spec.DeviceID, verb Verb, q Q) (*Stream[T], error) {
	return openStream[Q, T](ctx, nc, device, verb, q, defaultLease)
}

func openStream[Q, T any](ctx context.Context, nc *nats.Conn, device spec.DeviceID, verb Verb, q Q, lease time.Duration) (*Stream[T], error) {
	messages := make(chan *nats.Msg, 4*streamWindow)
	inbox := nats.NewInbox()
	sub, err := nc.ChanSubscribe(inbox, messages)
	if err != nil {
		return nil, fail.Wrap(err, fail.Unavailable, "open stream", string(device))
	}
	opening, cancel := context.WithTimeout(ctx, defaultCallTimeout)
	defer cancel()
	answer, err := request(opening, nc, device, verb, q, nats.Header{
		headerInbox: {inbox}, headerLease: {strconv.FormatInt(lease.Milliseconds(), 10)},
	})
	var opened streamOpened
	if err == nil {
		opened, err = decodeAnswer[streamOpened](answer.Data)
	}
	if err != nil {
		_ = sub.Unsubscribe()
		return nil, err
	}
	s := &Stream[T]{
		nc: nc, device: device, lease: lease, control: opened.Control,
		batches: make(chan streamBatch, streamWindow+2), progress: make(chan struct{}, 1),
	}
	ctx, s.cancel = context.WithCancel(ctx)
	s.done.Go(func() {
		defer close(s.batches)
		defer func() { _ = sub.Unsubscribe() }()
		s.receive(ctx, messages)
	})
	return s, nil
}

// Next waits for the next item. io.EOF says that the stream has ended; any other
// error too, except that of ctx, after which Next may be called again. Not for
// concurrent use.
func (s *Stream[T]) Next(ctx context.Context) (Item[T], error) {
	for len(s.current) == 0 {
		if s.end != nil {
			return Item[T]{}, s.end
		}
		if s.number > 0 {
			s.consumed.Store(s.number)
			token(s.progress)
		}
		select {
		case b, open := <-s.batches:
			s.accept(b, open)
		case <-ctx.Done():
			return Item[T]{}, context.Cause(ctx)
		}
	}
	first := s.current[0]
	s.current = s.current[1:]
	if first.Dropped > 0 {
		return Item[T]{Dropped: first.Dropped}, nil
	}
	var i Item[T]
	if err := json.Unmarshal(first.Value, &i.Value); err != nil {
		return i, fail.New(fail.Internal, "read stream", "%w", err).On(string(s.device))
	}
	return i, nil
}

func (s *Stream[T]) accept(b streamBatch, open bool) {
	switch {
	case !open:
		s.end = io.EOF
	case b.Number != 0 && b.Number != s.number+1:
		s.end = fail.New(fail.Unavailable, "read stream", "a part of the stream from %s was lost", s.device).WithHint("Open it again.")
	case b.Error != nil:
		s.end = b.Error.err()
	case b.End:
		s.end = io.EOF
	}
	s.number, s.current = b.Number, b.Items
}

// Close ends the stream and tells the device.
func (s *Stream[T]) Close() {
	s.cancel()
	s.done.Wait()
}

// receive passes batches on, renews the lease and notices when the device falls
// silent.
func (s *Stream[T]) receive(ctx context.Context, messages <-chan *nats.Msg) {
	tick := time.NewTicker(s.lease / 3)
	defer tick.Stop()
	heard, confirmed := time.Now(), uint64(0)
	for {
		select {
		case m := <-messages:
			heard = time.Now()
			if s.pass(ctx, m) {
				return
			}
		case <-s.progress:
			if c := s.consumed.Load(); c >= confirmed+streamWindow/2 {
				confirmed = c
				s.say(streamControl{Confirmed: c})
			}
		case <-tick.C:
			if time.Since(heard) > s.lease {
				s.hand(ctx, streamBatch{Error: s.silent()})
				return
			}
			confirmed = s.consumed.Load()
			s.say(streamControl{Confirmed: confirmed})
		case <-ctx.Done():
			s.say(streamControl{Stop: true})
			s.hand(ctx, streamBatch{Error: toWire(fail.New(fail.Canceled, "read stream", "%w", context.Cause(ctx)))})
			return
		}
	}
}

// pass hands a batch to Next; true when it was the last. An empty one only says
// that the device is there.
func (s *Stream[T]) pass(ctx context.Context, m *nats.Msg) (last bool) {
	var b streamBatch
	if err := json.Unmarshal(m.Data, &b); err != nil {
		b = streamBatch{Error: toWire(fail.New(fail.Internal, "read stream", "%w", err))}
	}
	if b.Number == 0 && b.Error == nil {
		return false
	}
	s.hand(ctx, b)
	return b.End || b.Error != nil
}

// hand puts a batch into the queue, which has room unless the device ignores the
// window; then it waits no longer than the stream lasts.
func (s *Stream[T]) hand(ctx context.Context, b streamBatch) {
	select {
	case s.batches <- b:
		return
	default:
	}
	select {
	case s.batches <- b:
	case <-ctx.Done():
	}
}

func (s *Stream[T]) silent() *wireError {
	return toWire(fail.New(fail.Unavailable, "read stream", "device %s fell silent", s.device).
		WithHint("Look whether its agent runs and is connected, then open the stream again."))
}

func (s *Stream[T]) say(c streamControl) {
	data, err := json.Marshal(c)
	if err != nil {
		return // a struct of a number and a flag: cannot be
	}
	_ = s.nc.Publish(s.control, data)
}
