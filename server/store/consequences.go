package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"fescue.dev/fescue/spec"
)

// consequences draws from an event what it changes. Words of the database:
// a deployment is under way on a device while its row in deployment_devices is
// queued or running; the placement belongs to the deployment that it names.
func (s *Store) consequences(ctx context.Context, q querier, e spec.Event) error {
	switch e.Kind {
	case spec.EventStep, spec.EventDeployment:
		mine, err := belongs(ctx, q, e)
		if err != nil || !mine {
			return err
		}
		if e.Kind == spec.EventStep {
			return s.applyStep(ctx, q, e)
		}
		return s.applyOutcome(ctx, q, e)
	case spec.EventApplication:
		return s.applyState(ctx, q, e)
	}
	return nil
}

// belongs tells whether the deployment that an event names is of the application
// and version that it names, too.
func belongs(ctx context.Context, q querier, e spec.Event) (bool, error) {
	var name spec.Name
	var version spec.Version
	err := q.QueryRowContext(ctx, `SELECT name, version FROM deployments WHERE id = $1`, e.Deployment).Scan(&name, &version)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return name == e.Application && version == e.Version, err
}

// reordering is how far back in a device's numbers an event may lie and count as
// late. One that lies further back comes from a journal that was begun anew.
const reordering = 1024

// current is the condition that no later event of the device was applied to a row.
func current(sequence uint64) string {
	return fmt.Sprintf(" AND (sequence <= %d OR sequence > %d)", sequence, min(sequence, 1<<62)+reordering)
}

// applyStep: a step counts while the deployment is under way.
func (s *Store) applyStep(ctx context.Context, q querier, e spec.Event) error {
	now := s.time()
	if e.Path != "" {
		if _, err := q.ExecContext(ctx, `UPDATE applications SET extracted_path = $3, updated_at = $4 WHERE name = $1 AND version = $2`,
			e.Application, e.Version, e.Path, now); err != nil {
			return err
		}
	}
	n, err := changed(q.ExecContext(ctx, `UPDATE deployment_devices SET status = $3, step = $4, message = $5, updated_at = $6, sequence = $7
		WHERE deployment_id = $1 AND device_id = $2 AND status IN ('queued', 'running')`+current(e.Sequence),
		e.Deployment, e.Device, spec.DeploymentRunning, e.Step, e.Message, now, int64(e.Sequence)))
	if err != nil || n == 0 {
		return err
	}
	if _, err := q.ExecContext(ctx, `UPDATE applications SET reported_status = $3, updated_at = $4 WHERE name = $1 AND version = $2`,
		e.Application, e.Version, string(e.Step)+": "+e.Status, now); err != nil {
		return err
	}
	return s.summarise(ctx, q, e.Deployment)
}

// applyOutcome: history keeps the first outcome. The placement follows what the
// device says as long as it belongs to this deployment; if a newer one has taken
// it, that one has the say.
func (s *Store) applyOutcome(ctx context.Context, q querier, e spec.Event) error {
	status := spec.DeploymentStatus(e.Status)
	if !status.Final() {
		return nil
	}
	news, err := s.finish(ctx, q, e.Deployment, e.Device, status, e.Message)
	if err != nil {
		return err
	}
	switch {
	case status == spec.DeploymentSucceeded:
		err = s.cameUp(ctx, q, e)
	case status == spec.DeploymentFailed, news:
		// A device that gives up by itself has not done it, whatever it calls that.
		err = s.didNotComeUp(ctx, q, e)
	}
	if err != nil {
		return err
	}
	return s.settle(ctx, q, e.Application, e.Version)
}

// cameUp: the version becomes the one to go back to. That also holds if the
// deployment was superseded while the device finished it.
func (s *Store) cameUp(ctx context.Context, q querier, e spec.Event) error {
	now := s.time()
	n, err := changed(q.ExecContext(ctx, `UPDATE placements SET good_application_id = application_id, good_deployment_id = deployment_id, good_desired = NULL,
		state = CASE WHEN desired = 'stopped' THEN 'stopped' ELSE 'running' END, actual = $4, message = '', sequence = $5, updated_at = $6
		WHERE device_id = $1 AND name = $2 AND deployment_id = $3`, e.Device, e.Application, e.Deployment, e.Version, int64(e.Sequence), now))
	if err != nil || n > 0 {
		return err
	}
	v, err := versionIn(ctx, q, e.Application, e.Version)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // deleted meanwhile: nothing to go back to
	}
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `UPDATE placements SET good_application_id = $4, good_deployment_id = $3, good_desired = 'running', state = 'running', actual = $5, sequence = $6, updated_at = $7
		WHERE device_id = $1 AND name = $2 AND deployment_id > $3 AND desired <> 'removed' AND (good_deployment_id IS NULL OR good_deployment_id < $3)`,
		e.Device, e.Application, e.Deployment, v.ID, e.Version, int64(e.Sequence), now)
	return err
}

