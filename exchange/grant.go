package exchange

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sync/atomic"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Credential is how a client proves which application it is.
type Credential struct {
	Token string // what HELLO must carry; "" admits no client (workers only)
	UID   int    // the user id its process must have, where the kernel tells; -1: any
	// OnJoin, if not nil, is called when a client has shown the token, with an error
	// if it has another link than it asked for. It must not block, nor call the router.
	OnJoin func(substituted error)
}

// application is what the router knows under one name.
type application struct {
	name  spec.Name
	perms atomic.Pointer[permissions]

	// Under Router.mu.
	sessions map[*session]struct{}
	uid      int
	token    tokenKey
	onJoin   func(error)
	past     counts // of sessions that have ended

	denied atomic.Uint64
}

func newApplication(name spec.Name) *application {
	app := &application{name: name, uid: -1, sessions: map[*session]struct{}{}}
	app.grant(&permissions{})
	return app
}

func (a *application) grant(p *permissions) { a.perms.Store(p) }

// permissions are an application's grants, compiled. They do not change.
type permissions struct {
	publish   []string
	subscribe []string
	all       bool // the agent itself
}

func everything() *permissions { return &permissions{all: true} }

func (p *permissions) mayPublish(topic string) bool {
	return p.all || slices.ContainsFunc(p.publish, func(f string) bool { return matches(f, topic) })
}

func (p *permissions) maySubscribe(filter string) bool {
	return p.all || slices.ContainsFunc(p.subscribe, func(f string) bool { return covers(f, filter) })
}

// compile checks the filters and puts them in a form to look up quickly.
func compile(res spec.Resources) (*permissions, error) {
	p := &permissions{}
	for _, list := range []struct {
		field   string
		filters []spec.Filter
		into    *[]string
	}{{"publish", res.Publish, &p.publish}, {"subscribe", res.Subscribe, &p.subscribe}} {
		for i, f := range list.filters {
			if err := f.Validate(); err != nil {
				return nil, fail.New(fail.Invalid, "grant topics", "resources.%s[%d]: %w", list.field, i, err).
					WithHint("Write topics as in MQTT: levels parted by '/', '+' for one level, a last '#' for the rest.")
			}
			*list.into = append(*list.into, string(f))
		}
	}
	return p, nil
}

// tokenKey is a token's digest. Looking it up takes no time that tells how
// much of a token was right.
type tokenKey [sha256.Size]byte

func keyOf(token string) tokenKey { return sha256.Sum256([]byte(token)) }

// Grant gives app the topics in res and nothing else, and c as its credential,
// in place of what it had. For its live sessions this holds at once:
// registrations and subscriptions that are no longer covered are ended, and the
// clients told. A faulty filter is fail.Invalid and changes nothing.
func (r *Router) Grant(app spec.Name, res spec.Resources, c Credential) error {
	if app == "" {
		return fail.New(fail.Invalid, "grant topics", "the application has no name")
	}
	p, err := compile(res)
	if err != nil {
		return err
	}
	if err := r.stores.keep(app, res.Keep); err != nil {
		return err
	}
	for _, s := range r.install(app, p, c) {
		s.recheck(p)
	}
	return nil
}

func (r *Router) install(name spec.Name, p *permissions, c Credential) []*session {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.apps[name]
	if a == nil {
		a = newApplication(name)
		r.apps[name] = a
	}
	if r.tokens[a.token] == a {
		delete(r.tokens, a.token)
	}
	a.token, a.uid, a.onJoin = tokenKey{}, c.UID, c.OnJoin
	if c.Token != "" {
		a.token = keyOf(c.Token)
		r.tokens[a.token] = a
	}
	a.grant(p)
	list := make([]*session, 0, len(a.sessions))
	for s := range a.sessions {
		list = append(list, s)
	}
	return list
}

// Revoke takes everything from app and closes its sessions.
func (r *Router) Revoke(app spec.Name) {
	r.mu.Lock()
	a := r.apps[app]
	if a == nil {
		r.mu.Unlock()
		return
	}
	delete(r.apps, app)
	if r.tokens[a.token] == a {
		delete(r.tokens, a.token)
	}
	a.grant(&permissions{})
	list := make([]*session, 0, len(a.sessions))
	for s := range a.sessions {
		list = append(list, s)
	}
	r.mu.Unlock()
	for _, s := range list {
		s.recheck(&permissions{})
		s.end(wire.Denied, "the application's permissions were revoked")
	}
}

// recheck ends what p does not cover any more.
func (s *session) recheck(p *permissions) {
	s.mu.Lock()
	for id, reg := range s.regs {
		if !p.mayPublish(reg.topic) {
			s.unregister(id)
			s.push(wire.AppendError(nil, id, wire.Denied, wire.Register, reg.topic, deniedText(s.app.name, "publish on", reg.topic)))
		}
	}
	for key, reg := range s.cache {
		if !p.mayPublish(reg.topic) {
			s.router.topics.release(reg)
			delete(s.cache, key)
		}
	}
	for id, sub := range s.subs {
		if !p.maySubscribe(sub.filter) {
			refused := wire.Subscribe
			if sub.kept != nil {
				refused = wire.Consume
			}
			s.unsubscribe(sub)
			s.push(wire.AppendError(nil, id, wire.Denied, refused, sub.filter, deniedText(s.app.name, "subscribe to", sub.filter)))
		}
	}
	s.mu.Unlock()
	s.flush()
}

func deniedText(app spec.Name, what, topic string) string {
	return fmt.Sprintf("%s may not %s %s: its configuration does not grant it", app, what, topic)
}
