package tcp

import (
	"errors"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange/stream"
)

// keepalive is after how long a silent client is asked whether it is there: on
// loopback the kernel tells the death of a process, but not that of a
// container whose network went away.
const keepalive = 15 * time.Second

// buffer bounds what the kernel holds for each direction. Left alone it takes up
// to 10 MB for a client that does not read, before the broker notices.
const buffer = 256 << 10

// Conn is one end of a TCP connection. It is an exchange.Polled.
type Conn struct {
	*net.TCPConn
	stream.Socket
}

func newConn(c *net.TCPConn) (*Conn, error) {
	conn := &Conn{TCPConn: c}
	if err := conn.Init(c); err != nil {
		return nil, err
	}
	return conn, conn.Control(func(fd int) error {
		return errors.Join(
			unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, buffer),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer))
	})
}

// PeerUID is not known.
func (c *Conn) PeerUID() (int, bool) { return 0, false }

// Link is "tcp".
func (c *Conn) Link() string { return Name }

// Keepalive is exchange.Silent's.
func (c *Conn) Keepalive() time.Duration { return keepalive }
