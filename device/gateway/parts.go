package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"time"
	"unicode/utf8"

	"fescue.dev/fescue/fail"
)

// streamed is a response that is sent while the handler makes it.
type streamed struct {
	ctx   context.Context // of the call
	w     http.ResponseWriter
	begun bool // its headers are sent; what follows is there then
	link  *http.ResponseController
	stop  func() bool
}

// take sends a piece, and waits while the caller does not read. head comes with the first, or not at all.
func (s *streamed) take(head, data []byte) error {
	const op = "stream response"
	if !s.begun {
		if err := s.begin(head, data); err != nil {
			return err
		}
	}
	if _, err := s.w.Write(data); err != nil {
		return fail.Wrap(err, fail.Canceled, op, "")
	}
	return fail.Wrap(s.link.Flush(), fail.Canceled, op, "")
}

func (s *streamed) begin(head, data []byte) error {
	status := http.StatusOK
	if head != nil {
		a, ok := answerOf(head)
		if !ok {
			return fail.New(fail.Internal, "stream response", "the function's head is no object with a statusCode of 200 to 599")
		}
		status = a.StatusCode
		for name, value := range a.Headers {
			s.w.Header().Set(name, value)
		}
	}
	if s.w.Header().Get("Content-Type") == "" {
		kind := "application/octet-stream"
		if utf8.Valid(data) {
			kind = "text/plain; charset=utf-8"
		}
		s.w.Header().Set("Content-Type", kind)
	}
	s.w.WriteHeader(status)
	s.begun, s.link = true, http.NewResponseController(s.w)
	// A caller that does not read holds nobody beyond the call's time.
	s.stop = context.AfterFunc(s.ctx, func() { _ = s.link.SetWriteDeadline(time.Unix(1, 0)) })
	return nil
}

// end sends the rest of the result. If there is none because of an error, the response is cut off, so that nobody takes it for
// complete.
func (s *streamed) end(g *Gateway, gone bool, route *Route, rest []byte, err error) {
	if err == nil && len(rest) > 0 {
		_, err = s.w.Write(rest)
	}
	if !s.stop() && err == nil {
		err = context.Cause(s.ctx)
	}
	if err != nil {
		level := slog.LevelInfo
		if gone {
			level = slog.LevelDebug
		}
		g.Log.Log(s.ctx, level, "a response was cut off", "application", route.Application, "route", route.Trigger.HTTP, "error", err)
		panic(http.ErrAbortHandler) // net/http resets the link, and says nothing
	}
}
