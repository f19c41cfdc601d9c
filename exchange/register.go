package exchange

import (
	"fmt"

	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/spec"
)

func (s *session) handleRegister(f wire.Frame) error {
	topic := string(f.Body)
	switch {
	case s.regs[f.ID] != nil:
		return s.refuse(wire.IDInUse, f, topic, "a topic is registered under this id already")
	case len(s.regs) >= s.router.opt.MaxRegistrations:
		return s.refuse(wire.Limit, f, topic, fmt.Sprintf("a session may register %d topics", s.router.opt.MaxRegistrations))
	}
	if err := spec.Topic(topic).Validate(); err != nil {
		return s.refuse(wire.InvalidTopic, f, topic, err.Error())
	}
	if !s.app.perms.Load().mayPublish(topic) {
		s.deny(DenyPublish, topic)
		return s.refuse(wire.Denied, f, topic, deniedText(s.app.name, "publish on", topic))
	}
	s.regs[f.ID] = s.newRegistration(topic)
	s.answer(wire.AppendOK(nil, f.ID, wire.Register))
	return nil
}

func (s *session) handleUnregister(f wire.Frame) error {
	if s.regs[f.ID] == nil {
		return s.refuse(wire.UnknownID, f, "", "no topic is registered under this id")
	}
	s.unregister(f.ID)
	s.answer(wire.AppendOK(nil, f.ID, wire.Unregister))
	return nil
}

// unregister takes a topic id back; mu is held.
func (s *session) unregister(id uint32) {
	s.router.topics.release(s.regs[id])
	delete(s.regs, id)
}

func (s *session) handleSubscribe(f wire.Frame) error {
	b, err := f.Subscribe()
	if err != nil {
		return s.violate(wire.Malformed, f, err.Error())
	}
	filter := string(b.Filter)
	code, text := s.subscribable(f.ID, filter, b.Flags)
	if code != 0 {
		return s.refuse(code, f, filter, text)
	}
	id := f.ID
	mirroring := s.subscribe(&subscription{
		owner: s, id: id, filter: filter, policy: b.Policy, flags: b.Flags, limit: int(b.Queue),
	})
	if mirroring == nil {
		s.answer(wire.AppendOK(nil, id, wire.Subscribe))
		return nil
	}
	mirroring.whenMirrored(filter, func() { s.tell(wire.AppendOK(nil, id, wire.Subscribe)) })
	return nil
}

// subscribable says why a subscription is refused, or code 0.
func (s *session) subscribable(id uint32, filter string, flags wire.Flags) (wire.Code, string) {
	switch {
	case s.subs[id] != nil:
		return wire.IDInUse, "there is a subscription under this id already"
	case len(s.subs) >= s.router.opt.MaxSubscriptions:
		return wire.Limit, fmt.Sprintf("a session may have %d subscriptions", s.router.opt.MaxSubscriptions)
	case flags&wire.Answers != 0 && s.caps&wire.Requests == 0:
		return wire.Unsupported, "HELLO did not name the capability requests"
	case flags&wire.ByCredit != 0 && s.caps&wire.Credits == 0:
		return wire.Unsupported, "HELLO did not name the capability credit"
	}
	if err := spec.Filter(filter).Validate(); err != nil {
		return wire.InvalidTopic, err.Error()
	}
	if !s.app.perms.Load().maySubscribe(filter) {
		s.deny(DenySubscribe, filter)
		return wire.Denied, deniedText(s.app.name, "subscribe to", filter)
	}
	return 0, ""
}

// subscribe makes sub effective: every message published here from now on
// reaches it. For those of the NATS peer, if one is returned, wait with
// whenMirrored.
func (s *session) subscribe(sub *subscription) (mirroring *peer) {
	sub.exact = !hasWildcard(sub.filter)
	if sub.limit == 0 {
		sub.limit = DefaultQueue
	}
	s.subs[sub.id] = sub
	s.out.mu.Lock()
	s.out.subs[sub.id] = sub
	if sub.flags&wire.ByCredit != 0 {
		s.out.credits++
	}
	s.out.mu.Unlock()
	r := s.router
	r.routing.Lock()
	defer r.routing.Unlock()
	r.trie.add(sub)
	r.generation.Add(1)
	p := r.peer.Load()
	if p != nil && p.mirror(sub.filter) {
		return nil
	}
	return p
}

func (s *session) handleUnsubscribe(f wire.Frame) error {
	sub := s.subs[f.ID]
	if sub == nil {
		return s.refuse(wire.UnknownID, f, "", "there is no subscription under this id")
	}
	s.unsubscribe(sub)
	s.answer(wire.AppendOK(nil, f.ID, wire.Unsubscribe))
	return nil
}

// unsubscribe ends sub: when it returns, nothing more is appended for it.
func (s *session) unsubscribe(sub *subscription) {
	delete(s.subs, sub.id)
	s.forget(sub)
	if sub.kept != nil {
		sub.kept.Close()
		return
	}
	r := s.router
	r.routing.Lock()
	defer r.routing.Unlock()
	r.trie.remove(sub)
	r.generation.Add(1)
	r.unmirror(sub.filter)
}

// forget ends sub's part in the queue.
func (s *session) forget(sub *subscription) {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	sub.gone = true
	if sub.epoch == o.epoch {
		o.dead -= sub.skip
	}
	if sub.flags&wire.ByCredit != 0 {
		o.credits--
		for len(sub.held.frames) > 0 {
			o.unhold(sub)
		}
	}
	delete(o.subs, sub.id)
	o.release() // nobody needs to wait for it
}

// unsubscribeAll is for the end of a session.
func (r *Router) unsubscribeAll(s *session) {
	if len(s.subs) == 0 {
		return
	}
	for id, sub := range s.subs {
		s.forget(sub)
		if sub.kept != nil {
			sub.kept.Close()
			delete(s.subs, id)
		}
	}
	r.routing.Lock()
	defer r.routing.Unlock()
	for _, sub := range s.subs {
		r.trie.remove(sub)
		r.unmirror(sub.filter)
	}
	r.generation.Add(1)
}
