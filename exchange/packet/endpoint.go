package packet

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Key is one device's key.
type Key struct {
	Device string
	Key    [KeySize]byte
}

// Options are those of Serve.
type Options struct {
	Name    string // of the link: "serial", "udp"
	Window  int    // packets that may be on their way; 0: 8
	MaxData int    // bytes of data that a packet from the client may have; 0: 1024
	// Keys are the devices that may begin a session here; nil: anybody may, and
	// packets are not authenticated.
	Keys func() []Key
	// Refused is told of packets that no key fits; it may be nil.
	Refused func()
}

// endpoint is one line with the session on it.
type endpoint struct {
	line Line
	opt  Options
	woke chan struct{}

	current *Session
	// candidates were sent OPENED and have not shown yet that they have the key, the
	// newest last; nonces are those of the last OPENs.
	candidates []*Session
	nonces     [][8]byte
	sessions   sync.WaitGroup
	serve      func(*Session)
}

// Serve answers the client on a line until the line ends or ctx is done; each
// session is given to serve, in a goroutine of its own. When a client begins anew,
// its old session ends.
func Serve(ctx context.Context, line Line, o Options, serve func(*Session)) error {
	if o.Window == 0 {
		o.Window = 8
	}
	if o.MaxData == 0 {
		o.MaxData = 1024
	}
	if o.Refused == nil {
		o.Refused = func() {}
	}
	e := &endpoint{line: line, opt: o, woke: make(chan struct{}, 1), serve: serve}
	stop := context.AfterFunc(ctx, func() { _ = line.Close() })
	defer stop()
	defer func() { _ = line.Close() }() // it is at its end
	err := e.run()
	if e.current != nil {
		e.current.end(err)
	}
	e.sessions.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (e *endpoint) wake() {
	select {
	case e.woke <- struct{}{}:
	default:
	}
}

func (e *endpoint) run() error {
	packets, ended := make(chan []byte), make(chan error, 1)
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			p, err := e.line.ReadPacket()
			if err != nil {
				ended <- err
				return
			}
			select {
			case packets <- p:
			case <-done:
				return
			}
		}
	}()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		e.arm(timer)
		select {
		case p := <-packets:
			e.take(p)
		case <-e.woke:
		case <-timer.C:
		case err := <-ended:
			return err
		}
	}
}

// arm lets the session do what is due, and sets the timer to what comes next.
func (e *endpoint) arm(timer *time.Timer) {
	wait := time.Hour
	if e.current != nil {
		if at, alive := e.current.tick(time.Now()); !alive {
			e.leave()
		} else if !at.IsZero() {
			wait = max(time.Until(at), 0)
		}
	}
	timer.Reset(wait)
}

func (e *endpoint) leave() {
	s := e.current
	e.current = nil
	s.mu.Lock()
	s.transmit(kindReset, 0, nil)
	s.mu.Unlock()
}

func (e *endpoint) take(p []byte) {
	for _, s := range append([]*Session{e.current}, e.candidates...) {
		if s == nil {
			continue
		}
		if o, ok := open(p, s.key, fromClient); ok && o.kind != kindOpen && (s.key == nil || o.counter > s.received) {
			e.deliver(s, o)
			return
		}
	}
	e.greet(p)
}

// deliver gives a session its packet; a candidate's first one makes it the session.
func (e *endpoint) deliver(s *Session, o opened) {
	if s != e.current {
		e.candidates = nil
		e.begin(s)
	}
	if o.kind == kindReset {
		s.end(errReset)
		return
	}
	s.take(o)
}

func (e *endpoint) begin(s *Session) {
	if e.current != nil {
		e.current.end(errReset)
	}
	e.current = s
	e.sessions.Go(func() { e.serve(s) })
}

// greet answers OPEN. A session under a key begins only with the client's next
// packet: a repeated OPEN that somebody recorded ends nothing.
func (e *endpoint) greet(p []byte) {
	o, key, device := e.identify(p)
	if o.kind != kindOpen {
		if key == nil && e.opt.Keys == nil && o.kind == kindData {
			_ = e.line.WritePacket(seal(kindReset, 0, 0, nil, nil, fromBroker, 0))
		}
		return
	}
	g, ok := parseGreeting(o.data)
	if !ok || key != nil && !e.fresh(g.nonce) {
		return
	}
	s, own := newSession(e, g, device, key)
	var first []byte
	if key != nil {
		first = derive(key, g.nonce[:])
		s.received = o.counter
	}
	s.sent = 1
	_ = e.line.WritePacket(seal(kindOpened, 0, 0, own.bytes(), first, fromBroker, 1))
	if key != nil {
		e.candidates = append(e.candidates[max(0, len(e.candidates)-mostCandidates+1):], s)
		return
	}
	e.begin(s)
}

// Bounds of what OPENs that somebody recorded can fill.
const (
	mostCandidates = 4
	mostNonces     = 256
)

// fresh tells whether an OPEN has not been seen before: its nonce is used once.
func (e *endpoint) fresh(nonce [8]byte) bool {
	if slices.Contains(e.nonces, nonce) {
		return false
	}
	e.nonces = append(e.nonces[max(0, len(e.nonces)-mostNonces+1):], nonce)
	return true
}

// identify finds whose packet it is.
func (e *endpoint) identify(p []byte) (opened, []byte, string) {
	if e.opt.Keys == nil {
		o, ok := open(p, nil, fromClient)
		if !ok {
			return opened{}, nil, ""
		}
		return o, nil, ""
	}
	for _, k := range e.opt.Keys() {
		if o, ok := open(p, k.Key[:], fromClient); ok {
			return o, k.Key[:], k.Device
		}
	}
	e.opt.Refused()
	return opened{}, nil, ""
}
