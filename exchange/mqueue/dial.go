package mqueue

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"time"

	"golang.org/x/sys/unix"

	socket "fescue.dev/fescue/exchange/unix"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
)

// Dial connects to a broker's rendezvous socket. Reads and writes wait in Go's
// poller; see [DialBlocking] for the faster way of a program that has nothing
// else to do. fail.Exhausted is the broker's word that there are no queues to be
// had.
func Dial(ctx context.Context, path string) (*Conn, error) {
	q, lifeline, err := rendezvous(ctx, path)
	if err != nil {
		return nil, err
	}
	for _, d := range []queue{q.theirIn, q.theirOut} {
		if err := unix.SetNonblock(int(d), true); err != nil {
			return nil, fail.Wrap(err, fail.Internal, "connect to the exchange", path)
		}
	}
	return newConn(queues{size: q.size, in: q.theirIn, out: q.theirOut}, lifeline, func() {})
}

// rendezvous gets a client's ends of its queues.
func rendezvous(ctx context.Context, path string) (queues, *socket.Conn, error) {
	const op = "connect to the exchange"
	lifeline, err := socket.Dial(ctx, path)
	if err != nil {
		return queues{}, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = lifeline.SetReadDeadline(time.Unix(1, 0)) })
	q, err := meet(lifeline)
	if !stop() && err == nil {
		q.theirIn.close()
		q.theirOut.close()
		err = ctx.Err()
	}
	if err != nil {
		_ = lifeline.Close()
		return queues{}, nil, fail.Wrap(err, fail.Unavailable, op, path)
	}
	return q, lifeline, nil
}

// meet receives the descriptors.
func meet(lifeline *socket.Conn) (q queues, err error) {
	var greeting [8]byte
	control := make([]byte, unix.CmsgSpace(2*4))
	n, m, _, _, err := lifeline.ReadMsgUnix(greeting[:], control)
	if err != nil {
		return q, err
	}
	if n < len(greeting) {
		if _, err := io.ReadFull(lifeline, greeting[n:]); err != nil {
			return q, err
		}
	}
	fds, err := descriptors(control[:m])
	if err != nil {
		return q, err
	}
	if len(fds) != 2 {
		return q, refusal(lifeline, greeting[:])
	}
	q.size = size{int(binary.LittleEndian.Uint32(greeting[4:])), int(binary.LittleEndian.Uint32(greeting[:]))}
	q.theirIn, q.theirOut = queue(fds[0]), queue(fds[1])
	return q, nil
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
func refusal(rest io.Reader, header []byte) error {
	f, err := wire.NewReader(io.MultiReader(bytes.NewReader(header), rest), wire.DefaultBody).Next()
	if err != nil {
		return err
	}
	e, err := f.Error()
	if err != nil {
		return err
	}
	return fail.New(fail.Exhausted, "", "the broker says: %s", e.Text)
}
