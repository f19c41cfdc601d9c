package exchangetest

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/spec"
)

// Fixture is how the suite gets at a link.
type Fixture struct {
	// Listen makes the link, with its files in dir.
	Listen func(dir string) (exchange.Link, error)
	// Dial connects to the address of a link. It also runs in other processes.
	Dial func(ctx context.Context, address string) (io.ReadWriteCloser, error)
	// InProcess: the link does not reach other processes.
	InProcess bool
}

// The applications that a Broker knows, their tokens, and what they may do.
const (
	Alice = "alice" // everything below a/ and b/; has a/kept/# and b/dead kept
	Bob   = "bob"   // the same
	Carol = "carol" // publishes on c/out, subscribes to c/in/+

	AliceToken = "alice-token"
	BobToken   = "bob-token"
	CarolToken = "carol-token"
)

// Broker is a router behind a link, for one test.
type Broker struct {
	*exchange.Router
	Link    exchange.Link
	Denials chan exchange.Denial

	t       testing.TB
	fixture Fixture
	stores  string
	stop    func()
}

// Start starts a router and a link; both end with the test.
func Start(t testing.TB, f Fixture, o exchange.Options) *Broker {
	t.Helper()
	return StartIn(t, f, o, "")
}

// StartIn is Start with the stores in a directory, which may hold those of a
// broker that was stopped; "" is a new one.
func StartIn(t testing.TB, f Fixture, o exchange.Options, stores string) *Broker {
	t.Helper()
	b := &Broker{t: t, fixture: f, stores: stores, Denials: make(chan exchange.Denial, 100)}
	o.Device = "bench"
	o.OnDenial = func(d exchange.Denial) {
		select {
		case b.Denials <- d:
		default:
		}
	}
	b.Router = exchange.New(o)
	if b.stores == "" {
		b.stores = t.TempDir()
	}
	if err := b.OpenStores(b.stores); err != nil {
		t.Fatal(err)
	}
	b.grant()
	var err error
	if b.Link, err = f.Listen(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := b.Router.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	parts.Go(func() {
		if err := b.Link.Run(ctx, func(c exchange.Conn) { _ = b.Serve(ctx, c) }); err != nil {
			t.Error(err)
		}
	})
	b.stop = sync.OnceFunc(func() {
		cancel()
		parts.Wait()
	})
	t.Cleanup(b.stop)
	return b
}

// Stop ends the broker before its test does.
func (b *Broker) Stop() { b.stop() }

func (b *Broker) grant() {
	b.t.Helper()
	both := spec.Resources{Publish: []spec.Filter{"a/#", "b/#"}, Subscribe: []spec.Filter{"a/#", "b/#"}}
	little := spec.Resources{Publish: []spec.Filter{"c/out"}, Subscribe: []spec.Filter{"c/in/+"}}
	keeps := both
	keeps.Keep = []spec.Keep{{Topic: "a/kept/#", Size: 1 << 20, Full: spec.FullRefuse}, {Topic: "b/dead", Size: 1 << 20}}
	b.Allow(Alice, keeps, AliceToken)
	b.Allow(Bob, both, BobToken)
	b.Allow(Carol, little, CarolToken)
}

// Allow grants.
func (b *Broker) Allow(app spec.Name, res spec.Resources, token string) {
	b.t.Helper()
	if err := b.Grant(app, res, exchange.Credential{Token: token, UID: -1}); err != nil {
		b.t.Fatal(err)
	}
}

// Connect makes a client that has not said HELLO.
func (b *Broker) Connect() *Client {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	conn, err := b.fixture.Dial(ctx, b.Link.Address())
	if err != nil {
		b.t.Fatal(err)
	}
	return NewClient(b.t, conn)
}

// Client makes a client that is welcome.
func (b *Broker) Client(token string) *Client {
	b.t.Helper()
	c := b.Connect()
	c.Hello(token)
	return c
}

// Of returns an application's figures.
func (b *Broker) Of(app spec.Name) exchange.ApplicationStats {
	for _, s := range b.Stats().Applications {
		if s.Application == app {
			return s
		}
	}
	return exchange.ApplicationStats{}
}

// Until polls until the condition holds.
func Until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(Patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", Patience, what)
		}
		time.Sleep(time.Millisecond)
	}
}
