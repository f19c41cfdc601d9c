package gateway

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Route is one HTTP trigger of an application.
type Route struct {
	Application spec.Name
	Trigger     spec.Trigger
	// Call has the function handle a request. ctx ends when the caller has gone or its time
	// is over.
	Call func(ctx context.Context, r *Request) (result []byte, err error)
	// Data is the application's own directory, for bodies that are files; UID and GID
	// own them.
	Data     string
	UID, GID int
}

// pattern is the route as [http.ServeMux] has it. A path means itself, not what is below it.
func (r *Route) pattern() string {
	path := r.Trigger.HTTP.Path()
	if strings.HasSuffix(path, "/") {
		path += "{$}"
	}
	return strings.TrimSpace(r.Trigger.HTTP.Method() + " " + path)
}

// Reserve claims routes for an application beside those it has: it is fail.Conflict if another
// has one of them. [Gateway.Set] replaces both.
func (g *Gateway) Reserve(app spec.Name, routes []Route) error {
	g.changing.Lock()
	defer g.changing.Unlock()
	before := g.claim(app)
	if len(routes) == 0 && before.reserved == nil {
		return nil
	}
	g.routes[app] = &claim{active: before.active, reserved: routes}
	if err := g.clash(app, routes); err != nil {
		g.put(app, before)
		return err
	}
	return nil
}

// Set makes routes those of the application.
func (g *Gateway) Set(app spec.Name, routes []Route) error {
	g.changing.Lock()
	defer g.changing.Unlock()
	before := g.claim(app)
	g.put(app, &claim{active: routes})
	table, err := g.build()
	if err != nil {
		g.put(app, before)
		return err
	}
	g.table.Store(table)
	g.async.wake()
	return nil
}

func (g *Gateway) claim(app spec.Name) *claim {
	if c := g.routes[app]; c != nil {
		return c
	}
	return &claim{}
}

func (g *Gateway) put(app spec.Name, c *claim) {
	if len(c.active)+len(c.reserved) == 0 {
		delete(g.routes, app)
		return
	}
	g.routes[app] = c
}

// clash tells whether the routes can stand beside those of all other applications.
func (g *Gateway) clash(app spec.Name, routes []Route) error {
	table := http.NewServeMux()
	for _, name := range slices.Sorted(maps.Keys(g.routes)) {
		if name == app {
			continue
		}
		c := g.routes[name]
		for _, r := range append(slices.Clone(c.active), c.reserved...) {
			_ = add(table, r.pattern(), http.NotFoundHandler()) // an application's versions may have one in common
		}
	}
	for i := range routes {
		if err := add(table, routes[i].pattern(), http.NotFoundHandler()); err != nil {
			return fail.New(fail.Conflict, "take route", "another application, or another route of this one, has it: %w", err).On(string(routes[i].Trigger.HTTP)).
				WithHint("Choose another path; every application's routes share one listener.")
		}
	}
	return nil
}

// build makes the table of all active routes.
func (g *Gateway) build() (*http.ServeMux, error) {
	table := http.NewServeMux()
	shared := map[string][]*Route{} // by path: what a browser asks before it calls
	for _, name := range slices.Sorted(maps.Keys(g.routes)) {
		active := g.routes[name].active
		for i := range active {
			r := &active[i]
			handler := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { g.serve(w, q, r) })
			if err := add(table, r.pattern(), handler); err != nil {
				return nil, fail.Wrap(err, fail.Conflict, "take route", string(r.Trigger.HTTP))
			}
			if len(r.Trigger.Origins) > 0 && r.Trigger.HTTP.Method() != "" {
				_, path, _ := strings.Cut(r.pattern(), " ")
				shared[path] = append(shared[path], r)
			}
		}
	}
	for path, routes := range shared {
		if err := add(table, "OPTIONS "+path, preflight(routes)); err != nil {
			return nil, err
		}
	}
	return table, add(table, "GET "+resultsPath+"{id}", http.HandlerFunc(g.result))
}

// add adds a pattern; ServeMux tells of a conflict by a panic.
func add(table *http.ServeMux, pattern string, h http.Handler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			text, _, _ := strings.Cut(fmt.Sprint(p), "\n")
			err = fmt.Errorf("%s", text)
		}
	}()
	table.Handle(pattern, h)
	return nil
}

// find is the active route of an application, by how it is written.
func (g *Gateway) find(app spec.Name, route spec.Route) (*Route, bool) {
	g.changing.Lock()
	defer g.changing.Unlock()
	active := g.claim(app).active
	for i := range active {
		if active[i].Trigger.HTTP == route {
			return &active[i], true
		}
	}
	return nil, false
}
