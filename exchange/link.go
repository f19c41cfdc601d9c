package exchange

import (
	"context"
	"errors"
	"io"
	"time"
)

// Conn is one connected client: a stream of bytes in both directions.
type Conn interface {
	io.ReadWriteCloser
	// PeerUID is the user id of the process at the other end, if the kernel
	// tells it.
	PeerUID() (int, bool)
	// Link names the kind of link: "unix", "mqueue".
	Link() string
}

// Link accepts clients.
type Link interface {
	// Name is the kind of link, as in a configuration's ipc: "unix", "mqueue".
	Name() string
	// Address is what a client finds in FESCUE_EXCHANGE.
	Address() string
	// Run accepts clients until ctx is done and calls serve for each, in a
	// goroutine of its own; it returns when all of those have.
	Run(ctx context.Context, serve func(Conn)) error
}

// ErrAgain is what a [Transfer] returns when the link has nothing, or takes
// nothing, right now.
var ErrAgain = errors.New("the link would block")

// Transfer reads or writes without waiting. 0 bytes read without an error are
// the end of the stream.
type Transfer func(p []byte) (int, error)

// Polled is a Conn that Go's poller watches. It saves the router a goroutine
// switch for each message: who publishes writes to the subscriber's link
// itself. Conns that are not Polled are served by blocking reads and writes.
type Polled interface {
	Conn
	// PollRead calls step until it returns true, each time it returned false
	// after waiting until there may be something to read. The error is the
	// closing of the Conn. One goroutine at a time.
	PollRead(step func(read Transfer) bool) error
	// PollWrite is the same for writing.
	PollWrite(step func(write Transfer) bool) error
	// Chunk is the smallest buffer, in bytes, that a read needs.
	Chunk() int
}

// Substitute is a Conn of another link than the client asked for, because that was
// not to be had. The router tells the application so.
type Substitute interface {
	Conn
	// Instead is the link that was asked for, and why it is not this one.
	Instead() (link string, why error)
}

// Silent is a Conn on which the kernel does not tell the death of the peer (a
// serial line, UDP). The router pings it when nothing has been heard for as
// long as Keepalive says, and closes it after the same time again.
type Silent interface {
	Keepalive() time.Duration
}
