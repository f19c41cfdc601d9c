package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// StoredEvent is an event with the number by which the server orders those of all
// devices.
type StoredEvent struct {
	ID int64 `json:"id"`
	spec.Event
}

// Events calls each for every event behind after, those there are and then those
// to come, each once, until each fails, whose error it returns, or ctx ends.
func (c *Client) Events(ctx context.Context, after int64, each func(StoredEvent) error) error {
	query := url.Values{"after": {strconv.FormatInt(after, 10)}}
	return c.follow(ctx, request{op: "follow events", path: []string{"v1", "events"}, query: query}, func(e event) error {
		return on(e, "event", each)
	})
}

// DeploymentEvents calls each for every event of a deployment, each once, until
// the deployment is final, each fails, whose error it returns, or ctx ends.
func (c *Client) DeploymentEvents(ctx context.Context, id spec.DeploymentID, each func(spec.Event) error) error {
	r := request{op: "follow deployment", on: number(id), path: []string{"v1", "deployments", number(id), "events"}}
	return c.follow(ctx, r, func(e event) error { return on(e, "event", each) })
}

// LogOptions choose lines of an application's output.
type LogOptions struct {
	Device spec.DeviceID // default: the only one that has it
	Tail   int           // how many past lines; negative: all
	Since  time.Time     // only lines from then on
	Until  time.Time     // only lines before; not where they are followed
}

func (o LogOptions) query() url.Values {
	query := onDevice(o.Device)
	query.Set("tail", strconv.Itoa(max(o.Tail, -1)))
	if !o.Since.IsZero() {
		query.Set("since", o.Since.UTC().Format(time.RFC3339Nano))
	}
	if !o.Until.IsZero() {
		query.Set("until", o.Until.UTC().Format(time.RFC3339Nano))
	}
	return query
}

// Logs are lines of an application's output.
func (c *Client) Logs(ctx context.Context, name spec.Name, o LogOptions) ([]spec.LogLine, error) {
	l, err := get[list[spec.LogLine]](ctx, c, "read logs", string(name), o.query(), "v1", "applications", string(name), "logs")
	return l.Items, err
}

// FollowLogs calls each for past lines and then for those to come, until each
// fails, whose error it returns, the application is gone, or ctx ends. Where lines were
// lost on the way, a line of the stream engine says so.
func (c *Client) FollowLogs(ctx context.Context, name spec.Name, o LogOptions, each func(spec.LogLine) error) error {
	query := o.query()
	query.Set("follow", "true")
	r := request{op: "follow logs", on: string(name), path: []string{"v1", "applications", string(name), "logs"}, query: query}
	return c.follow(ctx, r, func(e event) error {
		if n := droppedIn(e); n > 0 {
			c.dropped(n)
			return each(spec.LogLine{
				Time: time.Now().UTC(), Application: name, Stream: spec.StreamEngine, Level: "warning",
				Text: "… " + strconv.FormatInt(n, 10) + " lines are missing here: they came faster than they were taken",
			})
		}
		return on(e, "log", each)
	})
}

// Tail calls each for every message that is published on a device's topics from
// now on, until each fails, whose error it returns, or ctx ends.
func (c *Client) Tail(ctx context.Context, id spec.DeviceID, filter spec.Filter, each func(spec.Message) error) error {
	r := request{op: "tail", on: string(filter), path: []string{"v1", "devices", string(id), "tail"}, query: url.Values{"filter": {string(filter)}}}
	return c.follow(ctx, r, func(e event) error {
		if n := droppedIn(e); n > 0 {
			c.dropped(n)
		}
		return on(e, "message", each)
	})
}

// on decodes an event of a kind; others are passed over.
func on[T any](e event, kind string, each func(T) error) error {
	if e.kind != kind {
		return nil
	}
	var record T
	if err := json.Unmarshal(e.data, &record); err != nil {
		return fail.New(fail.Internal, "read stream", "%w", err)
	}
	return each(record)
}

func droppedIn(e event) int64 {
	var d struct {
		Count int64 `json:"count"`
	}
	if e.kind != "dropped" || json.Unmarshal(e.data, &d) != nil {
		return 0
	}
	return d.Count
}

// stop is an error of who listens, which ends the stream for good.
type stop struct{ error }

// follow reads a stream until it ends by itself. A stream that cannot be opened
// in the first place is an error at once; one that is lost later is taken up
// again behind the last event that came, for as long as patience lasts.
func (c *Client) follow(ctx context.Context, r request, each func(event) error) error {
	last, failures, lost := "", 0, time.Time{}
	for {
		came, err := c.listen(ctx, r, &last, each)
		var stopped stop
		switch {
		case err == nil:
			return nil
		case errors.As(err, &stopped):
			return stopped.error
		case ctx.Err() != nil:
			return ended(ctx, &r)
		case !fail.Is(err, fail.Unavailable):
			return err
		}
		if came {
			failures, lost = 0, time.Now()
		}
		if lost.IsZero() || time.Since(lost) > c.timing.patience {
			return err
		}
		failures++
		if !c.rest(ctx, failures) {
			return ended(ctx, &r)
		}
	}
}

// rest waits before another attempt, longer each time, and by chance a little
// more or less, so that the clients of a server that was restarted do not all come at
// once.
func (c *Client) rest(ctx context.Context, failures int) bool {
	pause := min(c.timing.pause<<min(failures-1, 16), c.timing.longest)
	t := time.NewTimer(time.Duration(float64(pause) * (0.75 + rand.Float64()/2)))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// listen reads one connection's worth of a stream. nil means that the stream has
// come to its end; came, that it was open.
func (c *Client) listen(ctx context.Context, r request, last *string, each func(event) error) (came bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.method, r.header = http.MethodGet, http.Header{}
	r.set("Accept", "text/event-stream")
	if *last != "" {
		r.set("Last-Event-ID", *last)
	}
	answer, err := c.send(ctx, &r) //nolint:bodyclose // the idle body below closes it
	if err != nil {
		return false, err
	}
	body := newIdleBody(answer.Body, cancel, c.timing.idle)
	defer body.Close() //nolint:errcheck // only read
	events := newEventReader(body)
	for {
		e, err := events.next()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return true, fail.New(fail.Unavailable, r.op, "the connection was lost").On(r.on)
		case err != nil:
			return true, fail.Wrap(err, fail.Unavailable, r.op, r.on)
		}
		switch e.kind {
		case "end":
			return true, nil
		case "problem":
			var p problem
			if err := json.Unmarshal(e.data, &p); err != nil {
				return true, fail.New(fail.Internal, r.op, "read problem: %w", err)
			}
			return true, p.err(&r)
		}
		if err := each(e); err != nil {
			return true, stop{err}
		}
		if e.id != "" {
			*last = e.id
		}
	}
}
