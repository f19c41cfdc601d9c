package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// The types of events (CloudEvents 1.0, attribute type) that functions get.
const (
	TypeMessage = "fescue.topic.message" // a message of a trigger's topic; subject is the topic
	TypeInvoke  = "fescue.invoke"        // a direct call
)

// Invoke calls a function once and gives its result. contentType is the
// payload's, or "". What the handler raised is a *exchange.HandlerError; other errors:
// fail.NotFound, fail.Invalid for what is no function, fail.Unavailable while it does not
// run, fail.Exhausted, fail.Timeout, fail.Canceled.
func (e *Engine) Invoke(ctx context.Context, app spec.Name, contentType string, payload []byte) ([]byte, error) {
	f, err := e.functionOf(app)
	if err != nil {
		return nil, err
	}
	type outcome struct {
		result []byte
		err    error
	}
	done := make(chan outcome, 1)
	i := f.launcher.invocation(TypeInvoke, "/invoke", "", payload)
	if contentType != "" {
		i.Attributes = append(i.Attributes, exchange.Attribute{Name: "datacontenttype", Value: contentType})
	}
	err = f.submit(&call{ctx: ctx, invocation: i, finish: func(result []byte, err error) { done <- outcome{result, err} }})
	if err != nil {
		return nil, fail.Wrap(err, fail.Unavailable, "invoke", string(app))
	}
	select {
	case o := <-done:
		return o.result, fail.Wrap(o.err, fail.Internal, "invoke", string(app))
	case <-ctx.Done():
		kind := fail.Canceled
		if context.Cause(ctx) == context.DeadlineExceeded {
			kind = fail.Timeout
		}
		return nil, fail.New(kind, "invoke", "%w", context.Cause(ctx)).On(string(app)).
			WithHint("It was waiting for a worker, or the handler takes longer than the caller; see `fescue logs %s`.", app)
	}
}

// functionOf is the function that runs under the name.
func (e *Engine) functionOf(app spec.Name) (*function, error) {
	const op = "invoke"
	a := e.application(app)
	p, known, _ := e.board.look(app)
	if a == nil || !known {
		return nil, fail.New(fail.NotFound, op, "there is no such application on this device").On(string(app)).
			WithHint("`fescue get applications` lists them.")
	}
	r := a.record()
	switch i := a.current().(type) {
	case *function:
		return i, nil
	case *service:
		return nil, fail.New(fail.Invalid, op, "it is a service, not a function").On(string(app)).
			WithHint("Only applications with a handler are invoked; a service is reached by its topics.")
	}
	err := fail.New(fail.Unavailable, op, "it does not run: it is %s", p.State).On(string(app))
	if r.Active != nil && r.Active.State == spec.Stopped {
		return nil, err.WithHint("Start it with `fescue start %s`.", app)
	}
	return nil, err.WithHint("See `fescue get application %s` and `fescue logs %s`.", app, app)
}

// invocation is an event for the function, with CloudEvents' attributes. source is
// below fescue://<device>.
func (l *launcher) invocation(kind, source, subject string, payload []byte) exchange.Invocation {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	attributes := []exchange.Attribute{
		{Name: "id", Value: hex.EncodeToString(id[:])},
		{Name: "source", Value: "fescue://" + string(l.application.engine.Device) + source},
		{Name: "type", Value: kind},
		{Name: "time", Value: time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00")},
	}
	if subject != "" {
		attributes = append(attributes, exchange.Attribute{Name: "subject", Value: subject})
	}
	return exchange.Invocation{Timeout: time.Duration(l.config.Limits.Timeout), Attributes: attributes, Payload: payload}
}
