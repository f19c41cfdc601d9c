package engine

import (
	"context"
	"errors"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
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
	return f.ask(ctx, event{kind: TypeInvoke, source: "/invoke", contentType: contentType, payload: payload}, nil)
}

// ask calls the function for an event and waits for the result. If it comes in parts, parts is given them, in this goroutine,
// and what is returned is the rest; nil takes the result as a whole.
func (f *function) ask(ctx context.Context, e event, parts func(head, data []byte) error) ([]byte, error) {
	type outcome struct {
		result []byte
		err    error
	}
	app := string(f.launcher.application.name)
	done := make(chan outcome, 1)
	c := f.call(e, func(result []byte, err error) { done <- outcome{result, err} })
	c.ctx = ctx
	var s *stream
	var came <-chan struct{} // never, where nobody takes parts
	if parts != nil {
		s = newStream()
		came, c.invocation.Part = s.came, s.add
	}
	if err := f.submit(c); err != nil {
		return nil, fail.Wrap(err, fail.Unavailable, "invoke", app)
	}
	for {
		select {
		case o := <-done:
			if o.err == nil && parts != nil {
				o.err = f.pass(c, s, parts) // what came before the end
			}
			return o.result, fail.Wrap(o.err, fail.Internal, "invoke", app)
		case <-came:
			if err := f.pass(c, s, parts); err != nil {
				f.giveUp(c)
				return nil, fail.Wrap(err, fail.Canceled, "invoke", app)
			}
		case <-ctx.Done():
			f.giveUp(c)
			kind := fail.Canceled
			if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
				kind = fail.Timeout
			}
			return nil, fail.New(kind, "invoke", "%w", context.Cause(ctx)).On(app).
				WithHint("It was waiting for a worker, or the handler takes longer than the caller; see `fescue logs %s`.", app)
		}
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
