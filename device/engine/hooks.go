package engine

import (
	"context"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/spec"
)

// activate tells the function that it is the one that runs: its start hooks are called.
func (f *function) activate() {
	f.active.Store(true)
	for _, w := range f.hooks(spec.HookStart) {
		f.callHook(w, TypeStart, func() {})
	}
}

// deactivate calls the stop hooks, of a function that was active, and waits for them
// within the grace.
func (f *function) deactivate() {
	if !f.active.Swap(false) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), f.launcher.application.engine.grace()) // for what is to end
	defer cancel()
	for _, w := range f.hooks(spec.HookStop) {
		done := make(chan struct{})
		f.callHook(w, TypeStop, func() { close(done) })
		select {
		case <-done:
		case <-ctx.Done():
			f.log.Note("warning", "the stop hook did not end in time")
			return
		}
	}
}

func (f *function) hooks(h spec.Hook) []spec.Trigger {
	var all []spec.Trigger
	for _, w := range f.launcher.config.Triggers {
		if w.Hook == h {
			all = append(all, w)
		}
	}
	return all
}

// callHook calls the function for a moment of its life; done is called once.
func (f *function) callHook(w spec.Trigger, kind string, done func()) {
	a := f.launcher.application
	e := event{kind: kind, source: "/applications/" + string(a.name), subject: string(a.name), more: []exchange.Attribute{
		{Name: "version", Value: string(f.launcher.release.Version)},
	}}
	err := f.submit(f.call(e, func(result []byte, err error) {
		defer done()
		client, opening := a.engine.Exchange.Local(a.name)
		if opening != nil {
			return // its permissions have ended
		}
		defer client.Close() //nolint:errcheck // never fails
		a.triggers.publish(f, client, w, result, err)
	}))
	if err != nil {
		f.log.Note("error", "the hook was not called: "+err.Error())
		done()
	}
}

// invocations serves functions that call others of this device, which their permission to
// publish on the topic of that one's name has let through.
func (e *Engine) invocations(ctx context.Context) (stop func(), err error) {
	client, err := e.Exchange.Local("")
	if err != nil {
		return nil, err
	}
	_, err = client.Subscribe(spec.InvokeTopic+"+", exchange.SubscribeOptions{Answers: true}, func(m exchange.Message) {
		if !m.Asks() {
			return
		}
		callee := spec.Name(m.Topic[len(spec.InvokeTopic):])
		go func() { // bounded by what may be asked at once, and by the function's queue
			ctx, cancel := context.WithTimeout(ctx, longestInvocation)
			defer cancel()
			result, err := e.Invoke(ctx, callee, "", m.Payload)
			answer(m, result, err)
		}()
	})
	if err != nil {
		_ = client.Close() // never fails
		return nil, err
	}
	return func() { _ = client.Close() }, nil
}

// longestInvocation bounds a call from another function; the caller's own time-out is mostly shorter.
const longestInvocation = time.Hour
