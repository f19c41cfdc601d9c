package exchange

import (
	"fmt"
	"strings"
	"time"

	"fescue.dev/fescue/exchange/kept"
	"fescue.dev/fescue/exchange/wire"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Defaults of CONSUME.
const (
	defaultWindow   = 64
	defaultPatience = 30 * time.Second
)

func validPlace(name string) bool {
	if name == "" || len(name) > wire.MaxPlace {
		return false
	}
	return strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// placeName makes a place an application's own. No application's name has a dot.
func placeName(app spec.Name, place string) string { return string(app) + "." + place }

func (s *session) handleConsume(f wire.Frame) error {
	b, err := f.Consume()
	if err != nil {
		return s.violate(wire.Malformed, f, err.Error())
	}
	filter := string(b.Filter)
	if code, text := s.subscribable(f.ID, filter, 0); code != 0 {
		return s.refuse(code, f, filter, text)
	}
	if !validPlace(string(b.Place)) {
		return s.refuse(wire.InvalidTopic, f, string(b.Place), "a place's name has 1 to 64 of A-Z, a-z, 0-9, - and _")
	}
	if topic := string(b.DeadLetter); topic != "" {
		if reg, code, text := resolve(s, topic); reg == nil {
			return s.refuse(code, f, topic, text)
		}
	}
	place, err := s.router.place(s.app.name, string(b.Place), placeOptions(b))
	if err != nil {
		return s.refuse(placeCode(err), f, filter, said(err))
	}
	sub := &subscription{owner: s, id: f.ID, filter: filter, exact: !hasWildcard(filter)}
	c := &kept.Consumer{Window: int(b.Window), Patience: time.Duration(b.Patience) * time.Millisecond}
	or(&c.Window, defaultWindow)
	or(&c.Patience, defaultPatience)
	c.Deliver = func(d kept.Delivery) bool { return s.deliverKept(sub, c, d) }
	sub.kept = c
	s.subs[f.ID] = sub
	s.answer(wire.AppendOK(nil, f.ID, wire.Consume))
	if err := place.Consume(c); err != nil {
		delete(s.subs, f.ID)
		return s.refuse(wire.GoingAway, f, filter, err.Error())
	}
	return nil
}

// placeCode: what is full or missing here is not the client's message.
func placeCode(err error) wire.Code {
	switch fail.KindOf(err) {
	case fail.NotFound:
		return wire.NotKept
	case fail.Invalid:
		return wire.InvalidTopic
	}
	return codeOf(err)
}

// ConsumeOptions say what is consumed, and how.
type ConsumeOptions struct {
	// Place is the name under which what was acknowledged is remembered.
	Place  string
	Filter spec.Filter
	// Start says where a new place begins; From is for kept.StartTime.
	Start kept.Start
	From  time.Time
	// Pending is how many deliveries may be unanswered; 0: 64.
	Pending int
	// Patience is how long an answer may take; 0: 30 s.
	Patience time.Duration
	// Attempts is how often a message is delivered at most; 0: without end.
	Attempts int
	// DeadLetter is where messages go that had their attempts or were rejected; "":
	// they are dropped and logged.
	DeadLetter spec.Topic
}

func placeOptions(b wire.ConsumeBody) ConsumeOptions {
	return ConsumeOptions{
		Place: string(b.Place), Filter: spec.Filter(b.Filter), Start: kept.Start(b.Start), From: time.UnixMilli(int64(b.From)),
		Attempts: int(b.Attempts), DeadLetter: spec.Topic(b.DeadLetter),
	}
}

// place finds or makes an application's place.
func (r *Router) place(app spec.Name, name string, o ConsumeOptions) (*kept.Place, error) {
	filter := string(o.Filter)
	ru := r.stores.ruleFor(app, filter)
	if ru == nil {
		return nil, fail.New(fail.NotFound, "consume", "no application has this topic kept").On(filter).
			WithHint("Name it under resources.keep.")
	}
	if err := r.checkDeadLetter(app, o); err != nil {
		return nil, err
	}
	return ru.log.Place(placeName(app, name), kept.PlaceOptions{
		Filter: filter, Match: func(topic string) bool { return matches(filter, topic) },
		Start: o.Start, From: o.From, Attempts: o.Attempts, Dead: r.undertaker(app, o),
	})
}

// checkDeadLetter refuses a dead letter topic that would lose messages, or bring them
// back to where they were given up.
func (r *Router) checkDeadLetter(app spec.Name, o ConsumeOptions) error {
	topic := string(o.DeadLetter)
	switch {
	case topic == "":
		return nil
	case matches(string(o.Filter), topic):
		return fail.New(fail.Invalid, "consume", "%s matches the dead letter topic %s: what is given up would come again", o.Filter, topic).
			WithHint("Choose another dead letter topic.")
	case r.stores.ruleFor(app, topic) == nil:
		return fail.New(fail.NotFound, "consume", "nobody has the dead letter topic %s kept: what is given up would be lost", topic).
			WithHint("Name it under resources.keep.")
	}
	return nil
}

// undertaker stores what had its attempts at the dead letter topic, with the
// application's permissions of that moment.
func (r *Router) undertaker(app spec.Name, o ConsumeOptions) kept.DeadLetter {
	return func(m kept.Message, done func(error)) {
		finish := func(err error) {
			if err == nil {
				r.opt.Log.Warn("a message had its attempts or was rejected", "application", app, "place", o.Place,
					"topic", m.Topic, "sequence", m.Sequence, "dead letter", o.DeadLetter)
			}
			done(err)
		}
		if o.DeadLetter == "" {
			finish(nil)
			return
		}
		c, err := r.Local(app)
		if err != nil {
			finish(err)
			return
		}
		// A crash may have come after it was stored and before the place knew.
		id := fmt.Sprintf("%s-%d", placeName(app, o.Place), m.Sequence)
		err = c.publishDurably(o.DeadLetter, m.Payload, id, func(err error) {
			finish(err)
			_ = c.Close() // a local session closes without fail
		})
		if err != nil {
			finish(err)
			_ = c.Close()
		}
	}
}

// deliverKept puts a delivery into the session's queue; false if that is full, and
// then the consumer is told when it is not.
func (s *session) deliverKept(sub *subscription, c *kept.Consumer, d kept.Delivery) bool {
	b := wire.DeliveryBody{
		Sequence: d.Sequence, Time: uint64(d.Time.UnixMilli()), Attempt: uint16(min(d.Attempt, 65535)),
		Topic: []byte(d.Topic), Payload: d.Payload,
	}
	if d.MaybeBefore {
		b.Flags = wire.Delivered
	}
	frame := wire.AppendDelivery(nil, sub.id, b)
	o := &s.out
	o.mu.Lock()
	switch {
	case sub.gone || o.closing:
		o.mu.Unlock()
		return false
	case len(frame)-wire.HeaderSize > o.maxBody:
		o.mu.Unlock()
		go c.Reject(d.Sequence) // not here: the place waits for this call
		s.router.opt.Log.Warn("a kept message is larger than its consumer accepts", "application", s.app.name, "topic", d.Topic, "bytes", len(d.Payload))
		return true
	case o.bytes+len(frame) > o.max && o.bytes > 0:
		room := o.waitRoom(o.bytes / 2)
		o.mu.Unlock()
		go func() {
			select {
			case <-room:
				c.Ready()
			case <-s.done:
			}
		}()
		return false
	}
	o.sent++
	o.sentBytes += uint64(len(d.Payload))
	o.mu.Unlock()
	s.tellSoon(frame)
	return true
}

func (s *session) handleAck(f wire.Frame) error {
	b, err := f.Ack()
	if err != nil {
		return s.violate(wire.Malformed, f, err.Error())
	}
	sub := s.subs[f.ID]
	if sub == nil || sub.kept == nil {
		return nil // its subscription has ended
	}
	delay := time.Duration(b.Delay) * time.Millisecond
	if b.Delay == wire.OwnDelay {
		delay = -1
	}
	decide(sub.kept, b.Sequence, b.Verdict, delay)
	return nil
}

func decide(c *kept.Consumer, sequence uint64, v wire.Verdict, delay time.Duration) {
	switch v {
	case wire.Done:
		c.Done(sequence)
	case wire.Again:
		c.Again(sequence, delay)
	case wire.Rejected:
		c.Reject(sequence)
	case wire.StillAt:
		c.StillAtIt(sequence)
	}
}

func (s *session) handleForget(f wire.Frame) error {
	if !s.router.stores.forget(placeName(s.app.name, string(f.Body))) {
		return s.refuse(wire.UnknownID, f, "", "there is no such place")
	}
	s.answer(wire.AppendOK(nil, f.ID, wire.Forget))
	return nil
}

// forget removes a place wherever it is.
func (st *stores) forget(place string) bool {
	st.mu.Lock()
	logs := make([]*kept.Log, 0, len(st.rules))
	for _, ru := range st.rules {
		logs = append(logs, ru.log)
	}
	st.mu.Unlock()
	found := false
	for _, l := range logs {
		found = l.Forget(place) || found
	}
	return found
}
