package unix

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange"
)

// Conn is one end of a Unix stream socket. It is an exchange.Polled.
type Conn struct {
	*net.UnixConn
	raw  syscall.RawConn
	uid  int
	read poll
	send poll
}

// poll is one direction. Its functions are made once: a method value made for
// each message would allocate.
type poll struct {
	fd       int
	step     func(exchange.Transfer) bool
	transfer exchange.Transfer
	ready    func(fd uintptr) bool
}

func newConn(c *net.UnixConn) (*Conn, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	conn := &Conn{UnixConn: c, raw: raw}
	var cred *unix.Ucred
	ctrl := raw.Control(func(fd uintptr) { cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err := errors.Join(ctrl, err); err != nil {
		return nil, err
	}
	conn.uid = int(cred.Uid)
	conn.read.init(unix.Read)
	conn.send.init(sendTo)
	return conn, nil
}

// sendTo writes without SIGPIPE.
func sendTo(fd int, p []byte) (int, error) {
	return unix.SendmsgN(fd, p, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
}

func (p *poll) init(call func(int, []byte) (int, error)) {
	p.transfer = func(b []byte) (int, error) {
		for {
			n, err := call(p.fd, b)
			switch {
			case err == nil:
				return n, nil
			case errors.Is(err, unix.EINTR):
			case errors.Is(err, unix.EAGAIN):
				return 0, exchange.ErrAgain
			default:
				return 0, err
			}
		}
	}
	p.ready = func(fd uintptr) bool {
		p.fd = int(fd)
		return p.step(p.transfer)
	}
}

// PollRead is exchange.Polled's.
func (c *Conn) PollRead(step func(exchange.Transfer) bool) error {
	c.read.step = step
	return c.raw.Read(c.read.ready)
}

// PollWrite is exchange.Polled's.
func (c *Conn) PollWrite(step func(exchange.Transfer) bool) error {
	c.send.step = step
	return c.raw.Write(c.send.ready)
}

// Chunk is exchange.Polled's: a stream can be read in pieces of any size.
func (c *Conn) Chunk() int { return 0 }

// PeerUID is the user id of the process that connected, or made the pair.
func (c *Conn) PeerUID() (int, bool) { return c.uid, true }

// Link is "unix".
func (c *Conn) Link() string { return Name }

// pause waits a moment for descriptors to become free; false when ctx is done.
func pause(ctx context.Context) bool {
	t := time.NewTimer(50 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
