package exchange

import (
	"fmt"
	"os"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
)

// handleHello takes the first frame of a session, which must be HELLO.
func (s *session) handleHello(f wire.Frame) error {
	if f.Type != wire.Hello || f.Skip {
		return s.violate(wire.Malformed, f, "a session begins with HELLO")
	}
	h, err := f.Hello()
	if err != nil {
		return s.violate(wire.Malformed, f, err.Error())
	}
	if h.Lowest > wire.Version {
		return s.violate(wire.BadVersion, f, fmt.Sprintf("this broker speaks version %d", wire.Version))
	}
	app, fault := s.identify(h.Token)
	if fault != "" {
		s.router.opt.Log.Warn("client turned away", "link", s.conn.Link(), "reason", fault)
		return s.violate(wire.Unauthenticated, f, fault)
	}
	s.tellJoined(app)
	s.name, s.caps, s.said = string(h.Client), h.Capabilities, true
	s.out.mu.Lock()
	s.out.maxBody = int(min(h.MaxBody, wire.MaxLength))
	s.out.mu.Unlock()
	s.answer(wire.AppendWelcome(nil, wire.WelcomeBody{
		Version: wire.Version, Capabilities: s.offers(), MaxBody: uint32(s.router.opt.MaxBody),
		Application: []byte(app.name), Device: []byte(s.router.opt.Device),
	}))
	return nil
}

// offers are the capabilities of this side of this session.
func (s *session) offers() wire.Capabilities {
	c := wire.Requests | wire.Credits
	if s.router.stores.open() {
		c |= wire.State | wire.Durable | wire.Histories
	}
	if s.worker != nil {
		c |= wire.Functions | wire.Queues | wire.Parts
	}
	if s.router.opt.OnLog != nil || s.worker != nil {
		c |= wire.Logs
	}
	return c
}

// identify finds whose session this is: the application whose token it is,
// if the process at the other end runs under that application's user id or
// the agent's own. A worker's link proves itself.
func (s *session) identify(token []byte) (*application, string) {
	r := s.router
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.worker != nil {
		app := r.apps[s.worker.application]
		if app == nil {
			return nil, "the application has been revoked"
		}
		s.join(app)
		return app, ""
	}
	app := r.tokens[keyOf(string(token))]
	if app == nil || len(token) == 0 {
		return nil, "the token is not known; it is made anew at each start of an application (FESCUE_TOKEN)"
	}
	if uid, ok := s.conn.PeerUID(); ok && app.uid >= 0 && uid != app.uid && uid != os.Getuid() {
		return nil, fmt.Sprintf("user id %d may not use this token", uid)
	}
	s.join(app)
	return app, ""
}

// tellJoined tells who granted the application that a client of it is here.
func (s *session) tellJoined(app *application) {
	s.router.mu.Lock()
	tell := app.onJoin
	s.router.mu.Unlock()
	if tell != nil && s.worker == nil {
		tell(s.substitution())
	}
}

// substitution tells that the session has another link than was asked for; nil if not.
func (s *session) substitution() error {
	c, ok := s.conn.(Substitute)
	if !ok {
		return nil
	}
	link, why := c.Instead()
	return fail.New(fail.KindOf(why), "connect", "over %s instead of %s: %w", c.Link(), link, why)
}

// join makes s a session of app; router.mu is held.
func (s *session) join(app *application) {
	s.app = app
	app.sessions[s] = struct{}{}
}
