package fescue

import (
	"context"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// link is one connection to the broker: a stream of bytes, and the frames that wait
// to be written to it.
type link struct {
	conn io.ReadWriteCloser

	mu      sync.Mutex
	room    sync.Cond
	pending []byte
	spare   []byte
	writing bool
	err     error
}

// mostPending is how many bytes may wait for the link before senders do.
const mostPending = 256 << 10

func newLink(conn io.ReadWriteCloser) *link {
	l := &link{conn: conn}
	l.room.L = &l.mu
	return l
}

// send adds a frame. Whoever finds nobody writing writes, for all who come
// meanwhile too: under load many frames go out with one system call, and without
// load no goroutine is woken.
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
	for len(l.pending) > 0 && l.err == nil {
		l.writeBatch()
	}
	l.writing = false
	return l.err
}

func (l *link) writeBatch() {
	batch := l.pending
	l.pending = l.spare[:0]
	l.mu.Unlock()
	_, err := l.conn.Write(batch)
	l.mu.Lock()
	if l.spare = batch[:0]; cap(batch) > mostPending {
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
