package mqueue

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
)

// patience is how long a write waits for room before it looks whether the
// broker is still there.
const patience = 500 * time.Millisecond

// Client is a client's end of its two queues. Reads and writes block in the
// system call, which is the fastest way for the one goroutine that reads and
// the one that writes.
type Client struct {
	in, out  queue
	size     size
	socket   *net.UnixConn
	over     atomic.Bool
	reading  sync.Mutex
	writing  sync.Mutex
	buf      []byte // of a message that a Read had no room for
	rest     []byte
	watching sync.WaitGroup
	once     sync.Once
}

// Dial connects to a broker's rendezvous socket. fail.Exhausted is the broker's
// word that there are no queues to be had.
func Dial(ctx context.Context, path string) (*Client, error) {
	const op = "connect to the exchange"
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fail.Wrap(err, fail.Unavailable, op, path)
	}
	socket := conn.(*net.UnixConn)
	stop := context.AfterFunc(ctx, func() { _ = socket.SetReadDeadline(time.Unix(1, 0)) })
	c, err := meet(socket)
	if !stop() || err != nil {
		_ = socket.Close()
		if c != nil {
			c.in.close()
			c.out.close()
			err = ctx.Err()
		}
		return nil, fail.Wrap(err, fail.Unavailable, op, path)
	}
	c.watching.Go(c.watch)
	return c, nil
}

// meet receives the descriptors.
func meet(socket *net.UnixConn) (*Client, error) {
	var greeting [8]byte
	control := make([]byte, unix.CmsgSpace(2*4))
	n, m, _, _, err := socket.ReadMsgUnix(greeting[:], control)
	if err != nil {
		return nil, err
	}
	if n < len(greeting) {
		if _, err := io.ReadFull(socket, greeting[n:]); err != nil {
			return nil, err
		}
	}
	fds, err := descriptors(control[:m])
	if err != nil {
		return nil, err
	}
	if len(fds) != 2 {
		return nil, refusal(socket, greeting[:])
	}
	return &Client{
		in: queue(fds[0]), out: queue(fds[1]), socket: socket,
		size: size{int(binary.LittleEndian.Uint32(greeting[4:])), int(binary.LittleEndian.Uint32(greeting[:]))},
	}, nil
}

func descriptors(control []byte) ([]int, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) == 0 {
		return nil, err
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	return fds, err
}

// refusal reads the ERROR frame of which the first bytes are header.
func refusal(socket io.Reader, header []byte) error {
	f, err := wire.NewReader(io.MultiReader(bytes.NewReader(header), socket), wire.DefaultBody).Next()
	if err != nil {
		return err
	}
	e, err := f.Error()
	if err != nil {
		return err
	}
	return fail.New(fail.Exhausted, "connect to the exchange", "%s", e.Text)
}

// watch waits for the broker to close the session, or die, and wakes the reader.
func (c *Client) watch() {
	var b [1]byte
	for {
		if _, err := c.socket.Read(b[:]); err != nil {
			break
		}
	}
	c.over.Store(true)
	_ = c.in.send(nil, &unix.Timespec{}) // full is good too: the reader is not waiting
}

// Read returns what the next message brings. What the broker sent before it
// closed can still be read.
func (c *Client) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if len(c.rest) > 0 {
		n := copy(p, c.rest)
		c.rest = c.rest[n:]
		return n, nil
	}
	into := p
	if len(p) < c.size.bytes {
		if c.buf == nil {
			c.buf = make([]byte, c.size.bytes)
		}
		into = c.buf
	}
	n, err := c.receive(into)
	if err != nil || len(p) >= c.size.bytes {
		return n, err
	}
	m := copy(p, c.buf[:n])
	c.rest = c.buf[m:n]
	return m, nil
}

func (c *Client) receive(p []byte) (int, error) {
	for {
		var until *unix.Timespec
		if c.over.Load() {
			until = &unix.Timespec{} // takes what is there
		}
		n, err := c.in.receive(p, until)
		switch {
		case err == nil && n > 0:
			return n, nil
		case err == nil, errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ETIMEDOUT):
			return 0, io.EOF
		default:
			return 0, err
		}
	}
}

// Write sends all of p.
func (c *Client) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	sent := 0
	for sent < len(p) {
		if c.over.Load() {
			return sent, io.ErrClosedPipe
		}
		n := min(len(p)-sent, c.size.bytes)
		err := c.out.send(p[sent:sent+n], after(patience))
		switch {
		case err == nil:
			sent += n
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ETIMEDOUT):
		default:
			return sent, err
		}
	}
	return sent, nil
}

// Close ends the session. It waits for a Read or Write that is under way.
func (c *Client) Close() error {
	var err error
	c.once.Do(func() {
		err = c.socket.Close()
		c.watching.Wait()
		c.reading.Lock()
		defer c.reading.Unlock()
		c.writing.Lock()
		defer c.writing.Unlock()
		c.in.close()
		c.out.close()
		c.in, c.out = -1, -1
	})
	return err
}

// PeerUID is not known to a client.
func (c *Client) PeerUID() (int, bool) { return 0, false }

// Link is "mqueue".
func (c *Client) Link() string { return Name }
