package fescue

import (
	"context"
	"errors"
	"sync/atomic"

	"fescue.dev/fescue/exchange/wire"
)

// stream is what a SUBSCRIBE, CONSUME or WATCH made.
type stream interface {
	// setID gives it its number, before anything else.
	setID(id uint32)
	// appendTo adds the frames that make it; again is on another link than the first.
	appendTo(b []byte, again bool) []byte
	// take is given each frame for it; the body is not its own.
	take(f wire.Frame, session uint32)
	// end tells that no more will come.
	end(err error)
}

// Message is what was published.
type Message struct {
	Topic   string
	Payload []byte
}

// Policy says what happens to messages that come faster than they are taken.
type Policy uint8

// The policies.
const (
	DropOldest Policy = Policy(wire.DropOldest)
	DropNewest Policy = Policy(wire.DropNewest)
	Block      Policy = Policy(wire.Block) // publishers are held back, for up to a second
)

// SubscribeOptions are a subscription's; the zero value is good.
type SubscribeOptions struct {
	Policy Policy
	Queue  int  // messages that may wait; 0: 1,024
	NotOwn bool // not what this client publishes itself
	// ByCredit has messages come only as Credit, and [Subscription.Credit], allow.
	ByCredit bool
	Credit   int
}

// Subscription gives the messages of a filter. It outlives lost links.
type Subscription struct {
	*queue[Message]

	c      *Client
	id     uint32
	filter string
	o      SubscribeOptions
	flags  wire.Flags
	credit atomic.Int64 // granted and not come
	window int64        // with policy Block: credit is renewed as messages are taken; else 0
	since  atomic.Int64 // taken since it was renewed
}

// Subscribe subscribes to a filter, once the broker has permitted it.
func (c *Client) Subscribe(ctx context.Context, filter string, o SubscribeOptions) (*Subscription, error) {
	if o.Queue < 0 || o.Queue > 0xffff || o.Policy > Block {
		return nil, failed(Misconfigured, filter, "a queue has 0 to 65,535 messages, a policy is DropOldest, DropNewest or Block")
	}
	room := o.Queue
	if room == 0 {
		room = 1024
	}
	s := &Subscription{c: c, filter: filter, o: o, queue: newQueue[Message](room)}
	s.newest = o.Policy == DropNewest
	s.dropped = func() { c.overflowed(filter) }
	if o.NotOwn {
		s.flags |= wire.NoLocal
	}
	switch {
	case o.ByCredit:
		s.flags |= wire.ByCredit
		s.room = 0 // the credit bounds it
		s.credit.Store(int64(o.Credit))
	case o.Policy == Block && c.agreed(wire.Credits):
		// The link is always read, so that answers come through; what this subscription can take
		// is told by credit instead.
		s.flags |= wire.ByCredit
		s.window = int64(room)
		s.room = 0
		s.credit.Store(s.window)
		s.taken = s.renew
	}
	var err error
	s.id, err = c.make(ctx, wire.Subscribe, filter, s)
	return s, err
}

// make makes a stream of any kind.
func (c *Client) make(ctx context.Context, t wire.Type, filter string, s stream) (uint32, error) {
	if err := checkTopic(filter); err != nil {
		return 0, err
	}
	c.mu.Lock()
	id, err := c.freeID()
	if err == nil {
		s.setID(id)
		c.streams[id] = s
	}
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	_, err = c.ask(ctx, question{t, id}, func(b []byte) []byte { return s.appendTo(b, false) })
	if err != nil {
		c.forgetStream(id)
		c.abandon(t, id, err)
	}
	return id, err
}

func (c *Client) forgetStream(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.streams, id)
}

// abandon takes back what was asked for when nobody waited for the answer any longer.
func (c *Client) abandon(t wire.Type, id uint32, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		c.here(func(b []byte) []byte { return wire.AppendPlain(b, unmade(t), id, "") })
	}
}

// unmade is the type that ends what type t makes.
func unmade(t wire.Type) wire.Type {
	if t == wire.Watch {
		return wire.Unwatch
	}
	return wire.Unsubscribe
}

// shut ends a stream; what has arrived can still be taken.
func (c *Client) shut(t wire.Type, id uint32, s stream) error {
	c.mu.Lock()
	known := c.streams[id] == s
	delete(c.streams, id)
	c.mu.Unlock()
	s.end(failed(Closed, "", "it was closed"))
	if !known {
		return nil
	}
	_, err := c.ask(context.Background(), question{unmade(t), id}, func(b []byte) []byte { return wire.AppendPlain(b, unmade(t), id, "") })
	if errors.Is(err, ConnectionLost) || errors.Is(err, UnknownID) || errors.Is(err, Closed) {
		return nil // it ended with its session
	}
	return err
}

// Credit lets further messages come, for a subscription by credit.
func (s *Subscription) Credit(number int) error {
	if !s.o.ByCredit || number <= 0 {
		return failed(Misconfigured, s.filter, "credit is a positive number, for a subscription by credit")
	}
	s.grant(int64(number))
	return nil
}

func (s *Subscription) grant(number int64) {
	s.credit.Add(number)
	s.c.here(func(b []byte) []byte { return wire.AppendNumber(b, wire.Credit, s.id, uint32(number)) })
}

// renew grants what was taken, when it is half of the window.
func (s *Subscription) renew() {
	if n := s.since.Add(1); n >= (s.window+1)/2 {
		s.since.Add(-n)
		s.grant(n)
	}
}

// Close ends the subscription; what has arrived can still be taken.
func (s *Subscription) Close() error { return s.c.shut(wire.Subscribe, s.id, s) }

func (s *Subscription) setID(id uint32) { s.id = id }

func (s *Subscription) appendTo(b []byte, _ bool) []byte {
	b = wire.AppendSubscribe(b, s.id, wire.Policy(s.o.Policy), s.flags, uint16(s.o.Queue), s.filter)
	if n := s.credit.Load(); s.flags&wire.ByCredit != 0 && n > 0 {
		b = wire.AppendNumber(b, wire.Credit, s.id, uint32(n))
	}
	return b
}

func (s *Subscription) take(f wire.Frame, _ uint32) {
	t, _ := f.Topical()
	if s.flags&wire.ByCredit != 0 {
		s.credit.Add(-1)
	}
	s.push(Message{Topic: s.topicOf(t), Payload: clone(t.Payload)})
}

func (s *Subscription) topicOf(t wire.TopicalBody) string {
	if len(t.Topic) == 0 {
		return s.filter
	}
	return string(t.Topic)
}
