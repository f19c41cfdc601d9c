package fabric

import (
	"context"
	"encoding/json"
	"sync"

	"fescue.dev/fescue/fail"
)

// Outlet takes the items of a stream on the device. What waits in it is bounded:
// a reader that is slow, or a link that is, never costs more memory than that.
type Outlet[T any] struct{ box *outbox }

// Offer puts the item into the stream, or drops it when too much waits; the
// reader is told where how many were dropped. It never blocks. False: dropped.
func (o *Outlet[T]) Offer(v T) bool {
	raw, err := json.Marshal(v)
	if err != nil || len(raw) > largestItem {
		o.box.drop(1)
		return false
	}
	return o.box.put(raw)
}

// Send puts the item into the stream and waits for room, until ctx ends.
func (o *Outlet[T]) Send(ctx context.Context, v T) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fail.New(fail.Internal, "send item", "encode: %w", err)
	}
	if len(raw) > largestItem {
		o.box.drop(1)
		return nil
	}
	return o.box.putWait(ctx, raw)
}

// Dropped tells the reader, at this place, that n items never reached the outlet.
func (o *Outlet[T]) Dropped(n int64) { o.box.drop(n) }

// Bounds of what waits in an outlet, and of one message of the stream.
const (
	outletItems = 4096
	outletBytes = 4 << 20
	largestItem = maxPayload / 2
	batchItems  = 512
	batchBytes  = 256 << 10
)

// item is one element on the wire: a value, or a number of dropped ones.
type item struct {
	Value   json.RawMessage `json:"v,omitempty"`
	Dropped int64           `json:"dropped,omitempty"`
}

// outbox is the queue between whoever makes items and the pump that sends them.
type outbox struct {
	mu    sync.Mutex
	queue []item
	bytes int

	filled chan struct{} // one token: there is something to take
	room   chan struct{} // one token: something was taken
}

func newOutbox() *outbox {
	return &outbox{filled: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func (o *outbox) put(raw []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.fits(raw) {
		o.dropLocked(1)
		return false
	}
	o.queue = append(o.queue, item{Value: raw})
	o.bytes += len(raw)
	token(o.filled)
	return true
}

func (o *outbox) putWait(ctx context.Context, raw []byte) error {
	for {
		o.mu.Lock()
		if o.fits(raw) {
			o.queue = append(o.queue, item{Value: raw})
			o.bytes += len(raw)
			token(o.filled)
			if len(o.queue) < outletItems {
				token(o.room) // there may be another who waits
			}
			o.mu.Unlock()
			return nil
		}
		o.mu.Unlock()
		select {
		case <-o.room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// fits allows an item larger than all room when nothing else waits.
func (o *outbox) fits(raw []byte) bool {
	return len(o.queue) == 0 || len(o.queue) < outletItems && o.bytes+len(raw) <= outletBytes
}

func (o *outbox) drop(n int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dropLocked(n)
}

// dropLocked counts into the last place of the queue, so that a flood of drops
// takes no room.
func (o *outbox) dropLocked(n int64) {
	if n <= 0 {
		return
	}
	if last := len(o.queue) - 1; last >= 0 && o.queue[last].Dropped > 0 {
		o.queue[last].Dropped += n
	} else {
		o.queue = append(o.queue, item{Dropped: n})
	}
	token(o.filled)
}

// take removes up to a message's worth of items.
func (o *outbox) take() []item {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, size := 0, 0
	for n < len(o.queue) && n < batchItems {
		size += len(o.queue[n].Value)
		if n > 0 && size > batchBytes {
			size -= len(o.queue[n].Value)
			break
		}
		n++
	}
	if n == 0 {
		return nil
	}
	batch := o.queue[:n:n]
	o.queue = o.queue[n:]
	o.bytes -= size
	if len(o.queue) > 0 {
		token(o.filled)
	} else {
		o.queue = nil // let the array go
	}
	token(o.room)
	return batch
}

// token leaves a token in a channel of one place, if none is there.
func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
