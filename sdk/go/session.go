package fescue

import (
	"context"
	"errors"
	"time"

	"fescue.dev/fescue/exchange/wire"
)

const (
	firstPause    = 100 * time.Millisecond // between attempts to connect again, doubling
	longestPause  = 2 * time.Second
	tokenPatience = 30 * time.Second // how long a token may be unknown to a broker that has just started
)

// question is a frame that is answered, by its type and id.
type question struct {
	t  wire.Type
	id uint32
}

// answer is what came of it. The payload is a copy.
type answer struct {
	payload  []byte
	revision uint64
	err      error
}

// connect makes a link and greets the broker.
func (c *Client) connect(ctx context.Context) (*link, *wire.Reader, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	conn, err := open(ctx, c.opt.Address)
	if err != nil {
		return nil, nil, err
	}
	l := newLink(conn)
	stop := context.AfterFunc(ctx, l.close)
	r, err := c.greet(l)
	if !stop() && err != nil {
		err = failed(ConnectionLost, "", "Data Xchange did not answer HELLO in time")
	}
	if err != nil {
		l.close()
		return nil, nil, err
	}
	return l, r, nil
}

// greet says HELLO and everything that a new session must be told again, and waits for WELCOME.
func (c *Client) greet(l *link) (*wire.Reader, error) {
	hello := wire.HelloBody{
		Lowest: wire.Version, Highest: wire.Version, MaxBody: uint32(c.opt.MaxBody), Token: []byte(c.opt.Token), Client: []byte(c.opt.Name),
		Capabilities: wire.Requests | wire.Logs | wire.State | wire.Durable | wire.Histories | wire.Credits,
	}
	if c.worker != nil {
		hello.Capabilities |= wire.Functions | wire.Parts
		if c.worker.serial {
			hello.Capabilities |= wire.Queues
		}
	}
	if err := l.send(func(b []byte) []byte { return wire.AppendHello(b, hello) }); err != nil {
		return nil, err
	}
	r := wire.NewReader(l.conn, c.opt.MaxBody)
	f, err := r.Next()
	if err != nil {
		return nil, failed(ConnectionLost, "", "Data Xchange closed the session: "+err.Error())
	}
	if f.Type == wire.Error {
		return nil, errorOf(f)
	}
	w, err := f.Welcome()
	if err != nil || f.Type != wire.Welcome || w.Version != wire.Version {
		return nil, failed(Malformed, "", "Data Xchange did not answer HELLO with WELCOME")
	}
	w.Application, w.Device = []byte(string(w.Application)), []byte(string(w.Device))
	return r, c.adopt(l, w)
}

// adopt makes l the link, and tells it what the one before knew.
func (c *Client) adopt(l *link, w wire.WelcomeBody) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var again []byte
	for _, t := range c.topics {
		again = wire.AppendPlain(again, wire.Register, t.id, t.name)
	}
	for _, s := range c.streams {
		again = s.appendTo(again, c.session > 0)
	}
	c.link, c.welcome = l, w
	c.session++
	c.wake()
	return l.send(func(b []byte) []byte { return append(b, again...) })
}

// serve reads until the client is closed, over as many links as it takes.
func (c *Client) serve(ctx context.Context, l *link, r *wire.Reader) {
	for {
		err := c.read(r)
		c.drop(l)
		if ctx.Err() == nil && c.worker == nil {
			l, r, err = c.reconnect(ctx)
		} else if err == nil || c.isClosed() {
			err = failed(Closed, "", "the client is closed")
		}
		if err != nil {
			c.end(err)
			return
		}
	}
}

func (c *Client) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// read handles frames until the link ends.
func (c *Client) read(r *wire.Reader) error {
	for {
		f, err := r.Next()
		if err != nil {
			return failed(ConnectionLost, "", "Data Xchange closed the session: "+err.Error())
		}
		if f.Skip {
			continue
		}
		if err := wire.CheckBroker(f); err != nil {
			return failed(Malformed, "", err.Error())
		}
		c.handle(f)
	}
}

// drop gives a dead link up: what was asked on it is answered, but for what the
// next link is told again.
func (c *Client) drop(l *link) {
	l.close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != l {
		return
	}
	c.link = nil
	c.wake()
	for q := range c.waiting {
		if !c.toldAgain(q) {
			c.resolve(q, answer{err: failed(ConnectionLost, "", "the link was lost before the answer came")})
		}
	}
}

// toldAgain: the next link is asked, too; c.mu is held.
func (c *Client) toldAgain(q question) bool {
	return q.t == wire.Register || makesStream(q.t) && c.streams[q.id] != nil
}

func makesStream(t wire.Type) bool {
	return t == wire.Subscribe || t == wire.Consume || t == wire.Watch
}

