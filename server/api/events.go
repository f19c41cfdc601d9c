package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// EventList is a part of the events.
type EventList struct {
	Items []store.StoredEvent `json:"items"`
}

type eventsInput struct {
	Exchanged
	After       int64         `query:"after" minimum:"0" doc:"Only events with a higher id."`
	Last        string        `header:"Last-Event-ID" doc:"As 'after', where a stream goes on."`
	Tail        int           `query:"tail" minimum:"0" maximum:"1000" doc:"Begin with the newest so many, in place of the oldest; 0: with the oldest."`
	Limit       int           `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many at most; a stream has no limit."`
	Application spec.Name     `query:"application" doc:"Only of this application."`
	Device      spec.DeviceID `query:"device" doc:"Only of this device."`
}

func (s *Server) eventRoutes() {
	op := add(s, forAdmin, huma.Operation{
		OperationID: "list-events", Method: http.MethodGet, Path: "/v1/events", Tags: []string{"Events"},
		Summary: "List or follow what happens on devices",
		Description: "In the order in which the server learnt of it. With `Accept: text/event-stream` a stream of events `event` that goes on for ever; " +
			"its ids resume it (`Last-Event-ID`) without gap or repetition. A comment every 15 seconds shows that it lives; an event `problem` tells why it ends.",
	}, s.events)
	describeStream(s, op, EventList{}, "Events; or a stream of them.")
}

func (s *Server) events(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	q := store.EventQuery{After: in.After, Application: in.Application, Device: in.Device, Limit: in.Limit}
	if !wantsStream(in.r) {
		items, err := s.someEvents(ctx, q, in.Tail)
		if err != nil {
			return nil, err
		}
		return answerJSON(&in.Exchanged, EventList{items})
	}
	if err := resume(&q, in.Last); err != nil {
		return nil, err
	}
	if in.Tail > 0 && in.Last == "" {
		newest, err := s.Store.LastEvents(ctx, q, in.Tail)
		if err != nil {
			return nil, err
		}
		if len(newest) > 0 {
			q.After = newest[0].ID - 1
		}
	}
	return s.answerStream(&in.Exchanged, "list-events", func(ctx context.Context, out *stream) error {
		return s.follow(ctx, &q, out, nil)
	}), nil
}

func (s *Server) someEvents(ctx context.Context, q store.EventQuery, tail int) ([]store.StoredEvent, error) {
	if tail > 0 {
		return s.Store.LastEvents(ctx, q, tail)
	}
	return s.Store.Events(ctx, q)
}

// resume sets where a stream goes on.
func resume(q *store.EventQuery, last string) error {
	if last == "" {
		return nil
	}
	id, err := strconv.ParseInt(last, 10, 64)
	if err != nil || id < 0 {
		return fail.New(fail.Invalid, "resume events", "%q is no id of an event", clip(last, 50)).WithHint("Send the id of the last event that arrived, or none.")
	}
	q.After = id
	return nil
}

// follow writes the events that q chooses, those there are and those to come,
// until the client goes, ctx ends, or done, which is asked whenever all there is
// was written, says so; q is left behind the last that was written. The fleet subscribes before it reads, and events are read
// from the database by ascending id: none is missed, none comes twice, and a client
// that reads slowly is simply further behind.
func (s *Server) follow(ctx context.Context, q *store.EventQuery, out *stream, done func(context.Context) (bool, error)) error {
	q.Limit = 0
	gone := false
	send := func(e store.StoredEvent) bool {
		q.After = e.ID
		gone = !out.event(e)
		return !gone
	}
	for {
		ended := false
		idle := func() (bool, error) {
			if done == nil {
				return true, nil
			}
			over, err := done(ctx)
			ended = over
			return !over, err
		}
		round, cancel := context.WithTimeout(ctx, s.timing.look)
		err := s.Fleet.Watch(round, *q, send, idle)
		timedOut := round.Err() != nil
		cancel()
		switch {
		case gone || ended || ctx.Err() != nil:
			return nil
		case err != nil && !timedOut:
			return err
		case !out.beat(s.timing.heartbeat):
			return nil
		}
	}
}

func (s *stream) event(e store.StoredEvent) bool {
	return s.send("event", strconv.FormatInt(e.ID, 10), e)
}

// describeStream tells that an operation answers with a record or a stream.
func describeStream(s *Server, op *huma.Operation, record any, text string) {
	op.Responses["200"] = &huma.Response{Description: text, Content: map[string]*huma.MediaType{
		"application/json": {Schema: schemaOf(s.api, record)},
		eventStream:        {Schema: &huma.Schema{Type: huma.TypeString}},
	}}
}
