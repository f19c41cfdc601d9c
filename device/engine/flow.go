package engine

import (
	"encoding/json"
	"errors"
	"sync"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// flow is the way of a topic trigger's messages to calls: in batches where the trigger wants
// them, and one after the other where it has an order.
type flow struct {
	triggers *triggers
	client   *exchange.Client
	trigger  spec.Trigger

	mu      sync.Mutex
	closed  bool
	busy    map[string][]*unit // by key: what waits behind the one under way
	waiting int                // in all of them
	batch   *unit              // that is being filled
	full    *time.Timer        // when it is sent at the latest
}

// message is one event of a topic on its way.
type message struct {
	topic    spec.Topic
	payload  []byte
	delivery *exchange.Delivery // of one that is kept
	attempt  int                // of one that is kept, from 1
	end      func(f *function, result []byte, err error)
}

// finish acknowledges a kept message, and tells who waits for another.
func (m *message) finish(f *function, result []byte, err error) {
	if m.delivery != nil {
		m.delivery.Done()
		return
	}
	m.end(f, result, err)
}

// unit is what one call is for: a message, or a batch of them.
type unit struct {
	messages []*message
	size     int // of their payloads
	key      string
	attempt  int // of an ordered one that is kept
}

func (u *unit) kept() bool { return u.messages[0].delivery != nil }

func newFlow(t *triggers, client *exchange.Client, w spec.Trigger) *flow {
	return &flow{triggers: t, client: client, trigger: w, busy: map[string][]*unit{}}
}

// close ends it: what is kept and not answered comes again to who consumes next.
func (f *flow) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.full != nil {
		f.full.Stop()
	}
}

// later runs do after a pause, unless the flow has been closed.
func (f *flow) later(pause time.Duration, do func()) {
	time.AfterFunc(pause, func() {
		f.mu.Lock()
		closed := f.closed
		f.mu.Unlock()
		if !closed {
			do()
		}
	})
}

// mostBatched bounds a batch's payloads, which grow when they become JSON.
const mostBatched = int(spec.MaxPayloadBody) / 2

// arrive takes a message on its way.
func (f *flow) arrive(m *message) {
	if f.trigger.Batch.Events == 0 {
		f.enqueue(&unit{messages: []*message{m}, key: f.keyOf(m)})
		return
	}
	f.mu.Lock()
	var complete *unit
	if f.batch != nil && f.batch.size+len(m.payload) > mostBatched {
		complete, f.batch = f.batch, nil
	}
	if f.batch == nil {
		b := &unit{}
		f.batch = b
		f.full = time.AfterFunc(time.Duration(f.trigger.Batch.Wait), func() { f.timeIsUp(b) })
	}
	f.batch.messages = append(f.batch.messages, m)
	f.batch.size += len(m.payload)
	var second *unit
	if len(f.batch.messages) >= f.trigger.Batch.Events {
		second, f.batch = f.batch, nil
	}
	f.mu.Unlock()
	for _, u := range []*unit{complete, second} {
		if u != nil {
			f.enqueue(u)
		}
	}
}

func (f *flow) timeIsUp(b *unit) {
	f.mu.Lock()
	due := f.batch == b && !f.closed
	if due {
		f.batch = nil
	}
	f.mu.Unlock()
	if due {
		f.enqueue(b)
	}
}

// keyOf is what a message has in common with those that wait for it.
func (f *flow) keyOf(m *message) string {
	if f.trigger.Order == spec.OrderTopic {
		return string(m.topic)
	}
	value := json.RawMessage(m.payload)
	for _, member := range f.trigger.Order.Members() {
		var object map[string]json.RawMessage
		if json.Unmarshal(value, &object) != nil {
			return ""
		}
		value = object[member]
	}
	return string(value)
}

