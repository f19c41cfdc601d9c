package store

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

const deviceColumns = `id, platform, agent, labels, given_labels, facts, created_at, last_seen_at`

func scanDevice(row rowScanner) (d spec.Device, err error) {
	var labels, given, facts []byte
	var created, seen int64
	if err = row.Scan(&d.ID, &d.Platform, &d.Agent, &labels, &given, &facts, &created, &seen); err != nil {
		return d, err
	}
	d.CreatedAt, d.LastSeenAt = timeOf(created), timeOf(seen)
	if err = json.Unmarshal(labels, &d.Labels); err != nil {
		return d, err
	}
	if err = json.Unmarshal(facts, &d.Facts); err != nil {
		return d, err
	}
	var changes Labels
	if err = json.Unmarshal(given, &changes); err != nil {
		return d, err
	}
	d.Labels = changes.on(d.Labels)
	return d, nil
}

// Labels are changes of labels: a value to set, nil to remove.
type Labels map[string]*string

// on makes the changes, leaving labels as they are.
func (l Labels) on(labels map[string]string) map[string]string {
	if len(l) == 0 {
		return labels
	}
	all := map[string]string{}
	maps.Copy(all, labels)
	for name, value := range l {
		if value == nil {
			delete(all, name)
		} else {
			all[name] = *value
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// mostLabels bounds what people may give one device.
const mostLabels = 64

// LabelDevice changes a device's labels. What is given stays, whatever its agent says of itself later.
func (s *Store) LabelDevice(ctx context.Context, id spec.DeviceID, changes Labels) (d spec.Device, err error) {
	const op = "label device"
	err = s.tx(ctx, op, string(id), []string{"device/" + string(id)}, func(q querier) error {
		var own, text []byte
		if err := q.QueryRowContext(ctx, `SELECT labels, given_labels FROM devices WHERE id = $1`, id).Scan(&own, &text); err != nil {
			return err
		}
		var labels map[string]string
		given := Labels{}
		if err := errors.Join(json.Unmarshal(own, &labels), json.Unmarshal(text, &given)); err != nil {
			return err
		}
		maps.Copy(given, changes)
		for name, value := range given {
			if _, its := labels[name]; value == nil && !its {
				delete(given, name) // nothing to hide
			}
		}
		if len(given) > mostLabels {
			return fail.New(fail.TooLarge, op, "it would have %d labels, at most %d are kept", len(given), mostLabels)
		}
		changed, err := json.Marshal(given)
		if err != nil {
			return err
		}
		if _, err := q.ExecContext(ctx, `UPDATE devices SET given_labels = $2 WHERE id = $1`, id, string(changed)); err != nil {
			return err
		}
		d, err = scanDevice(q.QueryRowContext(ctx, `SELECT `+deviceColumns+` FROM devices WHERE id = $1`, id))
		return err
	})
	return d, s.missing(err, op, string(id), "there is no such device", "'fescue get devices' lists them.")
}

// PutDevice stores what a device says of itself.
func (s *Store) PutDevice(ctx context.Context, d spec.Device) (stored spec.Device, err error) {
	d.Platform, d.Agent = storableText(d.Platform), storableText(d.Agent)
	labels, err := json.Marshal(d.Labels)
	if err != nil {
		return stored, err
	}
	facts, err := json.Marshal(d.Facts)
	if err != nil {
		return stored, err
	}
	err = s.tx(ctx, "store device", string(d.ID), nil, func(q querier) error {
		_, err := q.ExecContext(ctx, `INSERT INTO devices (id, platform, agent, labels, facts, created_at, last_seen_at) VALUES ($1, $2, $3, $4, $5, $6, $6)
			ON CONFLICT (id) DO UPDATE SET platform = excluded.platform, agent = excluded.agent, labels = excluded.labels, facts = excluded.facts,
			last_seen_at = excluded.last_seen_at`, d.ID, d.Platform, d.Agent, string(labels), string(facts), s.time())
		if err != nil {
			return err
		}
		stored, err = scanDevice(q.QueryRowContext(ctx, `SELECT `+deviceColumns+` FROM devices WHERE id = $1`, d.ID))
		return err
	})
	return stored, err
}

// Device is one device.
func (s *Store) Device(ctx context.Context, id spec.DeviceID) (spec.Device, error) {
	d, err := scanDevice(s.db.QueryRowContext(ctx, `SELECT `+deviceColumns+` FROM devices WHERE id = $1`, id))
	return d, s.missing(err, "read device", string(id), "there is no such device", "'fescue get devices' lists them.")
}

// Devices lists devices by id.
func (s *Store) Devices(ctx context.Context, p Page) (List[spec.Device], error) {
	items, err := query(ctx, s.db, scanDevice, `SELECT `+deviceColumns+` FROM devices WHERE id > $1 ORDER BY id LIMIT $2`, p.Cursor, p.limit()+1)
	return paged(items, p.limit(), func(d spec.Device) string { return string(d.ID) }), s.explain(err, "list devices", "")
}

// TouchDevice notes when a device was last heard.
func (s *Store) TouchDevice(ctx context.Context, id spec.DeviceID, at time.Time) error {
	_, err := s.db.ExecContext(ctx, `UPDATE devices SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2`, id, at.UnixMicro())
	return s.explain(err, "note device", string(id))
}