// reconnect tries until there is a link, or no use in trying.
func (c *Client) reconnect(ctx context.Context) (*link, *wire.Reader, error) {
	var refused time.Time
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		select {
		case <-ctx.Done():
			return nil, nil, failed(Closed, "", "the client is closed")
		case <-time.After(pause):
		}
		if c.isClosed() {
			return nil, nil, failed(Closed, "", "the client is closed")
		}
		l, r, err := c.connect(ctx)
		if err == nil {
			return l, r, nil
		}
		if errors.Is(err, Unauthenticated) && refused.IsZero() {
			refused = time.Now()
		}
		if errors.Is(err, BadVersion) || errors.Is(err, Misconfigured) || errors.Is(err, Unauthenticated) && time.Since(refused) > tokenPatience {
			return nil, nil, err
		}
	}
}

// end is for good.
func (c *Client) end(err error) {
	c.mu.Lock()
	c.fatal = err
	streams := c.streams
	c.streams = map[uint32]stream{}
	for q := range c.waiting {
		c.resolve(q, answer{err: err})
	}
	c.wake()
	c.mu.Unlock()
	for _, s := range streams {
		s.end(err)
	}
}

// current is the link; it waits for one that was lost to come back.
func (c *Client) current(ctx context.Context) (*link, error) {
	c.mu.Lock()
	l, fatal := c.link, c.fatal
	if c.closed {
		fatal = failed(Closed, "", "the client is closed")
	}
	c.mu.Unlock()
	if l != nil || fatal != nil {
		return l, fatal
	}
	timer := time.NewTimer(c.opt.Timeout)
	defer timer.Stop()
	for {
		c.mu.Lock()
		l, fatal, changed := c.link, c.fatal, c.changed
		c.mu.Unlock()
		if l != nil || fatal != nil {
			return l, fatal
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			return nil, failed(ConnectionLost, "", "the link to Data Xchange is lost and did not come back")
		}
	}
}

// send writes a frame; if the link is lost, on the next one.
func (c *Client) send(ctx context.Context, add func([]byte) []byte) error {
	for {
		l, err := c.current(ctx)
		if err != nil {
			return err
		}
		if l.send(add) == nil {
			return nil
		}
		c.drop(l)
	}
}

// ask sends a frame on one link and waits for its answer. Without add, somebody else
// has sent it.
func (c *Client) ask(ctx context.Context, q question, add func([]byte) []byte) (answer, error) {
	l, err := c.current(ctx)
	if err != nil {
		return answer{}, err
	}
	got := make(chan answer, 1)
	c.mu.Lock()
	if t := c.byID[q.id]; q.t == wire.Register && (t == nil || t.granted) {
		c.mu.Unlock()
		if t == nil { // refused meanwhile; the next to ask meets the reason
			return answer{}, failed(Denied, "", "the topic was refused")
		}
		return answer{}, nil
	}
	c.waiting[q] = append(c.waiting[q], got)
	c.mu.Unlock()
	if add != nil && l.send(add) != nil {
		c.drop(l)
		c.lostBeforeSent(q, got)
	}
	return c.await(ctx, q, got)
}

// lostBeforeSent answers a question that came too late for drop to answer it.
func (c *Client) lostBeforeSent(q question, got chan answer) {
	c.mu.Lock()
	again := c.toldAgain(q)
	c.mu.Unlock()
	if again {
		return
	}
	c.forget(q, got)
	select {
	case got <- answer{err: failed(ConnectionLost, "", "the link was lost")}:
	default: // drop has
	}
}

func (c *Client) await(ctx context.Context, q question, got chan answer) (answer, error) {
	timer := time.NewTimer(c.opt.Timeout)
	defer timer.Stop()
	expired := timer.C
	if _, ok := ctx.Deadline(); ok {
		expired = nil
	}
	select {
	case a := <-got:
		return a, a.err
	case <-ctx.Done():
		c.forget(q, got)
		return answer{}, ctx.Err()
	case <-expired:
		c.forget(q, got)
		return answer{}, failed(ConnectionLost, "", "Data Xchange did not answer "+q.t.String())
	}
}

func (c *Client) forget(q question, gone chan answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var left []chan answer
	for _, w := range c.waiting[q] {
		if w != gone {
			left = append(left, w)
		}
	}
	if c.waiting[q] = left; len(left) == 0 {
		delete(c.waiting, q)
	}
}

// resolve gives an answer to those who wait for it; c.mu is held.
func (c *Client) resolve(q question, a answer) bool {
	waiters := c.waiting[q]
	delete(c.waiting, q)
	for _, w := range waiters {
		w <- a
	}
	return len(waiters) > 0
}
