package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // driver pgx
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // driver sqlite

	"fescue.dev/fescue/fail"
)

// dialect is all in which the two databases differ.
type dialect struct {
	name        string // as people know it
	driver      string // of database/sql
	goose       goose.Dialect
	connections int // at most
	file        string
	// turn lets one transaction of this process write at a time, in the order of
	// their coming; nil where the database itself sees to that.
	turn chan struct{}
	// lock holds name until the transaction ends.
	lock func(ctx context.Context, q querier, name string) error
}

func dialectOf(address string) (dialect, string, error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok && path != "" {
		path, dsn, err := sqliteName(path)
		return dialect{
			name: "sqlite", driver: "sqlite", goose: goose.DialectSQLite3, connections: 4, file: path,
			// SQLite has one writer. Its own waiting is polling with growing pauses.
			turn: make(chan struct{}, 1),
			// A transaction begins immediate: it holds the one writer's place from its start.
			lock: func(context.Context, querier, string) error { return nil },
		}, dsn, err
	}
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		if _, err := pgx.ParseConfig(address); err != nil {
			return dialect{}, "", fail.New(fail.Invalid, "open database", "%w", withoutPassword(err, address)).WithHint(addressHint)
		}
		return dialect{
			name: "postgres", driver: "pgx", goose: goose.DialectPostgres, connections: 8,
			lock: func(ctx context.Context, q querier, name string) error {
				_, err := q.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 4711))`, name)
				return err
			},
		}, address, nil
	}
	return dialect{}, "", fail.New(fail.Invalid, "open database", "%q names no database", redact(address)).WithHint(addressHint)
}

const addressHint = "Write sqlite:PATH or postgres://user:password@host/name."

// sqliteName is the data source name: write-ahead log, synced at every commit,
// patient with another process's lock.
func sqliteName(path string) (absolute, dsn string, err error) {
	const op = "open database"
	path, err = filepath.Abs(path)
	if err != nil {
		return "", "", fail.Wrap(err, fail.Internal, op, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", "", fail.New(fail.Denied, op, "%w", err).On(path).WithHint(fileHint)
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "foreign_keys(1)", "journal_size_limit(4194304)",
	}}
	return path, "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode(), nil
}

// alone holds other processes off an SQLite file while it changes to write-ahead
// logging, which fails at once when another one does the same, and while its
// tables change: goose has a lock of its own only for PostgreSQL.
func (d dialect) alone(ctx context.Context) (release func(), err error) {
	if d.file == "" {
		return func() {}, nil
	}
	const op = "open database"
	f, err := os.OpenFile(d.file+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fail.New(fail.Denied, op, "%w", err).On(d.file).WithHint(fileHint)
	}
	release = func() { f.Close() } // closing is what gives the lock up
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return release, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			release()
			return nil, fail.Wrap(err, fail.Internal, op, d.file)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			release()
			return nil, fail.New(fail.Timeout, op, "another program is at it: %w", context.Cause(ctx)).On(d.file)
		}
	}
}

// withoutPassword keeps a password that a driver repeats out of messages.
func withoutPassword(err error, address string) error {
	u, parseErr := url.Parse(address)
	if parseErr != nil || u.User == nil {
		return err
	}
	if password, ok := u.User.Password(); ok && password != "" && strings.Contains(err.Error(), password) {
		return errors.New(strings.ReplaceAll(err.Error(), password, "…"))
	}
	return err
}

func redact(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	return fmt.Sprintf("%.8s…", address)
}
