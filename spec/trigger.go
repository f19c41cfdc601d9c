package spec

import (
	"strings"
	"time"

	"fescue.dev/fescue/fail"
)

// Trigger is one cause for which the handler is called: messages of a topic, requests
// by HTTP, a schedule, or the application's own start or stop. What belongs to one kind is
// refused with another.
type Trigger struct {
	Topic    Filter   `yaml:"topic,omitempty" json:"topic,omitempty" doc:"MQTT topic filter: the handler is called for each message."`
	HTTP     Route    `yaml:"http,omitempty" json:"http,omitempty" doc:"Method and path at the device's gateway: POST /roots/{id}."`
	Schedule Schedule `yaml:"schedule,omitempty" json:"schedule,omitempty" doc:"A cron expression of five fields, or every 10s."`
	Hook     Hook     `yaml:"hook,omitempty" json:"hook,omitempty" doc:"start: once when the version has come up; stop: before it ends."`

	// Payload is what the handler gets an event's payload as, whatever it looks like.
	Payload PayloadForm `yaml:"payload,omitempty" json:"payload,omitempty" doc:"Of topic and http: json, text or bytes; by the content type, or what it looks like, if left out."`
	// Reply is the topic on which what the handler returns is published.
	Reply Topic `yaml:"reply,omitempty" json:"reply,omitempty" doc:"What the handler returns is published here."`

	Delivery   Delivery `yaml:"delivery,omitempty" json:"delivery,omitempty" doc:"Of topic: at-most-once, or at-least-once: kept on disk until the handler has succeeded. Default at-most-once."`
	Retries    Count    `yaml:"retries,omitempty" json:"retries,omitempty" doc:"With at-least-once: calls after the first that failed. Default 5."`
	Backoff    Duration `yaml:"backoff,omitempty" json:"backoff,omitempty" doc:"With at-least-once: pause before the first of them; it doubles, up to 5m. Default 1s."`
	DeadLetter Topic    `yaml:"deadLetter,omitempty" json:"deadLetter,omitempty" doc:"With at-least-once: where an event goes that could not be handled; kept there as well."`
	Order      Order    `yaml:"order,omitempty" json:"order,omitempty" doc:"Of topic: topic, or payload.MEMBER of a JSON object; events that agree in it are handled one after the other, in order."`
	Batch      Batch    `yaml:"batch,omitempty" json:"batch,omitzero" doc:"Of topic: several events in one call, as a CloudEvents JSON batch."`

	Auth    Auth     `yaml:"auth,omitempty" json:"auth,omitempty" doc:"Of http: token, or public for a route that anybody may call. Default token."`
	Async   bool     `yaml:"async,omitempty" json:"async,omitempty" doc:"Of http: answer 202 once the request is kept on disk; the result is fetched later."`
	Timeout Duration `yaml:"timeout,omitempty" json:"timeout,omitempty" doc:"Of http: how long a caller is kept waiting. Default limits.timeout."`
	Body    Body     `yaml:"body,omitempty" json:"body,omitempty" doc:"Of http: payload; file: the body is streamed to a file below the application's data, whose path is in the attribute httpfile; or stream: the handler reads it while it comes. Default payload."`
	MaxBody Bytes    `yaml:"maxBody,omitempty" json:"maxBody,omitempty" doc:"Of http: largest body. Default 768KiB, which is the most for payload; 1GiB for file and stream."`
	// Callback is where one is told that an asynchronous request has been carried out.
	Callback Callback `yaml:"callback,omitempty" json:"callback,omitzero" doc:"Of http, with async: the result is posted there."`
	Origins  []string `yaml:"origins,omitempty" json:"origins,omitempty" doc:"Of http: origins of web pages that may call it (CORS); * for all."`

	Zone   Zone   `yaml:"zone,omitempty" json:"zone,omitempty" doc:"Of a cron expression: time zone, such as Europe/Berlin. Default UTC."`
	Missed Missed `yaml:"missed,omitempty" json:"missed,omitempty" doc:"Of a cron expression: runs that fell into a time when the device was off: skip them, or make up for all of them once. Default skip."`
}

// Delivery is what a trigger promises about messages.
type Delivery string

// The promises.
const (
	AtMostOnce  Delivery = "at-most-once"
	AtLeastOnce Delivery = "at-least-once"
)

// Count is a number that may be 0, unlike others.
type Count int

// Auth is who may call a route.
type Auth string

// Who may call a route: whoever has the gateway's token, or everybody.
const (
	AuthToken  Auth = "token"
	AuthPublic Auth = "public"
)

// Body is how a request's body comes to the handler.
type Body string

// The ways of a body.
const (
	BodyPayload Body = "payload"
	BodyFile    Body = "file"
	BodyStream  Body = "stream"
)

