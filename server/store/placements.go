package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// SetDesired makes an application running or stopped on every device that holds
// it, and tells which devices that changes. It also holds for the version that a
// deployment under way may go back to.
func (s *Store) SetDesired(ctx context.Context, name spec.Name, state spec.RunState) ([]spec.DeviceID, error) {
	const op = "start or stop application"
	if state != spec.Running && state != spec.Stopped {
		return nil, fail.New(fail.Invalid, op, "%q is neither running nor stopped", string(state)).On(string(name))
	}
	return s.change(ctx, op, name, func(q querier, device spec.DeviceID) error {
		_, err := q.ExecContext(ctx, `UPDATE placements SET desired = $3, good_desired = $3, updated_at = $4 WHERE device_id = $1 AND name = $2`, device, name, state, s.time())
		return err
	})
}

// RemoveApplication takes an application off every device. A placement goes
// when its device has reported that it holds nothing of it any more.
func (s *Store) RemoveApplication(ctx context.Context, name spec.Name) ([]spec.DeviceID, error) {
	return s.change(ctx, "remove application", name, func(q querier, device spec.DeviceID) error {
		if err := s.finishOthers(ctx, q, name, device, 0, spec.DeploymentCanceled); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, `UPDATE placements SET desired = $3, updated_at = $4 WHERE device_id = $1 AND name = $2`, device, name, spec.Removed, s.time())
		return err
	})
}

// change applies f to each device that holds the application and is not being
// rid of it.
func (s *Store) change(ctx context.Context, op string, name spec.Name, f func(q querier, device spec.DeviceID) error) (devices []spec.DeviceID, err error) {
	err = s.tx(ctx, op, string(name), []string{string(name)}, func(q querier) error {
		devices, err = query(ctx, q, func(row rowScanner) (x spec.DeviceID, err error) { return x, row.Scan(&x) },
			`SELECT device_id FROM placements WHERE name = $1 AND desired <> 'removed' ORDER BY device_id`, name)
		if err != nil {
			return err
		}
		if len(devices) == 0 {
			return fail.New(fail.NotFound, op, "no device holds it").On(string(name)).WithHint("'fescue get applications' lists what devices hold.")
		}
		for _, device := range devices {
			if err := s.touchRevision(ctx, q, device); err != nil {
				return err
			}
			if err := f(q, device); err != nil {
				return err
			}
		}
		return s.settle(ctx, q, name, "")
	})
	return devices, err
}

// Desired is what a device should run. Applications that it is to remove are
// listed as such, so that it can report that it holds nothing of them.
func (s *Store) Desired(ctx context.Context, device spec.DeviceID) (spec.Desired, error) {
	const op = "read desired state"
	d := spec.Desired{Device: device}
	err := s.snapshot(ctx, func(q querier) error {
		err := q.QueryRowContext(ctx, `SELECT revision FROM devices WHERE id = $1`, device).Scan(&d.Revision)
		if err != nil {
			return err
		}
		d.Applications, err = query(ctx, q, scanDesired, `SELECT p.deployment_id, p.name, a.version, a.artifact, a.configuration, p.desired
			FROM placements p JOIN applications a ON a.id = p.application_id WHERE p.device_id = $1 ORDER BY p.name`, device)
		if err == nil {
			d.Credentials, err = query(ctx, q, scanDesiredCredential, `SELECT name, hash, subscribe, publish FROM credentials
				WHERE device_id = $1 OR device_id = '' ORDER BY name`, device)
		}
		return err
	})
	return d, s.missing(err, op, string(device), "there is no such device", "A device registers itself when its agent starts.")
}

func scanDesired(row rowScanner) (a spec.DesiredApplication, err error) {
	var configuration []byte
	if err = row.Scan(&a.Deployment, &a.Name, &a.Version, &a.Artifact, &configuration, &a.State); err != nil {
		return a, err
	}
	return a, json.Unmarshal(configuration, &a.Configuration)
}

const selectPlacements = `SELECT p.device_id, p.name, a.version, p.desired, p.deployment_id,
	` + reportedState + `, p.actual, p.message, p.updated_at
	FROM placements p JOIN applications a ON a.id = p.application_id ` + withDeployment + ` `

