// Package tcp is the TCP link of Data Xchange, on the loopback interface: for
// clients that have neither Unix sockets nor message queues, such as a program in
// a container with the host's network, or a language without them.
//
// There the kernel tells no user id, so the token alone says who a client is.
// The agent listens with [Listen] and hands the connections to
// exchange.Router.Serve; clients written in Go connect with [Dial].
package tcp

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/stream"
	"fescue.dev/fescue/fail"
)

// Name is the link's name, as in a configuration's ipc.
const Name = "tcp"

// Options are a Listener's.
type Options struct {
	Address string // host:port; the host must be a loopback address, port 0 takes a free one
}

// Listener is the link. It is an exchange.Link.
type Listener struct {
	listener *net.TCPListener
	address  string
}

// Listen opens the port. An address that others than this machine reach is
// fail.Invalid: what goes over the link is not encrypted.
func Listen(ctx context.Context, o Options) (*Listener, error) {
	const op = "listen on TCP"
	host, _, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil, fail.New(fail.Invalid, op, "the address is not host:port").On(o.Address).WithHint("Write it as 127.0.0.1:4711.")
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fail.New(fail.Invalid, op, "the link is for this machine only").On(o.Address).
			WithHint("Use 127.0.0.1 or [::1]. Clients elsewhere connect by MQTT or NATS.")
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", o.Address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fail.New(fail.Conflict, op, "another program uses the address: %w", err).On(o.Address).WithHint("Choose another port, or 0 for any free one.")
	}
	if err != nil {
		return nil, fail.Wrap(err, fail.Internal, op, o.Address)
	}
	return &Listener{listener: l.(*net.TCPListener), address: Name + ":" + l.Addr().String()}, nil
}

// Name is "tcp".
func (l *Listener) Name() string { return Name }

// Address is what clients find in FESCUE_EXCHANGE.
func (l *Listener) Address() string { return l.address }

// Run accepts clients until ctx is done and waits for the calls of serve to
// return.
func (l *Listener) Run(ctx context.Context, serve func(exchange.Conn)) error {
	stop := context.AfterFunc(ctx, func() { _ = l.listener.Close() })
	defer stop()
	var clients sync.WaitGroup
	defer clients.Wait()
	for {
		c, err := l.listener.AcceptTCP()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = c.Close()
			}
			return nil
		case stream.Exhausted(err):
			if !stream.Pause(ctx) {
				return nil
			}
		case err != nil:
			return fail.Wrap(err, fail.Internal, "accept a client", l.address)
		default:
			l.welcome(c, &clients, serve)
		}
	}
}

func (l *Listener) welcome(c *net.TCPConn, clients *sync.WaitGroup, serve func(exchange.Conn)) {
	conn, err := newConn(c)
	if err != nil {
		_ = c.Close() // it went away
		return
	}
	clients.Go(func() { serve(conn) })
}

// Dial connects to a broker's port.
func Dial(ctx context.Context, address string) (*Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fail.Wrap(err, fail.Unavailable, "connect to the exchange", address)
	}
	return newConn(c.(*net.TCPConn))
}
