package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"fescue.dev/fescue/fail"
)

// explain gives an error of the database its kind and a hint; our own pass.
func (s *Store) explain(err error, op, resource string) error {
	if err == nil {
		return nil
	}
	var ours *fail.Error
	if errors.As(err, &ours) {
		return err
	}
	kind, hint := classify(err)
	e := fail.New(kind, op, "%w", err).On(resource)
	if hint != "" {
		e = e.WithHint("%s", hint)
	}
	return e
}

func classify(err error) (fail.Kind, string) {
	var pg *pgconn.PgError
	var lite *sqlite.Error
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return fail.Canceled, ""
	case errors.Is(err, context.DeadlineExceeded):
		return fail.Timeout, ""
	case errors.Is(err, sql.ErrNoRows):
		return fail.NotFound, ""
	case errors.As(err, &pg):
		return classifyPostgres(pg)
	case errors.As(err, &lite):
		return classifySQLite(lite)
	case errors.As(err, &network), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), isConnect(err):
		return fail.Unavailable, awayHint
	}
	return fail.Internal, ""
}

const (
	fileHint    = "The database file and its directory must be writable by the user who runs fescue."
	connectHint = "Look whether the database runs and whether host, port and name in its URL are right."
)

const awayHint = "The database cannot be reached. Devices go on working; what they report is stored once it is back."

func isConnect(err error) bool {
	var connect *pgconn.ConnectError
	return errors.As(err, &connect) || strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "unexpected EOF")
}

// classifyPostgres goes by SQLSTATE (PostgreSQL's documentation, appendix A).
func classifyPostgres(e *pgconn.PgError) (fail.Kind, string) {
	switch {
	case e.Code == "28P01", e.Code == "28000":
		return fail.Denied, "The database refuses this user or password."
	case e.Code == "3D000":
		return fail.NotFound, "Make the database first: createdb NAME."
	case e.Code == "42501":
		return fail.Denied, "The user may not make tables: GRANT CREATE ON SCHEMA public TO the user."
	case e.Code == "23505", e.Code == "23503":
		return fail.Conflict, ""
	case e.Code == "53100":
		return fail.Exhausted, "The database's disk is full."
	case strings.HasPrefix(e.Code, "08"), strings.HasPrefix(e.Code, "57P"), strings.HasPrefix(e.Code, "53"), strings.HasPrefix(e.Code, "40"):
		return fail.Unavailable, awayHint
	}
	return fail.Internal, ""
}

func classifySQLite(e *sqlite.Error) (fail.Kind, string) {
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fail.Exhausted, "Free some space on the disk of the state directory."
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fail.Unavailable, "Another program holds the database file."
	case sqlite3.SQLITE_CONSTRAINT:
		return fail.Conflict, ""
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH:
		return fail.Denied, fileHint
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fail.Internal, "The database file is damaged: restore a backup."
	}
	return fail.Internal, ""
}