// Callback is where the results of asynchronous requests are posted.
type Callback struct {
	URL     string   `yaml:"url,omitempty" json:"url,omitempty" doc:"Where every result is posted."`
	Origins []string `yaml:"origins,omitempty" json:"origins,omitempty" doc:"Origins, each a scheme and a host, of which a request may name a URL in its header Callback-Url."`
}

// PayloadForm is how a payload comes to the handler.
type PayloadForm string

// The forms.
const (
	PayloadJSON  PayloadForm = "json"
	PayloadText  PayloadForm = "text"
	PayloadBytes PayloadForm = "bytes"
)

// ContentType is that of an event whose payload has the form; "" without one.
func (p PayloadForm) ContentType() string {
	switch p {
	case PayloadJSON:
		return "application/json"
	case PayloadText:
		return "text/plain; charset=utf-8"
	case PayloadBytes:
		return "application/octet-stream"
	}
	return ""
}

// Missed is what becomes of scheduled runs that could not take place.
type Missed string

// What becomes of them.
const (
	MissedSkip Missed = "skip"
	MissedOnce Missed = "once"
)

// Hook is a moment in an application's life.
type Hook string

// The moments.
const (
	HookStart Hook = "start"
	HookStop  Hook = "stop"
)

// Batch is how many events are handed over together.
type Batch struct {
	Events int      `yaml:"events" json:"events" doc:"At most so many in one call."`
	Wait   Duration `yaml:"wait,omitempty" json:"wait" doc:"At most so long after the first. Default 100ms."`
}

// Defaults and bounds of triggers.
const (
	DefaultRetries   Count = 5
	DefaultBackoff         = Duration(time.Second)
	DefaultBatchWait       = Duration(100 * time.Millisecond)
	MaxPayloadBody   Bytes = 768 << 10 // what fits into one frame with its attributes
	DefaultFileBody  Bytes = 1 << 30
)

// Order is what events have in common that are handled one after the other:
// "topic", or "payload.MEMBER" of a JSON object; "" is no order.
type Order string

// OrderTopic keeps the order of each topic.
const OrderTopic Order = "topic"

var orderForm = lazily(`^payload(\.[A-Za-z_][A-Za-z0-9_-]*){1,8}$`)

// Validate tells what is wrong with the order.
func (o Order) Validate() error {
	if o == OrderTopic || orderForm().MatchString(string(o)) && len(o) <= 256 {
		return nil
	}
	return fail.New(fail.Invalid, "", "%q is no order", cutText(string(o))).
		WithHint("Write topic, or payload.device for the member device of a JSON object.")
}

// Members is the path in the payload, or nil for another order.
func (o Order) Members() []string {
	path, ok := strings.CutPrefix(string(o), "payload.")
	if !ok {
		return nil
	}
	return strings.Split(path, ".")
}

// Route is a method and a path at the gateway, as "POST /roots/{id}".
type Route string

var (
	routeForm = lazily(`^(GET|POST|PUT|PATCH|DELETE|ANY) ((?:/(?:[A-Za-z0-9._~-]+|\{[a-z][A-Za-z0-9]*\}))*(?:/|/\{[a-z][A-Za-z0-9]*\.\.\.\})?)$`)
	paramForm = lazily(`\{([a-z][A-Za-z0-9]*)(\.\.\.)?\}`)
)

// ReservedPath begins the paths that are the gateway's own.
const ReservedPath = "/_fescue/"

// Validate tells what is wrong with the route.
func (r Route) Validate() error {
	m := routeForm().FindStringSubmatch(string(r))
	switch {
	case m == nil || m[2] == "" || len(r) > 256:
		return fail.New(fail.Invalid, "", "%q is no route", cutText(string(r))).
			WithHint("Write a method and a path: GET /status, POST /roots/{id}, ANY /files/{path...}.")
	case strings.HasPrefix(m[2]+"/", ReservedPath):
		return fail.New(fail.Invalid, "", "paths below %s are the gateway's own", ReservedPath)
	}
	seen := map[string]bool{}
	for _, name := range r.Parameters() {
		if seen[name] {
			return fail.New(fail.Invalid, "", "the parameter %s stands twice", name)
		}
		seen[name] = true
	}
	return nil
}

// Method is that of the route; "" for ANY.
func (r Route) Method() string {
	method, _, _ := strings.Cut(string(r), " ")
	if method == "ANY" {
		return ""
	}
	return method
}

// Path is that of the route, with parameters in braces.
func (r Route) Path() string {
	_, path, _ := strings.Cut(string(r), " ")
	return path
}

// Parameters are the names of the path's parameters, in order.
func (r Route) Parameters() []string {
	var names []string
	for _, m := range paramForm().FindAllStringSubmatch(r.Path(), -1) {
		names = append(names, m[1])
	}
	return names
}

// cutText keeps what is repeated in a message short.
func cutText(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
