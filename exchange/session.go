package exchange

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"fescue.dev/fescue/exchange/state"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
)

// session is one client of the router: behind a link, in this process
// ([Client]), or the NATS peer.
type session struct {
	router *Router
	app    *application // set by HELLO, under router.mu
	conn   Conn         // nil in process
	polled Polled       // conn, if it is
	worker *Worker      // set for a worker's link
	in     *wire.Buffer
	out    outbox
	send   func() // sends what waits, in the sender's goroutine; see writer.go
	wake   chan struct{}
	kind   string // of link: "unix", …, "worker", "local", "nats"
	name   string // the client's own name for itself
	caps   wire.Capabilities

	mu      sync.Mutex // what follows, held while frames are handled
	regs    map[uint32]*registration
	subs    map[uint32]*subscription
	watches map[uint32]*state.Watch
	cache   map[string]*registration // topics of PUBLISHTO and REQUEST
	pub     publisher
	said    bool // HELLO was accepted
	// batches counts what was read together; what the peer wants is asked anew
	// in each.
	batches        uint64
	pending        []*registration // published on in this batch
	published      uint64          // messages
	publishedBytes uint64          // of their payloads
	publishedAtEnd counts

	calls calls
	asked atomic.Int32 // histories under way

	writeStep func(Transfer) bool
	sent      bool // writeStep has sent everything
	heard     atomic.Bool
	done      chan struct{} // closed when the session is over
	over      sync.Once
	reason    error
	goodbye   *time.Timer
	wg        sync.WaitGroup // writer, closer
}

func (r *Router) newSession(conn Conn) *session {
	s := &session{
		router: r, conn: conn,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		regs: map[uint32]*registration{}, subs: map[uint32]*subscription{}, watches: map[uint32]*state.Watch{},
	}
	s.pub.init(s)
	s.out.pool, s.out.max, s.out.maxBody = &r.segments, r.opt.MaxQueued, r.opt.MaxBody
	s.out.subs = map[uint32]*subscription{}
	s.send = s.sendBlocking
	if conn != nil {
		s.kind = conn.Link()
	}
	if p, ok := conn.(Polled); ok {
		s.polled, s.send = p, s.sendPolled
		s.writeStep = s.stepWrite
	}
	return s
}

// run serves the session from HELLO to its end.
func (s *session) run(ctx context.Context) error {
	if err := s.router.enter(s); err != nil {
		_, _ = s.conn.Write(wire.AppendGoodbye(nil, wire.GoingAway, "the agent stops or restarts"))
		return errors.Join(err, s.conn.Close())
	}
	defer s.router.leave(s)
	s.in = wire.NewBuffer(s.router.opt.MaxBody)
	stop := context.AfterFunc(ctx, func() { s.end(wire.GoingAway, "the agent stops or restarts") })
	defer stop()
	late := time.AfterFunc(s.router.opt.HelloTimeout, s.silentClient)
	defer late.Stop()
	s.wg.Go(s.writer)
	if k, ok := s.conn.(Silent); ok {
		s.wg.Go(func() { s.keepalive(k.Keepalive()) })
	}
	err := s.read()
	s.detach()
	s.finish(err)
	s.wg.Wait()
	return s.reason
}

// silentClient ends a session on which HELLO did not come in time.
func (s *session) silentClient() {
	s.mu.Lock()
	said := s.said
	s.mu.Unlock()
	if !said {
		s.refuseAndEnd(wire.Unauthenticated, wire.Hello, 0, "HELLO did not come in time")
	}
}

// finish ends the session by the way its reader ended: a client that said
// GOODBYE, or did something that ends the session, is sent what waits first.
func (s *session) finish(err error) {
	var v *violation
	switch {
	case errors.Is(err, errGoodbye):
		s.drain(nil)
	case errors.As(err, &v):
		s.drain(err)
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, errSessionOver):
		s.fail(nil)
	default:
		s.fail(fail.Wrap(err, fail.Unavailable, "read from a client of the exchange", ""))
	}
	<-s.done
}

// end says GOODBYE and closes once everything before it has been sent.
func (s *session) end(code wire.Code, text string) {
	s.out.mu.Lock()
	if s.out.closing {
		s.out.mu.Unlock()
		return
	}
	n := wire.HeaderSize + 4 + len(text)
	seg := s.out.begin(n)
	seg.b = wire.AppendGoodbye(seg.b, code, text)
	s.out.end(n)
	s.closing(fail.New(fail.Canceled, "serve a client of the exchange", "%s", text))
	s.out.mu.Unlock()
	s.flush()
}

// refuseAndEnd sends ERROR with a code that ends the session.
func (s *session) refuseAndEnd(code wire.Code, refused wire.Type, id uint32, text string) {
	s.push(wire.AppendError(nil, id, code, refused, "", text))
	s.drain(&violation{code, text})
}

// drain takes nothing more for the client, sends what waits within
// [lastWords], then fails the session with err.
func (s *session) drain(err error) {
	s.out.mu.Lock()
	if s.out.closed { // nothing can be sent
		s.out.mu.Unlock()
		s.fail(err)
		return
	}
	s.closing(err)
	s.out.mu.Unlock()
	s.flush()
}

// closing gives what waits its last time; out.mu is held.
func (s *session) closing(err error) {
	if s.out.closing {
		return
	}
	s.out.closing = true
	if s.reason == nil {
		s.reason = err
	}
	s.goodbye = time.AfterFunc(lastWords, func() { s.fail(err) })
}

// fail ends the session now. It never waits: the link is closed by a goroutine
// of its own, because a reader or writer of it may be who calls.
func (s *session) fail(err error) {
	s.over.Do(func() {
		s.out.mu.Lock()
		if s.reason == nil {
			s.reason = err
		}
		if s.goodbye != nil {
			s.goodbye.Stop()
		}
		s.out.mu.Unlock()
		s.out.close()
		if s.conn != nil {
			s.wg.Go(func() { _ = s.conn.Close() })
		}
		close(s.done)
	})
}

// detach ends everything that hangs on the session.
func (s *session) detach() {
	s.mu.Lock()
	for id := range s.regs {
		s.unregister(id)
	}
	for _, reg := range s.cache {
		s.router.topics.release(reg)
	}
	s.cache = nil
	s.publishedAtEnd = counts{in: s.published, inBytes: s.publishedBytes}
	s.endStores()
	s.router.unsubscribeAll(s)
	clear(s.subs)
	s.mu.Unlock()
	s.endCalls()
	if s.worker != nil {
		s.worker.lost()
	}
}

// keepalive pings a client whose death nobody tells.
func (s *session) keepalive(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	asked := false
	for {
		select {
		case <-s.done:
			return
		case <-tick.C:
		}
		switch {
		case s.heard.Swap(false):
			asked = false
		case asked:
			s.fail(fail.New(fail.Timeout, "serve a client of the exchange", "it did not answer PING within %v", every))
			return
		default:
			asked = true
			s.tell(wire.AppendPlain(nil, wire.Ping, 0, ""))
		}
	}
}
