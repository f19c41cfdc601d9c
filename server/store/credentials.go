package store

import (
	"context"
	"encoding/json"
	"errors"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// CreateCredential stores a credential with the hash of its secret, and tells
// which devices that concerns. A name that is taken is a Conflict.
func (s *Store) CreateCredential(ctx context.Context, c spec.Credential, secret string) (spec.Credential, []spec.DeviceID, error) {
	const op = "create credential"
	subscribe, publish, err := filterTexts(c)
	if err != nil {
		return c, nil, fail.Wrap(err, fail.Internal, op, string(c.Name))
	}
	created := s.time()
	c.CreatedAt = timeOf(created)
	var devices []spec.DeviceID
	err = s.tx(ctx, op, string(c.Name), nil, func(q querier) error {
		n, err := changed(q.ExecContext(ctx, `INSERT INTO credentials (name, device_id, hash, subscribe, publish, created_at)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING`, c.Name, c.Device, HashToken(secret), subscribe, publish, created))
		if err != nil {
			return err
		}
		if n == 0 {
			return fail.New(fail.Conflict, op, "there is a credential of this name").On(string(c.Name)).
				WithHint("Choose another name, or delete that one first.")
		}
		devices, err = s.touchDevices(ctx, q, c.Device)
		return err
	})
	return c, devices, err
}

func filterTexts(c spec.Credential) (subscribe, publish []byte, err error) {
	subscribe, err = json.Marshal(c.Subscribe)
	publish, more := json.Marshal(c.Publish)
	return subscribe, publish, errors.Join(err, more)
}

// touchDevices tells a device, or with "" all, that something changed.
func (s *Store) touchDevices(ctx context.Context, q querier, device spec.DeviceID) ([]spec.DeviceID, error) {
	if device != "" {
		return []spec.DeviceID{device}, s.touchRevision(ctx, q, device)
	}
	if _, err := q.ExecContext(ctx, `UPDATE devices SET revision = revision + 1`); err != nil {
		return nil, err
	}
	return query(ctx, q, func(row rowScanner) (d spec.DeviceID, err error) { return d, row.Scan(&d) }, `SELECT id FROM devices ORDER BY id`)
}

// DeleteCredential revokes a credential and tells which devices that concerns.
func (s *Store) DeleteCredential(ctx context.Context, name spec.Name) ([]spec.DeviceID, error) {
	const op = "delete credential"
	var devices []spec.DeviceID
	err := s.tx(ctx, op, string(name), nil, func(q querier) error {
		var device spec.DeviceID
		err := q.QueryRowContext(ctx, `SELECT device_id FROM credentials WHERE name = $1`, name).Scan(&device)
		if err != nil {
			return s.missing(err, op, string(name), "there is no such credential", "'fescue get credentials' lists them.")
		}
		if _, err := q.ExecContext(ctx, `DELETE FROM credentials WHERE name = $1`, name); err != nil {
			return err
		}
		devices, err = s.touchDevices(ctx, q, device)
		return err
	})
	return devices, err
}

// Credentials lists the credentials by name.
func (s *Store) Credentials(ctx context.Context) ([]spec.Credential, error) {
	all, err := query(ctx, s.db, scanCredential, `SELECT name, device_id, subscribe, publish, created_at FROM credentials ORDER BY name`)
	return all, s.explain(err, "list credentials", "")
}

func scanCredential(row rowScanner) (c spec.Credential, err error) {
	var subscribe, publish []byte
	var created int64
	if err = row.Scan(&c.Name, &c.Device, &subscribe, &publish, &created); err != nil {
		return c, err
	}
	c.CreatedAt = timeOf(created)
	return c, errors.Join(json.Unmarshal(subscribe, &c.Subscribe), json.Unmarshal(publish, &c.Publish))
}

func scanDesiredCredential(row rowScanner) (c spec.DesiredCredential, err error) {
	var subscribe, publish []byte
	if err = row.Scan(&c.Name, &c.Hash, &subscribe, &publish); err != nil {
		return c, err
	}
	return c, errors.Join(json.Unmarshal(subscribe, &c.Subscribe), json.Unmarshal(publish, &c.Publish))
}
