package fescue

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"sync"
	"time"

	"fescue.dev/fescue/exchange/wire"
)

// Options are a client's; the zero value is what a deployed program wants.
type Options struct {
	Address string        // unix:PATH, mqueue:PATH or tcp:HOST:PORT; "": FESCUE_EXCHANGE
	Token   string        // "": FESCUE_TOKEN
	Name    string        // for people who look at the broker's sessions
	Timeout time.Duration // for the broker's answers, and for a lost link to come back; 0: 10 s
	MaxBody int           // the largest message to be sent to this client; 0: 1 MiB and its topic
	// OnError is told what no call waits for, such as dropped messages; it must not
	// block. Without it they are logged.
	OnError func(error)
}

func (o *Options) fill() {
	if o.Address == "" {
		o.Address = os.Getenv("FESCUE_EXCHANGE")
	}
	if o.Token == "" {
		o.Token = os.Getenv("FESCUE_TOKEN")
	}
	if o.Name == "" {
		o.Name = "fescue-go"
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.MaxBody <= 0 {
		o.MaxBody = wire.DefaultBody + wire.MaxTopic + 256
	}
	if o.OnError == nil {
		o.OnError = func(err error) { slog.Warn("fescue", "error", err) }
	}
}

// Client is a session with Data Xchange.
type Client struct {
	opt    Options
	worker *worker // of a function, or nil
	run    sync.WaitGroup
	stop   context.CancelFunc
	done   <-chan struct{} // closed by Close
	prefix string          // of message ids

	mu      sync.Mutex
	link    *link
	changed chan struct{} // closed when link, fatal or closed change
	fatal   error         // what ended the client for good
	closed  bool
	welcome wire.WelcomeBody // its texts are copies
	session uint32           // counts the links
	last    uint32           // of topics and streams
	request uint32           // the last of requests, receipts and pings
	topics  map[string]*topic
	byID    map[uint32]*topic
	streams map[uint32]stream
	waiting map[question][]chan answer
	listing map[uint32]func(wire.Frame) // HISTORY and listings of keys, by id
	told    time.Time                   // when an overflow of this side was told last
}

// topic is one that was registered, or is about to be.
type topic struct {
	id      uint32
	name    string
	granted bool
}

// Connect connects by the environment that the agent gives, unless o says
// otherwise.
func Connect(ctx context.Context, o Options) (*Client, error) {
	o.fill()
	if o.Address == "" {
		return nil, failed(Misconfigured, "", "FESCUE_EXCHANGE is not set: the agent sets it for the applications it starts; deploy this program with `fescue deploy`")
	}
	c := newClient(o, nil)
	l, r, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	c.begin(l, r)
	return c, nil
}

func newClient(o Options, w *worker) *Client {
	return &Client{
		opt: o, worker: w, prefix: rand.Text()[:16], changed: make(chan struct{}),
		topics: map[string]*topic{}, byID: map[uint32]*topic{}, streams: map[uint32]stream{},
		waiting: map[question][]chan answer{}, listing: map[uint32]func(wire.Frame){},
	}
}

// begin starts the goroutine that reads.
func (c *Client) begin(l *link, r *wire.Reader) {
	ctx, stop := context.WithCancel(context.Background())
	c.stop, c.done = stop, ctx.Done()
	c.run.Go(func() { c.serve(ctx, l, r) })
}

// Application is the application's name, as the broker knows it.
func (c *Client) Application() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.welcome.Application)
}

// Device is the name of the device this runs on.
func (c *Client) Device() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.welcome.Device)
}

// Publish publishes a message. The first time on a topic it waits for the broker's
// permission, later ones are sent and forgotten.
func (c *Client) Publish(ctx context.Context, name string, payload []byte) error {
	for {
		t, err := c.register(ctx, name)
		if err == nil {
			err = c.checkSize(name, len(payload))
		}
		if err != nil {
			return err
		}
		if err := c.send(ctx, func(b []byte) []byte { return wire.AppendPublish(b, t.id, payload) }); err != nil {
			return err
		}
		return nil
	}
}

// register is the topic, once the broker has granted it.
func (c *Client) register(ctx context.Context, name string) (*topic, error) {
	if err := checkTopic(name); err != nil {
		return nil, err
	}
	c.mu.Lock()
	t := c.topics[name]
	if t != nil && t.granted {
		c.mu.Unlock()
		return t, nil
	}
	first := t == nil
	if first {
		id, err := c.freeID()
		if err != nil {
			c.mu.Unlock()
			return nil, err
		}
		t = &topic{id: id, name: name}
		c.topics[name], c.byID[id] = t, t
	}
	c.mu.Unlock()
	add := func(b []byte) []byte { return wire.AppendPlain(b, wire.Register, t.id, name) }
	if !first {
		add = nil // somebody has asked
	}
	_, err := c.ask(ctx, question{wire.Register, t.id}, add)
	return t, err
}

