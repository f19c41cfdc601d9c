package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// CreateDeployment sets a stored version to run on devices: one transaction
// makes the deployment, supersedes those of the same application that are under
// way there, and changes what the devices should run. Of two at once the later
// wins.
func (s *Store) CreateDeployment(ctx context.Context, name spec.Name, version spec.Version, devices []spec.DeviceID) (d spec.Deployment, err error) {
	const op = "deploy"
	resource := string(name) + " " + string(version)
	devices = slices.Sorted(slices.Values(devices)) // one order for all, against deadlock
	devices = slices.Compact(devices)
	if len(devices) == 0 {
		return d, fail.New(fail.Invalid, op, "no device is named").On(resource).WithHint("Name at least one device.")
	}
	err = s.tx(ctx, op, resource, []string{string(name)}, func(q querier) error {
		v, err := versionIn(ctx, q, name, version)
		if errors.Is(err, sql.ErrNoRows) {
			return fail.New(fail.NotFound, op, "there is no such version").On(resource).WithHint(versionHint)
		}
		if err != nil {
			return err
		}
		id, err := next(ctx, q, "deployments")
		if err != nil {
			return err
		}
		now := s.time()
		if _, err := q.ExecContext(ctx, `INSERT INTO deployments (id, name, version, status, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)`,
			id, name, version, spec.DeploymentQueued, now); err != nil {
			return err
		}
		for _, device := range devices {
			if err := s.place(ctx, q, v, spec.DeploymentID(id), device); err != nil {
				return err
			}
		}
		if err := s.settle(ctx, q, name, version); err != nil {
			return err
		}
		d, err = deploymentIn(ctx, q, spec.DeploymentID(id))
		return err
	})
	return d, err
}

// place makes one device's part of a deployment.
func (s *Store) place(ctx context.Context, q querier, v spec.ApplicationVersion, id spec.DeploymentID, device spec.DeviceID) error {
	if err := s.touchRevision(ctx, q, device); err != nil {
		return err
	}
	if err := s.finishOthers(ctx, q, v.Name, device, id, spec.DeploymentSuperseded); err != nil {
		return err
	}
	now := s.time()
	if _, err := q.ExecContext(ctx, `INSERT INTO deployment_devices (deployment_id, device_id, status, updated_at) VALUES ($1, $2, $3, $4)`,
		id, device, spec.DeploymentQueued, now); err != nil {
		return err
	}
	_, err := q.ExecContext(ctx, placeText, device, v.Name, v.ID, id, spec.Running, spec.Removed, now)
	return err
}

// placeText makes a placement or changes its version. How people had the version
// that is good is noted when another takes its place; what was being removed is no
// longer there to go back to.
const placeText = `INSERT INTO placements (device_id, name, application_id, deployment_id, desired, state, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
	ON CONFLICT (device_id, name) DO UPDATE SET
	good_application_id = CASE WHEN placements.desired = 'removed' THEN NULL ELSE placements.good_application_id END,
	good_deployment_id = CASE WHEN placements.desired = 'removed' THEN NULL ELSE placements.good_deployment_id END,
	good_desired = CASE WHEN placements.deployment_id = placements.good_deployment_id THEN placements.desired ELSE placements.good_desired END,
	application_id = excluded.application_id, deployment_id = excluded.deployment_id,
	desired = excluded.desired, message = '', updated_at = excluded.updated_at`

// touchRevision tells the device, when it asks next, that something changed.
func (s *Store) touchRevision(ctx context.Context, q querier, device spec.DeviceID) error {
	return affected(q.ExecContext(ctx, `UPDATE devices SET revision = revision + 1 WHERE id = $1`, device))("change desired state", string(device), "there is no such device")
}

// finishOthers ends the deployments of an application that are under way on a
// device, all but one.
func (s *Store) finishOthers(ctx context.Context, q querier, name spec.Name, device spec.DeviceID, but spec.DeploymentID, as spec.DeploymentStatus) error {
	ids, err := query(ctx, q, scanID, `SELECT d.id FROM deployments d JOIN deployment_devices x ON x.deployment_id = d.id
		WHERE d.name = $1 AND x.device_id = $2 AND d.id <> $3 AND x.status IN ('queued', 'running') ORDER BY d.id`, name, device, but)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := s.finish(ctx, q, id, device, as, ""); err != nil {
			return err
		}
	}
	return nil
}

