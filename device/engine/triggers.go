package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// triggers are an application's subscriptions that call its function. They
// belong to the application, not to a version: one that both versions have goes on without a
// gap when they change over.
type triggers struct {
	application *application

	mu     sync.Mutex
	client *exchange.Client
	subs   map[spec.Trigger]*exchange.Subscription

	dropping sync.Mutex
	dropped  int
	toldAt   time.Time
}

// update makes the subscriptions those of the triggers. The application must
// have its permissions.
func (t *triggers) update(wanted []spec.Trigger) {
	t.mu.Lock()
	defer t.mu.Unlock()
	keep := map[spec.Trigger]bool{}
	for _, w := range wanted {
		keep[w] = true
	}
	for trigger, sub := range t.subs {
		if !keep[trigger] {
			sub.Close()
			delete(t.subs, trigger)
		}
	}
	for _, w := range wanted {
		if err := t.add(w); err != nil {
			t.application.log.Error("a trigger has no effect", "topic", w.Topic, "error", err)
		}
	}
}

func (t *triggers) add(w spec.Trigger) error {
	if t.subs[w] != nil {
		return nil
	}
	if t.client == nil {
		client, err := t.application.engine.Exchange.Local(t.application.name)
		if err != nil {
			return err
		}
		t.client, t.subs = client, map[spec.Trigger]*exchange.Subscription{}
	}
	client := t.client
	sub, err := client.Subscribe(w.Topic, exchange.SubscribeOptions{}, func(m exchange.Message) { t.fire(client, w, m) })
	if err == nil {
		t.subs[w] = sub
	}
	return err
}

// close ends all of them.
func (t *triggers) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.client != nil {
		_ = t.client.Close() // never fails
	}
	t.client, t.subs = nil, nil
}

// fire makes a message a call of the function that runs now.
func (t *triggers) fire(client *exchange.Client, w spec.Trigger, m exchange.Message) {
	f, ok := t.application.current().(*function)
	if !ok {
		return // it is being stopped
	}
	i := f.launcher.invocation(TypeMessage, "/topics/"+string(m.Topic), string(m.Topic), m.Payload)
	c := &call{ctx: context.Background(), invocation: i, finish: func(result []byte, err error) { t.finish(f, client, w, result, err) }}
	for err := f.submit(c); err != nil; err = f.submit(c) {
		next, ok := t.application.current().(*function)
		if !ok || next == f {
			t.drop(f, m.Topic, err)
			return
		}
		f = next // versions have just changed over
	}
}

// finish publishes what the handler returned. An empty result (None) says that
// there is nothing to publish.
func (t *triggers) finish(f *function, client *exchange.Client, w spec.Trigger, result []byte, err error) {
	var exception *exchange.HandlerError
	switch {
	case errors.As(err, &exception): // the pool has logged it
	case err != nil:
		f.log.Note("error", err.Error())
	case w.Reply != "" && len(result) > 0:
		if err := client.Publish(w.Reply, result); err != nil {
			f.log.Note("error", fmt.Sprintf("what the handler returned was not published: %v", err))
		}
	}
}

// tellDrops is the least time between two notes of dropped events.
const tellDrops = 10 * time.Second

// drop counts an event that found no room, and says so from time to time.
func (t *triggers) drop(f *function, topic spec.Topic, err error) {
	t.dropping.Lock()
	defer t.dropping.Unlock()
	t.dropped++
	if time.Since(t.toldAt) < tellDrops {
		return
	}
	f.log.Note("warning", fmt.Sprintf("%d events were dropped, the last on %s: %v. %s", t.dropped, topic, err, fail.HintOf(err)))
	t.dropped, t.toldAt = 0, time.Now()
}
