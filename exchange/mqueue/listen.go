package mqueue

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange"
	socket "fescue.dev/fescue/exchange/unix"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
)

// Name is the link's name, as in a configuration's ipc.
const Name = "mqueue"

// Options are a Listener's.
type Options struct {
	Path string       // of the rendezvous socket; its directory must exist
	Mode fs.FileMode  // of the socket: who may connect; 0 means 0600
	Log  *slog.Logger // default: nothing is logged
}

// Listener is the link. It is an exchange.Link.
type Listener struct {
	socket *socket.Listener
	path   string
	log    *slog.Logger
	budget budget
}

// Listen makes the rendezvous socket, as [socket.Listen] does, after making
// sure that the kernel has message queues: fail.Unsupported if not.
func Listen(o Options) (*Listener, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	l, err := socket.Listen(socket.Options{Path: o.Path, Mode: o.Mode})
	if err != nil {
		return nil, err
	}
	return &Listener{socket: l, path: o.Path, log: o.Log}, nil
}

func supported() error {
	a, b, err := pair(size{1, 128}, unix.O_RDONLY, unix.O_WRONLY)
	if err == nil {
		a.close()
		b.close()
	}
	if errors.Is(err, unix.ENOSYS) {
		return fail.New(fail.Unsupported, "make message queues", "this kernel has none").
			WithHint("Use `ipc: unix`, or a kernel built with CONFIG_POSIX_MQUEUE.")
	}
	return nil // anything else may have changed when a client comes
}

// Name is "mqueue".
func (l *Listener) Name() string { return Name }

// Address is what clients find in FESCUE_EXCHANGE.
func (l *Listener) Address() string { return Name + ":" + l.path }

// Run accepts clients until ctx is done and waits for the calls of serve to
// return. A client for which there are no queues is told so, and goes on over the
// rendezvous socket if it likes.
func (l *Listener) Run(ctx context.Context, serve func(exchange.Conn)) error {
	return l.socket.Run(ctx, func(c exchange.Conn) {
		lifeline := c.(*socket.Conn)
		conn, err := l.meet(lifeline)
		switch {
		case err == nil:
			serve(conn)
		case fail.Is(err, fail.Exhausted):
			serve(substitute{lifeline, err})
		default:
			l.log.Error("a client got no message queues", "error", err, "hint", fail.HintOf(err))
			_ = lifeline.Close()
		}
	})
}

// substitute is the rendezvous socket as the link, for want of queues. It is an
// exchange.Substitute.
type substitute struct {
	*socket.Conn
	why error
}

// Instead is exchange.Substitute's.
func (s substitute) Instead() (string, error) { return Name, s.why }

// meet makes a client's queues and passes their descriptors to it. What it
// cannot have it reads as an ERROR frame in place of the sizes.
func (l *Listener) meet(lifeline *socket.Conn) (*Conn, error) {
	if err := lifeline.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return nil, err
	}
	q, err := l.budget.make(clientOf(lifeline))
	if err != nil {
		text := err.Error() + ". " + fail.HintOf(err)
		_, cut := lifeline.Write(wire.AppendError(nil, 0, wire.Limit, wire.Hello, "", text))
		if cut = errors.Join(cut, lifeline.SetDeadline(time.Time{})); cut != nil {
			return nil, cut // it went away
		}
		return nil, err
	}
	var greeting [8]byte
	binary.LittleEndian.PutUint32(greeting[:], uint32(q.size.bytes))
	binary.LittleEndian.PutUint32(greeting[4:], uint32(q.size.count))
	_, _, err = lifeline.WriteMsgUnix(greeting[:], unix.UnixRights(int(q.theirIn), int(q.theirOut)), nil)
	q.theirIn.close()
	q.theirOut.close()
	if err == nil {
		err = lifeline.SetDeadline(time.Time{})
	}
	if err != nil {
		q.in.close()
		q.out.close()
		l.budget.release(q)
		return nil, err
	}
	return newConn(q, lifeline, func() { l.budget.release(q) })
}

func clientOf(c *socket.Conn) int {
	if uid, known := c.PeerUID(); known {
		return uid
	}
	return -1
}
