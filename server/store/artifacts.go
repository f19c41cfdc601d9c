package store

import (
	"context"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

const artifactColumns = `digest, size, unpacked, files, created_at`

func scanArtifact(row rowScanner) (a spec.Artifact, err error) {
	var created int64
	err = row.Scan(&a.Digest, &a.Size, &a.Unpacked, &a.Files, &created)
	a.CreatedAt = timeOf(created)
	return a, err
}

// PutArtifact registers an artifact whose content is stored; created is false
// if it was registered before.
func (s *Store) PutArtifact(ctx context.Context, a spec.Artifact) (stored spec.Artifact, created bool, err error) {
	err = s.tx(ctx, "register artifact", string(a.Digest), nil, func(q querier) error {
		n, err := changed(q.ExecContext(ctx, `INSERT INTO artifacts (`+artifactColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (digest) DO NOTHING`,
			a.Digest, a.Size, a.Unpacked, a.Files, s.time()))
		if err != nil {
			return err
		}
		created = n > 0
		stored, err = scanArtifact(q.QueryRowContext(ctx, `SELECT `+artifactColumns+` FROM artifacts WHERE digest = $1`, a.Digest))
		return err
	})
	return stored, created, err
}

// Artifact is one artifact; NotFound if it is not registered.
func (s *Store) Artifact(ctx context.Context, d spec.Digest) (spec.Artifact, error) {
	a, err := scanArtifact(s.db.QueryRowContext(ctx, `SELECT `+artifactColumns+` FROM artifacts WHERE digest = $1`, d))
	return a, s.missing(err, "read artifact", string(d), "there is no such artifact", "'fescue get artifacts' lists them.")
}

// missing is explain, with words of its own for a row that is not there.
func (s *Store) missing(err error, op, resource, words, hint string) error {
	err = s.explain(err, op, resource)
	if fail.Is(err, fail.NotFound) {
		return fail.New(fail.NotFound, op, "%s", words).On(resource).WithHint("%s", hint)
	}
	return err
}

// Page asks for a part of a list.
type Page struct {
	Limit  int    // at most; 0 is 100, the most 1,000
	Cursor string // Next of the page before, or ""
}

func (p Page) limit() int {
	if p.Limit <= 0 {
		return 100
	}
	return min(p.Limit, 1000)
}

// List is a part of a list, and the cursor for the next part, or "".
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next" doc:"Cursor for the next page; empty on the last."`
}

// paged cuts a result of limit+1 items and makes the cursor.
func paged[T any](items []T, limit int, cursor func(T) string) List[T] {
	if len(items) <= limit {
		return List[T]{Items: items}
	}
	items = items[:limit]
	return List[T]{Items: items, Next: cursor(items[limit-1])}
}

// Artifacts lists artifacts by digest.
func (s *Store) Artifacts(ctx context.Context, p Page) (List[spec.Artifact], error) {
	items, err := query(ctx, s.db, scanArtifact, `SELECT `+artifactColumns+` FROM artifacts WHERE digest > $1 ORDER BY digest LIMIT $2`, p.Cursor, p.limit()+1)
	return paged(items, p.limit(), func(a spec.Artifact) string { return string(a.Digest) }), s.explain(err, "list artifacts", "")
}

// DeleteArtifact forgets an artifact that no configuration uses; else Conflict.
func (s *Store) DeleteArtifact(ctx context.Context, d spec.Digest) error {
	const op = "delete artifact"
	return s.tx(ctx, op, string(d), nil, func(q querier) error {
		var users int
		if err := q.QueryRowContext(ctx, `SELECT count(*) FROM applications WHERE artifact = $1`, d).Scan(&users); err != nil {
			return err
		}
		if users > 0 {
			return fail.New(fail.Conflict, op, "%d configurations use it", users).On(string(d)).WithHint("Delete those first.")
		}
		return affected(q.ExecContext(ctx, `DELETE FROM artifacts WHERE digest = $1`, d))(op, string(d), "there is no such artifact")
	})
}