func scanID(row rowScanner) (id spec.DeploymentID, err error) { return id, row.Scan(&id) }

// finish gives a deployment on a device its final status; done is false if it has
// one, which stays.
func (s *Store) finish(ctx context.Context, q querier, id spec.DeploymentID, device spec.DeviceID, status spec.DeploymentStatus, message string) (done bool, err error) {
	n, err := changed(q.ExecContext(ctx, `UPDATE deployment_devices SET status = $3, message = $4, updated_at = $5
		WHERE deployment_id = $1 AND device_id = $2 AND status IN ('queued', 'running')`, id, device, status, message, s.time()))
	if err != nil || n == 0 {
		return false, err
	}
	return true, s.summarise(ctx, q, id)
}

// summarise derives a deployment's status from those of its devices.
func (s *Store) summarise(ctx context.Context, q querier, id spec.DeploymentID) error {
	statuses, err := query(ctx, q, func(row rowScanner) (st spec.DeploymentStatus, err error) { return st, row.Scan(&st) },
		`SELECT status FROM deployment_devices WHERE deployment_id = $1`, id)
	if err != nil {
		return err
	}
	status, now := overall(statuses), s.time()
	var finished *int64
	if status.Final() {
		finished = &now
	}
	_, err = q.ExecContext(ctx, `UPDATE deployments SET status = $2, updated_at = $3, finished_at = $4 WHERE id = $1 AND status <> $2`, id, status, now, finished)
	return err
}

// overall: a deployment is under way while one device is; of those that ended,
// the worst counts.
func overall(statuses []spec.DeploymentStatus) spec.DeploymentStatus {
	count := map[spec.DeploymentStatus]int{}
	for _, st := range statuses {
		count[st]++
	}
	switch {
	case count[spec.DeploymentQueued] == len(statuses):
		return spec.DeploymentQueued
	case count[spec.DeploymentQueued]+count[spec.DeploymentRunning] > 0:
		return spec.DeploymentRunning
	}
	for _, st := range []spec.DeploymentStatus{spec.DeploymentFailed, spec.DeploymentCanceled, spec.DeploymentSuperseded} {
		if count[st] > 0 {
			return st
		}
	}
	return spec.DeploymentSucceeded
}

// CancelDeployment ends a deployment that is under way. Its devices go back to
// the version that ran before, or to none. One that has ended is a Conflict.
func (s *Store) CancelDeployment(ctx context.Context, id spec.DeploymentID) (d spec.Deployment, changed []spec.DeviceID, err error) {
	const op = "cancel deployment"
	before, err := s.Deployment(ctx, id)
	if err != nil {
		return d, nil, err
	}
	err = s.tx(ctx, op, fmt.Sprint(id), []string{string(before.Name)}, func(q querier) error {
		devices, err := query(ctx, q, func(row rowScanner) (x spec.DeviceID, err error) { return x, row.Scan(&x) },
			`SELECT device_id FROM deployment_devices WHERE deployment_id = $1 AND status IN ('queued', 'running') ORDER BY device_id`, id)
		if err != nil {
			return err
		}
		if len(devices) == 0 {
			return fail.New(fail.Conflict, op, "it has ended already").On(fmt.Sprint(id))
		}
		changed = devices
		for _, device := range devices {
			if err := s.touchRevision(ctx, q, device); err != nil {
				return err
			}
			if _, err := s.finish(ctx, q, id, device, spec.DeploymentCanceled, ""); err != nil {
				return err
			}
			if err := s.goBack(ctx, q, before.Name, device, id, fmt.Sprintf("deployment %d was cancelled", id)); err != nil {
				return err
			}
		}
		if err := s.settle(ctx, q, before.Name, before.Version); err != nil {
			return err
		}
		d, err = deploymentIn(ctx, q, id)
		return err
	})
	return d, changed, err
}
