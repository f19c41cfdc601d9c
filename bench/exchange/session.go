package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"time"

	"fescue.dev/fescue/exchange/wire"
)

// The topics: what the first process sends and what the second answers.
const (
	pingTopic = "bench/ping" // every message is sent back
	pongTopic = "bench/pong"
	flowTopic = "bench/flow" // counted; the last is answered with the count
)

// side is one process's session with the broker.
type side struct {
	conn    io.ReadWriteCloser
	in      *wire.Reader
	out     []byte
	release func()
}

// greet says HELLO, registers the topics from id 1 on and subscribes to the
// filters from id 1 on, with policy block: nothing may be lost.
func greet(conn io.ReadWriteCloser, token string, topics, filters []string) (*side, error) {
	s := &side{conn: conn, in: wire.NewReader(conn, wire.DefaultBody)}
	b := wire.AppendHello(nil, wire.HelloBody{Lowest: 1, Highest: 1, MaxBody: wire.DefaultBody, Token: []byte(token)})
	for i, t := range topics {
		b = wire.AppendPlain(b, wire.Register, uint32(i+1), t)
	}
	for i, f := range filters {
		b = wire.AppendSubscribe(b, uint32(i+1), wire.Block, 0, 4096, f)
	}
	if _, err := conn.Write(b); err != nil {
		return nil, err
	}
	for range 1 + len(topics) + len(filters) {
		f, err := s.in.Next()
		if err != nil {
			return nil, err
		}
		if f.Type != wire.Welcome && f.Type != wire.OK {
			return nil, fmt.Errorf("%v %q instead of OK", f.Type, f.Body)
		}
	}
	return s, nil
}

func (s *side) next() (wire.Frame, []byte, error) {
	f, err := s.in.Next()
	if err != nil {
		return f, nil, err
	}
	if f.Type != wire.Message {
		return f, nil, fmt.Errorf("%v %q instead of a message", f.Type, f.Body)
	}
	b, err := f.Topical()
	return f, b.Payload, err
}

func (s *side) publish(topic uint32, payload []byte) error {
	s.out = wire.AppendPublish(s.out[:0], topic, payload)
	_, err := s.conn.Write(s.out)
	return err
}

func (s *side) close() {
	_ = s.conn.Close()
	if s.release != nil {
		s.release()
	}
}

// stamp makes the payload of message n: the number at both ends.
func stamp(p []byte, n uint64) {
	binary.LittleEndian.PutUint64(p, n)
	binary.LittleEndian.PutUint64(p[len(p)-8:], n)
}

func verify(p []byte, size int, n uint64) error {
	if len(p) != size || binary.LittleEndian.Uint64(p) != n || binary.LittleEndian.Uint64(p[size-8:]) != n {
		return fmt.Errorf("message %d of %d bytes arrived as %x…", n, size, p[:min(len(p), 16)])
	}
	return nil
}

func (s *side) roundTrips(n, size int) ([]time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	times := make([]time.Duration, n)
	p := make([]byte, size)
	for i := -n / 10; i < n; i++ {
		stamp(p, uint64(i))
		start := time.Now()
		if err := s.publish(1, p); err != nil {
			return nil, err
		}
		_, back, err := s.next()
		if err != nil {
			return nil, err
		}
		if i >= 0 {
			times[i] = time.Since(start)
		}
		if err := verify(back, size, uint64(i)); err != nil {
			return nil, err
		}
	}
	return times, nil
}

// oneWay sends n messages and waits until the other process has had them all.
func (s *side) oneWay(n, size int) (time.Duration, error) {
	p := make([]byte, size)
	batch := s.out[:0]
	start := time.Now()
	for i := range n {
		stamp(p, uint64(i))
		batch = wire.AppendPublish(batch, 2, p)
		if len(batch) >= 64<<10 || i == n-1 {
			if _, err := s.conn.Write(batch); err != nil {
				return 0, err
			}
			batch = batch[:0]
		}
	}
	_, back, err := s.next()
	if err != nil {
		return 0, err
	}
	took := time.Since(start)
	return took, verify(back, 16, uint64(n))
}

// serveOther is the second process: it sends pings back, and counts the flow
// up to the number of messages that it was told.
func (s *side) serveOther(size, messages int) error {
	runtime.LockOSThread()
	answer := make([]byte, 16)
	count := uint64(0)
	for {
		f, p, err := s.next()
		if err != nil {
			return nil // the end
		}
		if f.ID == 1 {
			if err := s.publish(1, p); err != nil {
				return err
			}
			continue
		}
		if err := verify(p, size, count); err != nil {
			return err
		}
		if count++; count == uint64(messages) {
			stamp(answer, count)
			if err := s.publish(1, answer); err != nil {
				return err
			}
		}
	}
}