// A device says what runs; that something is under way the deployment knows.
const (
	reportedState  = `CASE WHEN x.status IN ('queued', 'running') THEN 'deploying' ELSE p.state END`
	withDeployment = `LEFT JOIN deployment_devices x ON x.deployment_id = p.deployment_id AND x.device_id = p.device_id`
)

func scanPlacement(row rowScanner) (p spec.Placement, err error) {
	var updated int64
	err = row.Scan(&p.Device, &p.Name, &p.Version, &p.Desired, &p.Deployment, &p.State, &p.Actual, &p.Message, &updated)
	p.UpdatedAt = timeOf(updated)
	return p, err
}

// Placements are what a device holds.
func (s *Store) Placements(ctx context.Context, device spec.DeviceID) ([]spec.Placement, error) {
	all, err := query(ctx, s.db, scanPlacement, selectPlacements+`WHERE p.device_id = $1 ORDER BY p.name`, device)
	return all, s.explain(err, "list placements", string(device))
}

// Application is an application with its placements; NotFound if no version of
// it is stored.
func (s *Store) Application(ctx context.Context, name spec.Name) (spec.Application, error) {
	const op = "read application"
	var a spec.Application
	err := s.snapshot(ctx, func(q querier) (err error) {
		a, err = applicationIn(ctx, q, name)
		return err
	})
	return a, s.missing(err, op, string(name), "there is no such application", "'fescue get applications' lists them.")
}

func applicationIn(ctx context.Context, q querier, name spec.Name) (spec.Application, error) {
	versions, err := query(ctx, q, scanRelease, `SELECT name, version, updated_at FROM applications WHERE name = $1`, name)
	if err == nil && len(versions) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return spec.Application{}, err
	}
	placements, err := query(ctx, q, scanPlacement, selectPlacements+`WHERE p.name = $1 ORDER BY p.device_id`, name)
	return applicationOf(versions, placements), err
}

// applicationOf puts an application together from its versions, of which there
// is one at least, and its placements.
func applicationOf(versions []spec.ApplicationVersion, placements []spec.Placement) spec.Application {
	a := spec.Application{Name: versions[0].Name, Versions: len(versions), Placements: placements}
	a.Latest = slices.MaxFunc(versions, compareReleases).Version
	for _, v := range versions {
		a.UpdatedAt = later(a.UpdatedAt, v.UpdatedAt)
	}
	for _, p := range placements {
		a.UpdatedAt = later(a.UpdatedAt, p.UpdatedAt)
	}
	return a
}

// scanRelease reads what of a version an application shows.
func scanRelease(row rowScanner) (v spec.ApplicationVersion, err error) {
	var updated int64
	err = row.Scan(&v.Name, &v.Version, &updated)
	v.UpdatedAt = timeOf(updated)
	return v, err
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Applications lists applications by name: all, or those that a device holds.
func (s *Store) Applications(ctx context.Context, on spec.DeviceID, p Page) (List[spec.Application], error) {
	const names = `(SELECT DISTINCT a.name FROM applications a WHERE a.name > $1
		AND ($2 = '' OR EXISTS (SELECT 1 FROM placements x WHERE x.device_id = $2 AND x.name = a.name)) ORDER BY a.name LIMIT $3)`
	items := []spec.Application{}
	err := s.snapshot(ctx, func(q querier) error {
		arguments := []any{p.Cursor, string(on), p.limit() + 1}
		versions, err := query(ctx, q, scanRelease, `SELECT name, version, updated_at FROM applications WHERE name IN `+names+` ORDER BY name`, arguments...)
		if err != nil {
			return err
		}
		placements, err := query(ctx, q, scanPlacement, selectPlacements+`WHERE p.name IN `+names+` ORDER BY p.device_id`, arguments...)
		if err != nil {
			return err
		}
		placed := map[spec.Name][]spec.Placement{}
		for _, there := range placements {
			placed[there.Name] = append(placed[there.Name], there)
		}
		for len(versions) > 0 {
			n := slices.IndexFunc(versions, func(v spec.ApplicationVersion) bool { return v.Name != versions[0].Name })
			if n < 0 {
				n = len(versions)
			}
			items = append(items, applicationOf(versions[:n], append([]spec.Placement{}, placed[versions[0].Name]...)))
			versions = versions[n:]
		}
		return nil
	})
	return paged(items, p.limit(), func(a spec.Application) string { return string(a.Name) }), s.explain(err, "list applications", "")
}
