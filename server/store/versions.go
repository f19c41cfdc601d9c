package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

const versionColumns = `id, name, version, artifact, configuration_text, configuration, status, reported_status, is_processed, extracted_path, created_at, updated_at`

func scanVersion(row rowScanner) (v spec.ApplicationVersion, err error) {
	var configuration []byte
	var created, updated int64
	err = row.Scan(&v.ID, &v.Name, &v.Version, &v.Artifact, &v.Text, &configuration, &v.Status, &v.Reported, &v.Processed, &v.ExtractedPath, &created, &updated)
	if err != nil {
		return v, err
	}
	v.CreatedAt, v.UpdatedAt = timeOf(created), timeOf(updated)
	return v, json.Unmarshal(configuration, &v.Configuration)
}

// changed is how many rows a statement changed.
func changed(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// affected turns a statement that changed no row into NotFound.
func affected(r sql.Result, err error) func(op, resource, words string) error {
	return func(op, resource, words string) error {
		n, err := changed(r, err)
		if err == nil && n == 0 {
			err = fail.New(fail.NotFound, op, "%s", words).On(resource)
		}
		return err
	}
}

// CreateVersion stores a configuration as a version of its application. The
// same text and artifact again give what is stored and created false; other
// content under the same name and version is a Conflict.
func (s *Store) CreateVersion(ctx context.Context, c *spec.Configuration, text string, artifact spec.Digest) (v spec.ApplicationVersion, created bool, err error) {
	const op = "store configuration"
	resource := string(c.Name) + " " + string(c.Version)
	err = s.tx(ctx, op, resource, []string{string(c.Name)}, func(q querier) error {
		v, err = versionIn(ctx, q, c.Name, c.Version)
		switch {
		case err == nil && v.Text == text && v.Artifact == artifact:
			return nil
		case err == nil:
			return fail.New(fail.Conflict, op, "it is stored with other content").On(resource).
				WithHint("A version is immutable: raise the version in the configuration.")
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		created = true
		if err := s.knownArtifact(ctx, q, artifact); err != nil {
			return err
		}
		if err := s.insertVersion(ctx, q, c, text, artifact); err != nil {
			return err
		}
		v, err = versionIn(ctx, q, c.Name, c.Version)
		return err
	})
	return v, created && err == nil, err
}

func (s *Store) knownArtifact(ctx context.Context, q querier, d spec.Digest) error {
	_, err := scanArtifact(q.QueryRowContext(ctx, `SELECT `+artifactColumns+` FROM artifacts WHERE digest = $1`, d))
	return s.missing(err, "store configuration", string(d), "there is no such artifact", "Send it first, with 'fescue create artifact'.")
}

func versionIn(ctx context.Context, q querier, name spec.Name, version spec.Version) (spec.ApplicationVersion, error) {
	return scanVersion(q.QueryRowContext(ctx, `SELECT `+versionColumns+` FROM applications WHERE name = $1 AND version = $2`, name, version))
}

func (s *Store) insertVersion(ctx context.Context, q querier, c *spec.Configuration, text string, artifact spec.Digest) error {
	id, err := next(ctx, q, "applications")
	if err != nil {
		return err
	}
	grants := c.Grants()
	columns := make([]string, 4)
	for i, value := range []any{c, c.Dependencies, grants.Subscribe, grants.Publish} {
		b, err := json.Marshal(value)
		if err != nil {
			return err
		}
		columns[i] = string(b)
	}
	now := s.time()
	_, err = q.ExecContext(ctx, `INSERT INTO applications (id, name, version, artifact, configuration_text, configuration, runtime_environment, required_platform,
		is_containerized, dependencies, subscription_topics, publication_topics, status, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)`,
		id, c.Name, c.Version, artifact, text, columns[0], c.Runtime, c.Platform, c.Isolation != spec.IsolationNone,
		columns[1], columns[2], columns[3], spec.VersionStored, now)
	if err != nil {
		return err
	}
	for i, command := range c.Commands {
		_, err := q.ExecContext(ctx, `INSERT INTO commands (application_id, position, mode, command, wait_for_exit, timeout) VALUES ($1, $2, $3, $4, $5, $6)`,
			id, i, command.Mode, command.Run, command.Wait, int64(command.Timeout))
		if err != nil {
			return err
		}
	}
	return nil
}

const versionHint = "'fescue get configurations' lists what is stored."

// Version is one version of an application; with version "" the latest.
func (s *Store) Version(ctx context.Context, name spec.Name, version spec.Version) (spec.ApplicationVersion, error) {
	const op = "read configuration"
	if version == "" {
		return s.latest(ctx, name)
	}
	v, err := versionIn(ctx, s.db, name, version)
	return v, s.missing(err, op, string(name)+" "+string(version), "there is no such version", versionHint)
}

// latest is the version of highest precedence; a pre-release only if there is
// nothing else.
func (s *Store) latest(ctx context.Context, name spec.Name) (spec.ApplicationVersion, error) {
	all, err := query(ctx, s.db, scanVersion, `SELECT `+versionColumns+` FROM applications WHERE name = $1`, name)
	if err == nil && len(all) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return spec.ApplicationVersion{}, s.missing(err, "read configuration", string(name), "no version of it is stored", versionHint)
	}
	return slices.MaxFunc(all, compareReleases), nil
}

func compareReleases(a, b spec.ApplicationVersion) int {
	return cmp.Or(-compareBool(a.Version.PreRelease(), b.Version.PreRelease()), a.Version.Compare(b.Version))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// VersionQuery chooses versions; zero fields choose all.
type VersionQuery struct {
	Name   spec.Name
	Device spec.DeviceID // only what is to run on this device, or still does
}

// Versions lists versions by id, the order of their making.
func (s *Store) Versions(ctx context.Context, v VersionQuery, p Page) (List[spec.ApplicationVersion], error) {
	after, err := cursorNumber(p.Cursor)
	if err != nil {
		return List[spec.ApplicationVersion]{}, err
	}
	items, err := query(ctx, s.db, scanVersion, `SELECT `+versionColumns+` FROM applications a WHERE id > $1 AND (name = $2 OR $2 = '')
		AND ($3 = '' OR EXISTS (SELECT 1 FROM placements p WHERE p.device_id = $3 AND p.name = a.name AND (p.application_id = a.id OR p.actual = a.version)))
		ORDER BY id LIMIT $4`, after, string(v.Name), string(v.Device), p.limit()+1)
	return paged(items, p.limit(), func(v spec.ApplicationVersion) string { return numberCursor(v.ID) }), s.explain(err, "list configurations", "")
}

// DeleteVersion forgets a version that no device holds or goes back to; else
// Conflict.
func (s *Store) DeleteVersion(ctx context.Context, name spec.Name, version spec.Version) error {
	const op = "delete configuration"
	resource := string(name) + " " + string(version)
	return s.tx(ctx, op, resource, []string{string(name)}, func(q querier) error {
		var placed int
		err := q.QueryRowContext(ctx, `SELECT count(*) FROM placements p JOIN applications a ON a.id = p.application_id OR a.id = p.good_application_id
			WHERE a.name = $1 AND a.version = $2`, name, version).Scan(&placed)
		if err != nil {
			return err
		}
		if placed > 0 {
			return fail.New(fail.Conflict, op, "a device holds it").On(resource).WithHint("Deploy another version first, or take the application off with 'fescue delete %s'.", name)
		}
		return affected(q.ExecContext(ctx, `DELETE FROM applications WHERE name = $1 AND version = $2`, name, version))(op, resource, "there is no such version")
	})
}

// Commands are a version's commands in their order.
func (s *Store) Commands(ctx context.Context, applicationID int64) ([]spec.Command, error) {
	all, err := query(ctx, s.db, func(row rowScanner) (c spec.Command, err error) {
		return c, row.Scan(&c.Mode, &c.Run, &c.Wait, (*int64)(&c.Timeout))
	}, `SELECT mode, command, wait_for_exit, timeout FROM commands WHERE application_id = $1 ORDER BY position`, applicationID)
	return all, s.explain(err, "read commands", "")
}
