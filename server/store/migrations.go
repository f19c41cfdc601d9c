package store

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"

	"github.com/pressly/goose/v3"

	"fescue.dev/fescue/fail"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

func migrations() fs.FS {
	sub, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		panic(err) // the folder is embedded in this very package
	}
	return sub
}

// migrate brings the tables up to date; several servers that start at once wait
// for one another.
func (s *Store) migrate(ctx context.Context) error {
	const op = "bring database up to date"
	var options []goose.ProviderOption
	if s.dialect.goose == goose.DialectPostgres {
		options = append(options, goose.WithSessionLocker(postgresLock{}))
	}
	options = append(options, goose.WithDisableGlobalRegistry(true))
	p, err := goose.NewProvider(s.dialect.goose, s.db, migrations(), options...)
	if err != nil {
		return fail.Wrap(err, fail.Internal, op, "")
	}
	var newest int64
	for _, m := range p.ListSources() {
		newest = max(newest, m.Version)
	}
	at, err := p.GetDBVersion(ctx)
	if err != nil {
		return s.explain(err, op, "")
	}
	if at > newest {
		return fail.New(fail.Conflict, op, "its tables have version %d, this binary knows %d", at, newest).
			WithHint("A newer Fescue has used this database: run that version, or restore a backup from before.")
	}
	_, err = p.Up(ctx)
	return s.explain(err, op, "")
}

// postgresLock is held by the one server that changes the tables. Those that start
// at the same time wait in line; goose's own lock looks every 5 s.
type postgresLock struct{}

// migrationLock is a number of our own among the database's advisory locks.
const migrationLock = 0x66657363756500

func (postgresLock) SessionLock(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, migrationLock)
	return err
}

func (postgresLock) SessionUnlock(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, migrationLock)
	return err
}
