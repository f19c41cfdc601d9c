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

// Tallies are how many deployments and placements there are in each state.
type Tallies struct {
	Deployments map[string]int
	Placements  map[string]int
}

// Tallies counts deployments by status and placements by what devices report.
func (s *Store) Tallies(ctx context.Context) (Tallies, error) {
	t := Tallies{Deployments: map[string]int{}, Placements: map[string]int{}}
	for _, c := range []struct {
		text string
		into map[string]int
	}{
		{`SELECT status, count(*) FROM deployments GROUP BY status`, t.Deployments},
		{`SELECT ` + reportedState + ` AS reported, count(*) FROM placements p ` + withDeployment + ` GROUP BY reported`, t.Placements},
	} {
		type row struct {
			key string
			n   int
		}
		rows, err := query(ctx, s.db, func(scanner rowScanner) (r row, err error) { return r, scanner.Scan(&r.key, &r.n) }, c.text)
		if err != nil {
			return t, s.explain(err, "count records", "")
		}
		for _, r := range rows {
			c.into[r.key] = r.n
		}
	}
	return t, nil
}
