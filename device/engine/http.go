package engine

import (
	"context"
	"errors"

	"fescue.dev/fescue/device/gateway"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// routes are the HTTP triggers for the gateway.
func (t *triggers) routes(all []spec.Trigger) []gateway.Route {
	a := t.application
	var routes []gateway.Route
	for _, w := range all {
		if w.HTTP != "" {
			routes = append(routes, gateway.Route{
				Application: a.name, Trigger: w, Call: t.handler(w), Data: a.dataPath(), UID: a.uid, GID: a.gid,
			})
		}
	}
	return routes
}

// handler is what the gateway calls for a route. A result is also published, where the route says so: then it is
// taken as a whole.
func (t *triggers) handler(w spec.Trigger) func(context.Context, *gateway.Request) ([]byte, error) {
	return func(ctx context.Context, r *gateway.Request) ([]byte, error) {
		if form := w.Payload.ContentType(); form != "" {
			r.ContentType = form // what the caller said is among the headers
		}
		if w.Reply != "" {
			r.Parts = nil
		}
		result, err := t.handle(ctx, r)
		if err != nil || w.Reply == "" || len(result) == 0 {
			return result, err
		}
		client, err := t.application.engine.Exchange.Local(t.application.name)
		if err != nil {
			return nil, err
		}
		defer client.Close() //nolint:errcheck // never fails
		return result, client.Publish(w.Reply, result)
	}
}

// handle calls the function that runs now for a request.
func (t *triggers) handle(ctx context.Context, r *gateway.Request) ([]byte, error) {
	for {
		f, ok := t.application.current().(*function)
		if !ok {
			return nil, fail.New(fail.Unavailable, "invoke", "it does not run").On(string(t.application.name))
		}
		result, err := f.ask(ctx, requestEvent(r), r.Parts)
		if errors.Is(err, errStopped) && t.application.current() != instance(f) {
			continue // versions have just changed over
		}
		return result, err
	}
}

// requestEvent is a request as an event: what HTTP adds to CloudEvents is in attributes that
// begin with http.
func requestEvent(r *gateway.Request) event {
	e := event{
		kind: TypeHTTP, source: "/http", subject: r.Path, contentType: r.ContentType, payload: r.Body,
		more: []exchange.Attribute{{Name: "httpmethod", Value: r.Method}, {Name: "httpheaders", Value: r.Headers}},
	}
	for _, a := range []exchange.Attribute{
		{Name: "httpquery", Value: r.Query}, {Name: "httpparameters", Value: r.Parameters},
		{Name: "httpremote", Value: r.Remote}, {Name: "httpfile", Value: r.File}, {Name: "httpstream", Value: r.Stream},
	} {
		if a.Value != "" {
			e.more = append(e.more, a)
		}
	}
	return e
}

// reserveRoutes makes sure that no other application has the version's routes.
func (d *deployment) reserveRoutes() error {
	routes := d.triggers.routes(d.desired.Configuration.Triggers)
	switch {
	case d.engine.Gateway != nil:
		return d.engine.Gateway.Reserve(d.name, routes)
	case len(routes) > 0:
		return fail.New(fail.Unsupported, "take routes", "this device has no HTTP gateway").On("triggers").
			WithHint("Start the agent with --gateway, or deploy it to a device that has one.")
	}
	return nil
}
