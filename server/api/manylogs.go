package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// maxLogSources bounds how many outputs one stream follows: each costs a
// subscription on the fabric and a buffer.
const maxLogSources = 64

// DeviceLogLine is a line of output and the device it was written on.
type DeviceLogLine struct {
	Device spec.DeviceID `json:"device"`
	spec.LogLine
}

// LimitedLogs tells of how many outputs a stream follows some.
type LimitedLogs struct {
	Outputs  int `json:"outputs"`
	Followed int `json:"followed"`
}

type manyLogsInput struct {
	Exchanged
	Application spec.Name     `query:"application" doc:"Only of this application."`
	Device      spec.DeviceID `query:"device" doc:"Only of this device."`
	Tail        int           `query:"tail" default:"100" minimum:"0" maximum:"10000" doc:"How many past lines of each application on each device."`
	Since       time.Time     `query:"since" doc:"Only lines from this time on (RFC 3339)."`
	Until       time.Time     `query:"until" doc:"Only lines before this time (RFC 3339): the stream ends behind them, with an event end, and nothing is followed."`
	Last        string        `header:"Last-Event-ID" doc:"The id of the last line that arrived, where a stream goes on."`
}

func (s *Server) manyLogsRoute() {
	op := add(s, forAdmin, huma.Operation{
		OperationID: "follow-logs", Method: http.MethodGet, Path: "/v1/logs", Tags: []string{"Logs"},
		Summary: "Follow the output of many applications on many devices",
		Description: "A stream of events `log`, whose data are lines with their device, and `dropped` where lines were lost on the way. Lines of one output come in order; those of " +
			"several as they arrive. Of more than " + strconv.Itoa(maxLogSources) + " outputs it follows so many, rather those of connected devices and what changed last, and says so in an event " +
			"`limited`. Applications that are deployed later, and devices that come back, join in.",
	}, s.manyLogs)
	op.Responses["200"] = &huma.Response{Description: "A stream of lines.", Content: map[string]*huma.MediaType{eventStream: {Schema: schemaOf(s.api, DeviceLogLine{})}}}
}

func (s *Server) manyLogs(ctx context.Context, in *manyLogsInput) (*huma.StreamResponse, error) {
	m := &manyLogs{
		s: s, application: in.Application, device: in.Device, call: fabric.LogsCall{Tail: in.Tail, Since: in.Since, Until: in.Until, Follow: in.Until.IsZero()},
		sources: map[placed]*logSource{}, lines: make(chan sourceLine, 256), ended: make(chan placed, maxLogSources),
	}
	if in.Last != "" {
		micros, err := strconv.ParseInt(in.Last, 10, 64)
		if err != nil {
			return nil, fail.New(fail.Invalid, "resume logs", "%q is no id of a line", clip(in.Last, 50)).WithHint("Send the id of the last line that arrived, or none.")
		}
		m.call.Since, m.call.Tail = time.UnixMicro(micros+1), -1
	}
	if _, _, err := m.chosen(ctx); err != nil {
		return nil, err
	}
	return s.answerStream(&in.Exchanged, "follow-logs", m.run), nil
}

// placed is an application on a device.
type placed struct {
	name   spec.Name
	device spec.DeviceID
}

// logSource is one output that is followed, or was until its device went.
type logSource struct {
	open bool
	last time.Time // of its newest line
}

type sourceLine struct {
	placed
	fabric.Item[spec.LogLine]
}

// manyLogs follows the outputs that are chosen. One goroutine writes; one for each
// source reads and waits when the client does not keep up: what is lost then is lost
// on the device's side of the fabric, which counts it.
type manyLogs struct {
	s           *Server
	application spec.Name
	device      spec.DeviceID
	call        fabric.LogsCall
	sources     map[placed]*logSource
	reading     int // sources that are open
	left        int // outputs that are not followed, because they are too many
	lines       chan sourceLine
	ended       chan placed
}

