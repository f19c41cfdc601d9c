package exchange

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"time"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Client is a session inside the agent's own process, with the permissions of
// an application, or all of them. Its methods may be called from any goroutine.
type Client struct {
	session *session

	mu       sync.Mutex
	lastID   uint32
	requests map[uint32]chan<- answer
	subs     map[uint32]*Subscription
}

type answer struct {
	payload []byte
	err     error
}

// Message is what a subscriber in this process gets. Payload is its own.
type Message struct {
	Topic   spec.Topic
	Payload []byte
	// From is who published it, where [SubscribeOptions.From] asks for it: an
	// application, [FromNATS] or [FromAgent].
	From string

	call   uint32
	client *Client
}

// Policy says what happens to messages that find a subscription's queue full.
type Policy = wire.Policy

// The policies: the oldest waiting message is dropped, the new one is dropped,
// or the publisher waits up to a second.
const (
	DropOldest = wire.DropOldest
	DropNewest = wire.DropNewest
	Block      = wire.Block
)

// SubscribeOptions are a subscription's; zero values are the protocol's defaults.
type SubscribeOptions struct {
	Queue   int // messages that may wait; 0: 1,024
	Policy  Policy
	Answers bool // requests are wanted: see [Message.Respond]
	NoLocal bool // not what this client published itself
	From    bool // messages say who published them
}

// Publishers that are no application; no application can be called so.
const (
	FromNATS  = "@nats"  // a client of NATS or MQTT
	FromAgent = "@agent" // the agent, mostly for somebody at the API
)

// Subscription is one of a Client's.
type Subscription struct {
	client *Client
	sub    *subscription
}

// Local opens a session in this process for app, with what it is granted;
// app "" is the agent itself, which may use every topic. It is fail.NotFound
// while nothing has been granted to app.
func (r *Router) Local(app spec.Name) (*Client, error) {
	r.mu.Lock()
	a := r.agent
	if app != "" {
		a = r.apps[app]
	}
	r.mu.Unlock()
	if a == nil {
		return nil, fail.New(fail.NotFound, "open a local session of the exchange", "nothing is granted to the application").On(string(app))
	}
	c := &Client{session: r.newSession(nil), requests: map[uint32]chan<- answer{}, subs: map[uint32]*Subscription{}}
	s := c.session
	s.caps, s.kind = wire.Requests, "local"
	s.out.pool = nil // payloads are given away
	s.send = func() { s.eachFrame(c.take) }
	if err := r.startLocal(s, a); err != nil {
		return nil, err
	}
	return c, nil
}

// startLocal makes s a session of app and starts its goroutine, which ends
// with the session; Router.Run waits for it.
func (r *Router) startLocal(s *session, app *application) error {
	s.said = true
	s.out.maxBody += wire.MaxTopic + 2 + 1 + maxName // any payload that was accepted
	if err := r.enter(s); err != nil {
		return err
	}
	r.mu.Lock()
	s.join(app)
	r.mu.Unlock()
	go func() {
		defer r.leave(s)
		s.writer()
		s.detach()
		s.wg.Wait()
	}()
	return nil
}

