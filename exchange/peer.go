package exchange

import (
	"context"
	"sync"
	"sync/atomic"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
)

// PeerNATS is a connection to a NATS server as the router needs it. It must not
// receive what it published itself (NoEcho). Package natspeer makes one of a
// *nats.Conn.
type PeerNATS interface {
	// Publish hands payload over; it does not keep it.
	Publish(subject string, payload []byte) error
	// Subscribe returns when the server knows the subscription. deliver is
	// called for one message after the other; taken: the message comes by PeerMQTT's
	// Take as well.
	Subscribe(subject string, deliver func(subject string, payload []byte, taken bool)) (unsubscribe func(), err error)
	// Interest is how many subscriptions the server has that match the
	// subject, those of this connection included.
	Interest(subject string) int
}

const peerQueue = 4096 // messages that may wait for the peer's connection

// peer is the NATS server as one more session. Outward: a message goes there if
// somebody there is interested. Inward: each filter that is subscribed to here
// is mirrored by a subscription there, and what comes for it is given to the
// subscriptions with exactly this filter, so that overlapping filters do not
// bring a message in twice.
type peer struct {
	router  *Router
	nats    PeerNATS
	mqtt    PeerMQTT // nats, if it has sessions of MQTT; else nil
	session *session
	sub     *subscription // what goes out waits as this one's messages,
	kept    *subscription // or as this one's, if it is kept and promised

	mu         sync.Mutex
	mirrors    map[string]*mirror
	work       chan struct{}
	generation atomic.Uint64 // of mirrors that are in force
	gone       bool
}

// mirror is a filter's subscription at the peer.
type mirror struct {
	peer    *peer
	filter  string
	count   int // local subscriptions with this filter
	active  bool
	stop    []func()
	waiting []func() // called when it is in force, or cannot be

	mu         sync.Mutex // of what follows: one message at a time
	generation uint64
	subs       []*subscription
}

// Peer makes a NATS server one more session, until ctx is done. There is one at
// a time.
func (r *Router) Peer(ctx context.Context, nats PeerNATS) error {
	const op = "attach NATS to the exchange"
	p := &peer{router: r, nats: nats, mirrors: map[string]*mirror{}, work: make(chan struct{}, 1)}
	s := r.newSession(nil)
	p.session, s.kind = s, "nats"
	s.send = p.send(map[string]string{})
	p.sub = &subscription{owner: s, id: 1, policy: wire.Block, limit: peerQueue}
	p.kept = &subscription{owner: s, id: 2, policy: wire.Block, limit: peerQueue}
	s.out.subs[1], s.out.subs[2] = p.sub, p.kept
	if m, ok := nats.(PeerMQTT); ok && m.Promises() {
		p.mqtt = m
	}
	if err := r.startLocal(s, r.agent); err != nil {
		return err
	}
	if !r.attach(p) {
		s.fail(nil)
		return fail.New(fail.Conflict, op, "another server is attached")
	}
	defer p.detach()
	if stop := r.bridge(ctx, p.mqtt); stop != nil {
		defer stop()
	}
	for {
		select {
		case <-p.work:
			p.reconcile()
		case <-ctx.Done():
			return nil
		case <-s.done:
			return nil
		}
	}
}

// attach makes p the peer and mirrors the subscriptions that there are. Those
// made meanwhile see the peer, because both happen under routing.
func (r *Router) attach(p *peer) bool {
	r.routing.Lock()
	defer r.routing.Unlock()
	if !r.peer.CompareAndSwap(nil, p) {
		return false
	}
	r.trie.each(func(sub *subscription) { p.mirror(sub.filter) })
	r.generation.Add(1)
	return true
}

func (p *peer) detach() {
	p.router.peer.CompareAndSwap(p, nil)
	p.mu.Lock()
	p.gone = true
	for _, m := range p.mirrors {
		m.count = 0
	}
	p.mu.Unlock()
	p.reconcile()
	p.session.fail(nil)
}

// mirror counts one more local subscription with this filter, and tells whether
// the peer knows the filter already. Router.routing is held.
func (p *peer) mirror(filter string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.mirrors[filter]
	if m == nil {
		m = &mirror{peer: p, filter: filter}
		p.mirrors[filter] = m
	}
	m.count++
	p.kick()
	return m.active || p.gone
}

// unmirror counts one less. Router.routing is held.
func (r *Router) unmirror(filter string) {
	p := r.peer.Load()
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := p.mirrors[filter]; m != nil && m.count > 0 {
		m.count--
		p.kick()
	}
}

// whenMirrored calls back when messages of the peer's reach the filter's
// subscriptions.
func (p *peer) whenMirrored(filter string, ready func()) {
	p.mu.Lock()
	if m := p.mirrors[filter]; m != nil && !p.gone {
		m.waiting = append(m.waiting, ready)
		p.kick()
		ready = nil
	}
	p.mu.Unlock()
	if ready != nil {
		ready()
	}
}

func (p *peer) kick() {
	select {
	case p.work <- struct{}{}:
	default:
	}
}

