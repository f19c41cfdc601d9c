package gateway

import (
	"encoding/json"
	"errors"
	"net/http"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
)

// ErrLost is why a call has no result whose worker ended while it was at it: nobody knows how far it came.
var ErrLost = errors.New("the call is lost")

// problem answers with an error, by RFC 9457.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct { // the caller may have gone
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail,omitempty"`
	}{http.StatusText(status), status, detail})
}

// problemOf answers with an error of the call. inside: the caller is one who may know what
// went wrong in the function.
func problemOf(w http.ResponseWriter, err error, inside bool) {
	status, detail := http.StatusInternalServerError, err.Error()
	var exception *exchange.HandlerError
	switch kind := fail.KindOf(err); {
	case errors.As(err, &exception):
		if detail = "the function failed; its log says why"; inside {
			detail = exception.Error()
		}
	case errors.Is(err, ErrLost):
		status = http.StatusBadGateway
	case kind == fail.Unavailable, kind == fail.Exhausted:
		w.Header().Set("Retry-After", "1")
		status = http.StatusServiceUnavailable
	case kind == fail.Timeout:
		status = http.StatusGatewayTimeout
	case kind == fail.TooLarge:
		status = http.StatusRequestEntityTooLarge
	case kind == fail.Invalid:
		status = http.StatusBadRequest
	}
	problem(w, status, detail)
}
