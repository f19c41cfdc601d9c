// Package unix is the Unix socket link of Data Xchange: one stream socket for
// each client, whose user id the kernel vouches for. It also makes the socket
// pairs over which the agent speaks with the workers of functions.
//
// The agent listens with [Listen] and hands the connections to
// exchange.Router.Serve; clients written in Go connect with [Dial].
package unix

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/stream"
	"fescue.dev/fescue/fail"
)

// Name is the link's name, as in a configuration's ipc.
const Name = "unix"

// Options are a Listener's.
type Options struct {
	Path string      // of the socket; its directory must exist
	Mode fs.FileMode // of the socket: who may connect; 0 means 0600
}

// Listener is the link. It is an exchange.Link.
type Listener struct {
	path     string
	listener *net.UnixListener
}

// Listen makes the socket. One that a dead process left behind is replaced;
// if a live process listens on it, that is fail.Conflict.
func Listen(o Options) (*Listener, error) {
	const op = "listen on Unix socket"
	if len(o.Path) > 107 {
		return nil, fail.New(fail.Invalid, op, "the path has %d bytes, the system allows 107", len(o.Path)).On(o.Path).
			WithHint("Choose a shorter state directory.")
	}
	if err := clear(o.Path); err != nil {
		return nil, err
	}
	if o.Mode == 0 {
		o.Mode = 0o600
	}
	l, err := bind(o.Path, o.Mode)
	if err != nil {
		return nil, fail.Wrap(err, fail.Internal, op, o.Path)
	}
	return &Listener{path: o.Path, listener: l}, nil
}

// bind makes the socket beside its place and renames it there once its mode is
// right, so that there is no moment at which others than meant can connect.
func bind(path string, mode fs.FileMode) (*net.UnixListener, error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	temporary := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: shorter(temporary), Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(temporary, mode); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// shorter gives a path relative to the working directory if that saves bytes:
// the temporary name must not be too long where the final one is not.
func shorter(path string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil && len(rel) < len(path) {
			return rel
		}
	}
	return path
}

// clear removes the socket of a process that is gone.
func clear(path string) error {
	const op = "listen on Unix socket"
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fail.Wrap(err, fail.Internal, op, path)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fail.New(fail.Conflict, op, "there is a file that is no socket").On(path).
			WithHint("Remove %s if nothing needs it.", path)
	}
	if listened(path) {
		return fail.New(fail.Conflict, op, "another process listens there").On(path).
			WithHint("Stop the other agent, or give this one another state directory.")
	}
	return os.Remove(path)
}

// dying is how long a socket of a killed agent may still be held by a child of it that it
// was just starting: until that has executed its program.
const dying = time.Second

// listened tells whether somebody listens on the socket, and goes on doing so.
func listened(path string) bool {
	for deadline := time.Now().Add(dying); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("unix", path)
		if err != nil {
			return false
		}
		_ = c.Close()
		if time.Now().After(deadline) {
			return true
		}
	}
}

// Name is "unix".
func (l *Listener) Name() string { return Name }

// Address is what clients find in FESCUE_EXCHANGE.
func (l *Listener) Address() string { return Name + ":" + l.path }

// Run accepts clients until ctx is done, then removes the socket and waits for
// the calls of serve to return.
func (l *Listener) Run(ctx context.Context, serve func(exchange.Conn)) error {
	stop := context.AfterFunc(ctx, func() { _ = l.listener.Close() })
	defer stop()
	var clients sync.WaitGroup
	defer clients.Wait()
	defer os.Remove(l.path)
	for {
		c, err := l.listener.AcceptUnix()
		if ctx.Err() != nil {
			if err == nil {
				_ = c.Close()
			}
			return nil
		}
		if stream.Exhausted(err) {
			if !stream.Pause(ctx) {
				return nil
			}
			continue
		}
		if err != nil {
			return fail.Wrap(err, fail.Internal, "accept a client", l.path)
		}
		conn, err := newConn(c)
		if err != nil {
			_ = c.Close()
			continue // it went away
		}
		clients.Go(func() { serve(conn) })
	}
}

// Dial connects to a broker's socket.
func Dial(ctx context.Context, path string) (*Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fail.Wrap(err, fail.Unavailable, "connect to the exchange", path)
	}
	return newConn(c.(*net.UnixConn))
}

// Pair makes the link of a worker: the broker's end, and a file to pass to the
// worker's process as its descriptor 3. The caller closes the file once the
// process has started.
func Pair() (*Conn, *os.File, error) {
	const op = "make a worker's link"
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fail.Wrap(err, fail.Exhausted, op, "")
	}
	worker := os.NewFile(uintptr(fds[1]), "worker")
	mine := os.NewFile(uintptr(fds[0]), "broker")
	defer mine.Close()
	c, err := net.FileConn(mine)
	if err != nil {
		return nil, nil, errors.Join(fail.Wrap(err, fail.Internal, op, ""), worker.Close())
	}
	conn, err := newConn(c.(*net.UnixConn))
	if err != nil {
		return nil, nil, errors.Join(err, worker.Close())
	}
	return conn, worker, nil
}
