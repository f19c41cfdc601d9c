package fescue

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange/wire"
)

// queues is the link over two POSIX message queues. They wait in Go's poller, as a
// queue's descriptor is a file's on Linux. The socket they came over stays open:
// only there the end of the broker is seen.
type queues struct {
	in, out  *os.File
	lifeline *net.UnixConn
	chunk    int
	rest     []byte // read and not yet asked for
	buf      []byte
	gone     atomic.Bool
	watcher  sync.WaitGroup
}

func dialQueues(ctx context.Context, path string) (io.ReadWriteCloser, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, failed(ConnectionLost, "", "connecting to Data Xchange: "+err.Error())
	}
	lifeline := conn.(*net.UnixConn) //nolint:forcetypeassert // what dialling "unix" gives
	stop := context.AfterFunc(ctx, func() { _ = lifeline.SetReadDeadline(time.Unix(1, 0)) })
	q, err := meet(lifeline)
	if !stop() {
		if err == nil {
			_ = q.Close()
		}
		_ = lifeline.Close()
		return nil, failed(ConnectionLost, "", "connecting to Data Xchange: "+ctx.Err().Error())
	}
	if errors.Is(err, Limit) {
		return lifeline, nil // there are no queues to be had: the socket is the link
	}
	if err != nil {
		_ = lifeline.Close()
		return nil, err
	}
	return q, nil
}

// meet takes the queues, or the broker's word why there are none.
func meet(lifeline *net.UnixConn) (*queues, error) {
	var head [8]byte
	control := make([]byte, unix.CmsgSpace(2*4))
	n, m, _, _, err := lifeline.ReadMsgUnix(head[:], control)
	if err == nil && n < len(head) {
		_, err = io.ReadFull(lifeline, head[n:])
	}
	if err != nil {
		return nil, failed(ConnectionLost, "", "asking Data Xchange for message queues: "+err.Error())
	}
	fds := descriptors(control[:m])
	if len(fds) != 2 {
		return nil, refusal(io.MultiReader(bytes.NewReader(head[:]), lifeline))
	}
	q := &queues{lifeline: lifeline, chunk: int(binary.LittleEndian.Uint32(head[:]))}
	q.buf = make([]byte, q.chunk)
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			return nil, failed(ConnectionLost, "", err.Error())
		}
	}
	q.in, q.out = os.NewFile(uintptr(fds[0]), "queue in"), os.NewFile(uintptr(fds[1]), "queue out")
	q.watcher.Go(q.watch)
	return q, nil
}

func descriptors(control []byte) []int {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) == 0 {
		return nil
	}
	fds, _ := unix.ParseUnixRights(&messages[0]) // none is none
	return fds
}

func refusal(r io.Reader) error {
	f, err := wire.NewReader(r, wire.DefaultBody).Next()
	if err == nil {
		if e, err := f.Error(); err == nil {
			return failed(Code(e.Code), "", string(e.Text))
		}
	}
	return failed(ConnectionLost, "", "Data Xchange gave no message queues")
}

// watch wakes the reader when the broker is gone.
func (q *queues) watch() {
	var b [64]byte
	for {
		if _, err := q.lifeline.Read(b[:]); err != nil {
			break
		}
	}
	q.gone.Store(true)
	_ = q.in.SetReadDeadline(time.Unix(1, 0))
	_ = q.out.SetWriteDeadline(time.Unix(1, 0))
}

// Read gives what a message of the queue brought.
func (q *queues) Read(p []byte) (int, error) {
	for len(q.rest) == 0 {
		n, err := q.receive()
		if err != nil {
			return 0, err
		}
		q.rest = q.buf[:n]
	}
	n := copy(p, q.rest)
	q.rest = q.rest[n:]
	return n, nil
}

// receive waits for a message. What the broker left before it went can still be had.
func (q *queues) receive() (n int, err error) {
	if !q.gone.Load() {
		err = wait(q.in, syscall.RawConn.Read, func(fd uintptr) error {
			n, err = receiveNow(fd, q.buf)
			return err
		})
	}
	if q.gone.Load() && (err != nil || n == 0) {
		raw, rawErr := q.in.SyscallConn()
		if rawErr != nil {
			return 0, io.EOF
		}
		_ = raw.Control(func(fd uintptr) { n, err = receiveNow(fd, q.buf) })
		if err != nil {
			return 0, io.EOF
		}
	}
	return n, err
}

// receiveNow does not wait, so that Go's scheduler need not hear of the call.
func receiveNow(fd uintptr, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_MQ_TIMEDRECEIVE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// Write sends p in messages of the queue's size.
func (q *queues) Write(p []byte) (int, error) {
	sent := 0
	for sent < len(p) {
		part := p[sent:min(len(p), sent+q.chunk)]
		err := wait(q.out, syscall.RawConn.Write, func(fd uintptr) error {
			_, _, errno := unix.RawSyscall6(unix.SYS_MQ_TIMEDSEND, fd, uintptr(unsafe.Pointer(unsafe.SliceData(part))), uintptr(len(part)), 0, 0, 0)
			if errno != 0 {
				return errno
			}
			return nil
		})
		if err != nil {
			return sent, err
		}
		sent += len(part)
	}
	return sent, nil
}

// wait calls step, and again each time the queue may have become ready, until it does not
// answer EAGAIN.
func wait(f *os.File, way func(syscall.RawConn, func(uintptr) bool) error, step func(fd uintptr) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	err = way(raw, func(fd uintptr) bool {
		for {
			if result = step(fd); !errors.Is(result, unix.EINTR) {
				return !errors.Is(result, unix.EAGAIN)
			}
		}
	})
	return errors.Join(err, ignoreAgain(result))
}

func ignoreAgain(err error) error {
	if errors.Is(err, unix.EAGAIN) {
		return nil
	}
	return err
}

// Close gives the queues back.
func (q *queues) Close() error {
	err := q.lifeline.Close()
	q.watcher.Wait()
	return errors.Join(err, q.in.Close(), q.out.Close())
}