func (m *manyLogs) run(ctx context.Context, out *stream) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	look := time.NewTicker(m.s.timing.look)
	defer look.Stop()
	for {
		if err := m.join(ctx, out); err != nil {
			return err
		}
		if m.reading == 0 && !m.call.Follow {
			return m.finish(out)
		}
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return nil
			case p := <-m.ended:
				m.sources[p].open = false
				m.reading--
				if m.reading == 0 && !m.call.Follow {
					return m.finish(out)
				}
			case l := <-m.lines:
				if !m.write(out, l) {
					return nil
				}
			case <-look.C:
				waiting = false
			}
		}
		if !out.beat(m.s.timing.heartbeat) {
			return nil
		}
	}
}

// join opens the sources that are not, and tells when some are left out.
func (m *manyLogs) join(ctx context.Context, out *stream) error {
	some, all, err := m.chosen(ctx)
	if err != nil {
		return err
	}
	if left := all - len(some); left != m.left {
		m.left = left
		out.send("limited", "", LimitedLogs{Outputs: all, Followed: len(some)})
	}
	for _, p := range some {
		source, read := m.sources[p]
		if source == nil {
			source = &logSource{}
			m.sources[p] = source
		}
		if source.open || read && !m.call.Follow {
			continue
		}
		call := m.call
		call.Application = p.name
		if !source.last.IsZero() {
			call.Since, call.Tail = source.last.Add(time.Microsecond), -1
		}
		source.open = true
		m.reading++
		go m.read(ctx, p, call)
	}
	return nil
}

// read passes one source on until it ends: because its device has gone, mostly. It
// is opened again at the next look.
func (m *manyLogs) read(ctx context.Context, p placed, call fabric.LogsCall) {
	defer func() {
		select {
		case m.ended <- p:
		case <-ctx.Done():
		}
	}()
	source, err := fabric.OpenStream[fabric.LogsCall, spec.LogLine](ctx, m.s.Control, p.device, fabric.VerbLogs, call)
	if err != nil {
		return
	}
	defer source.Close()
	for {
		item, err := source.Next(ctx)
		if err != nil {
			return
		}
		select {
		case m.lines <- sourceLine{p, item}:
		case <-ctx.Done():
			return
		}
	}
}

// finish writes what has come of a time that is over, and ends the stream.
func (m *manyLogs) finish(out *stream) error {
	for {
		select {
		case l := <-m.lines:
			if !m.write(out, l) {
				return nil
			}
		default:
			out.send("end", "", struct{}{})
			return nil
		}
	}
}

func (m *manyLogs) write(out *stream, l sourceLine) bool {
	if l.Dropped > 0 {
		return out.send("dropped", "", DroppedItems{l.Dropped})
	}
	m.sources[l.placed].last = l.Value.Time
	return out.send("log", strconv.FormatInt(l.Value.Time.UnixMicro(), 10), DeviceLogLine{l.device, l.Value})
}

// chosen are the outputs to follow now, and how many there are. Of too many it takes
// those that are followed, then those of connected devices, what changed last first.
func (m *manyLogs) chosen(ctx context.Context) (some []placed, all int, err error) {
	type candidate struct {
		placed
		at   time.Time
		rank int
	}
	var found []candidate
	for page := (store.Page{Limit: 1000}); ; {
		list, err := m.s.Store.Applications(ctx, m.device, page)
		if err != nil {
			return nil, 0, err
		}
		for _, a := range list.Items {
			if m.application != "" && a.Name != m.application {
				continue
			}
			for _, p := range a.Placements {
				if m.device == "" || p.Device == m.device {
					c := placed{a.Name, p.Device}
					found = append(found, candidate{c, p.UpdatedAt, m.rank(c)})
				}
			}
		}
		if page.Cursor = list.Next; list.Next == "" {
			break
		}
	}
	if len(found) > maxLogSources {
		slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.rank, b.rank), b.at.Compare(a.at)) })
	}
	for _, c := range found[:min(len(found), maxLogSources)] {
		some = append(some, c.placed)
	}
	return some, len(found), nil
}

// rank is lower for what is rather followed.
func (m *manyLogs) rank(p placed) int {
	switch source := m.sources[p]; {
	case source != nil && (source.open || !m.call.Follow):
		return 0
	case m.s.Fleet.IsConnected(p.device):
		return 1
	}
	return 2
}
