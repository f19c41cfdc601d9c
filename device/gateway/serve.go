package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Request is a request as the function gets it, and as it is kept when nobody waits.
type Request struct {
	Method      string `json:"method"`
	Path        string `json:"path"`
	Query       string `json:"query,omitempty"`      // as it was written
	Parameters  string `json:"parameters,omitempty"` // of the path, written like a query
	Headers     string `json:"headers,omitempty"`    // a JSON object
	Remote      string `json:"remote,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	Body        []byte `json:"body,omitempty"`
	File        string `json:"file,omitempty"` // the body, where the route asks for a file
	Stream      string `json:"-"`              // the pipe that the body comes through, where it asks for that
	// Parts takes a result piece by piece, while the handler makes it: what it says beside its body comes with the first. Without
	// it the result comes as a whole.
	Parts func(head, data []byte) error `json:"-"`
}

// ServeHTTP finds the route. What has none is told in the form of all errors.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	table := g.table.Load()
	if h, pattern := table.Handler(q); pattern == "" {
		refused := refusal{header: http.Header{}}
		h.ServeHTTP(&refused, q)
		if allow := refused.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			problem(w, http.StatusMethodNotAllowed, "this path has other methods: "+allow)
			return
		}
		if to := refused.header.Get("Location"); to != "" {
			http.Redirect(w, q, to, refused.status)
			return
		}
		problem(w, http.StatusNotFound, "no function of this device has this path")
		return
	}
	table.ServeHTTP(w, q)
}

// refusal takes ServeMux's own answer, to be told in other words.
type refusal struct {
	header http.Header
	status int
}

// Header is http.ResponseWriter's.
func (r *refusal) Header() http.Header { return r.header }

// WriteHeader is http.ResponseWriter's.
func (r *refusal) WriteHeader(status int) { r.status = status }

// Write is http.ResponseWriter's; the text is left out.
func (r *refusal) Write(p []byte) (int, error) { return len(p), nil }

// serve is one request of a route.
func (g *Gateway) serve(w http.ResponseWriter, q *http.Request, route *Route) {
	t := &route.Trigger
	allowOrigin(w, q, t.Origins)
	if t.Auth != spec.AuthPublic && !g.allowed(q) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		problem(w, http.StatusUnauthorized, "this route asks for the gateway's token: Authorization: Bearer …")
		return
	}
	callback, err := callbackFor(t, q.Header.Get(CallbackHeader))
	if err != nil && t.Async {
		problemOf(w, err, true)
		return
	}
	r := describe(q, route)
	if t.Body == spec.BodyStream {
		g.stream(w, q, route, r)
		return
	}
	if err := r.take(w, q, route); err != nil {
		w.Header().Set("Connection", "close")
		problemOf(w, err, false)
		return
	}
	if t.Async {
		g.keep(w, route, r, callback)
		return
	}
	if r.File != "" {
		defer os.Remove(r.File) // the application may have moved it
	}
	ctx, cancel := context.WithTimeout(q.Context(), time.Duration(t.Timeout))
	defer cancel()
	g.call(ctx, w, q, route, r, nil)
}

// call calls the function, and answers with what comes of it: piece by piece if it comes so. after, if not nil, is called
// between the two; its error is told in place of the function's.
func (g *Gateway) call(ctx context.Context, w http.ResponseWriter, q *http.Request, route *Route, r *Request, after func() error) {
	s := &streamed{ctx: ctx, w: w}
	r.Parts = s.take
	result, err := route.Call(ctx, r)
	gone := q.Context().Err() != nil // asked now: a body that is not read to its end makes it look so
	if after != nil {
		if instead := after(); instead != nil {
			err = instead
		}
	}
	if s.begun {
		s.end(g, gone, route, result, err)
	}
	switch {
	case s.begun, gone: // it is answered; nobody waits
	case err != nil:
		problemOf(w, err, route.Trigger.Auth != spec.AuthPublic)
	default:
		respond(w, q, route, result)
	}
}

// describe is the request without its body.
func describe(q *http.Request, route *Route) *Request {
	r := &Request{
		Method: q.Method, Path: q.URL.Path, Query: q.URL.RawQuery, Remote: q.RemoteAddr, ContentType: q.Header.Get("Content-Type"),
	}
	parameters := url.Values{}
	for _, name := range route.Trigger.HTTP.Parameters() {
		parameters.Set(name, q.PathValue(name))
	}
	r.Parameters = parameters.Encode()
	headers := make(map[string]string, len(q.Header)+1)
	for name, values := range q.Header {
		if name != "Authorization" || route.Trigger.Auth == spec.AuthPublic { // the gateway's token is not the function's to see
			headers[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	headers["host"] = q.Host
	text, _ := json.Marshal(headers) // strings never fail
	r.Headers = string(text)
	return r
}

// bodyTime is how long a body may take that is not streamed to a file.
const bodyTime = 30 * time.Second

// take reads the body, to memory or to a file.
func (r *Request) take(w http.ResponseWriter, q *http.Request, route *Route) error {
	const op = "read body"
	limit := int64(route.Trigger.MaxBody)
	if q.ContentLength > limit {
		return tooLarge(limit)
	}
	body := http.MaxBytesReader(w, q.Body, limit)
	if route.Trigger.Body == spec.BodyFile {
		return r.toFile(body, route)
	}
	// A link that has no deadlines is one of a test.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	var err error
	r.Body, err = io.ReadAll(body)
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return bodyError(op, err)
}

func bodyError(op string, err error) error {
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &large):
		return tooLarge(large.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fail.New(fail.Timeout, op, "the body did not come in time")
	}
	return fail.Wrap(err, fail.Invalid, op, "")
}

func tooLarge(limit int64) error {
	return fail.New(fail.TooLarge, "read body", "the body has more than the %s bytes that this route takes", strconv.FormatInt(limit, 10))
}