// reconcile subscribes and unsubscribes at the peer until it has what is asked for.
func (p *peer) reconcile() {
	for _, m := range p.pending() {
		p.mu.Lock()
		wanted, active := m.count > 0 && !p.gone, m.active
		p.mu.Unlock()
		switch {
		case wanted && !active:
			m.start()
		case !wanted && active:
			m.end()
		}
		p.settle(m)
	}
}

func (p *peer) pending() []*mirror {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []*mirror
	for _, m := range p.mirrors {
		if m.active != (m.count > 0) || len(m.waiting) > 0 {
			list = append(list, m)
		}
	}
	return list
}

// settle calls back those who waited, and forgets a mirror that nobody needs.
func (p *peer) settle(m *mirror) {
	p.mu.Lock()
	waiting := m.waiting
	m.waiting = nil
	if m.count == 0 && !m.active {
		delete(p.mirrors, m.filter)
	}
	p.mu.Unlock()
	for _, ready := range waiting {
		ready()
	}
}

func (m *mirror) start() {
	var stop []func()
	for _, subject := range subjectsOf(m.filter) {
		unsubscribe, err := m.peer.nats.Subscribe(subject, m.receiver())
		if err != nil {
			m.peer.router.opt.Log.Error("the exchange cannot subscribe at NATS", "filter", m.filter, "error", err)
			continue
		}
		stop = append(stop, unsubscribe)
	}
	m.peer.mu.Lock()
	m.stop, m.active = stop, true
	m.peer.mu.Unlock()
	m.peer.generation.Add(1)
}

// end stops counting the mirror before it is taken back: a moment of too much
// interest is harmless, too little would lose messages.
func (m *mirror) end() {
	m.peer.mu.Lock()
	stop := m.stop
	m.stop, m.active = nil, false
	m.peer.mu.Unlock()
	m.peer.generation.Add(1)
	for _, unsubscribe := range stop {
		unsubscribe()
	}
}

// receiver brings in the messages of one of the mirror's subscriptions. Each has
// a publisher of its own: they are called side by side.
func (m *mirror) receiver() func(string, []byte, bool) {
	p := &publisher{session: m.peer.session, mu: &m.mu}
	return func(subject string, payload []byte, taken bool) { m.deliver(p, subject, payload, taken) }
}

func (m *mirror) deliver(p *publisher, subject string, payload []byte, taken bool) {
	topic, ok := topicOf(subject)
	if !ok || !matches(m.filter, topic) {
		return
	}
	r := m.peer.router
	m.mu.Lock()
	if g := r.generation.Load(); g != m.generation {
		r.routing.RLock()
		m.generation = r.generation.Load()
		m.subs = append(m.subs[:0], r.trie.with(m.filter)...)
		r.routing.RUnlock()
	}
	for _, sub := range m.subs {
		if !taken || sub.rule == nil || !sub.rule.taken.Load() {
			p.deliver(sub, topic, payload)
		}
	}
	m.mu.Unlock()
	p.flush()
}

// offer hands a local message to the peer if somebody there is interested. The
// peer is asked once for each batch that a publisher's link brings.
func (p *peer) offer(pub *publisher, reg *registration, payload []byte) {
	s := pub.session
	if reg.subject == "" || s == p.session {
		return
	}
	if reg.batch != s.batches {
		reg.batch = s.batches
		reg.wanted = p.nats.Interest(reg.subject) > p.mirrored(reg)
	}
	switch {
	case reg.wanted && reg.kept && p.mqtt != nil:
		pub.deliver(p.kept, reg.subject, payload)
	case reg.wanted:
		pub.deliver(p.sub, reg.subject, payload)
	}
}

// mirrored is how many of the peer's subscriptions that match are our own.
func (p *peer) mirrored(reg *registration) int {
	if g := p.generation.Load(); reg.mirrorGeneration != g || reg.mirrorPeer != p {
		p.mu.Lock()
		reg.mirrorPeer, reg.mirrorGeneration, reg.mirrors = p, p.generation.Load(), 0
		for _, m := range p.mirrors {
			if m.active && matches(m.filter, reg.topic) {
				reg.mirrors++
			}
		}
		p.mu.Unlock()
	}
	return reg.mirrors
}

// send gives what waits to the peer's connection, in the session's goroutine.
func (p *peer) send(names map[string]string) func() {
	return func() {
		p.session.eachFrame(func(f wire.Frame) {
			b, err := f.Topical()
			if err != nil || f.Type != wire.Message {
				return
			}
			subject, known := names[string(b.Topic)]
			if !known {
				if len(names) >= topicsKept {
					clear(names)
				}
				subject = string(b.Topic)
				names[subject] = subject
			}
			publish := p.nats.Publish
			if f.ID == p.kept.id {
				publish = p.mqtt.PublishPromised
			}
			if err := publish(subject, b.Payload); err != nil {
				p.router.opt.Log.Warn("a message did not reach NATS", "subject", subject, "error", err)
			}
		})
	}
}
