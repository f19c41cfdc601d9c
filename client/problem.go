package client

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// maxProblem bounds a problem, whose stack of a handler may be long.
const maxProblem = 4 << 20

// problem is an error as the API answers it (RFC 9457).
type problem struct {
	Code    string        `json:"code"`
	Status  int           `json:"status"`
	Detail  string        `json:"detail"`
	Hint    string        `json:"hint"`
	Faults  spec.Faults   `json:"faults"`
	Handler *HandlerError `json:"handler"`
}

// HandlerError is an exception that a function's handler raised.
type HandlerError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Stack   string `json:"stack"`
}

// Error is the exception, and below it its stack.
func (e *HandlerError) Error() string {
	text := "the function raised " + e.Type + ": " + e.Message
	if stack := strings.TrimSpace(e.Stack); stack != "" {
		text += "\n" + stack
	}
	return text
}

// readProblem is the error that an answer tells of.
func readProblem(answer *http.Response, r *request) error {
	if answer.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return fail.Wrap(errBeyond, fail.Invalid, r.op, r.on)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxProblem))
	var p problem
	if err != nil || json.Unmarshal(text, &p) != nil || p.Code == "" {
		return fail.New(kindOfStatus(answer.StatusCode), r.op, "the server answered %s", answer.Status).On(r.on)
	}
	p.Status = answer.StatusCode
	return p.err(r)
}

// err is the problem as an error of package fail. A detail that says itself what
// was attempted needs no second mention of it.
func (p *problem) err(r *request) error {
	e := &fail.Error{Op: r.op, Kind: p.kind(), Resource: r.on, Hint: p.Hint, Err: errors.New(p.Detail)}
	if strings.HasPrefix(p.Detail, r.op+" ") {
		e.Op, e.Resource = "", ""
	}
	switch {
	case p.Handler != nil:
		e.Err = p.Handler
	case len(p.Faults) > 0:
		e.Err = p.Faults
	}
	return e
}

// kind goes by the code where it is a kind's name, else by the status.
func (p *problem) kind() fail.Kind {
	if k := fail.ParseKind(p.Code); k.String() == p.Code {
		return k
	}
	return kindOfStatus(p.Status)
}

// errBeyond is the cause of an error that says that a range begins behind the end.
var errBeyond = errors.New("the range begins behind the end")

func isBeyond(err error) bool { return errors.Is(err, errBeyond) }

func kindOfStatus(status int) fail.Kind {
	switch status {
	case http.StatusUnauthorized:
		return fail.Unauthenticated
	case http.StatusForbidden, http.StatusMisdirectedRequest:
		return fail.Denied
	case http.StatusNotFound:
		return fail.NotFound
	case http.StatusConflict:
		return fail.Conflict
	case http.StatusRequestEntityTooLarge:
		return fail.TooLarge
	case http.StatusInsufficientStorage:
		return fail.Exhausted
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return fail.Unavailable
	case http.StatusGatewayTimeout, http.StatusRequestTimeout:
		return fail.Timeout
	case http.StatusNotImplemented:
		return fail.Unsupported
	}
	if status >= 400 && status < 500 {
		return fail.Invalid
	}
	return fail.Internal
}
