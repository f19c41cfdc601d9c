package exchange_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/exchangetest"
	"fescue.dev/fescue/exchange/wire"
)

// memory is a link inside the process: net.Pipe, which has no buffer, no
// descriptor for the poller and no user ids. It shows that the router needs
// none of them.
type memory struct {
	keepalive time.Duration
	clients   chan net.Conn
	ended     chan struct{}
}

func (m *memory) Name() string    { return "memory" }
func (m *memory) Address() string { return "memory:" }

func (m *memory) Run(ctx context.Context, serve func(exchange.Conn)) error {
	var clients sync.WaitGroup
	defer clients.Wait()
	defer close(m.ended)
	for {
		select {
		case c := <-m.clients:
			clients.Go(func() { serve(end{c, m.keepalive}) })
		case <-ctx.Done():
			return nil
		}
	}
}

type end struct {
	net.Conn
	keepalive time.Duration
}

func (e end) PeerUID() (int, bool)     { return 0, false }
func (e end) Link() string             { return "memory" }
func (e end) Keepalive() time.Duration { return e.keepalive }

// inMemory makes a fixture whose Dial reaches the link made last.
func inMemory(keepalive time.Duration) exchangetest.Fixture {
	var mu sync.Mutex
	var last *memory
	return exchangetest.Fixture{
		InProcess: true,
		Listen: func(string) (exchange.Link, error) {
			mu.Lock()
			defer mu.Unlock()
			last = &memory{keepalive: keepalive, clients: make(chan net.Conn), ended: make(chan struct{})}
			return last, nil
		},
		Dial: func(ctx context.Context, _ string) (io.ReadWriteCloser, error) {
			mu.Lock()
			m := last
			mu.Unlock()
			mine, theirs := net.Pipe()
			select {
			case m.clients <- theirs:
				return mine, nil
			case <-m.ended:
				return nil, errors.New("nobody listens")
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
	}
}

func TestMain(m *testing.M) { exchangetest.Main(m, inMemory(time.Hour)) }

func TestMemoryLink(t *testing.T) { exchangetest.Run(t, inMemory(time.Hour)) }

// TestHalfOpen: on a link where nobody tells the death of a peer, a client that
// does not answer PING loses its session, one that does keeps it.
func TestHalfOpen(t *testing.T) {
	b := exchangetest.Start(t, inMemory(50*time.Millisecond), exchange.Options{})
	alive, dead := b.Client(exchangetest.AliceToken), b.Client(exchangetest.BobToken)
	pings := 0
	for len(b.Of(exchangetest.Bob).Sessions) > 0 || pings < 4 {
		f := alive.Expect(wire.Ping, 0)
		alive.Send(wire.AppendPlain(nil, wire.Pong, f.ID, f.Body))
		pings++
	}
	dead.Expect(wire.Ping, 0)
	dead.ExpectEnd()
	alive.Send(wire.AppendPlain(nil, wire.Ping, 7, ""))
	for {
		if f, err := alive.Next(); err != nil {
			t.Fatal(err)
		} else if f.Type == wire.Pong {
			break
		}
	}
}
