package exchange

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/spec"
)

// registration is a topic that a session publishes on, with the way its
// messages go. It belongs to the session and its mu.
type registration struct {
	topic string
	by    string        // who publishes
	count atomic.Uint64 // messages since it was made; written by the session alone
	bytes atomic.Uint64 // of their payloads; likewise
	last  last

	latest  []byte // payload of this batch that last does not know yet
	pending bool   // there is one

	generation uint64 // of the router, when subs was found
	subs       []*subscription

	kept    bool   // somebody of subs keeps it
	subject string // for the peer; "" does not go there
	batch   uint64 // in which the peer was asked for its interest
	wanted  bool

	mirrorPeer       *peer // what follows holds for it and its generation
	mirrorGeneration uint64
	mirrors          int
}

// publisher sends messages to subscribers, for one goroutine at a time: whoever
// holds mu. It remembers whom it has to flush.
type publisher struct {
	session *session
	mu      *sync.Mutex // the session's, given up while it waits for room
	dirty   []*session
	receipt *receipt // of the message being published, if its client waits for the disk
}

func (p *publisher) init(s *session) { p.session, p.mu = s, &s.mu }

// touched notes that s, if not nil, has to be flushed.
func (p *publisher) touched(s *session) {
	if n := len(p.dirty); s != nil && (n == 0 || p.dirty[n-1] != s) {
		p.dirty = append(p.dirty, s)
	}
}

// flush sends what the batch has left in queues. mu is not held.
func (p *publisher) flush() {
	for i, s := range p.dirty {
		s.flush()
		p.dirty[i] = nil
	}
	p.dirty = p.dirty[:0]
}

// publish gives a message to all subscriptions that match.
func (p *publisher) publish(reg *registration, payload []byte) {
	r := p.session.router
	if g := r.generation.Load(); reg.generation != g {
		r.route(reg)
	}
	p.session.count(reg, payload)
	for _, sub := range reg.subs {
		p.deliver(sub, reg.topic, payload)
	}
	if peer := r.peer.Load(); peer != nil {
		peer.offer(p, reg, payload)
	}
}

// count notes that a message is published; mu is held.
func (s *session) count(reg *registration, payload []byte) {
	reg.count.Store(reg.count.Load() + 1)
	reg.bytes.Store(reg.bytes.Load() + uint64(len(payload)))
	if !reg.pending {
		reg.pending = true
		s.pending = append(s.pending, reg)
	}
	reg.latest = payload
	s.published++
	s.publishedBytes += uint64(len(payload))
}

// settle has what was published last remembered, of each topic of a batch: a flood pays
// for one message in many. mu is held, and the batch's payloads are still there.
func (s *session) settle() {
	for i, reg := range s.pending {
		reg.settle()
		s.pending[i] = nil
	}
	s.pending = s.pending[:0]
}

func (reg *registration) settle() {
	if reg.pending {
		reg.last.note(reg.latest)
		reg.latest, reg.pending = nil, false
	}
}

// route finds the subscriptions for a registration.
func (r *Router) route(reg *registration) {
	r.routing.RLock()
	defer r.routing.RUnlock()
	reg.generation = r.generation.Load()
	reg.subs = r.trie.match(reg.topic, reg.subs[:0])
	clear(reg.subs[len(reg.subs):cap(reg.subs)])
	reg.kept = slices.ContainsFunc(reg.subs, func(sub *subscription) bool { return sub.rule != nil })
	reg.batch = 0
}

// deliver appends a message to the queue of the subscription's session.
func (p *publisher) deliver(sub *subscription, topic string, payload []byte) {
	if sub.flags&wire.NoLocal != 0 && sub.owner == p.session {
		return
	}
	if sub.rule != nil {
		p.keep(sub.rule, topic, payload)
		return
	}
	if sub.exact {
		topic = "" // stands for the filter
	}
	if sub.from {
		topic += fromMark + p.session.principal()
	}
	o := &sub.owner.out
	o.mu.Lock()
	for {
		if sub.gone || o.closing {
			o.mu.Unlock()
			return
		}
		v := o.offer(sub, topic, payload)
		if v == accepted {
			break
		}
		if v == dropped {
			p.dropped(sub)
			return
		}
		o.mu.Unlock()
		patient := p.wait(sub)
		o.mu.Lock()
		if !patient {
			o.drop(sub)
			p.dropped(sub)
			return
		}
	}
	if sub.unsaid > 0 {
		p.notice(sub)
	}
	if o.wantsFlush() {
		p.touched(sub.owner)
	}
	o.mu.Unlock()
}

