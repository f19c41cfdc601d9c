package exchange

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fescue.dev/fescue/exchange/kept"
)

// PeerMQTT is a [PeerNATS] whose MQTT clients have sessions, to which a message with
// QoS 1 or 2 is promised; package fabric has it.
type PeerMQTT interface {
	PeerNATS
	// Promises tells whether there can be such clients at all.
	Promises() bool
	// Awaited tells whether a subscription with QoS would get a message.
	Awaited(subject string) bool
	// PublishPromised is Publish of a message that subscriptions with QoS pass over,
	// because they get it by Promise.
	PublishPromised(subject string, payload []byte) error
	// Promise stores a message for the subscriptions with QoS, once for each id.
	Promise(subject string, payload []byte, id string, done func(error))
	// Take gives what clients publish with QoS on the subjects, until stop; a message
	// that was not done comes again.
	Take(ctx context.Context, subjects []string, take func(subject string, payload []byte, id string, done func(error))) (stop func(), err error)
}

// bridge joins kept topics and MQTT's promises: a kept message of an application goes
// on to the sessions of MQTT clients, from a place of its own, and what clients publish
// with QoS waits at the peer until it is kept. Whatever is killed in between, the
// message is on disk on one side or the other.
type bridge struct {
	router *Router
	nats   PeerMQTT
	rules  atomic.Pointer[[]*rule] // those there are, by application and filter
	out    map[*rule]*kept.Consumer
	stop   func() // taking in
}

const (
	bridgePlace  = "$mqtt" // no place of an application is called so
	bridgeWindow = 64      // messages of a rule on their way to the peer
	bridgePause  = time.Second
)

// bridge joins kept topics and MQTT until stop, which waits. Without MQTT what it had
// not given yet is forgotten: nobody would ever take it.
func (r *Router) bridge(ctx context.Context, nats PeerMQTT) (stop func()) {
	if nats == nil {
		for _, ru := range r.stores.list() {
			ru.log.Forget(bridgePlace)
		}
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { r.runBridge(ctx, nats) })
	return func() {
		cancel()
		running.Wait()
	}
}

