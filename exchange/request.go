package exchange

import (
	"sync"
	"sync/atomic"
	"time"

	"fescue.dev/fescue/exchange/wire"
)

// call is a request on its way: who asked, and who answers.
type call struct {
	requester *session
	request   uint32 // the requester's id
	responder *session
	id        uint32 // the responder's
	timer     *time.Timer
	answered  atomic.Bool
}

// calls are a session's part in requests. Its mu is held alone and shortly.
type calls struct {
	mu       sync.Mutex
	made     map[uint32]*call // by the session, by request id
	answers  map[uint32]*call // to be answered by it, by call id
	last     uint32
	finished bool
}

func (c *calls) addMade(x *call, limit int) (wire.Code, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.made[x.request] != nil:
		return wire.IDInUse, "a request with this id has not been answered yet"
	case len(c.made) >= limit:
		return wire.Limit, "too many requests have not been answered yet"
	}
	if c.made == nil {
		c.made = map[uint32]*call{}
	}
	c.made[x.request] = x
	return 0, ""
}

// addAnswer gives x an id among the responder's; false if it is gone.
func (c *calls) addAnswer(x *call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished {
		return false
	}
	if c.answers == nil {
		c.answers = map[uint32]*call{}
	}
	for {
		c.last++
		if c.last != 0 && c.answers[c.last] == nil {
			break
		}
	}
	x.id = c.last
	c.answers[x.id] = x
	return true
}

func (c *calls) takeAnswer(id uint32) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.answers[id]
	delete(c.answers, id)
	return x
}

// finish ends x before its time; true for the first only.
func (x *call) finish() bool {
	if !x.settle() {
		return false
	}
	if x.timer != nil {
		x.timer.Stop()
	}
	return true
}

// settle takes x out of both sides; true for the first only.
func (x *call) settle() bool {
	if !x.answered.CompareAndSwap(false, true) {
		return false
	}
	c := &x.requester.calls
	c.mu.Lock()
	if c.made[x.request] == x {
		delete(c.made, x.request)
	}
	c.mu.Unlock()
	if x.responder != nil {
		c = &x.responder.calls
		c.mu.Lock()
		if c.answers[x.id] == x {
			delete(c.answers, x.id)
		}
		c.mu.Unlock()
	}
	return true
}

func (s *session) handleRequest(f wire.Frame) error {
	b, err := f.Topical()
	if err != nil {
		return s.violate(wire.Malformed, f, err.Error())
	}
	reg, code, text := resolve(s, b.Topic)
	if reg == nil {
		return s.refuse(code, f, string(b.Topic), text)
	}
	timeout := time.Duration(b.Timeout) * time.Millisecond
	if code, text := s.pub.request(reg, f.ID, timeout, b.Payload); code != 0 {
		return s.refuse(code, f, reg.topic, text)
	}
	return nil
}

// request sends a CALL to one subscriber that answers requests.
func (p *publisher) request(reg *registration, id uint32, timeout time.Duration, payload []byte) (wire.Code, string) {
	s := p.session
	if timeout <= 0 {
		timeout = DefaultRequest
	}
	timeout = min(timeout, maxRequest)
	x := &call{requester: s, request: id}
	if code, text := s.calls.addMade(x, s.router.opt.MaxRequests); code != 0 {
		return code, text
	}
	s.count(reg, payload)
	if code, text := p.call(x, reg, timeout, payload); code != 0 {
		x.finish()
		return code, text
	}
	return 0, ""
}

const noResponder = "nobody answers requests on this topic"

// call finds the responder, taking turns among several, and sends it the CALL.
func (p *publisher) call(x *call, reg *registration, timeout time.Duration, payload []byte) (wire.Code, string) {
	sub := p.responder(reg, len(payload))
	if sub == nil {
		return wire.NoResponder, noResponder
	}
	x.responder = sub.owner
	x.timer = time.AfterFunc(timeout, x.expire)
	if !sub.owner.calls.addAnswer(x) {
		return wire.NoResponder, noResponder
	}
	if x.answered.Load() { // its time was over before it had an id
		sub.owner.calls.takeAnswer(x.id)
		return 0, ""
	}
	topic := reg.topic
	if sub.exact {
		topic = ""
	}
	frame := wire.AppendCall(nil, x.id, sub.id, uint32(timeout.Milliseconds()), topic, payload)
	if sub.owner.push(frame) {
		p.touched(sub.owner)
	}
	return 0, ""
}

// responder chooses the subscription that has answered the least.
func (p *publisher) responder(reg *registration, size int) *subscription {
	r := p.session.router
	if reg.generation != r.generation.Load() {
		r.route(reg)
	}
	var best *subscription
	for _, sub := range reg.subs {
		if sub.flags&wire.Answers == 0 || (sub.flags&wire.NoLocal != 0 && sub.owner == p.session) {
			continue
		}
		if !sub.owner.takes(sub, len(reg.topic)+size) {
			continue
		}
		if best == nil || sub.turn.Load() < best.turn.Load() {
			best = sub
		}
	}
	if best != nil {
		best.turn.Add(1)
	}
	return best
}

// takes tells whether a call of this size can be put to the session.
func (s *session) takes(sub *subscription, size int) bool {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	return !sub.gone && !o.closing && size+16 <= o.maxBody && o.bytes+size <= o.max
}

func (x *call) expire() {
	if x.settle() {
		x.requester.tell(wire.AppendError(nil, x.request, wire.Timeout, wire.Request, "", "no answer came in time"))
	}
}

// handleReply gives a responder's answer to who asked, and returns that
// session, which is to be flushed. One that comes too late is dropped.
func (s *session) handleReply(id uint32, payload []byte) (asked *session) {
	x := s.calls.takeAnswer(id)
	if x == nil || !x.finish() {
		return nil
	}
	frame := wire.AppendPlain(nil, wire.Reply, x.request, payload)
	if !x.requester.accepts(len(payload)) {
		frame = wire.AppendError(nil, x.request, wire.TooLarge, wire.Request, "", "the answer is larger than this client accepts")
	}
	x.requester.push(frame)
	return x.requester
}

func (s *session) accepts(size int) bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return size <= s.out.maxBody
}

// handleError passes on a responder's failure; other errors of clients mean nothing.
func (s *session) handleError(f wire.Frame) (asked *session) {
	b, err := f.Error()
	if err != nil || b.Refused != wire.Call {
		return nil
	}
	x := s.calls.takeAnswer(f.ID)
	if x == nil || !x.finish() {
		return nil
	}
	x.requester.push(wire.AppendError(nil, x.request, b.Code, wire.Request, b.Topic, b.Text))
	return x.requester
}

// endCalls is for the end of a session: who waits for it is told.
func (s *session) endCalls() {
	c := &s.calls
	c.mu.Lock()
	c.finished = true
	var open []*call
	for _, x := range c.answers {
		open = append(open, x)
	}
	var mine []*call
	for _, x := range c.made {
		mine = append(mine, x)
	}
	c.mu.Unlock()
	for _, x := range mine {
		x.finish()
	}
	for _, x := range open {
		if x.finish() {
			x.requester.tell(wire.AppendError(nil, x.request, wire.NoResponder, wire.Request, "", "who was to answer went away"))
		}
	}
}
