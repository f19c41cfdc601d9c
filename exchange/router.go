package exchange

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Router is the broker. Make it with [New]; all methods may be called from any
// goroutine.
//
// Locks are taken in this order: a session's mu, Router.mu or Router.routing,
// an outbox's mu, a calls' mu. None is held over input or output.
type Router struct {
	opt      Options
	segments segments
	denials  denials

	// generation rises with every change of a subscription; routes remember
	// the one they were found in.
	generation atomic.Uint64
	routing    sync.RWMutex
	trie       trie

	mu       sync.Mutex
	apps     map[spec.Name]*application
	tokens   map[tokenKey]*application
	sessions map[*session]struct{}
	agent    *application
	peer     atomic.Pointer[peer]
	ended    bool
	active   sync.WaitGroup // sessions

	stores  stores
	topics  topicTable
	notices chan struct{} // there are drops to be told later
}

// New makes a Router. It serves at once; [Router.Run] looks after it.
func New(o Options) *Router {
	r := &Router{
		opt: o.withDefaults(), trie: newTrie(),
		apps: map[spec.Name]*application{}, tokens: map[tokenKey]*application{}, sessions: map[*session]struct{}{},
		notices: make(chan struct{}, 1),
	}
	r.denials.init()
	r.topics.init()
	r.stores.init(r)
	r.agent = newApplication("")
	r.agent.grant(everything())
	return r
}

// Run reports denials and late notices of drops until ctx is done, then says
// GOODBYE to all sessions and returns when they have ended. Clients that come
// later are turned away.
func (r *Router) Run(ctx context.Context) error {
	var tick <-chan time.Time // only while there is something to be told later
	for {
		later := false
		select {
		case <-r.denials.wake:
			later = r.denials.report(r.opt)
		case <-r.notices:
			later = true
		case <-tick:
			tick = nil
			r.tellDrops()
			later = r.denials.report(r.opt)
		case <-ctx.Done():
			r.end()
			r.stores.leave()
			r.active.Wait()
			return r.stores.close()
		}
		if later && tick == nil {
			tick = time.After(noticePause)
		}
	}
}

func (r *Router) end() {
	r.mu.Lock()
	r.ended = true
	all := r.allSessions()
	r.mu.Unlock()
	for _, s := range all {
		s.end(wire.GoingAway, "the agent stops or restarts")
	}
}

// allSessions copies the set; mu is held.
func (r *Router) allSessions() []*session {
	all := make([]*session, 0, len(r.sessions))
	for s := range r.sessions {
		all = append(all, s)
	}
	return all
}

// enter makes s one of the sessions.
func (r *Router) enter(s *session) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return fail.New(fail.Unavailable, "connect to the exchange", "it has been stopped")
	}
	r.sessions[s] = struct{}{}
	r.active.Add(1)
	return nil
}

func (r *Router) leave(s *session) {
	r.mu.Lock()
	delete(r.sessions, s)
	if s.app != nil {
		delete(s.app.sessions, s)
		s.app.gone(s)
	}
	r.mu.Unlock()
	r.active.Done()
}

// Serve serves a client that must say HELLO with the token of an application,
// until the link ends, or ctx does. The error says why it ended if that was
// not the client's wish.
func (r *Router) Serve(ctx context.Context, conn Conn) error {
	s := r.newSession(conn)
	return s.run(ctx)
}

func (r *Router) laterNotice() {
	select {
	case r.notices <- struct{}{}:
	default:
	}
}

// tellDrops sends the notices that were held back.
func (r *Router) tellDrops() {
	r.mu.Lock()
	all := r.allSessions()
	r.mu.Unlock()
	now := time.Now()
	for _, s := range all {
		s.tellDrops(now)
	}
}