// runBridge bridges until ctx is done.
func (r *Router) runBridge(ctx context.Context, nats PeerMQTT) {
	b := &bridge{router: r, nats: nats, out: map[*rule]*kept.Consumer{}, stop: func() {}}
	defer b.end()
	var again <-chan time.Time
	for {
		again = nil
		if err := b.reconcile(ctx); err != nil && ctx.Err() == nil {
			r.opt.Log.Warn("kept topics and MQTT sessions are not joined, it is tried again", "error", err)
			again = time.After(bridgePause)
		}
		select {
		case <-r.stores.changed:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

func (b *bridge) end() {
	b.stop()
	for ru, c := range b.out {
		ru.taken.Store(false)
		c.Close()
	}
}

// reconcile joins the rules there are.
func (b *bridge) reconcile(ctx context.Context) error {
	rules := b.router.stores.list()
	b.rules.Store(&rules)
	for ru, c := range b.out {
		if !slices.Contains(rules, ru) {
			c.Close()
			delete(b.out, ru)
		}
	}
	if err := b.takeIn(ctx, rules); err != nil {
		return err
	}
	for _, ru := range rules {
		if err := b.giveOut(ru); err != nil {
			return err
		}
	}
	return nil
}

// takeIn has the peer keep what clients publish with QoS on the rules' topics until
// it is kept here.
func (b *bridge) takeIn(ctx context.Context, rules []*rule) error {
	b.stop()
	stop, err := b.nats.Take(ctx, subjectsApart(rules), b.take)
	if err != nil {
		b.stop = func() {}
		return err
	}
	b.stop = stop
	for _, ru := range rules {
		ru.taken.Store(true)
	}
	return nil
}

// subjectsApart are the rules' subjects, of which no two match the same; everything
// if there are filters that do and none covers the other.
func subjectsApart(rules []*rule) []string {
	var filters []string
	for _, ru := range rules {
		f := string(ru.Keep.Topic)
		if slices.ContainsFunc(filters, func(have string) bool { return covers(have, f) }) {
			continue
		}
		filters = append(slices.DeleteFunc(filters, func(have string) bool { return covers(f, have) }), f)
	}
	var subjects []string
	for _, f := range filters {
		subjects = append(subjects, subjectsOf(f)...)
	}
	for i, a := range filters {
		for _, other := range filters[i+1:] {
			if overlap(a, other) {
				return []string{">"}
			}
		}
	}
	return subjects
}

// overlap tells whether there are topics that both filters match.
func overlap(a, b string) bool {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	for i := 0; ; i++ {
		switch {
		case i < len(as) && as[i] == "#", i < len(bs) && bs[i] == "#":
			return true
		case i >= len(as) || i >= len(bs):
			// "a/#" matches "a" too.
			return len(as) == len(bs) || i+1 == len(as) && as[i] == "#" || i+1 == len(bs) && bs[i] == "#"
		case as[i] != bs[i] && as[i] != "+" && bs[i] != "+":
			return false
		}
	}
}

// take keeps a client's message wherever its topic is kept. The same message may come
// again; its id tells.
func (b *bridge) take(subject string, payload []byte, id string, done func(error)) {
	topic, ok := topicOf(subject)
	var rules []*rule
	for _, ru := range *b.rules.Load() {
		if ok && matches(string(ru.Keep.Topic), topic) {
			rules = append(rules, ru)
		}
	}
	var waiting atomic.Int32
	var failure atomic.Pointer[error]
	waiting.Store(int32(len(rules)) + 1)
	settle := func(ru *rule, err error) {
		if err != nil {
			ru.failed.note(b.router, ru, err)
			failure.Store(&err)
		}
		if waiting.Add(-1) > 0 {
			return
		}
		if err := failure.Load(); err != nil {
			done(*err)
			return
		}
		done(nil)
	}
	for _, ru := range rules {
		m := kept.Message{Time: b.router.opt.Clock(), Topic: topic, From: FromNATS, Payload: payload}
		ru.log.Append(m, id, func(err error) { settle(ru, err) })
	}
	settle(nil, nil)
}

// giveOut gives what a rule keeps of applications to the peer's sessions.
func (b *bridge) giveOut(ru *rule) error {
	if b.out[ru] != nil {
		return nil
	}
	everything := func(string) bool { return true }
	place, err := ru.log.Place(bridgePlace, kept.PlaceOptions{Filter: "#", Match: everything})
	if err != nil {
		return err
	}
	c := &kept.Consumer{Window: bridgeWindow, Patience: 2 * time.Minute}
	c.Deliver = func(d kept.Delivery) bool {
		b.give(ru, c, d)
		return true
	}
	if err := place.Consume(c); err != nil {
		return err
	}
	b.out[ru] = c
	return nil
}

// give promises one message, unless it is the peer's own, or another rule keeps it too
// and gives it.
func (b *bridge) give(ru *rule, c *kept.Consumer, d kept.Delivery) {
	subject, ok := subjectOf(d.Topic)
	if !ok || d.From == FromNATS || b.first(d.Topic) != ru || !b.nats.Awaited(subject) {
		c.Done(d.Sequence)
		return
	}
	id := fmt.Sprintf("%s-%s-%d-%x", ru.App, ru.Keep.Topic, d.Sequence, d.Time.UnixMilli())
	b.nats.Promise(subject, d.Payload, id, func(err error) {
		if err != nil {
			c.Again(d.Sequence, -1)
			return
		}
		c.Done(d.Sequence)
	})
}

func (b *bridge) first(topic string) *rule {
	for _, ru := range *b.rules.Load() {
		if matches(string(ru.Keep.Topic), topic) {
			return ru
		}
	}
	return nil
}