// offer queues a message for sub if it is admitted.
func (o *outbox) offer(sub *subscription, topic string, payload []byte) verdict {
	if sub.flags&wire.ByCredit != 0 {
		return o.hold(sub, topic, payload)
	}
	n := wire.HeaderSize + 2 + len(topic) + len(payload)
	v := o.admit(sub, n)
	if v != accepted {
		return v
	}
	seg := o.begin(n)
	seg.b = wire.AppendMessage(seg.b, sub.id, topic, payload)
	sub.queued++
	o.sent++
	o.sentBytes += uint64(len(payload))
	o.bytes += n
	return accepted
}

// fromMark parts a topic, in which it cannot be, from who published, in the queue of a
// local subscription that wants to know; maxName is the longest name.
const (
	fromMark = "\x00"
	maxName  = 63
)

// principal is who publishes by this session.
func (s *session) principal() string {
	switch {
	case s.kind == "nats":
		return FromNATS
	case s.app.name == "":
		return FromAgent
	}
	return string(s.app.name)
}

// dropped tells the subscriber if it is time to, and releases the queue.
func (p *publisher) dropped(sub *subscription) {
	p.notice(sub)
	sub.owner.out.mu.Unlock()
}

func (p *publisher) notice(sub *subscription) {
	flush, later := sub.owner.out.notice(sub, time.Now())
	if flush {
		p.touched(sub.owner)
	}
	if later {
		p.session.router.laterNotice()
	}
}

// wait stops the publisher until sub's queue has room; false if that takes too
// long. Others can get at the publisher's session meanwhile.
func (p *publisher) wait(sub *subscription) bool {
	deadline := time.Now().Add(p.session.router.opt.BlockTimeout)
	p.mu.Unlock()
	p.flush()
	sub.owner.flush()
	patient := sub.owner.out.waitFor(sub, p.session.done, deadline)
	p.mu.Lock()
	return patient
}

func (s *session) tellDrops(now time.Time) {
	o := &s.out
	o.mu.Lock()
	for _, sub := range o.subs {
		if _, later := o.notice(sub, now); later {
			s.router.laterNotice()
		}
	}
	o.mu.Unlock()
	s.flush()
}

func (s *session) handlePublish(f wire.Frame) error {
	reg := s.regs[f.ID]
	if reg == nil {
		return s.refuse(wire.UnknownID, f, "", "no topic is registered under this id")
	}
	s.pub.publish(reg, f.Body)
	return nil
}

func (s *session) handlePublishTo(f wire.Frame) error {
	b, err := f.Topical()
	if err != nil {
		return s.violate(wire.Malformed, f, err.Error())
	}
	reg, code, text := resolve(s, b.Topic)
	if reg == nil {
		return s.refuse(code, f, string(b.Topic), text)
	}
	if f.ID == 0 {
		s.pub.publish(reg, b.Payload)
		return nil
	}
	s.pub.publishFor(&receipt{session: s, id: f.ID, frame: wire.PublishTo}, reg, b.Payload)
	return nil
}

// resolve finds or makes the registration for a topic that was named in full,
// if the application may publish on it.
func resolve[T wire.Text](s *session, topic T) (*registration, wire.Code, string) {
	if reg := s.cache[string(topic)]; reg != nil {
		return reg, 0, ""
	}
	name := string(topic)
	if err := spec.Topic(name).Validate(); err != nil {
		return nil, wire.InvalidTopic, err.Error()
	}
	if !s.app.perms.Load().mayPublish(name) {
		s.deny(DenyPublish, name)
		return nil, wire.Denied, deniedText(s.app.name, "publish on", name)
	}
	reg := s.newRegistration(name)
	if len(s.cache) >= cachedTopics {
		for key, old := range s.cache { // any one
			s.router.topics.release(old)
			delete(s.cache, key)
			break
		}
	}
	if s.cache == nil {
		s.cache = map[string]*registration{}
	}
	s.cache[name] = reg
	return reg, 0, ""
}

func (s *session) newRegistration(topic string) *registration {
	reg := &registration{topic: topic, by: s.principal()}
	reg.subject, _ = subjectOf(topic)
	s.router.topics.hold(reg)
	return reg
}
