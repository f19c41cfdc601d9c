package sandbox

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"fescue.dev/fescue/device/sandbox/jail"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// A program in a network namespace of its own reaches the endpoints of its grant,
// and nothing else, through doors: ports within the namespace whose sockets the
// agent holds. The program connects as everywhere else (names are in its /etc/hosts);
// the agent connects to the endpoint outside and copies.

const (
	maxConnections = 256 // of a program, at once, through its doors
	doorPatience   = 10 * time.Second
)

// doorsOf are the doors for endpoints: each name has an address of its own, of IPv4; outside
// the agent takes IPv6 where the name has that.
func doorsOf(endpoints []spec.Endpoint) []jail.Door {
	names := map[string]string{"localhost": "127.0.0.1"}
	doors := make([]jail.Door, 0, len(endpoints))
	for _, e := range endpoints {
		if address, ok := e.Address(); ok {
			doors = append(doors, jail.Door{Address: address.String(), Port: e.Port(), Datagrams: e.Network() == "udp"})
			continue
		}
		if names[e.Host()] == "" {
			names[e.Host()] = fmt.Sprintf("127.64.0.%d", len(names))
		}
		doors = append(doors, jail.Door{Name: e.Host(), Address: names[e.Host()], Port: e.Port(), Datagrams: e.Network() == "udp"})
	}
	return doors
}

// doors are the open doors of one program.
type doors struct {
	ctx    context.Context
	cancel context.CancelFunc
	log    *slog.Logger
	all    []io.Closer
	slots  chan struct{}
	wait   sync.WaitGroup
}

// openDoors serves the sockets that a helper has handed over, one for each endpoint.
func openDoors(log *slog.Logger, endpoints []spec.Endpoint, files []*os.File) (*doors, error) {
	d := &doors{log: log, slots: make(chan struct{}, maxConnections)}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	var err error
	var serve []func()
	for i, f := range files {
		if err == nil && i < len(endpoints) {
			var begin func()
			if begin, err = d.open(endpoints[i], f); err == nil {
				serve = append(serve, begin)
			}
		}
		_ = f.Close() // a door has its own copy
	}
	if err == nil && len(files) != len(endpoints) {
		err = fmt.Errorf("%d doors for %d endpoints", len(files), len(endpoints))
	}
	if err != nil {
		d.close()
		return nil, fail.Wrap(err, fail.Internal, "open doors", "")
	}
	for _, begin := range serve {
		d.wait.Go(begin)
	}
	return d, nil
}

// open makes a door of its socket; serve is what to run.
func (d *doors) open(to spec.Endpoint, f *os.File) (serve func(), err error) {
	if to.Network() == "udp" {
		c, err := net.FilePacketConn(f)
		if err != nil {
			return nil, err
		}
		d.all = append(d.all, c)
		return func() { d.serveDatagrams(c.(*net.UDPConn), to) }, nil
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	d.all = append(d.all, l)
	return func() { d.serve(l, to) }, nil
}

// close ends all connections.
func (d *doors) close() {
	if d == nil {
		return
	}
	d.cancel()
	for _, door := range d.all {
		_ = door.Close()
	}
	d.wait.Wait()
}

func (d *doors) serve(l net.Listener, to spec.Endpoint) {
	for {
		c, err := l.Accept()
		if err != nil {
			return // it was closed
		}
		select {
		case d.slots <- struct{}{}:
			d.wait.Go(func() {
				defer func() { <-d.slots }()
				d.pass(c.(*net.TCPConn), to)
			})
		default:
			d.log.Warn("a connection was refused: the program has too many", "to", to, "most", maxConnections)
			refuse(c.(*net.TCPConn))
		}
	}
}

// pass connects to the endpoint and copies until both sides have ended.
func (d *doors) pass(inner *net.TCPConn, to spec.Endpoint) {
	c, err := d.dial(to)
	if err != nil {
		refuse(inner)
		return
	}
	outer := c.(*net.TCPConn)
	stop := context.AfterFunc(d.ctx, func() { _, _ = inner.Close(), outer.Close() })
	defer stop()
	var wait sync.WaitGroup
	wait.Go(func() { copyOn(outer, inner) })
	copyOn(inner, outer)
	wait.Wait()
	_, _ = inner.Close(), outer.Close()
}

// dial connects to an endpoint outside.
func (d *doors) dial(to spec.Endpoint) (net.Conn, error) {
	dialer := net.Dialer{Timeout: doorPatience}
	if _, literal := to.Address(); !literal && to.Host() != "localhost" {
		dialer.Control = notHere
	}
	c, err := dialer.DialContext(d.ctx, to.Network(), net.JoinHostPort(to.Host(), strconv.Itoa(to.Port())))
	if err != nil {
		d.log.Warn("a connection that is granted cannot be made", "to", to, "error", err)
	}
	return c, err
}

func copyOn(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		_, _ = to.SetLinger(0), from.Close() // the other side shall see a broken connection, not an end
		_ = to.Close()
		return
	}
	_ = to.CloseWrite()
}

// refuse resets a connection.
func refuse(c *net.TCPConn) { _, _ = c.SetLinger(0), c.Close() }

// notHere keeps a name that resolves to this device's own addresses from reaching
// services that trust them: who names localhost has been granted localhost.
func notHere(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || ip.IsLoopback() || ip.IsUnspecified() {
		return fail.New(fail.Denied, "connect", "the name leads to this device itself").WithHint("Grant localhost:PORT instead.")
	}
	return nil
}
