package exchange

import (
	"errors"
	"io"
	"runtime"
	"time"

	"fescue.dev/fescue/exchange/wire"
)

// read takes what the client sends until the session ends. nil and io.EOF are
// the client's own end.
func (s *session) read() error {
	if s.polled == nil {
		return s.readBlocking()
	}
	var end error
	chunk := s.polled.Chunk()
	err := s.polled.PollRead(func(read Transfer) bool {
		for first := true; ; first = false {
			space := s.in.Space(chunk)
			n, err := read(space)
			if errors.Is(err, ErrAgain) {
				s.pub.flush()
				return false
			}
			if err == nil && n == 0 {
				err = io.EOF
			}
			if err == nil {
				err = s.batch(n, n == len(space))
			}
			if err != nil {
				end = err
				return true
			}
			if first {
				s.pub.flush() // a message alone need not wait for the read that finds no more
			}
		}
	})
	s.pub.flush() // the end may have come in place of the pause that flushes
	if end == nil {
		end = err
	}
	return end
}

func (s *session) readBlocking() error {
	for {
		space := s.in.Space(0)
		n, err := s.conn.Read(space)
		if n > 0 {
			if err := s.batch(n, n == len(space)); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// errSessionOver ends the reader after the session has been told its end.
var errSessionOver = errors.New("the session is over")

// batch handles what one read brought, then flushes everybody it was for: many
// messages cost one write. full tells that there may be more to read at once.
func (s *session) batch(n int, full bool) error {
	s.in.Filled(n)
	s.heard.Store(true)
	s.mu.Lock()
	s.batches++
	var err error
	for err == nil {
		f, ok := s.in.Next()
		if !ok {
			break
		}
		err = s.handle(f)
	}
	s.settle()
	s.mu.Unlock()
	if full || err != nil || s.polled == nil {
		s.pub.flush()
	}
	if err != nil {
		return err
	}
	if full {
		runtime.Gosched() // a publisher that never pauses lets others run
	}
	return s.paced()
}

// paced waits while the client lets its answers pile up: who does not read is
// not read.
func (s *session) paced() error {
	limit := s.out.max + controlSlack
	for {
		select {
		case <-s.done:
			return errSessionOver
		default:
		}
		s.out.mu.Lock()
		if s.out.bytes <= limit {
			s.out.mu.Unlock()
			return nil
		}
		room := s.out.waitRoom(limit)
		s.out.mu.Unlock()
		s.flush()
		select {
		case <-room:
		case <-s.done:
		}
	}
}

// waitRoom returns what is closed when at most mark bytes wait; mu is held.
func (o *outbox) waitRoom(mark int) <-chan struct{} {
	if o.room == nil {
		o.room = make(chan struct{})
		o.roomMark = mark
	}
	o.roomMark = max(o.roomMark, mark)
	return o.room
}

// changed tells whether room was made between the refusal and now.
func (o *outbox) changed(sub *subscription) bool {
	if sub.flags&wire.ByCredit != 0 {
		return len(sub.held.frames) < sub.limit && (o.held == 0 || o.held+o.maxBody+wire.HeaderSize <= o.max)
	}
	return o.empty()
}

// waitFor lets a publisher wait for room in sub's queue. It reports whether to
// try again; false is the end of its patience.
func (o *outbox) waitFor(sub *subscription, publisher <-chan struct{}, deadline time.Time) bool {
	o.mu.Lock()
	if o.closed || sub.gone || o.changed(sub) {
		o.mu.Unlock()
		return true
	}
	room := o.waitRoom(o.bytes / 2)
	o.mu.Unlock()
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-room:
		return true
	case <-sub.owner.done:
		return true
	case <-publisher:
		return false
	case <-timer.C:
		o.mu.Lock()
		sub.stalled = true
		o.mu.Unlock()
		return false
	}
}
