package exchange

import (
	"sync"
	"sync/atomic"
	"time"

	"fescue.dev/fescue/exchange/kept"
	"fescue.dev/fescue/exchange/wire"
)

// outbox is the queue of frames that wait for one session's link. Anybody
// appends; one at a time, who has set writing, sends. It is bounded in bytes,
// and by each subscription's queue length.
//
// A message is counted by its subscription while it waits. Dropping the oldest
// one takes it out at the head, where that is it; elsewhere it is only noted
// (skip) and left out when the frames get their turn, so that a flood costs the
// same for every message however long the queue is.
type outbox struct {
	mu       sync.Mutex
	segs     []*segment
	pool     *segments // nil: segments are handed out for good, see fresh
	bytes    int       // waiting
	max      int       // bytes that messages may fill
	maxBody  int       // what the client accepts
	dead     int       // frames noted for leaving out
	compact  int       // dead frames that make a sweep worth its time
	epoch    uint64    // rises when the queue has become empty: all counts are 0 then
	subs     map[uint32]*subscription
	dirty    bool // somebody is going to flush
	writing  bool // somebody is sending
	busy     bool // … and reads the head segment right now, without the lock
	closing  bool // takes nothing more, is sent to its end
	closed   bool
	room     chan struct{} // closed when a waiting publisher should look again
	roomMark int           // bytes at or below which that is
	sent     uint64        // messages appended, all subscriptions
	dropped  uint64
	// sentBytes are those of the payloads of sent.
	sentBytes uint64
	credits   int // subscriptions by credit
	held      int // bytes that wait for credit
	swept     int // frames that sweeps have gone over: what dropping has cost
}

// subscription is a filter of a session. The counts belong to the owner's
// outbox and its lock; the rest does not change.
type subscription struct {
	owner  *session
	id     uint32
	filter string
	exact  bool // no wildcard
	policy wire.Policy
	flags  wire.Flags
	limit  int // messages that may wait

	epoch   uint64
	queued  int // messages waiting, those to be left out included
	skip    int // oldest ones to be left out
	gone    bool
	stalled bool // it let a publisher wait in vain
	unsaid  uint64
	tooBig  uint64
	saidAt  time.Time
	deliver func(Message)  // local sessions
	from    bool           // local sessions: see fromMark
	held    held           // by credit
	rule    *rule          // of the exchange itself: messages are kept
	kept    *kept.Consumer // made by CONSUME: not in the trie

	lost atomic.Uint64 // messages dropped
	turn atomic.Uint32 // requests answered, for taking turns
}

func (o *outbox) empty() bool { return len(o.segs) == 0 }

// begin returns the segment to append n bytes to; end says that it was done.
func (o *outbox) begin(n int) *segment {
	if last := len(o.segs) - 1; last >= 0 {
		if s := o.segs[last]; cap(s.b)-len(s.b) >= n {
			return s
		}
	}
	s := o.newSegment(n)
	o.segs = append(o.segs, s)
	return s
}

func (o *outbox) newSegment(n int) *segment {
	if o.pool != nil {
		return o.pool.get(n)
	}
	// Views of it are given away: no larger than what is likely needed.
	size := 1 << 10
	for range min(len(o.segs), 6) {
		size *= 2
	}
	return &segment{b: make([]byte, 0, max(n, size)), class: -1}
}

// end accounts n appended bytes; true says that the caller has to flush.
func (o *outbox) end(n int) bool {
	o.bytes += n
	return o.wantsFlush()
}

// wantsFlush tells the caller that it is up to him to flush.
func (o *outbox) wantsFlush() bool {
	if o.writing || o.dirty || o.empty() {
		return false
	}
	o.dirty = true
	return true
}

// take returns the bytes to send next, or nil. The caller has set writing.
func (o *outbox) take() []byte {
	for len(o.segs) > 0 {
		s := o.segs[0]
		if o.dead > 0 {
			o.sweep(s)
		}
		if s.off < len(s.b) {
			o.busy = true
			return s.b[s.off:]
		}
		o.shift()
	}
	o.emptied()
	return nil
}

// shift removes the head segment, which has been sent.
func (o *outbox) shift() {
	s := o.segs[0]
	n := copy(o.segs, o.segs[1:])
	o.segs[n] = nil
	o.segs = o.segs[:n]
	if o.pool != nil {
		o.pool.put(s)
	}
}

func (o *outbox) emptied() {
	o.epoch++
	o.dead, o.compact = 0, 0
	o.wakePublishers()
}

// done accounts n sent bytes of what take returned.
func (o *outbox) done(n int) {
	o.busy = false
	if n == 0 || o.closed {
		return
	}
	s := o.segs[0]
	o.bytes -= n
	s.off += n
	if s.off == len(s.b) && len(o.segs) == 1 && o.dead == 0 {
		o.shift()
		o.emptied() // counts nothing one by one
		o.payAfter()
		return
	}
	for s.edge < s.off {
		t, id, size := s.frameAt(s.edge)
		if t == wire.Message {
			o.left(id)
		}
		s.edge += size
	}
	if s.off == len(s.b) {
		o.shift()
	}
	o.wakePublishers()
	o.payAfter()
}

// payAfter gives the room that sending has made to who has credit.
func (o *outbox) payAfter() {
	if o.credits > 0 {
		o.payAll()
	}
}

// left accounts a message that was sent. One that should have been left out
// and was on its way already was not dropped after all.
func (o *outbox) left(id uint32) {
	sub := o.subs[id]
	if sub == nil || sub.epoch != o.epoch || sub.queued == 0 {
		return
	}
	sub.queued--
	if sub.skip > 0 {
		sub.skip--
		o.dead--
		o.dropped--
	}
	sub.stalled = false
}

func (o *outbox) wakePublishers() {
	if o.room != nil && (o.bytes <= o.roomMark || o.closed) {
		close(o.room)
		o.room = nil
	}
}

// sweep leaves the noted frames out of s, in place.
func (o *outbox) sweep(s *segment) {
	w := s.edge
	for r := s.edge; r < len(s.b); {
		o.swept++
		t, id, size := s.frameAt(r)
		if t == wire.Message && o.leaveOut(id) {
			o.bytes -= size
		} else {
			w += copy(s.b[w:], s.b[r:r+size])
		}
		r += size
	}
	s.b = s.b[:w]
}

func (o *outbox) leaveOut(id uint32) bool {
	sub := o.subs[id]
	if sub == nil || sub.epoch != o.epoch || sub.skip == 0 {
		return false
	}
	sub.skip--
	sub.queued--
	o.dead--
	return true
}

// sweepAll leaves out whatever can be, and says when to try again.
func (o *outbox) sweepAll() {
	before, dead := o.swept, o.dead
	kept := o.segs[:0]
	for i, s := range o.segs {
		if !(i == 0 && o.busy) {
			o.sweep(s)
		}
		if s.off == len(s.b) && !(i == 0 && o.busy) {
			if o.pool != nil {
				o.pool.put(s)
			}
			continue
		}
		kept = append(kept, s)
	}
	clear(o.segs[len(kept):])
	o.segs = kept
	// Half as many as were kept: a sweep costs each dead frame three looks at most.
	o.compact = o.dead + 256 + (o.swept-before-dead)/2
}

// close forgets everything that waits.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.closing = true, true
	if !o.busy && o.pool != nil {
		for _, s := range o.segs {
			o.pool.put(s)
		}
	}
	o.segs, o.bytes = nil, 0
	o.emptied()
}
