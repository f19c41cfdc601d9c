package store

import (
	"context"
	"fmt"

	"fescue.dev/fescue/spec"
)

const deploymentColumns = `id, name, version, status, created_at, updated_at, finished_at`

func scanDeployment(row rowScanner) (d spec.Deployment, err error) {
	var created, updated int64
	var finished *int64
	if err = row.Scan(&d.ID, &d.Name, &d.Version, &d.Status, &created, &updated, &finished); err != nil {
		return d, err
	}
	d.CreatedAt, d.UpdatedAt = timeOf(created), timeOf(updated)
	if finished != nil {
		at := timeOf(*finished)
		d.FinishedAt = &at
	}
	return d, nil
}

func scanDeploymentDevice(row rowScanner) (x spec.DeploymentDevice, err error) {
	var updated int64
	err = row.Scan(&x.Device, &x.Status, &x.Step, &x.Message, &updated)
	x.UpdatedAt = timeOf(updated)
	return x, err
}

func deploymentIn(ctx context.Context, q querier, id spec.DeploymentID) (spec.Deployment, error) {
	d, err := scanDeployment(q.QueryRowContext(ctx, `SELECT `+deploymentColumns+` FROM deployments WHERE id = $1`, id))
	if err != nil {
		return d, err
	}
	return d, readDevices(ctx, q, &d)
}

func readDevices(ctx context.Context, q querier, d *spec.Deployment) (err error) {
	d.Devices, err = query(ctx, q, scanDeploymentDevice, `SELECT device_id, status, step, message, updated_at FROM deployment_devices WHERE deployment_id = $1 ORDER BY device_id`, d.ID)
	return err
}

// Deployment is one deployment with its devices.
func (s *Store) Deployment(ctx context.Context, id spec.DeploymentID) (spec.Deployment, error) {
	var d spec.Deployment
	err := s.snapshot(ctx, func(q querier) (err error) {
		d, err = deploymentIn(ctx, q, id)
		return err
	})
	return d, s.missing(err, "read deployment", fmt.Sprint(id), "there is no such deployment", "'fescue get deployments' lists them.")
}

// Deployments lists deployments, newest first, of one application or (name "")
// of all.
func (s *Store) Deployments(ctx context.Context, name spec.Name, p Page) (List[spec.Deployment], error) {
	const op = "list deployments"
	before, err := cursorNumber(p.Cursor)
	if err != nil {
		return List[spec.Deployment]{}, err
	}
	var page List[spec.Deployment]
	err = s.snapshot(ctx, func(q querier) error {
		items, err := query(ctx, q, scanDeployment, `SELECT `+deploymentColumns+` FROM deployments WHERE (id < $1 OR $1 = 0) AND (name = $2 OR $2 = '') ORDER BY id DESC LIMIT $3`,
			before, string(name), p.limit()+1)
		if err != nil {
			return err
		}
		page = paged(items, p.limit(), func(d spec.Deployment) string { return numberCursor(int64(d.ID)) })
		for i := range page.Items {
			if err := readDevices(ctx, q, &page.Items[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return page, s.explain(err, op, "")
}
