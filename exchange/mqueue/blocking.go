package mqueue

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	socket "fescue.dev/fescue/exchange/unix"
)

// patience is how long a write waits for room before it looks whether the
// broker is still there.
const patience = 500 * time.Millisecond

// Blocking is a client's end of its two queues that blocks in the system call,
// as a client in C does. That has the lowest latency, but holds a thread, and
// for moments a processor's share of the Go program: for programs whose only
// work it is.
type Blocking struct {
	in, out  queue
	size     size
	lifeline *socket.Conn
	over     atomic.Bool
	reading  sync.Mutex
	writing  sync.Mutex
	buf      []byte // of a message that a Read had no room for
	rest     []byte
	watching sync.WaitGroup
	once     sync.Once
}

// DialBlocking is [Dial] for a client that blocks.
func DialBlocking(ctx context.Context, path string) (*Blocking, error) {
	q, lifeline, err := rendezvous(ctx, path)
	if err != nil {
		return nil, err
	}
	c := &Blocking{in: q.theirIn, out: q.theirOut, size: q.size, lifeline: lifeline}
	c.watching.Go(c.watch)
	return c, nil
}

// watch waits for the broker to close the session, or die, and wakes the reader.
func (c *Blocking) watch() {
	var b [1]byte
	for {
		if _, err := c.lifeline.Read(b[:]); err != nil {
			break
		}
	}
	c.over.Store(true)
	_ = c.in.send(nil, &unix.Timespec{}) // full is good too: the reader is not waiting
}

// Read returns what the next message brings. What the broker sent before it
// closed can still be read.
func (c *Blocking) Read(p []byte) (int, error) {
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

func (c *Blocking) receive(p []byte) (int, error) {
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
func (c *Blocking) Write(p []byte) (int, error) {
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
func (c *Blocking) Close() error {
	var err error
	c.once.Do(func() {
		err = c.lifeline.Close()
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
