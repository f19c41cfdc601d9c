package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

const problemType = "application/problem+json"

// Problem is an error as the API answers it (RFC 9457).
type Problem struct {
	Type    string                 `json:"type" doc:"Where this code is described, a path on this server." example:"/docs/errors#not-found"`
	Title   string                 `json:"title" doc:"What the code means, in a few words."`
	Status  int                    `json:"status" doc:"The HTTP status."`
	Code    Code                   `json:"code" doc:"Stable name of the kind of problem." example:"not-found"`
	Detail  string                 `json:"detail" doc:"What went wrong this time."`
	Hint    string                 `json:"hint,omitempty" doc:"What to do about it, a sentence."`
	Faults  []spec.Fault           `json:"faults,omitempty" doc:"Everything that is wrong with the input, each with its place."`
	Handler *fabric.HandlerFailure `json:"handler,omitempty" doc:"How a function's handler failed."`
}

// Error is the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus tells huma the status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType tells huma the content type.
func (p *Problem) ContentType(string) string { return problemType }

func newProblem(c Code, detail, hint string) *Problem {
	info := infoOf(c)
	return &Problem{Type: "/docs/errors#" + string(c), Title: info.Title, Status: info.Status, Code: c, Detail: detail, Hint: hint}
}

// problemOf is the problem that an error is answered with.
func problemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var tooLarge *http.MaxBytesError
	switch kind := fail.KindOf(err); {
	case errors.As(err, &tooLarge):
		p = newProblem(Code(fail.TooLarge.String()), tooLarge.Error(), "Send less at once.")
	case kind != fail.Internal:
		p = newProblem(Code(kind.String()), err.Error(), fail.HintOf(err))
	case errors.Is(err, context.DeadlineExceeded):
		p = newProblem(Code(fail.Timeout.String()), err.Error(), "")
	case errors.Is(err, context.Canceled):
		p = newProblem(Code(fail.Canceled.String()), err.Error(), "")
	default:
		p = newProblem(Code(fail.Internal.String()), err.Error(), fail.HintOf(err))
	}
	var faults spec.Faults
	if errors.As(err, &faults) {
		p.Faults = faults
		p.Detail = faultsDetail(faults)
	}
	return p
}

// faultsDetail is one line: the faults themselves are beside it.
func faultsDetail(faults spec.Faults) string {
	if len(faults) == 1 {
		return faults[0].String()
	}
	return faults[0].String() + ", and more (see faults)"
}

// handlerProblem tells of a handler's exception.
func handlerProblem(name spec.Name, f *fabric.HandlerFailure) *Problem {
	p := newProblem(codeHandler, string(name)+" raised "+f.Type+": "+f.Message, "")
	p.Handler = f
	return p
}

// adoptErrors is a transformer of huma's: its own errors, which tell of input
// that does not fit the description, take the form of all others.
func adoptErrors(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := newProblem(codeOfStatus(m.Status), m.Detail, "")
	p.Status = m.Status
	for _, d := range m.Errors {
		p.Faults = append(p.Faults, spec.Fault{Field: strings.TrimPrefix(d.Location, "body."), Message: d.Message})
	}
	if len(p.Faults) > 0 {
		p.Detail = faultsDetail(p.Faults)
		p.Hint = "The API's description is at /docs."
	}
	return p, nil
}

// writeProblem answers outside of huma.
func writeProblem(w http.ResponseWriter, p *Problem) {
	text, err := json.Marshal(p)
	if err != nil {
		text = []byte(`{"code":"internal"}`) // a struct of strings: cannot be
	}
	w.Header().Set("Content-Type", problemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(text, '\n')) // fails only when the client has gone
}
