package store

import (
	"context"

	"fescue.dev/fescue/spec"
)

// settle derives the status of an application's versions from where they are
// placed: of the one that is named, and of all that may have been on a device.
// Both are derived, not kept in step, so that they cannot go wrong for good.
func (s *Store) settle(ctx context.Context, q querier, name spec.Name, version spec.Version) error {
	type row struct {
		id       int64
		is, want spec.VersionStatus
	}
	rows, err := query(ctx, q, func(scanner rowScanner) (r row, err error) { return r, scanner.Scan(&r.id, &r.is, &r.want) }, settleText, name, version)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.is == r.want {
			continue
		}
		processed := r.want != spec.VersionStored && r.want != spec.VersionDeploying
		if _, err := q.ExecContext(ctx, `UPDATE applications SET status = $2, is_processed = $3, updated_at = $4 WHERE id = $1`, r.id, r.want, processed, s.time()); err != nil {
			return err
		}
	}
	return nil
}

// settleText: a version is deploying while one device is at it, deployed while
// one device has it as the version that came up last, and otherwise what its last
// deployment came to.
const settleText = `SELECT a.id, a.status, CASE
	WHEN EXISTS (SELECT 1 FROM placements p JOIN deployment_devices x ON x.deployment_id = p.deployment_id AND x.device_id = p.device_id
		WHERE p.name = a.name AND p.application_id = a.id AND p.desired <> 'removed' AND x.status IN ('queued', 'running')) THEN 'deploying'
	WHEN EXISTS (SELECT 1 FROM placements p WHERE p.name = a.name AND p.good_application_id = a.id AND p.desired <> 'removed') THEN 'deployed'
	ELSE COALESCE((SELECT CASE d.status WHEN 'failed' THEN 'failed' ELSE 'retired' END FROM deployments d
		WHERE d.name = a.name AND d.version = a.version AND d.created_at >= a.created_at ORDER BY d.id DESC LIMIT 1), 'stored') END
	FROM applications a WHERE a.name = $1 AND (a.status IN ('deployed', 'deploying') OR a.version = $2)`
