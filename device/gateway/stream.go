package gateway

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/fail"
)

// A body that is streamed comes through a named pipe below the application's data: any
// language opens it as a file, the kernel holds back who sends faster than is read, and nothing is
// written to disk. A pipe's end looks the same whether all has come or not, so a file beside it,
// with completeSuffix, says that it has; it is there before the pipe is closed.
const completeSuffix = ".complete"

// stream has a handler read the body while it comes. The call's time is that of both.
func (g *Gateway) stream(w http.ResponseWriter, q *http.Request, route *Route, r *Request) {
	limit := int64(route.Trigger.MaxBody)
	if q.ContentLength > limit {
		w.Header().Set("Connection", "close")
		problemOf(w, tooLarge(limit), false)
		return
	}
	p, err := newPipe(route)
	if err != nil {
		problemOf(w, err, false)
		return
	}
	r.Stream = p.path
	_ = http.NewResponseController(w).EnableFullDuplex() // the answer may begin before the body has ended
	ctx, cancel := context.WithTimeout(q.Context(), time.Duration(route.Trigger.Timeout))
	defer cancel()
	p.begin(ctx, http.MaxBytesReader(w, q.Body, limit), http.NewResponseController(w))
	g.call(ctx, w, q, route, r, func() error {
		cut := p.end()
		if cut != nil { // the rest is not read any more
			w.Header().Set("Connection", "close")
		}
		if fail.Is(cut, fail.TooLarge) {
			return cut // and not what the handler made of it
		}
		return nil
	})
}

// pipe is the way of one body.
type pipe struct {
	root *os.Root // the application's data
	name string   // within
	path string
	stop context.CancelFunc
	done chan struct{} // closed when nothing is copied any more
	err  error         // why not all was, once done is closed
}

// newPipe makes a pipe that the application's user may read. The folder is the application's own: nothing is
// followed out of its data, and what it put in the pipe's place is not written to.
func newPipe(route *Route) (*pipe, error) {
	const op = "make pipe"
	root, err := os.OpenRoot(route.Data)
	if err != nil {
		return nil, fail.Wrap(err, fail.Internal, op, route.Data)
	}
	p := &pipe{root: root, name: filepath.Join(filesFolder, newID()), done: make(chan struct{})}
	p.path = filepath.Join(route.Data, p.name)
	if err := p.make(route); err != nil {
		_ = root.Close() // only names
		return nil, fail.Wrap(err, fail.Internal, op, p.path)
	}
	return p, nil
}

func (p *pipe) make(route *Route) error {
	if err := p.root.Mkdir(filesFolder, 0o700); err == nil {
		if err := p.root.Lchown(filesFolder, route.UID, route.GID); err != nil {
			return err
		}
	}
	dir, err := p.root.Open(filesFolder)
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // only a place
	name := filepath.Base(p.name)
	if err := unix.Mknodat(int(dir.Fd()), name, unix.S_IFIFO|0o600, 0); err != nil {
		return err
	}
	return unix.Fchownat(int(dir.Fd()), name, route.UID, route.GID, unix.AT_SYMLINK_NOFOLLOW)
}

// begin copies the body as soon as the handler has opened the pipe.
func (p *pipe) begin(ctx context.Context, body io.Reader, link *http.ResponseController) {
	ctx, p.stop = context.WithCancel(ctx)
	go func() {
		defer close(p.done)
		p.err = p.copy(ctx, body, link)
	}()
}

func (p *pipe) copy(ctx context.Context, body io.Reader, link *http.ResponseController) error {
	// Who waits for a slow sender is woken when the call has ended; not later, for then it is the
	// server that waits on the link, for the caller to go.
	waking := context.AfterFunc(ctx, func() { _ = link.SetReadDeadline(time.Unix(1, 0)) })
	defer waking()
	to, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer to.Close() //nolint:errcheck // a pipe keeps nothing back
	stop := context.AfterFunc(ctx, func() { _ = to.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := io.Copy(to, body); err != nil {
		return bodyError("stream body", err)
	}
	waking() // before the handler can see the end, and the call end
	mark, err := p.root.OpenFile(p.name+completeSuffix, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fail.Wrap(err, fail.Internal, "stream body", p.path)
	}
	return mark.Close()
}

// longestLook is between two looks whether the handler has opened the pipe.
const longestLook = 16 * time.Millisecond

// open waits until there is a reader.
func (p *pipe) open(ctx context.Context) (*os.File, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, longestLook) {
		f, err := p.root.OpenFile(p.name, os.O_WRONLY|unix.O_NONBLOCK, 0)
		switch {
		case err == nil:
			info, err := f.Stat()
			if err == nil && info.Mode()&fs.ModeNamedPipe == 0 {
				err = errors.New("the application has put something else there")
			}
			if err != nil {
				_ = f.Close() // nothing was written
				return nil, fail.Wrap(err, fail.Internal, "stream body", p.path)
			}
			return f, nil
		case !errors.Is(err, unix.ENXIO):
			return nil, fail.Wrap(err, fail.Internal, "stream body", p.path)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, fail.Wrap(context.Cause(ctx), fail.Canceled, "stream body", p.path)
		}
	}
}

// end stops copying and removes the pipe. Whoever still waits to open it, or reads, finds its end.
func (p *pipe) end() error {
	p.stop()
	<-p.done
	if f, err := p.root.OpenFile(p.name, os.O_RDWR|unix.O_NONBLOCK, 0); err == nil {
		_ = f.Close() // it was opened to wake who waits
	}
	_ = p.root.Remove(p.name) // the application may have done so
	if p.err == nil {
		_ = p.root.Remove(p.name + completeSuffix)
	}
	_ = p.root.Close() // only names
	return p.err
}