// didNotComeUp: a device that had a version that works goes back to it, so that
// it does not try the broken one at each start; one that had none keeps the
// placement, marked failed, for people to see.
func (s *Store) didNotComeUp(ctx context.Context, q querier, e spec.Event) error {
	n, err := changed(q.ExecContext(ctx, `UPDATE placements SET state = $4, message = $5, sequence = $6, updated_at = $7
		WHERE device_id = $1 AND name = $2 AND deployment_id = $3 AND desired <> 'removed' AND (good_deployment_id IS NULL OR good_deployment_id = deployment_id)`,
		e.Device, e.Application, e.Deployment, spec.Failed, e.Message, int64(e.Sequence), s.time()))
	if err != nil || n > 0 {
		return err
	}
	var mine int
	if err := q.QueryRowContext(ctx, `SELECT count(*) FROM placements WHERE device_id = $1 AND name = $2 AND deployment_id = $3 AND desired <> 'removed'`,
		e.Device, e.Application, e.Deployment).Scan(&mine); err != nil || mine == 0 {
		return err
	}
	if err := s.touchRevision(ctx, q, e.Device); err != nil {
		return err
	}
	return s.goBack(ctx, q, e.Application, e.Device, e.Deployment, string(e.Version)+" "+e.Status+": "+e.Message)
}

// goBack returns a placement that still belongs to deployment id to the version
// that came up last, or marks it for removal if there was none.
func (s *Store) goBack(ctx context.Context, q querier, name spec.Name, device spec.DeviceID, id spec.DeploymentID, message string) error {
	now := s.time()
	n, err := changed(q.ExecContext(ctx, `UPDATE placements SET application_id = good_application_id, deployment_id = good_deployment_id,
		desired = COALESCE(good_desired, desired), good_desired = NULL, message = $4, updated_at = $5
		WHERE device_id = $1 AND name = $2 AND deployment_id = $3 AND good_application_id IS NOT NULL`, device, name, id, message, now))
	if err != nil || n > 0 {
		return err
	}
	_, err = q.ExecContext(ctx, `UPDATE placements SET desired = $4, updated_at = $5 WHERE device_id = $1 AND name = $2 AND deployment_id = $3`,
		device, name, id, spec.Removed, now)
	return err
}

// applyState: what the device holds and how it is with it. That a device is
// deploying is known from the deployment.
func (s *Store) applyState(ctx context.Context, q querier, e spec.Event) error {
	switch spec.RunState(e.Status) {
	case spec.Removed:
		return s.applyRemoval(ctx, q, e)
	case spec.Deploying:
		return nil
	}
	_, err := q.ExecContext(ctx, `UPDATE placements SET state = $3, actual = $4, message = $5, sequence = $6, updated_at = $7
		WHERE device_id = $1 AND name = $2`+current(e.Sequence),
		e.Device, e.Application, e.Status, e.Version, e.Message, int64(e.Sequence), s.time())
	return err
}

// applyRemoval: the device holds nothing of it any more. If it is wanted there
// again, its deployment is still to come.
func (s *Store) applyRemoval(ctx context.Context, q querier, e spec.Event) error {
	if _, err := q.ExecContext(ctx, `DELETE FROM placements WHERE device_id = $1 AND name = $2 AND desired = 'removed'`, e.Device, e.Application); err != nil {
		return err
	}
	if _, err := q.ExecContext(ctx, `UPDATE placements SET state = $3, actual = '', sequence = $4, updated_at = $5
		WHERE device_id = $1 AND name = $2`+current(e.Sequence), e.Device, e.Application, spec.Removed, int64(e.Sequence), s.time()); err != nil {
		return err
	}
	return s.settle(ctx, q, e.Application, e.Version)
}
