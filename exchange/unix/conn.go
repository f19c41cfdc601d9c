package unix

import (
	"net"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange/stream"
)

// Conn is one end of a Unix stream socket. It is an exchange.Polled.
type Conn struct {
	*net.UnixConn
	stream.Socket
	uid int
}

func newConn(c *net.UnixConn) (*Conn, error) {
	conn := &Conn{UnixConn: c}
	if err := conn.Init(c); err != nil {
		return nil, err
	}
	return conn, conn.Control(func(fd int) error {
		cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err == nil {
			conn.uid = int(cred.Uid)
		}
		return err
	})
}

// PeerUID is the user id of the process that connected, or made the pair.
func (c *Conn) PeerUID() (int, bool) { return c.uid, true }

// Link is "unix".
func (c *Conn) Link() string { return Name }
