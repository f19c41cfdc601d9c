package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// maxLogBytes bounds the text of one answer; of more, the last lines are given.
const maxLogBytes = 16 << 20

// LogList is a part of an application's output.
type LogList struct {
	Items []spec.LogLine `json:"items"`
}

// DroppedItems is the data of a stream's event `dropped`.
type DroppedItems struct {
	Count int64 `json:"count" doc:"How many were dropped at this place, because the client reads too slowly."`
}

type logsInput struct {
	Exchanged
	ByName
	OnDevice
	Tail   int       `query:"tail" default:"100" minimum:"-1" maximum:"1000000" doc:"How many past lines; -1: all."`
	Since  time.Time `query:"since" doc:"Only lines from this time on (RFC 3339)."`
	Until  time.Time `query:"until" doc:"Only lines before this time (RFC 3339); not with follow."`
	Follow bool      `query:"follow" doc:"Go on with lines as they come; only as a stream."`
	Last   string    `header:"Last-Event-ID" doc:"The id of the last line that arrived, where a stream goes on."`
}

func (s *Server) logRoute(tags []string) {
	op := add(s, forAdmin, huma.Operation{
		OperationID: "list-logs", Method: http.MethodGet, Path: "/v1/applications/{name}/logs", Tags: tags,
		Summary: "Read or follow an application's output",
		Description: "With `Accept: text/event-stream` a stream of events `log`, whose data are lines, `dropped` where lines were lost on the way, and `end`. " +
			"Its ids resume it (`Last-Event-ID`).",
	}, s.logs)
	describeStream(s, op, LogList{}, "Lines of output; or a stream of them.")
}

func (s *Server) logs(ctx context.Context, in *logsInput) (*huma.StreamResponse, error) {
	streaming := wantsStream(in.r)
	if in.Follow && !streaming {
		return nil, invalidField("query.follow", fail.New(fail.Invalid, "", "only a stream goes on").WithHint("Send 'Accept: text/event-stream'."))
	}
	if in.Follow && !in.Until.IsZero() {
		return nil, invalidField("query.until", fail.New(fail.Invalid, "", "what is followed has no end").WithHint("Leave out follow or until."))
	}
	device, err := s.target(ctx, in.Name, in.Device)
	if err != nil {
		return nil, err
	}
	call := fabric.LogsCall{Application: in.Name, Tail: in.Tail, Since: in.Since, Until: in.Until, Follow: in.Follow}
	at := &place{}
	if in.Last != "" {
		if err := at.parse(in.Last); err != nil {
			return nil, err
		}
		call.Since, call.Tail = at.time, -1
	}
	open := func(ctx context.Context) (*fabric.Stream[spec.LogLine], error) {
		return fabric.OpenStream[fabric.LogsCall, spec.LogLine](ctx, s.Control, device, fabric.VerbLogs, call)
	}
	if streaming {
		return relay(s, &in.Exchanged, "list-logs", open, at.write)
	}
	ctx, cancel := context.WithTimeout(ctx, invokeTimeout)
	defer cancel()
	lines, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer lines.Close()
	items, err := collect(ctx, lines)
	if err != nil {
		return nil, err
	}
	return answerJSON(&in.Exchanged, LogList{items})
}

func collect(ctx context.Context, lines *fabric.Stream[spec.LogLine]) ([]spec.LogLine, error) {
	items, size := []spec.LogLine{}, 0
	for {
		i, err := lines.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return items, nil
		case err != nil:
			return nil, err
		case i.Dropped > 0:
			continue
		}
		items, size = append(items, i.Value), size+len(i.Value.Text)
		for size > maxLogBytes {
			size -= len(items[0].Text)
			items = items[1:]
		}
	}
}

// place is where in an application's output a stream stands. Lines have no
// numbers that outlive the device's files; so a place is a line's time, and how
// many lines of exactly that time went before and with it.
type place struct {
	time  time.Time
	count int // lines of this time, the last one written included
	skip  int // of them, on resuming, that the client has
}

func (p *place) String() string {
	return p.time.UTC().Format(time.RFC3339Nano) + "/" + strconv.Itoa(p.count)
}

func (p *place) parse(text string) error {
	at, count, _ := strings.Cut(text, "/")
	t, err := time.Parse(time.RFC3339Nano, at)
	n, errCount := strconv.Atoi(count)
	if err != nil || errCount != nil || n < 1 {
		return fail.New(fail.Invalid, "resume logs", "%q is no id of a line", clip(text, 50)).WithHint("Send the id of the last line that arrived, or none.")
	}
	p.time, p.skip = t, n
	return nil
}

// write writes a line, unless the client has it.
func (p *place) write(out *stream, l spec.LogLine) bool {
	if !l.Time.Equal(p.time) {
		p.time, p.count, p.skip = l.Time, 0, 0
	}
	p.count++
	if p.count <= p.skip {
		return true
	}
	return out.send("log", p.String(), l)
}

// relay passes a device's stream on as server-sent events. That the device cannot
// be reached is answered before the stream is open.
func relay[T any](s *Server, x *Exchanged, operation string, open func(context.Context) (*fabric.Stream[T], error), write func(*stream, T) bool) (*huma.StreamResponse, error) {
	ctx, cancel := s.streamContext(x.r.Context())
	source, err := open(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	return s.answerStream(x, operation, func(ctx context.Context, out *stream) error {
		defer cancel()
		defer source.Close()
		for {
			wait, done := context.WithTimeout(ctx, s.timing.heartbeat)
			i, err := source.Next(wait)
			idle := wait.Err() != nil && ctx.Err() == nil
			done()
			switch {
			case errors.Is(err, io.EOF):
				out.send("end", "", struct{}{})
				return nil
			case err != nil && idle:
				if !out.beat(s.timing.heartbeat) {
					return nil
				}
			case err != nil:
				return err
			case i.Dropped > 0:
				if !out.send("dropped", "", DroppedItems{i.Dropped}) {
					return nil
				}
			case !write(out, i.Value):
				return nil
			}
		}
	}), nil
}