// eachFrame takes the waiting frames one by one, leaving the rest to the
// queue's policy meanwhile.
func (s *session) eachFrame(visit func(wire.Frame)) {
	o := &s.out
	for {
		o.mu.Lock()
		p := o.take()
		if p == nil {
			o.writing = false
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
		h := binary.LittleEndian.Uint32(p)
		f := wire.Frame{Type: wire.Type(h >> 24), ID: binary.LittleEndian.Uint32(p[4:]), Length: int(h & wire.MaxLength)}
		end := wire.HeaderSize + f.Length
		f.Body = p[wire.HeaderSize:end:end]
		visit(f)
		o.mu.Lock()
		o.done(end)
		o.mu.Unlock()
	}
}

// take gives a frame to whom it is for.
func (c *Client) take(f wire.Frame) {
	switch f.Type {
	case wire.Message, wire.Call:
		b, err := f.Topical()
		if err != nil {
			return
		}
		id, call := f.ID, uint32(0)
		if f.Type == wire.Call {
			id, call = b.Subscription, f.ID
		}
		c.mu.Lock()
		s := c.subs[id]
		c.mu.Unlock()
		if s == nil {
			return
		}
		topic, from, _ := strings.Cut(string(b.Topic), fromMark)
		m := Message{Topic: spec.Topic(topic), Payload: b.Payload, From: from, call: call, client: c}
		if m.Topic == "" {
			m.Topic = spec.Topic(s.sub.filter)
		}
		s.sub.deliver(m)
	case wire.Reply:
		c.settle(f.ID, answer{payload: f.Body})
	case wire.Error:
		c.takeError(f)
	}
}

func (c *Client) takeError(f wire.Frame) {
	b, err := f.Error()
	switch {
	case err != nil:
	case b.Refused == wire.Request:
		c.settle(f.ID, answer{err: codeError("request", string(b.Topic), b.Code, string(b.Text))})
	default:
		c.session.router.opt.Log.Warn("a local subscription was told", "application", c.session.app.name,
			"topic", string(b.Topic), "code", b.Code.String(), "text", string(b.Text))
	}
}

func (c *Client) settle(id uint32, a answer) {
	c.mu.Lock()
	to := c.requests[id]
	delete(c.requests, id)
	c.mu.Unlock()
	if to != nil {
		to <- a // has room for one
	}
}

// codeError is an error code as an error of package fail.
func codeError(op, topic string, code wire.Code, text string) error {
	kind := fail.Internal
	switch code {
	case wire.Denied:
		kind = fail.Denied
	case wire.InvalidTopic:
		kind = fail.Invalid
	case wire.TooLarge, wire.Limit:
		kind = fail.TooLarge
	case wire.NoResponder, wire.GoingAway:
		kind = fail.Unavailable
	case wire.Timeout:
		kind = fail.Timeout
	}
	return fail.New(kind, op, "%v: %s", code, text).On(topic)
}

// with runs do as a publisher of the client's session: many can at once.
func (c *Client) with(op string, topic string, size int, do func(*publisher, *registration) (wire.Code, string)) error {
	s := c.session
	if size > s.router.opt.MaxBody-2-len(topic) {
		return codeError(op, topic, wire.TooLarge, "the payload is larger than the exchange accepts")
	}
	select {
	case <-s.done:
		return fail.New(fail.Unavailable, op, "the session has been closed").On(topic)
	default:
	}
	p := &publisher{session: s, mu: &s.mu}
	s.mu.Lock()
	s.batches++
	reg, code, text := resolve(s, topic)
	if reg != nil {
		code, text = do(p, reg)
	}
	s.settle()
	s.mu.Unlock()
	p.flush()
	if code != 0 {
		return codeError(op, topic, code, text)
	}
	return nil
}

// Publish gives a message to all who subscribe. It waits only for subscribers
// whose policy is to block. payload is not kept.
func (c *Client) Publish(topic spec.Topic, payload []byte) error {
	return c.with("publish", string(topic), len(payload), func(p *publisher, reg *registration) (wire.Code, string) {
		p.publish(reg, payload)
		return 0, ""
	})
}

// Request sends a request and waits for its answer, until ctx is done or, if
// it has no deadline, 30 s.
func (c *Client) Request(ctx context.Context, topic spec.Topic, payload []byte) ([]byte, error) {
	timeout := DefaultRequest
	if d, ok := ctx.Deadline(); ok {
		timeout = max(time.Until(d), time.Millisecond)
	}
	reply := make(chan answer, 1)
	id := c.newID(func(id uint32) { c.requests[id] = reply })
	err := c.with("request", string(topic), len(payload), func(p *publisher, reg *registration) (wire.Code, string) {
		return p.request(reg, id, timeout, payload)
	})
	if err != nil {
		c.settle(id, answer{})
		return nil, err
	}
	select {
	case a := <-reply:
		return a.payload, a.err
	case <-ctx.Done():
		c.settle(id, answer{})
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, fail.New(fail.Timeout, "request", "no answer came in time").On(string(topic))
		}
		return nil, fail.New(fail.Canceled, "request", "%w", ctx.Err()).On(string(topic))
	case <-c.session.done:
		return nil, fail.New(fail.Unavailable, "request", "the session has been closed").On(string(topic))
	}
}

