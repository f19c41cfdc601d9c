package fabric

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"fescue.dev/fescue/fail"
)

// Headers of a call.
const (
	headerTimeout = "Fescue-Timeout" // how long the caller waits, in ms
	headerInbox   = "Fescue-Inbox"   // where the items of a stream shall go
	headerLease   = "Fescue-Lease"   // after how long without a renewal a stream ends, in ms
)

// envelope is every answer: a result or an error.
type envelope struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  *wireError      `json:"error,omitempty"`
}

// wireError is an error on its way between processes: what a reader needs of
// it. The cause's Go type stays behind.
type wireError struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func toWire(err error) *wireError {
	if err == nil {
		return nil
	}
	kind := fail.KindOf(err)
	switch {
	case kind != fail.Internal:
	case errors.Is(err, context.DeadlineExceeded):
		kind = fail.Timeout
	case errors.Is(err, context.Canceled):
		kind = fail.Canceled
	}
	return &wireError{Kind: kind.String(), Message: err.Error(), Hint: fail.HintOf(err)}
}

// err is the error as the other side had it: same text, kind and hint.
func (w *wireError) err() error {
	return &fail.Error{Kind: fail.ParseKind(w.Kind), Hint: w.Hint, Err: errors.New(w.Message)}
}

func respond(m *nats.Msg, result any, failure error) error {
	data, err := encodeAnswer(result, failure)
	if err != nil {
		return err
	}
	return m.Respond(data)
}

// encodeAnswer never gives more than a message can carry: a larger result
// becomes the error TooLarge.
func encodeAnswer(result any, failure error) ([]byte, error) {
	e := envelope{Error: toWire(failure)}
	if failure == nil {
		raw, err := json.Marshal(result)
		switch {
		case err != nil:
			e.Error = toWire(fail.New(fail.Internal, "answer call", "encode the result: %w", err))
		case len(raw) > maxPayload-1024:
			e.Error = toWire(fail.New(fail.TooLarge, "answer call", "the result takes %d bytes, more than %d", len(raw), maxPayload-1024).
				WithHint("Return less at once: store what is large and return its name."))
		default:
			e.Result = raw
		}
	}
	return json.Marshal(e)
}

func decodeAnswer[R any](data []byte) (R, error) {
	var result R
	var e envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return result, fail.New(fail.Internal, "read answer", "%w", err)
	}
	if e.Error != nil {
		return result, e.Error.err()
	}
	if err := json.Unmarshal(e.Result, &result); err != nil {
		return result, fail.New(fail.Internal, "read answer", "%w", err)
	}
	return result, nil
}

// millis reads a header of milliseconds, kept within the bounds; absent or
// senseless is most.
func millis(m *nats.Msg, header string, least, most time.Duration) time.Duration {
	n, err := strconv.ParseInt(m.Header.Get(header), 10, 64)
	if err != nil || n > most.Milliseconds() {
		return most
	}
	return max(time.Duration(n)*time.Millisecond, least)
}
