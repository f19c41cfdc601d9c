package exchangetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/exchange/wire"
)

// Patience is how long a test waits for what must happen.
const Patience = 10 * time.Second

// Client speaks frames with a broker. It reads only when asked to, so that it
// can be a slow one.
type Client struct {
	t      testing.TB
	conn   io.ReadWriteCloser
	start  sync.Once
	frames chan wire.Frame
	ended  chan struct{} // closed when frames has no more
	stop   chan struct{}
	close  sync.Once
	err    error
}

// NewClient makes a client of a connection, closed when the test ends.
func NewClient(t testing.TB, conn io.ReadWriteCloser) *Client {
	c := &Client{t: t, conn: conn, frames: make(chan wire.Frame), ended: make(chan struct{}), stop: make(chan struct{})}
	t.Cleanup(c.Close)
	return c
}

// Close breaks the connection without a GOODBYE.
func (c *Client) Close() {
	c.close.Do(func() {
		close(c.stop)
		_ = c.conn.Close()
	})
	c.start.Do(func() { close(c.ended) })
	<-c.ended
}

// Send writes frames.
func (c *Client) Send(frames ...[]byte) {
	c.t.Helper()
	if err := c.TrySend(frames...); err != nil {
		c.t.Fatalf("writing: %v", err)
	}
}

// TrySend writes frames to a broker that may have closed.
func (c *Client) TrySend(frames ...[]byte) error {
	_, err := c.conn.Write(bytes.Join(frames, nil))
	return err
}

func (c *Client) read() {
	defer close(c.ended)
	r := wire.NewReader(c.conn, wire.MaxLength)
	for {
		f, err := r.Next()
		if err != nil {
			c.err = err
			return
		}
		f.Body = slices.Clone(f.Body)
		select {
		case c.frames <- f:
		case <-c.stop:
			return
		}
	}
}

// Next returns the next frame, or an error at the end.
func (c *Client) Next() (wire.Frame, error) {
	return c.NextWithin(Patience)
}

// NextWithin is Next with a time of one's own.
func (c *Client) NextWithin(d time.Duration) (wire.Frame, error) {
	c.start.Do(func() { go c.read() })
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case f := <-c.frames:
		return f, nil
	case <-c.ended:
		return wire.Frame{}, errors.Join(io.EOF, c.err)
	case <-t.C:
		return wire.Frame{}, fmt.Errorf("no frame within %v", d)
	}
}

// Expect returns the next frame, which must be of this type and id.
func (c *Client) Expect(typ wire.Type, id uint32) wire.Frame {
	c.t.Helper()
	f, err := c.Next()
	if err != nil {
		c.t.Fatalf("waiting for %v %d: %v", typ, id, err)
	}
	if f.Type != typ || f.ID != id {
		c.t.Fatalf("got %v %d %q, want %v %d", f.Type, f.ID, f.Body, typ, id)
	}
	return f
}

// ExpectError takes the next frame, which must be this ERROR.
func (c *Client) ExpectError(id uint32, code wire.Code) wire.ErrorBody {
	c.t.Helper()
	e, err := c.Expect(wire.Error, id).Error()
	if err != nil {
		c.t.Fatal(err)
	}
	if e.Code != code {
		c.t.Fatalf("ERROR %v (%s), want %v", e.Code, e.Text, code)
	}
	return e
}

// ExpectMessage takes the next frame, which must be this MESSAGE.
func (c *Client) ExpectMessage(id uint32, topic, payload string) {
	c.t.Helper()
	b, err := c.Expect(wire.Message, id).Topical()
	if err != nil {
		c.t.Fatal(err)
	}
	if string(b.Topic) != topic || string(b.Payload) != payload {
		c.t.Fatalf("MESSAGE %q %.60q, want %q %.60q", b.Topic, b.Payload, topic, payload)
	}
}

// ExpectEnd takes frames until the broker has closed, which says nothing but GOODBYE.
func (c *Client) ExpectEnd() {
	c.t.Helper()
	c.expectEnd(func(wire.Frame) bool { return false })
}

// expectEnd is ExpectEnd where the broker may also say what allowed takes.
func (c *Client) expectEnd(allowed func(wire.Frame) bool) {
	c.t.Helper()
	for {
		f, err := c.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			c.t.Fatal(err)
		}
		if f.Type != wire.Goodbye && !allowed(f) {
			c.t.Fatalf("got %v %d %q, want the end", f.Type, f.ID, f.Body)
		}
	}
}

// ExpectNothing makes sure that all before is handled and nothing has come.
func (c *Client) ExpectNothing() {
	c.t.Helper()
	c.Send(wire.AppendPlain(nil, wire.Ping, 4711, "nothing"))
	c.Expect(wire.Pong, 4711)
}

// Hello greets and expects to be welcome, with all capabilities of a client.
func (c *Client) Hello(token string) wire.WelcomeBody {
	c.t.Helper()
	c.Send(Hello(token))
	w, err := c.Expect(wire.Welcome, 0).Welcome()
	if err != nil {
		c.t.Fatal(err)
	}
	return w
}

// All are all capabilities that a client can state.
const All = wire.Requests | wire.Functions | wire.Logs | wire.State | wire.Durable | wire.Histories | wire.Credits | wire.Parts

// Hello is the greeting of a client with a token.
func Hello(token string) []byte {
	return wire.AppendHello(nil, wire.HelloBody{
		Lowest: 1, Highest: 1, Capabilities: All,
		MaxBody: wire.DefaultBody + 2048, Token: []byte(token), Client: []byte("exchangetest"),
	})
}

// Register registers a topic and expects it to be granted.
func (c *Client) Register(id uint32, topic string) {
	c.t.Helper()
	c.Send(wire.AppendPlain(nil, wire.Register, id, topic))
	c.Expect(wire.OK, id)
}

// Subscribe subscribes and expects it to be granted.
func (c *Client) Subscribe(id uint32, filter string, p wire.Policy, queue uint16) {
	c.t.Helper()
	c.Send(wire.AppendSubscribe(nil, id, p, 0, queue, filter))
	c.Expect(wire.OK, id)
}

// Publish sends a message on a registered topic.
func (c *Client) Publish(id uint32, payload string) {
	c.t.Helper()
	c.Send(wire.AppendPublish(nil, id, []byte(payload)))
}
