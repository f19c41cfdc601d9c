package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"fescue.dev/fescue/device/gateway"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// triggers are what calls an application's function. They belong to the application,
// not to a version: one that both versions have goes on without a gap when they change over.
type triggers struct {
	application *application

	mu      sync.Mutex
	client  *exchange.Client
	sources map[string]source // by keyOf
	routed  bool

	dropping sync.Mutex
	dropped  int
	toldAt   time.Time
}

// source is one trigger at work.
type source interface{ close() }

// keyOf tells triggers apart.
func keyOf(t spec.Trigger) string {
	text, _ := json.Marshal(t) // texts and numbers never fail
	return string(text)
}

// update makes the triggers those wanted. The application must have its permissions.
func (t *triggers) update(wanted []spec.Trigger) {
	t.mu.Lock()
	defer t.mu.Unlock()
	keep, consumed := map[string]bool{}, map[spec.Filter]bool{}
	for _, w := range wanted {
		keep[keyOf(w)] = true
		consumed[w.Topic] = consumed[w.Topic] || w.Delivery == spec.AtLeastOnce
	}
	for key, s := range t.sources {
		if !keep[key] {
			s.close()
			if c, ok := s.(consumption); ok && !consumed[c.flow.trigger.Topic] {
				c.forget() // no version consumes it any more
			}
			delete(t.sources, key)
		}
	}
	for _, w := range wanted {
		if err := t.add(w); err != nil {
			t.application.log.Error("a trigger has no effect", "trigger", keyOf(w), "error", err)
		}
	}
	t.route(t.routes(wanted))
}

// add opens the source of a topic or a schedule, unless it is open.
func (t *triggers) add(w spec.Trigger) (err error) {
	key := keyOf(w)
	if t.sources[key] != nil || w.Topic == "" && w.Schedule == "" {
		return nil
	}
	if t.client == nil {
		if t.client, err = t.application.engine.Exchange.Local(t.application.name); err != nil {
			return err
		}
	}
	var s source
	if w.Topic != "" {
		s, err = t.subscribe(t.client, w)
	} else {
		s, err = t.schedule(t.client, w)
	}
	if err != nil {
		return err
	}
	if t.sources == nil {
		t.sources = map[string]source{}
	}
	t.sources[key] = s
	return nil
}

// close ends all of them.
func (t *triggers) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.sources {
		s.close()
	}
	if t.client != nil {
		_ = t.client.Close() // never fails
	}
	t.client, t.sources = nil, nil
	t.route(nil)
}

// route gives the application's routes to the gateway.
func (t *triggers) route(routes []gateway.Route) {
	if len(routes) == 0 && !t.routed {
		return
	}
	t.routed = len(routes) > 0
	if t.application.engine.Gateway == nil {
		t.application.log.Error("the routes of an application have no effect: this device has no HTTP gateway any more")
		return
	}
	if err := t.application.engine.Gateway.Set(t.application.name, routes); err != nil {
		t.application.log.Error("the routes of an application have no effect", "error", err)
	}
}

// submit gives an event to the function that runs now; done is called once, unless there is an
// error.
func (t *triggers) submit(e event, done func(f *function, result []byte, err error)) (*function, error) {
	f, ok := t.application.current().(*function)
	for ok {
		err := f.submit(f.call(e, func(result []byte, err error) { done(f, result, err) }))
		if err == nil {
			return f, nil
		}
		next, still := t.application.current().(*function)
		if !still || next == f {
			return f, err
		}
		f = next // versions have just changed over
	}
	return nil, fail.New(fail.Unavailable, "invoke function", "it does not run")
}

// publish publishes what the handler returned, where the trigger says so. An empty result
// (None) says that there is nothing to publish.
func (t *triggers) publish(f *function, client *exchange.Client, w spec.Trigger, result []byte, err error) {
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
func (t *triggers) drop(f *function, what string, err error) {
	t.dropping.Lock()
	defer t.dropping.Unlock()
	t.dropped++
	if f == nil || time.Since(t.toldAt) < tellDrops {
		return
	}
	f.log.Note("warning", fmt.Sprintf("%d events were dropped, the last of %s: %v. %s", t.dropped, what, err, fail.HintOf(err)))
	t.dropped, t.toldAt = 0, time.Now()
}