// freeID finds a number for a topic or stream; c.mu is held.
func (c *Client) freeID() (uint32, error) {
	for range wire.MaxID {
		c.last = c.last%wire.MaxID + 1
		if c.byID[c.last] == nil && c.streams[c.last] == nil {
			return c.last, nil
		}
	}
	return 0, failed(Limit, "", "more than 65,535 topics and subscriptions")
}

// Confirm publishes a message and waits until the broker has taken it; where the topic is
// kept, until it is on disk.
func (c *Client) Confirm(ctx context.Context, topic string, payload []byte) error {
	if err := c.checkMessage(topic, 2+len(payload)); err != nil {
		return err
	}
	id := c.nextRequest()
	_, err := c.ask(ctx, question{wire.PublishTo, id}, func(b []byte) []byte { return wire.AppendPublishTo(b, id, topic, payload) })
	return err
}

// Request sends a request to whoever answers on the topic, and waits for the answer until ctx
// is done, or for the client's time-out if ctx has no end.
func (c *Client) Request(ctx context.Context, topic string, payload []byte) ([]byte, error) {
	if err := c.checkMessage(topic, 6+len(payload)); err != nil {
		return nil, err
	}
	timeout := c.opt.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	}
	ms := uint32(min(max(timeout.Milliseconds(), 1), 1<<31))
	// The broker watches the time; this side waits a little longer.
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout+time.Second)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		if ctx.Err() == context.Canceled {
			cancel()
		}
	})()
	id := c.nextRequest()
	a, err := c.ask(wait, question{wire.Request, id}, func(b []byte) []byte { return wire.AppendRequest(b, id, ms, topic, payload) })
	return a.payload, err
}

// Invoke calls another function of this device, as [Client.Request]: what it returned is the answer. The
// configuration grants it, `resources: {invoke: [function]}`. Errors: Internal if the function failed, NoResponder
// if there is none.
func (c *Client) Invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	return c.Request(ctx, "$fescue/invoke/"+function, payload)
}

// Log writes a line to the application's log.
func (c *Client) Log(ctx context.Context, level slog.Level, text string) error {
	n := uint32(min(max(int(level-slog.LevelDebug)/4, 0), 3))
	if !c.agreed(wire.Logs) {
		_, err := os.Stderr.WriteString(level.String() + ": " + text + "\n") // the application's log as well
		return err
	}
	return c.send(ctx, func(b []byte) []byte { return wire.AppendPlain(b, wire.Log, n, text[:min(len(text), 1<<15)]) })
}

// Drain waits until the broker has handled everything sent so far.
func (c *Client) Drain(ctx context.Context) error {
	id := c.nextRequest()
	_, err := c.ask(ctx, question{wire.Ping, id}, func(b []byte) []byte { return wire.AppendPlain(b, wire.Ping, id, "") })
	return err
}

// Close says goodbye, waits at most a second until the broker has handled everything
// sent before, and ends all that reads from the client.
func (c *Client) Close() error {
	c.mu.Lock()
	l, closed := c.link, c.closed
	c.closed = true
	c.wake()
	c.mu.Unlock()
	if l != nil && !closed {
		if l.send(func(b []byte) []byte { return wire.AppendGoodbye(b, 0, "") }) == nil {
			timer := time.AfterFunc(time.Second, l.close)
			defer timer.Stop()
		} else {
			l.close()
		}
	}
	c.stop()
	c.run.Wait()
	return nil
}

// wake tells those who wait for a change; c.mu is held.
func (c *Client) wake() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Client) agreed(want wire.Capabilities) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.welcome.Capabilities&want == want
}

func (c *Client) nextRequest() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.request++; c.request == 0 {
		c.request++
	}
	return c.request
}

// checkTopic refuses what cannot be sent; the rest the broker checks.
func checkTopic(name string) error {
	if len(name) < 1 || len(name) > wire.MaxTopic {
		return failed(InvalidTopic, name[:min(len(name), 80)], "a topic has 1 to 1,024 bytes")
	}
	return nil
}

func (c *Client) checkMessage(topic string, size int) error {
	if err := checkTopic(topic); err != nil {
		return err
	}
	return c.checkSize(topic, len(topic)+size)
}

func (c *Client) checkSize(topic string, size int) error {
	c.mu.Lock()
	most := int(c.welcome.MaxBody)
	c.mu.Unlock()
	if size > most {
		return failed(TooLarge, topic, "the message is larger than the broker accepts")
	}
	return nil
}
