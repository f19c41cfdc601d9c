package store

import "context"

// Counts tells how many there are of each kind of record.
func (s *Store) Counts(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	for what, text := range map[string]string{
		"artifacts":      `SELECT count(*) FROM artifacts`,
		"configurations": `SELECT count(*) FROM applications`,
		"applications":   `SELECT count(DISTINCT name) FROM applications`,
		"deployments":    `SELECT count(*) FROM deployments`,
		"devices":        `SELECT count(*) FROM devices`,
	} {
		var n int
		if err := s.db.QueryRowContext(ctx, text).Scan(&n); err != nil {
			return nil, s.explain(err, "count records", what)
		}
		counts[what] = n
	}
	return counts, nil
}
