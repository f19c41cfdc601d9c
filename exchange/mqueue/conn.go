package mqueue

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange"
	socket "fescue.dev/fescue/exchange/unix"
)

// Conn is the broker's end of a client's two queues. It is an exchange.Polled:
// a queue descriptor is a file descriptor on Linux, so Go's poller waits for it.
type Conn struct {
	size     size
	lifeline *socket.Conn
	in, out  direction
	gone     atomic.Bool // the client has closed the lifeline
	close    sync.Once
	closed   error
	release  func()
	watcher  sync.WaitGroup

	buf, rest []byte // of a message that a Read had no room for
}

// direction is one of the two queues. Its functions are made once: a method
// value made for each message would allocate.
type direction struct {
	file     *os.File
	raw      syscall.RawConn
	fd       queue
	step     func(exchange.Transfer) bool
	transfer exchange.Transfer
	ready    func(fd uintptr) bool
}

func newConn(q queues, lifeline *socket.Conn, release func()) (*Conn, error) {
	c := &Conn{size: q.size, lifeline: lifeline, release: release}
	err := errors.Join(c.in.init(q.in, "queue in", c.receive), c.out.init(q.out, "queue out", c.send))
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.watcher.Go(c.watch)
	return c, nil
}

func (d *direction) init(q queue, name string, transfer exchange.Transfer) (err error) {
	d.file = os.NewFile(uintptr(q), name)
	if d.raw, err = d.file.SyscallConn(); err != nil {
		return err
	}
	if err := d.file.SetDeadline(time.Time{}); err != nil {
		return err // the poller did not take it: a wait would hold a thread
	}
	d.transfer = transfer
	d.ready = func(fd uintptr) bool {
		d.fd = queue(fd)
		return d.step(d.transfer)
	}
	return nil
}

// watch waits for the client to be gone, and has the reader take what the
// client left in its queue before it ends.
func (c *Conn) watch() {
	var b [64]byte
	for {
		if _, err := c.lifeline.Read(b[:]); err != nil {
			break // what it may have sent means nothing
		}
	}
	c.gone.Store(true)
	_ = c.in.file.SetReadDeadline(time.Unix(1, 0)) // wakes the reader
	_ = c.out.file.SetWriteDeadline(time.Unix(1, 0))
}

// receive takes one message. Once the client is gone, an empty queue is the end.
func (c *Conn) receive(p []byte) (int, error) {
	for {
		n, err := c.in.fd.receiveNow(p)
		switch {
		case err == nil && n > 0:
			return n, nil
		case err == nil, errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			if c.gone.Load() {
				return 0, nil
			}
			return 0, exchange.ErrAgain
		default:
			return 0, err
		}
	}
}

// send sends p in as many messages as the queue takes.
func (c *Conn) send(p []byte) (int, error) {
	sent := 0
	for sent < len(p) {
		n := min(len(p)-sent, c.size.bytes)
		err := c.out.fd.sendNow(p[sent : sent+n])
		switch {
		case err == nil:
			sent += n
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN) && sent > 0:
			return sent, nil
		case errors.Is(err, unix.EAGAIN):
			return 0, exchange.ErrAgain
		default:
			return sent, err
		}
	}
	return sent, nil
}

// PollRead is exchange.Polled's.
func (c *Conn) PollRead(step func(exchange.Transfer) bool) error {
	c.in.step = step
	err := c.in.raw.Read(c.in.ready)
	if errors.Is(err, os.ErrDeadlineExceeded) && c.gone.Load() {
		return c.in.raw.Control(func(fd uintptr) {
			for !c.in.ready(fd) { // until it has seen the end
				continue
			}
		})
	}
	return err
}

// PollWrite is exchange.Polled's.
func (c *Conn) PollWrite(step func(exchange.Transfer) bool) error {
	c.out.step = step
	return c.out.raw.Write(c.out.ready)
}

// Chunk is exchange.Polled's: a message is received whole.
func (c *Conn) Chunk() int { return c.size.bytes }

// Read returns what the next message brings.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.rest) > 0 {
		n := copy(p, c.rest)
		c.rest = c.rest[n:]
		return n, nil
	}
	if len(p) >= c.size.bytes {
		return c.readMessage(p)
	}
	if c.buf == nil {
		c.buf = make([]byte, c.size.bytes)
	}
	m, err := c.readMessage(c.buf)
	n := copy(p, c.buf[:m])
	c.rest = c.buf[n:m]
	return n, err
}

func (c *Conn) readMessage(p []byte) (n int, err error) {
	closed := c.PollRead(func(read exchange.Transfer) bool {
		n, err = read(p)
		return !errors.Is(err, exchange.ErrAgain)
	})
	err = errors.Join(err, closed)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// Write sends all of p.
func (c *Conn) Write(p []byte) (sent int, err error) {
	closed := c.PollWrite(func(write exchange.Transfer) bool {
		for sent < len(p) {
			var n int
			n, err = write(p[sent:])
			sent += n
			if err != nil {
				break
			}
		}
		if errors.Is(err, exchange.ErrAgain) {
			err = nil
			return false
		}
		return true
	})
	return sent, errors.Join(err, closed)
}

// Close ends the session: the client sees it on its socket.
func (c *Conn) Close() error {
	c.close.Do(func() {
		c.closed = c.lifeline.Close()
		c.watcher.Wait()
		for _, f := range []*os.File{c.in.file, c.out.file} {
			if f != nil {
				c.closed = errors.Join(c.closed, f.Close())
			}
		}
		c.release()
	})
	return c.closed
}

// PeerUID is the user id of the process that connected to the rendezvous socket.
func (c *Conn) PeerUID() (int, bool) { return c.lifeline.PeerUID() }

// Link is "mqueue".
func (c *Conn) Link() string { return Name }
