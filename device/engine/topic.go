package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// subscription is a topic trigger at work, of messages that are handled at most once.
type subscription struct {
	*exchange.Subscription
	flow *flow
}

func (s subscription) close() {
	s.Close()
	s.flow.close()
}

// subscribe makes each message of a topic a call of the function.
func (t *triggers) subscribe(client *exchange.Client, w spec.Trigger) (source, error) {
	if w.Delivery == spec.AtLeastOnce {
		return t.consume(client, w)
	}
	f := newFlow(t, client, w)
	sub, err := client.Subscribe(w.Topic, exchange.SubscribeOptions{Answers: true}, func(m exchange.Message) {
		f.arrive(&message{topic: m.Topic, payload: m.Payload, end: func(_ *function, result []byte, err error) { answer(m, result, err) }})
	})
	if err != nil {
		return nil, err
	}
	return subscription{sub, f}, nil
}

func answer(m exchange.Message, result []byte, err error) {
	switch {
	case !m.Asks():
	case err != nil:
		m.Refuse(err.Error())
	default:
		m.Respond(result)
	}
}

// consumption is a topic trigger at work, of messages that are kept until they have been handled.
type consumption struct {
	*exchange.Consumption
	flow   *flow
	forget func()
}

func (c consumption) close() {
	c.Close()
	c.flow.close()
}

// place is where Data Xchange remembers what of a topic the function has handled: the
// same for all versions.
func place(w spec.Trigger) string {
	sum := sha256.Sum256([]byte(w.Topic))
	return "trigger-" + hex.EncodeToString(sum[:8])
}

const (
	// aheadOfWorkers is how many messages are taken from a place for each call that can be under way.
	aheadOfWorkers = 2
	// leastOrdered is how many are at least, where a message can hold back those of its kind.
	leastOrdered = 256
	// answerTime is how long a message may be with the engine, which answers for each: only
	// its own end leaves one without.
	answerTime = 24 * time.Hour
)

// consume makes each kept message a call, again and again until the handler has succeeded, or
// its retries are over.
func (t *triggers) consume(client *exchange.Client, w spec.Trigger) (source, error) {
	f := newFlow(t, client, w)
	var limits spec.Limits
	if active := t.application.record().Active; active != nil {
		limits = active.Configuration.Limits
	}
	pending := aheadOfWorkers * max(limits.Concurrency, 1) * max(w.Batch.Events, 1)
	if w.Order != "" {
		pending = max(pending, leastOrdered)
	}
	c, err := client.Consume(exchange.ConsumeOptions{
		Place: place(w), Filter: w.Topic, Pending: pending, Patience: answerTime, DeadLetter: w.DeadLetter,
	}, func(d exchange.Delivery) {
		f.arrive(&message{topic: spec.Topic(d.Topic), payload: d.Payload, delivery: &d, attempt: d.Attempt})
	})
	if err != nil {
		return nil, err
	}
	return consumption{c, f, func() { client.Forget(place(w)) }}, nil
}

// longestBackoff bounds the pauses between the attempts at an event.
const longestBackoff = 5 * time.Minute

// pauseAfter is the pause before the next attempt at an event.
func pauseAfter(w spec.Trigger, attempt int) time.Duration {
	return min(time.Duration(w.Backoff)<<min(max(attempt-1, 0), 20), longestBackoff)
}

// succeed acknowledges what was kept, after the reply is as safe as its topic is.
func (f *flow) succeed(u *unit, on *function, result []byte) {
	if u.kept() && f.trigger.Reply != "" && len(result) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := f.client.Store(ctx, f.trigger.Reply, result, ""); err != nil && !fail.Is(err, fail.NotFound) {
			f.failed(u, on, fail.New(fail.KindOf(err), "publish reply", "%w", err))
			return
		} else if err == nil {
			result = nil // it is published
		}
	}
	f.triggers.publish(on, f.client, f.trigger, result, nil)
	for _, m := range u.messages {
		m.finish(on, result, nil)
	}
	f.next(u)
}

// failed tries again what was kept, or gives it up.
func (f *flow) failed(u *unit, on *function, err error) {
	f.triggers.publish(on, f.client, f.trigger, nil, err)
	if !u.kept() {
		for _, m := range u.messages {
			m.finish(on, nil, err)
		}
		f.next(u)
		return
	}
	u.attempt++
	if f.trigger.Order != "" && u.attempt <= int(f.trigger.Retries) {
		f.later(pauseAfter(f.trigger, u.attempt), func() { f.send(u) }) // those behind it wait
		return
	}
	for _, m := range u.messages {
		if f.trigger.Order == "" && m.attempt <= int(f.trigger.Retries) {
			m.delivery.Again(pauseAfter(f.trigger, m.attempt))
			continue
		}
		f.giveUp(m, on, err)
	}
	f.next(u)
}

func (f *flow) giveUp(m *message, on *function, err error) {
	where := "it has no dead letter topic, and is lost"
	if f.trigger.DeadLetter != "" {
		where = "it goes to " + string(f.trigger.DeadLetter)
	}
	if on != nil {
		on.log.Note("error", fmt.Sprintf("an event of %s was given up after %d attempts; %s: %v", m.topic, int(f.trigger.Retries)+1, where, err))
	}
	m.delivery.Reject()
}
