package packet

import (
	"crypto/rand"
	"io"
	"os"
	"sync"
	"time"
)

// Times of the protocol.
const (
	firstWait = 250 * time.Millisecond
	mostWait  = 2 * time.Second
	mostTries = 10
)

// outLimit bounds the bytes that wait for a line.
const outLimit = 64 << 10

// Session is one session of a client: an exchange.Conn.
type Session struct {
	endpoint *endpoint
	// Device is whose key it was; "" where none is asked for.
	Device string

	mu       sync.Mutex
	change   sync.Cond // of everything below
	in, out  []byte
	flying   [][]byte // packets' data on their way, oldest first
	closed   error
	sequence byte // of the oldest on its way
	expected byte
	tries    int
	deadline time.Time // when what flies is sent again
	wait     time.Duration

	window, maxData int
	key             []byte
	received, sent  uint32 // counters
	replied         bool   // an acknowledgement went with what was sent
}

func newSession(e *endpoint, g greeting, device string, key []byte) (*Session, greeting) {
	s := &Session{endpoint: e, Device: device, window: min(int(g.window), e.opt.Window), maxData: int(g.maxData), wait: firstWait}
	s.change.L = &s.mu
	own := greeting{version: 1, window: byte(e.opt.Window), maxData: uint16(e.opt.MaxData)}
	_, _ = rand.Read(own.nonce[:])
	if key != nil {
		s.key = derive(key, g.nonce[:], own.nonce[:])
	}
	return s, own
}

// Read implements io.Reader.
func (s *Session) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.in) == 0 {
		if s.closed != nil {
			return 0, s.closed
		}
		s.change.Wait()
	}
	n := copy(p, s.in)
	s.in = s.in[n:]
	return n, nil
}

// Write implements io.Writer: it returns when the bytes wait for the line.
func (s *Session) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		s.mu.Lock()
		for len(s.out) >= outLimit && s.closed == nil {
			s.change.Wait()
		}
		if s.closed != nil {
			s.mu.Unlock()
			return written, io.ErrClosedPipe
		}
		n := min(len(p), outLimit-len(s.out))
		s.out = append(s.out, p[:n]...)
		s.mu.Unlock()
		s.endpoint.wake()
		p, written = p[n:], written+n
	}
	return written, nil
}

// Close ends the session.
func (s *Session) Close() error {
	s.end(os.ErrClosed)
	s.endpoint.wake()
	return nil
}

// PeerUID implements exchange.Conn: nobody vouches for a user id.
func (s *Session) PeerUID() (int, bool) { return 0, false }

// Link implements exchange.Conn.
func (s *Session) Link() string { return s.endpoint.opt.Name }

// Keepalive implements exchange.Silent.
func (s *Session) Keepalive() time.Duration { return 15 * time.Second }

func (s *Session) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed == nil {
		s.closed = err
	}
	s.change.Broadcast()
}

// take handles a packet that is known to be the client's.
func (s *Session) take(p opened) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received = p.counter
	if s.closed != nil {
		s.transmit(kindReset, 0, nil)
		return
	}
	s.acknowledged(p.next)
	if p.kind == kindData {
		if p.sequence == s.expected && len(s.in) < outLimit {
			s.expected++
			s.in = append(s.in, p.data...)
			s.change.Broadcast()
		}
		s.replied = false
	}
	s.push()
	if p.kind == kindData && !s.replied {
		s.transmit(kindAck, 0, nil)
	}
}

// acknowledged: all packets before next have come.
func (s *Session) acknowledged(next byte) {
	n := int(next - s.sequence)
	if n == 0 || n > len(s.flying) {
		return
	}
	s.flying, s.sequence = s.flying[n:], next
	s.tries, s.wait = 0, firstWait
	s.deadline = time.Now().Add(s.wait)
}

// push sends what the window lets go; mu is held.
func (s *Session) push() {
	for len(s.flying) < s.window && len(s.out) > 0 {
		n := min(len(s.out), s.maxData)
		data := append([]byte(nil), s.out[:n]...)
		s.out = append(s.out[:0], s.out[n:]...)
		if len(s.flying) == 0 {
			s.deadline = time.Now().Add(s.wait)
		}
		s.transmit(kindData, s.sequence+byte(len(s.flying)), data)
		s.flying = append(s.flying, data)
		s.change.Broadcast()
	}
}

// transmit writes a packet; mu is held. What the line does not take is lost, and
// is sent again.
func (s *Session) transmit(k kind, sequence byte, data []byte) {
	s.sent++
	s.replied = true
	_ = s.endpoint.line.WritePacket(seal(k, sequence, s.expected, data, s.key, fromBroker, s.sent))
}

// tick sends again what brought no progress; it tells when it wants to be called
// again, 0: no time, and whether the session is still alive.
func (s *Session) tick(now time.Time) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed != nil {
		return time.Time{}, false
	}
	s.push()
	if len(s.flying) == 0 {
		return time.Time{}, true
	}
	if now.Before(s.deadline) {
		return s.deadline, true
	}
	if s.tries++; s.tries > mostTries {
		s.closed = os.ErrDeadlineExceeded
		s.change.Broadcast()
		return time.Time{}, false
	}
	s.wait = min(2*s.wait, mostWait)
	s.deadline = now.Add(s.wait)
	for i, data := range s.flying {
		s.transmit(kindData, s.sequence+byte(i), data)
	}
	return s.deadline, true
}
