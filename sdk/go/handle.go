package fescue

import (
	"time"

	"fescue.dev/fescue/exchange/wire"
)

// handle takes a frame that was checked. Its body is the reader's until it returns.
func (c *Client) handle(f wire.Frame) {
	switch f.Type {
	case wire.Message, wire.Call, wire.Delivery, wire.Change:
		c.deliver(f)
	case wire.OK:
		granted, _ := f.OK()
		c.grantOrAnswer(question{granted, f.ID}, answer{})
	case wire.Reply:
		c.answered(question{wire.Request, f.ID}, answer{payload: clone(f.Body)})
	case wire.Pong:
		c.answered(question{wire.Ping, f.ID}, answer{})
	case wire.Value:
		v, _ := f.Value()
		c.answered(question{wire.Get, f.ID}, answer{payload: clone(v.Value), revision: v.Revision})
	case wire.Stored:
		revision, _ := f.Stored()
		c.answered(question{wire.Put, f.ID}, answer{revision: revision})
		c.answered(question{wire.Delete, f.ID}, answer{revision: revision})
	case wire.Past:
		c.list(f)
	case wire.Error:
		c.refused(f)
	case wire.Ping:
		c.here(func(b []byte) []byte { return wire.AppendPlain(b, wire.Pong, f.ID, f.Body) })
	case wire.Invoke, wire.Cancel, wire.More, wire.Goodbye:
		if c.worker != nil {
			c.worker.handle(f)
		}
	}
}

func clone(b []byte) []byte { return append([]byte{}, b...) }

// here sends on the link there is, or not at all.
func (c *Client) here(add func([]byte) []byte) {
	c.mu.Lock()
	l := c.link
	c.mu.Unlock()
	if l != nil {
		_ = l.send(add) // its reader sees that it is broken
	}
}

// written waits until the link has taken all that was sent on it.
func (c *Client) written() {
	c.mu.Lock()
	l := c.link
	c.mu.Unlock()
	if l != nil {
		l.flush()
	}
}

// onSession sends on the link that has this number, or not at all.
func (c *Client) onSession(session uint32, add func([]byte) []byte) {
	c.mu.Lock()
	l, same := c.link, c.session == session
	c.mu.Unlock()
	if l != nil && same {
		_ = l.send(add) // its reader sees that it is broken
	}
}

func (c *Client) deliver(f wire.Frame) {
	if f.Type == wire.Change && c.list(f) {
		return
	}
	id := f.ID
	if f.Type == wire.Call {
		t, _ := f.Topical()
		id = t.Subscription
	}
	c.mu.Lock()
	s, session := c.streams[id], c.session
	c.mu.Unlock()
	if s != nil {
		s.take(f, session)
	}
}

// list gives a frame to the listing that waits for it, if it is one's.
func (c *Client) list(f wire.Frame) bool {
	c.mu.Lock()
	take := c.listing[f.ID]
	c.mu.Unlock()
	if take != nil {
		take(f)
	}
	return take != nil
}

func (c *Client) answered(q question, a answer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resolve(q, a)
}

func (c *Client) grantOrAnswer(q question, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.byID[q.id]; q.t == wire.Register && t != nil {
		t.granted = true
	}
	c.resolve(q, a)
}

func errorOf(f wire.Frame) error {
	e, err := f.Error()
	if err != nil {
		return failed(Malformed, "", err.Error())
	}
	return failed(Code(e.Code), string(e.Topic), string(e.Text))
}

// refused takes an ERROR to who waits for it, or to the options' OnError.
func (c *Client) refused(f wire.Frame) {
	e, _ := f.Error()
	err := failed(Code(e.Code), string(e.Topic), string(e.Text))
	q := question{e.Refused, f.ID}
	switch {
	case q.t == wire.Register || q.t == wire.Publish && e.Code == wire.UnknownID:
		c.withdraw(q, err)
	case makesStream(q.t) && e.Code != wire.Overflow && e.Code != wire.TooLarge:
		c.endStream(q, err)
	case c.answered(q, answer{err: err}):
	case mayBeLate(q.t), e.Code == wire.GoingAway:
	default:
		c.opt.OnError(err)
	}
}

// mayBeLate: their answer may come when nobody waits for it any longer.
func mayBeLate(t wire.Type) bool {
	switch t {
	case wire.Unregister, wire.Unsubscribe, wire.Unwatch, wire.Call, wire.Request, wire.Ack:
		return true
	default:
		return false
	}
}

// withdraw forgets a topic: the next publish on it registers anew, and meets the
// error itself.
func (c *Client) withdraw(q question, err error) {
	c.mu.Lock()
	t := c.byID[q.id]
	if t != nil {
		delete(c.byID, q.id)
		delete(c.topics, t.name)
	}
	waited := c.resolve(question{wire.Register, q.id}, answer{err: err})
	c.mu.Unlock()
	if !waited && t != nil {
		c.opt.OnError(err)
	}
}

func (c *Client) endStream(q question, err error) {
	c.mu.Lock()
	s := c.streams[q.id]
	delete(c.streams, q.id)
	waited := c.resolve(q, answer{err: err})
	c.mu.Unlock()
	if s != nil && !waited {
		s.end(err)
	}
}

// overflowed tells, at most once a second, that this side dropped messages.
func (c *Client) overflowed(filter string) {
	c.mu.Lock()
	now := time.Now()
	tell := now.Sub(c.told) > time.Second
	if tell {
		c.told = now
	}
	c.mu.Unlock()
	if tell {
		c.opt.OnError(failed(Overflow, filter, "messages on "+filter+" come faster than they are taken; some were dropped"))
	}
}
