package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

const eventStream = "text/event-stream"

// wantsStream tells whether the request accepts server-sent events.
func wantsStream(r *http.Request) bool {
	for _, accept := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(accept, ",") {
			kind, _, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(kind), eventStream) {
				return true
			}
		}
	}
	return false
}

// stream writes server-sent events (the HTML standard, section 9.2). Nothing is
// queued: a client that does not read stops whoever writes, for writePatience at
// most, and costs no more than the socket's buffers. Not for concurrent use.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	written time.Time
	err     error // of the first write that failed
}

// openStream answers with the head of a stream.
func openStream(w http.ResponseWriter) *stream {
	h := w.Header()
	h.Set("Content-Type", eventStream)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // for proxies that buffer answers
	w.WriteHeader(http.StatusOK)
	s := &stream{w: w, control: http.NewResponseController(w)}
	s.comment("open")
	return s
}

// send writes an event; id may be "". It returns false when the client has gone.
func (s *stream) send(event, id string, data any) bool {
	text, err := json.Marshal(data) // one line, as the format wants it
	if err != nil {
		s.err = err
		return false
	}
	var b strings.Builder
	b.WriteString("event: " + event + "\n")
	if id != "" {
		b.WriteString("id: " + id + "\n")
	}
	b.WriteString("data: ")
	b.Write(text)
	return s.write(b.String() + "\n\n")
}

func (s *stream) comment(text string) bool { return s.write(": " + text + "\n\n") }

// beat writes a comment if nothing was written for as long as every.
func (s *stream) beat(every time.Duration) bool {
	return time.Since(s.written) < every || s.comment("alive")
}

func (s *stream) write(text string) bool {
	if s.err != nil {
		return false
	}
	if _, s.err = s.w.Write([]byte(text)); s.err == nil {
		s.err = s.control.Flush()
	}
	s.written = time.Now()
	return s.err == nil
}

// problem tells the client why the stream ends before its time.
func (s *stream) problem(p *Problem) { s.send("problem", "", p) }

// answerStream makes an operation's answer of a function that writes a stream. What it
// returns is told to the client as a problem, unless client or server just ended.
func (s *Server) answerStream(x *Exchanged, operation string, run func(context.Context, *stream) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(huma.Context) {
		ctx, cancel := s.streamContext(x.r.Context())
		defer cancel()
		out := openStream(x.w)
		if err := run(ctx, out); err != nil && out.err == nil && ctx.Err() == nil {
			out.problem(s.answer(ctx, operation, err))
		}
	}}
}

// answerJSON is the answer of an operation that could have streamed.
func answerJSON(x *Exchanged, record any) (*huma.StreamResponse, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(huma.Context) {
		x.w.Header().Set("Content-Type", "application/json")
		_, _ = x.w.Write(append(text, '\n')) // fails only when the client has gone
	}}, nil
}