func (c *Client) newID(use func(uint32)) uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		c.lastID = c.lastID%wire.MaxID + 1
		if c.subs[c.lastID] == nil && c.requests[c.lastID] == nil {
			use(c.lastID)
			return c.lastID
		}
	}
}

// Subscribe has handle called for every message that matches, one at a time and
// in order, also with the client's other subscriptions. When it returns, every
// message published from then on arrives, those of NATS and MQTT clients
// included. Handlers that take long let the queue fill, nothing else.
func (c *Client) Subscribe(filter spec.Filter, o SubscribeOptions, handle func(Message)) (*Subscription, error) {
	s := c.session
	sub := &Subscription{client: c}
	id := c.newID(func(id uint32) { c.subs[id] = sub })
	sub.sub = &subscription{
		owner: s, id: id, filter: string(filter), policy: o.Policy, limit: max(o.Queue, 0), deliver: handle, from: o.From,
	}
	if o.Answers {
		sub.sub.flags |= wire.Answers
	}
	if o.NoLocal {
		sub.sub.flags |= wire.NoLocal
	}
	s.mu.Lock()
	code, text := s.subscribable(id, string(filter), sub.sub.flags)
	var mirroring *peer
	if code == 0 {
		mirroring = s.subscribe(sub.sub)
	}
	s.mu.Unlock()
	if code != 0 {
		c.forget(id)
		return nil, codeError("subscribe", string(filter), code, text)
	}
	if mirroring != nil {
		mirrored := make(chan struct{})
		mirroring.whenMirrored(string(filter), func() { close(mirrored) })
		select {
		case <-mirrored:
		case <-s.done:
		}
	}
	return sub, nil
}

func (c *Client) forget(id uint32) {
	c.mu.Lock()
	delete(c.subs, id)
	c.mu.Unlock()
}

// Close ends the subscription. A call of its handler may still be under way.
func (s *Subscription) Close() {
	owner := s.client.session
	owner.mu.Lock()
	if owner.subs[s.sub.id] == s.sub {
		owner.unsubscribe(s.sub)
	}
	owner.mu.Unlock()
	s.client.forget(s.sub.id)
}

// Dropped is how many messages were dropped because the queue was full.
func (s *Subscription) Dropped() uint64 { return s.sub.lost.Load() }

// Close ends the session. It does not wait for a handler that is running.
func (c *Client) Close() error {
	c.session.fail(nil)
	return nil
}

// Asks tells whether the message is a request, which wants one [Message.Respond]
// or [Message.Refuse].
func (m Message) Asks() bool { return m.call != 0 }

// Respond answers a request. It may be called later and from any goroutine; for
// a message that is no request, or whose time is over, it does nothing.
func (m Message) Respond(payload []byte) {
	m.finish(func(s *session) *session { return s.handleReply(m.call, payload) })
}

// Refuse answers a request with an error.
func (m Message) Refuse(text string) {
	body := wire.AppendError(nil, m.call, wire.Internal, wire.Call, "", text)
	f := wire.Frame{Type: wire.Error, ID: m.call, Body: body[wire.HeaderSize:]}
	m.finish(func(s *session) *session { return s.handleError(f) })
}

func (m Message) finish(with func(*session) *session) {
	if m.call == 0 {
		return
	}
	if asked := with(m.client.session); asked != nil {
		asked.flush()
	}
}
