package exchange

import (
	"math"

	"fescue.dev/fescue/exchange/wire"
)

// held is what waits in the broker for a subscription's credit. It belongs to
// the owner's outbox and its lock. What has left it for the outbox is owed to the
// client and not dropped any more.
type held struct {
	credit int
	frames [][]byte
}

// hold takes a message for a subscription by credit: into the outbox against
// credit, else among the held ones, under the subscription's policy.
func (o *outbox) hold(sub *subscription, topic string, payload []byte) verdict {
	n := wire.HeaderSize + 2 + len(topic) + len(payload)
	if n-wire.HeaderSize > o.maxBody {
		sub.tooBig++
		return o.drop(sub)
	}
	h := &sub.held
	for len(h.frames) >= sub.limit || (o.held+n > o.max && o.held > 0) {
		switch {
		case sub.policy == wire.Block && !sub.stalled:
			return wait
		case sub.policy == wire.DropOldest && len(h.frames) > 0:
			o.unhold(sub)
			o.drop(sub)
		default:
			return o.drop(sub)
		}
	}
	o.sent++
	o.sentBytes += uint64(len(payload))
	if h.credit > 0 && len(h.frames) == 0 && o.fits(n) {
		h.credit--
		seg := o.begin(n)
		seg.b = wire.AppendMessage(seg.b, sub.id, topic, payload)
		o.bytes += n
		sub.stalled = false
		return accepted
	}
	h.frames = append(h.frames, wire.AppendMessage(nil, sub.id, topic, payload))
	o.held += n
	o.pay(sub)
	return accepted
}

// fits tells whether the outbox has room for n bytes more.
func (o *outbox) fits(n int) bool { return o.bytes == 0 || o.bytes+n <= o.max }

// unhold takes the oldest of sub's held messages out.
func (o *outbox) unhold(sub *subscription) []byte {
	h := &sub.held
	frame := h.frames[0]
	h.frames[0] = nil
	h.frames = h.frames[1:]
	o.held -= len(frame)
	return frame
}

// pay moves what has credit, and room, into the outbox.
func (o *outbox) pay(sub *subscription) {
	h := &sub.held
	moved := false
	for h.credit > 0 && len(h.frames) > 0 {
		if !o.fits(len(h.frames[0])) {
			break
		}
		h.credit--
		frame := o.unhold(sub)
		seg := o.begin(len(frame))
		seg.b = append(seg.b, frame...)
		o.bytes += len(frame)
		moved = true
	}
	if moved {
		sub.stalled = false
		o.release()
	}
}

// payAll is for when the outbox has got room.
func (o *outbox) payAll() {
	for _, sub := range o.subs {
		if sub.held.credit > 0 && len(sub.held.frames) > 0 {
			o.pay(sub)
		}
	}
}

// release lets waiting publishers look again.
func (o *outbox) release() {
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// handleCredit adds credit to a subscription. One that has none by that name is
// a client that unsubscribed meanwhile.
func (s *session) handleCredit(f wire.Frame) error {
	n, err := f.Number()
	if err != nil {
		return s.violate(wire.Malformed, f, err.Error())
	}
	sub := s.subs[f.ID]
	switch {
	case sub == nil:
		return nil
	case sub.flags&wire.ByCredit == 0:
		return s.refuse(wire.Unsupported, f, sub.filter, "the subscription is not by credit")
	}
	s.out.mu.Lock()
	sub.held.credit = int(min(int64(sub.held.credit)+int64(n), math.MaxInt32))
	s.out.pay(sub)
	flush := s.out.wantsFlush()
	s.out.mu.Unlock()
	if flush {
		s.pub.touched(s)
	}
	return nil
}
