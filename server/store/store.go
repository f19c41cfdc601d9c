// Package store is the API server's database: the only truth about what should
// run. SQLite in one file is the default, PostgreSQL the alternative; both run
// the same SQL and pass the same tests (storetest).
//
// Package fleet changes it, package api reads it. Every method is one
// transaction: when it returns nil, what it did survives a power cut; when it
// returns an error, nothing was changed. A device's events are applied once,
// however often they arrive. Methods are safe for concurrent use, also by
// several servers on one PostgreSQL.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"fescue.dev/fescue/fail"
)

// Store is an open database.
type Store struct {
	db      *sql.DB
	dialect dialect
	now     func() time.Time
}

// Open connects to the database and brings its tables up to date. url is
// "sqlite:PATH" or "postgres://…".
func Open(ctx context.Context, url string) (*Store, error) {
	const op = "open database"
	d, dsn, err := dialectOf(url)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open(d.driver, dsn)
	if err != nil {
		return nil, fail.New(fail.Invalid, op, "%w", withoutPassword(err, url)).WithHint(addressHint)
	}
	db.SetMaxOpenConns(d.connections)
	db.SetMaxIdleConns(d.connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	s := &Store{db: db, dialect: d, now: time.Now}
	if err := s.prepare(ctx, redact(url)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// prepare connects for the first time and brings the tables up to date.
func (s *Store) prepare(ctx context.Context, address string) error {
	release, err := s.dialect.alone(ctx)
	if err != nil {
		return err
	}
	defer release()
	err = s.Ping(ctx)
	if fail.Is(err, fail.Unavailable) {
		return fail.New(fail.Unavailable, "open database", "%w", err).On(address).WithHint(connectHint)
	}
	if err != nil {
		return err
	}
	return s.migrate(ctx)
}

// Close ends all connections.
func (s *Store) Close() error { return s.db.Close() }

// Kind is "sqlite" or "postgres".
func (s *Store) Kind() string { return s.dialect.name }

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.explain(s.db.PingContext(ctx), "reach database", "")
}

// querier is what a database and a transaction have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// tx runs f in a transaction. locks are names that other transactions with the
// same ones wait for.
func (s *Store) tx(ctx context.Context, op, resource string, locks []string, f func(q querier) error) error {
	release, err := s.takeTurn(ctx)
	if err != nil {
		return s.explain(err, op, resource)
	}
	defer release()
	t, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.explain(err, op, resource)
	}
	defer t.Rollback() //nolint:errcheck // after Commit it has nothing to do, before it the error is known
	for _, name := range locks {
		if err := s.dialect.lock(ctx, t, name); err != nil {
			return s.explain(err, op, resource)
		}
	}
	if err := f(t); err != nil {
		return s.explain(err, op, resource)
	}
	return s.explain(t.Commit(), op, resource)
}

// takeTurn waits until this process may write.
func (s *Store) takeTurn(ctx context.Context) (release func(), err error) {
	if s.dialect.turn == nil {
		return func() {}, nil
	}
	select {
	case s.dialect.turn <- struct{}{}:
		return func() { <-s.dialect.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// snapshot runs f, which only reads, on the database as it is at one moment,
// without holding up who writes.
func (s *Store) snapshot(ctx context.Context, f func(q querier) error) error {
	t, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return err
	}
	defer t.Rollback() //nolint:errcheck // nothing was changed
	return f(t)
}

// next is the next id of a kind. The row it counts in stays locked until the
// transaction ends, so that who reads ids in order misses none.
func next(ctx context.Context, q querier, counter string) (id int64, err error) {
	err = q.QueryRowContext(ctx, `UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value`, counter).Scan(&id)
	if err != nil {
		err = fmt.Errorf("count %s: %w", counter, err)
	}
	return id, err
}

func (s *Store) time() int64 { return s.now().UnixMicro() }

func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// query collects the rows of a query.
func query[T any](ctx context.Context, q querier, scan func(rowScanner) (T, error), text string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err has what matters
	all := []T{}
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, rows.Err()
}

type rowScanner interface{ Scan(into ...any) error }