// enqueue sends a unit, or has it wait for the one before it.
func (f *flow) enqueue(u *unit) {
	if f.trigger.Order == "" {
		f.send(u)
		return
	}
	f.mu.Lock()
	waiting, busy := f.busy[u.key]
	room := u.kept() || f.waiting < f.room() // what is kept is bounded by its window
	if busy && room {
		f.busy[u.key] = append(waiting, u)
		f.waiting++
	} else if !busy {
		f.busy[u.key] = nil
	}
	f.mu.Unlock()
	switch {
	case !busy:
		f.send(u)
	case !room:
		f.drop(u, nil, fail.New(fail.Exhausted, "invoke function", "too many events wait for those before them"))
	}
}

// room is how many ordered events may wait for others.
func (f *flow) room() int {
	if on, ok := f.triggers.application.current().(*function); ok {
		return on.room()
	}
	return spec.DefaultQueue
}

// next sends what waited for a unit that is done with.
func (f *flow) next(u *unit) {
	if f.trigger.Order == "" {
		return
	}
	f.mu.Lock()
	waiting := f.busy[u.key]
	var first *unit
	if len(waiting) == 0 {
		delete(f.busy, u.key)
	} else {
		first, f.busy[u.key] = waiting[0], waiting[1:]
		f.waiting--
	}
	f.mu.Unlock()
	if first != nil {
		f.send(first)
	}
}

// send makes a unit a call.
func (f *flow) send(u *unit) {
	on, err := f.triggers.submit(f.event(u), func(on *function, result []byte, err error) {
		f.mu.Lock()
		closed := f.closed
		f.mu.Unlock()
		switch {
		case closed && u.kept(): // the function stops: it comes again
		case errors.Is(err, errDropped) && u.kept():
			f.later(askAgain, func() { f.send(u) })
		case errors.Is(err, errDropped):
			f.drop(u, on, err)
			f.next(u)
		case err == nil && u.kept() && f.trigger.Reply != "": // which waits for the disk
			on.group.Go(func() { f.succeed(u, on, result) })
		case err == nil:
			f.succeed(u, on, result)
		default:
			f.failed(u, on, err)
		}
	})
	switch {
	case err == nil:
	case u.kept():
		f.later(askAgain, func() { f.send(u) })
	default:
		f.drop(u, on, err)
		f.next(u)
	}
}

// askAgain is the pause after a kept event has found the queue full or no function.
const askAgain = 50 * time.Millisecond

// drop gives up a unit that is not kept.
func (f *flow) drop(u *unit, on *function, err error) {
	for _, m := range u.messages {
		m.finish(on, nil, err)
		f.triggers.drop(on, string(m.topic), err)
	}
}

// event is the unit as the function gets it.
func (f *flow) event(u *unit) event {
	if f.trigger.Batch.Events == 0 {
		m := u.messages[0]
		return event{kind: TypeMessage, source: "/topics/" + string(m.topic), subject: string(m.topic), contentType: f.trigger.Payload.ContentType(), payload: m.payload}
	}
	return event{
		kind: TypeMessage, source: "/topics/" + string(f.trigger.Topic), subject: string(f.trigger.Topic),
		contentType: "application/cloudevents-batch+json", payload: f.triggers.batched(u.messages),
	}
}

// batched are messages as a JSON batch of CloudEvents.
func (t *triggers) batched(messages []*message) []byte {
	type cloudEvent struct {
		SpecVersion string          `json:"specversion"`
		ID          string          `json:"id"`
		Source      string          `json:"source"`
		Type        string          `json:"type"`
		Subject     string          `json:"subject"`
		Data        json.RawMessage `json:"data,omitempty"`
		Base64      []byte          `json:"data_base64,omitempty"`
	}
	events := make([]cloudEvent, len(messages))
	for i, m := range messages {
		events[i] = cloudEvent{
			SpecVersion: "1.0", ID: newID(), Type: TypeMessage, Subject: string(m.topic),
			Source: "fescue://" + string(t.application.engine.Device) + "/topics/" + string(m.topic),
		}
		if json.Valid(m.payload) {
			events[i].Data = m.payload
		} else {
			events[i].Base64 = m.payload
		}
	}
	text, _ := json.Marshal(events) // valid JSON and bytes never fail
	return text
}
