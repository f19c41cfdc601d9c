// Package stream has what the links over stream sockets (unix, tcp) share: reading
// and writing without waiting, in Go's poller.
package stream

import (
	"context"
	"errors"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange"
)

// Socket is the polled side of a connection; a link's Conn embeds it.
type Socket struct {
	raw  syscall.RawConn
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

// Init prepares the socket of a connection.
func (s *Socket) Init(c syscall.Conn) (err error) {
	if s.raw, err = c.SyscallConn(); err != nil {
		return err
	}
	s.read.init(unix.SYS_READ)
	s.send.init(unix.SYS_WRITE)
	return nil
}

// Control gives access to the descriptor, for options.
func (s *Socket) Control(f func(fd int) error) error {
	var err error
	return errors.Join(s.raw.Control(func(fd uintptr) { err = f(int(fd)) }), err)
}

// init sets the system call. It is over at once, the socket being one that does not
// block, and Go's scheduler need not hear of it: it would hand the processor on to another
// thread when the woken client runs before the call returns.
func (p *poll) init(call uintptr) {
	p.transfer = func(b []byte) (int, error) {
		for {
			n, _, errno := unix.RawSyscall(call, uintptr(p.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
			switch errno {
			case 0:
				return int(n), nil
			case unix.EINTR:
			case unix.EAGAIN:
				return 0, exchange.ErrAgain
			default:
				return 0, errno
			}
		}
	}
	p.ready = func(fd uintptr) bool {
		p.fd = int(fd)
		return p.step(p.transfer)
	}
}

// PollRead is exchange.Polled's.
func (s *Socket) PollRead(step func(exchange.Transfer) bool) error {
	s.read.step = step
	return s.raw.Read(s.read.ready)
}

// PollWrite is exchange.Polled's.
func (s *Socket) PollWrite(step func(exchange.Transfer) bool) error {
	s.send.step = step
	return s.raw.Write(s.send.ready)
}

// Chunk is exchange.Polled's: a stream can be read in pieces of any size.
func (s *Socket) Chunk() int { return 0 }

// Exhausted tells whether err, of accepting a client, is a want of descriptors,
// which passes.
func Exhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// Pause waits a moment for descriptors to become free; false when ctx is done.
func Pause(ctx context.Context) bool {
	t := time.NewTimer(50 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
