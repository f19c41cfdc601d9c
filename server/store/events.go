package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// StoredEvent is an event with the number by which the server orders those of
// all devices.
type StoredEvent struct {
	ID int64 `json:"id" doc:"Ascending over all devices."`
	spec.Event
}

// ApplyEvent is [Store.ApplyEvents] for one: applied is false if it was known.
func (s *Store) ApplyEvent(ctx context.Context, e spec.Event) (stored StoredEvent, applied bool, err error) {
	all, err := s.ApplyEvents(ctx, []spec.Event{e})
	if err != nil || len(all) == 0 {
		return StoredEvent{Event: storable(e)}, false, err
	}
	return all[0], true, nil
}

// ApplyEvents stores what happened on a device and draws its consequences, in
// the events' order, in one transaction, and each once: it returns those that
// were not known. An event of a device or deployment that the database does not
// know is stored and has no consequences. If one of them can never be applied the
// error is Invalid, and none is.
func (s *Store) ApplyEvents(ctx context.Context, events []spec.Event) (applied []StoredEvent, err error) {
	const op = "apply events"
	if len(events) == 0 {
		return nil, nil
	}
	events = slices.Clone(events)
	var locks []string
	for i, e := range events {
		if e.Device.Validate() != nil || e.Sequence == 0 || e.Sequence >= 1<<63 {
			return nil, fail.New(fail.Invalid, op, "event %d of %d has no device or no sequence number", i+1, len(events))
		}
		events[i] = storable(e)
		if app := string(events[i].Application); app != "" && !slices.Contains(locks, app) {
			locks = append(locks, app)
		}
	}
	slices.Sort(locks) // always in the same order: two servers never wait for each other
	err = s.tx(ctx, op, string(events[0].Device), locks, func(q querier) error {
		applied = applied[:0]
		for _, e := range events {
			stored, isNew, err := s.applyEvent(ctx, q, e)
			if err != nil {
				return err
			}
			if isNew {
				applied = append(applied, stored)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return applied, nil
}

// applyEvent is one event's part of a transaction.
func (s *Store) applyEvent(ctx context.Context, q querier, e spec.Event) (stored StoredEvent, isNew bool, err error) {
	if known, err := isKnown(ctx, q, e); err != nil || known {
		return stored, false, err
	}
	text, err := json.Marshal(e)
	if err != nil {
		return stored, false, err
	}
	stored.Event = e
	if stored.ID, err = next(ctx, q, "events"); err != nil {
		return stored, false, err
	}
	n, err := changed(q.ExecContext(ctx, `INSERT INTO events (id, device_id, sequence, time, kind, application, deployment_id, event) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (device_id, sequence) DO NOTHING`,
		stored.ID, e.Device, int64(e.Sequence), e.Time.UnixMicro(), e.Kind, e.Application, e.Deployment, string(text)))
	if err != nil || n == 0 {
		return stored, false, err // n is 0 if another server has just applied it
	}
	return stored, true, s.consequences(ctx, q, e)
}

func isKnown(ctx context.Context, q querier, e spec.Event) (bool, error) {
	var n int
	err := q.QueryRowContext(ctx, `SELECT count(*) FROM events WHERE device_id = $1 AND sequence = $2`, e.Device, int64(e.Sequence)).Scan(&n)
	return n > 0, err
}

// storable is the event without what PostgreSQL cannot hold in a text: a device
// must not be able to block the queue of events with one that is never stored.
func storable(e spec.Event) spec.Event {
	e.Time = e.Time.UTC().Truncate(time.Microsecond)
	e.Kind, e.Step = storableText(e.Kind), storableText(e.Step)
	e.Application, e.Version = storableText(e.Application), storableText(e.Version)
	e.Status, e.Message, e.Hint, e.Path = storableText(e.Status), storableText(e.Message), storableText(e.Hint), storableText(e.Path)
	return e
}

func storableText[T ~string](text T) T {
	return T(strings.ReplaceAll(strings.ToValidUTF8(string(text), "\ufffd"), "\x00", "\ufffd"))
}

// EventQuery chooses events; zero fields choose all.
type EventQuery struct {
	After       int64 // only events with a higher ID
	Deployment  spec.DeploymentID
	Application spec.Name
	Device      spec.DeviceID
	Limit       int
}

// Events lists events by ID.
func (s *Store) Events(ctx context.Context, e EventQuery) ([]StoredEvent, error) {
	all, err := query(ctx, s.db, scanEvent, `SELECT id, event FROM events WHERE id > $1 AND (deployment_id = $2 OR $2 = 0) AND (application = $3 OR $3 = '')
		AND (device_id = $4 OR $4 = '') ORDER BY id LIMIT $5`, e.After, int64(e.Deployment), string(e.Application), string(e.Device), Page{Limit: e.Limit}.limit())
	return all, s.explain(err, "list events", "")
}

// LastEvents lists the newest n of the events that e chooses, by ID.
func (s *Store) LastEvents(ctx context.Context, e EventQuery, n int) ([]StoredEvent, error) {
	newest, err := query(ctx, s.db, scanEvent, `SELECT id, event FROM events WHERE id > $1 AND (deployment_id = $2 OR $2 = 0) AND (application = $3 OR $3 = '')
		AND (device_id = $4 OR $4 = '') ORDER BY id DESC LIMIT $5`, e.After, int64(e.Deployment), string(e.Application), string(e.Device), n)
	slices.Reverse(newest)
	return newest, s.explain(err, "list events", "")
}

func scanEvent(row rowScanner) (e StoredEvent, err error) {
	var text []byte
	if err = row.Scan(&e.ID, &text); err != nil {
		return e, err
	}
	return e, json.Unmarshal(text, &e.Event)
}

// PruneEvents forgets all but the newest events.
func (s *Store) PruneEvents(ctx context.Context, keep int64) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM events WHERE id <= (SELECT value FROM counters WHERE name = 'events') - $1`, keep)
	return s.explain(err, "prune events", "")
}
