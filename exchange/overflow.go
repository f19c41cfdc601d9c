package exchange

import (
	"time"

	"fescue.dev/fescue/exchange/wire"
)

// verdict is what becomes of a message that found a queue full.
type verdict uint8

const (
	accepted verdict = iota
	dropped
	wait // until there is room, policy block
)

// admit decides about a message of n bytes for sub, making room if that is its policy.
func (o *outbox) admit(sub *subscription, n int) verdict {
	if sub.epoch != o.epoch {
		sub.epoch, sub.queued, sub.skip, sub.stalled = o.epoch, 0, 0, false
	}
	if n-wire.HeaderSize > o.maxBody {
		sub.tooBig++
		return o.drop(sub)
	}
	if sub.queued-sub.skip < sub.limit && (o.bytes+n <= o.max || o.bytes == 0) {
		return accepted
	}
	switch {
	case sub.policy == wire.Block && !sub.stalled:
		return wait
	case sub.policy == wire.DropOldest:
		return o.replace(sub, n)
	default:
		return o.drop(sub)
	}
}

func (o *outbox) drop(sub *subscription) verdict {
	sub.unsaid++
	o.dropped++
	sub.lost.Add(1)
	return dropped
}

// replace drops the oldest messages of sub until one of n bytes has room.
func (o *outbox) replace(sub *subscription, n int) verdict {
	if sub.queued-sub.skip >= sub.limit {
		o.drop(sub)
		if !o.dropHead(sub) {
			o.noteOldest(sub)
		}
	}
	if o.bytes+n > o.max && o.dead > 0 {
		o.sweepAll()
	}
	for o.bytes+n > o.max && o.bytes > 0 {
		if !o.removeOldest(sub) {
			return o.drop(sub) // others fill the queue
		}
		o.drop(sub)
	}
	return accepted
}

// noteOldest has one more message of sub left out when its turn comes.
func (o *outbox) noteOldest(sub *subscription) {
	sub.skip++
	o.dead++
	if o.compact == 0 {
		o.compact = 256
	}
	if o.dead > o.compact {
		o.sweepAll()
	}
}

// dropHead takes out the first whole frame of the queue if it is a message of
// sub, in constant time. The rest of a frame that is being sent, in front of
// it, moves up.
func (o *outbox) dropHead(sub *subscription) bool {
	if o.dead > 0 || o.busy {
		return false
	}
	for i, s := range o.segs {
		if s.edge >= len(s.b) {
			continue
		}
		t, id, size := s.frameAt(s.edge)
		if t != wire.Message || id != sub.id {
			return false
		}
		copy(s.b[s.off+size:], s.b[s.off:s.edge])
		s.off += size
		s.edge += size
		o.bytes -= size
		sub.queued--
		if s.off == len(s.b) && i == 0 {
			o.shift()
		}
		return true
	}
	return false
}

// removeOldest takes out the first message of sub wherever it waits.
func (o *outbox) removeOldest(sub *subscription) bool {
	for i, s := range o.segs {
		if i == 0 && o.busy {
			continue
		}
		for at := s.edge; at < len(s.b); {
			t, id, size := s.frameAt(at)
			if t == wire.Message && id == sub.id {
				s.b = append(s.b[:at], s.b[at+size:]...)
				o.bytes -= size
				sub.queued--
				return true
			}
			at += size
		}
	}
	return false
}

// notice tells the subscriber of drops, at most once a second for each
// subscription. It reports whether something was appended that needs a flush,
// and whether something is left to be told later.
func (o *outbox) notice(sub *subscription, now time.Time) (flush, later bool) {
	if sub.unsaid == 0 || o.closing {
		return false, false
	}
	if now.Sub(sub.saidAt) < noticePause {
		return false, true
	}
	code, text := wire.Overflow, plural(sub.unsaid, "message was dropped: the queue is full", "messages were dropped: the queue is full")
	if sub.tooBig > 0 {
		code, text = wire.TooLarge, plural(sub.unsaid, "message was dropped: larger than this client accepts", "messages were dropped: some larger than this client accepts")
	}
	sub.unsaid, sub.tooBig, sub.saidAt = 0, 0, now
	n := wire.HeaderSize + 8 + len(sub.filter) + len(text)
	s := o.begin(n)
	s.b = wire.AppendError(s.b, sub.id, code, wire.Subscribe, sub.filter, text)
	return o.end(n), false
}
