package fescue

import (
	"context"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// link is one connection to the broker: a stream of bytes, and the frames that wait
// to be written to it.
type link struct {
	conn io.ReadWriteCloser
	wake chan struct{} // the right to write goes to the writer
	gone chan struct{} // closed by close
	once sync.Once
	run  sync.WaitGroup // the writer

	mu      sync.Mutex
	room    sync.Cond
	pending []byte
	spare   []byte
	writing bool
	wrote   time.Time // when the last write ended
	err     error
}

const (
	// mostPending is how many bytes may wait for the link before senders do.
	mostPending = 64 << 10
	// mostKept is how large a buffer may be that is kept for the next batch.
	mostKept = 4 * mostPending
	// burst is how soon after the last write the next frame is one of many.
	burst = 10 * time.Microsecond
)

func newLink(conn io.ReadWriteCloser) *link {
	l := &link{conn: conn, wake: make(chan struct{}, 1), gone: make(chan struct{})}
	l.room.L = &l.mu
	l.run.Go(l.writer)
	return l
}

// send adds a frame. On its own it is written at once, without waking a goroutine. In a
// burst the writer writes, and what comes meanwhile goes out with one system call.
func (l *link) send(add func([]byte) []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.pending) > mostPending && l.writing && l.err == nil {
		l.room.Wait()
	}
	if l.err != nil {
		return l.err
	}
	l.pending = add(l.pending)
	if l.writing {
		return nil
	}
	l.writing = true
	if time.Since(l.wrote) < burst {
		l.wake <- struct{}{} // never blocks: there is one right to write
		return nil
	}
	l.write()
	return l.err
}

// flush waits until all that was sent has been written, or cannot be.
func (l *link) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.writing && l.err == nil {
		l.room.Wait()
	}
}

// writer writes what bursts leave to it, until the link is closed.
func (l *link) writer() {
	for {
		select {
		case <-l.wake:
			l.mu.Lock()
			l.write()
			l.mu.Unlock()
		case <-l.gone:
			return
		}
	}
}

// write writes all that waits, by whoever has the right to; l.mu is held.
func (l *link) write() {
	for len(l.pending) > 0 && l.err == nil {
		l.writeBatch()
	}
	l.writing = false
	l.wrote = time.Now()
}

func (l *link) writeBatch() {
	batch := l.pending
	l.pending = l.spare[:0]
	l.mu.Unlock()
	_, err := l.conn.Write(batch)
	l.mu.Lock()
	if l.spare = batch[:0]; cap(batch) > mostKept {
		l.spare = nil
	}
	if err != nil {
		l.err = failed(ConnectionLost, "", "writing to Data Xchange: "+err.Error())
	}
	l.room.Broadcast()
}

// close ends the link for everybody.
func (l *link) close() {
	l.mu.Lock()
	if l.err == nil {
		l.err = failed(ConnectionLost, "", "the link is closed")
	}
	l.room.Broadcast()
	l.mu.Unlock()
	_ = l.conn.Close() // it may be broken already
	l.once.Do(func() { close(l.gone) })
	l.run.Wait()
}

// open makes the connection that an address names.
func open(ctx context.Context, address string) (io.ReadWriteCloser, error) {
	kind, where, _ := strings.Cut(address, ":")
	var conn io.ReadWriteCloser
	var err error
	var d net.Dialer
	switch kind {
	case "unix", "tcp": // Go's TCP connections have TCP_NODELAY
		conn, err = d.DialContext(ctx, kind, where)
	case "mqueue":
		return dialQueues(ctx, where)
	default:
		return nil, failed(Misconfigured, "", "the address of Data Xchange is unix:PATH, mqueue:PATH or tcp:HOST:PORT, not "+strconv.Quote(address))
	}
	if err != nil {
		return nil, failed(ConnectionLost, "", "connecting to Data Xchange: "+err.Error())
	}
	return conn, nil
}

// adopt is the link that the agent left to a function's worker.
func adopt() (io.ReadWriteCloser, error) {
	text := os.Getenv("FESCUE_WORKER_FD")
	fd, err := strconv.ParseUint(text, 10, 20)
	if err != nil {
		return nil, failed(Misconfigured, "", "FESCUE_WORKER_FD is not set: the agent sets it for the program that `handler:` in fescue.yaml names")
	}
	f := os.NewFile(uintptr(fd), "worker link")
	defer f.Close() //nolint:errcheck // FileConn has a descriptor of its own
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, failed(Misconfigured, "", "FESCUE_WORKER_FD="+text+": "+err.Error())
	}
	return conn, nil
}
