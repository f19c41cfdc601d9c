package exchange

import (
	"time"

	"fescue.dev/fescue/exchange/kept"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Bounds of HISTORY.
const (
	defaultHistory = 1_000
	maxHistory     = 10_000
	historiesOnce  = 4 // of a session
)

func (s *session) handleHistory(f wire.Frame) error {
	b, err := f.History()
	if err != nil {
		return s.violate(wire.Malformed, f, err.Error())
	}
	filter := string(b.Filter)
	if err := spec.Filter(filter).Validate(); err != nil {
		return s.refuse(wire.InvalidTopic, f, filter, err.Error())
	}
	if !s.app.perms.Load().maySubscribe(filter) {
		s.deny(DenySubscribe, filter)
		return s.refuse(wire.Denied, f, filter, deniedText(s.app.name, "subscribe to", filter))
	}
	ru := s.router.stores.ruleFor(s.app.name, filter)
	if ru == nil {
		return s.refuse(wire.NotKept, f, filter, "no application has this topic kept (resources.keep)")
	}
	if s.asked.Load() >= historiesOnce {
		return s.refuse(wire.Limit, f, filter, "four histories are under way already")
	}
	s.asked.Add(1)
	q := kept.Query{Match: func(topic string) bool { return matches(filter, topic) }, Limit: int(b.Limit), Newest: b.Flags&wire.Newest != 0}
	or(&q.Limit, defaultHistory)
	q.Limit = min(q.Limit, maxHistory)
	if b.From != 0 {
		q.From = time.UnixMilli(int64(b.From))
	}
	if b.Until != 0 {
		q.Until = time.UnixMilli(int64(b.Until))
	}
	id := f.ID
	go func() {
		defer s.asked.Add(-1)
		s.tellPast(id, ru.log, q)
	}()
	return nil
}

// tellPast sends the messages that q finds, as the client reads them.
func (s *session) tellPast(id uint32, log *kept.Log, q kept.Query) {
	err := log.History(q, func(m kept.Message) bool {
		return s.tellWithRoom(wire.AppendPast(nil, id, wire.DeliveryBody{
			Sequence: m.Sequence, Time: uint64(m.Time.UnixMilli()), Topic: []byte(m.Topic), Payload: m.Payload,
		}))
	})
	if err != nil {
		s.tell(wire.AppendError(nil, id, wire.Storage, wire.History, "", err.Error()))
		return
	}
	s.tell(wire.AppendOK(nil, id, wire.History))
}

// tellWithRoom waits until the session's queue has room for a frame, and sends
// it. It is for goroutines of their own. false is the end of the session. A frame larger
// than the client accepts is left out.
func (s *session) tellWithRoom(frame []byte) bool {
	for {
		o := &s.out
		o.mu.Lock()
		if o.closing {
			o.mu.Unlock()
			return false
		}
		if len(frame)-wire.HeaderSize > o.maxBody {
			o.mu.Unlock()
			return true
		}
		if o.bytes+len(frame) <= o.max || o.bytes == 0 {
			o.mu.Unlock()
			s.tellSoon(frame)
			return true
		}
		room := o.waitRoom(o.bytes / 2)
		o.mu.Unlock()
		select {
		case <-room:
		case <-s.done:
			return false
		}
	}
}

// History gives visit the kept messages of an application's topics, oldest first,
// until it returns false; app "" is the agent, which may ask for all. Errors: fail.NotFound
// if the filter is not kept, fail.Denied.
func (r *Router) History(app spec.Name, filter spec.Filter, q kept.Query, visit func(kept.Message) bool) error {
	const op = "read history"
	r.mu.Lock()
	a := r.agent
	if app != "" {
		a = r.apps[app]
	}
	r.mu.Unlock()
	if a == nil || !a.perms.Load().maySubscribe(string(filter)) {
		return fail.New(fail.Denied, op, "%s", deniedText(app, "subscribe to", string(filter))).On(string(filter))
	}
	ru := r.stores.ruleFor(app, string(filter))
	if ru == nil {
		return fail.New(fail.NotFound, op, "no application has this topic kept").On(string(filter)).
			WithHint("Name it under resources.keep in an application's configuration.")
	}
	q.Match = func(topic string) bool { return matches(string(filter), topic) }
	or(&q.Limit, defaultHistory)
	return ru.log.History(q, visit)
}
