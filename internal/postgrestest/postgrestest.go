// Package postgrestest runs a real PostgreSQL server for a test: in a directory
// of its own, on a Unix socket only, gone with the test. The tests of
// server/store and the whole-system tests use it; Stop and Start let a test take
// the database away for a while.
//
// PostgreSQL's programs are looked for in /usr/lib/postgresql/*/bin and in PATH;
// without them the test is skipped, with the reason. PostgreSQL refuses to run as
// root, so a test that runs as root starts it as the user postgres or nobody. The
// server syncs nothing to disk: it survives Stop, not a power cut. It ends with
// the test's process, however that ends.
package postgrestest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver pgx
)

// Guarded is a role that must give a password, set by [Server.Guard]. All other
// roles are let in without.
const Guarded = "guarded"

// patience is how long starting and stopping may take on a machine with other work.
const patience = 60 * time.Second

// Server is a PostgreSQL server of one test. Its methods fail the test that they
// are given.
type Server struct {
	bin, dir  string
	owner     *owner // nil: the test's own user
	process   *process
	databases atomic.Int64
}

// New makes and starts a server that ends with the test, or skips the test when
// PostgreSQL is not installed.
func New(t testing.TB) *Server {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Skipf("postgrestest: %v", err)
	}
	who, err := ownerOf()
	if err != nil {
		t.Skipf("postgrestest: %v", err)
	}
	// Not t.TempDir: that is closed to other users, and its path may be too long
	// for a socket's.
	dir, err := os.MkdirTemp("", "fescue-pg-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{bin: bin, dir: dir, owner: who}
	t.Cleanup(func() {
		s.Stop(t)
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("postgrestest: %v", err)
		}
	})
	if err := s.initialise(); err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	s.Start(t)
	return s
}

// Start starts the server again after Stop and returns when it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if s.process != nil {
		return
	}
	p, err := s.launch()
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	s.process = p
	if err := s.answers(p); err != nil {
		t.Fatalf("postgrestest: %v\n%s", err, s.log())
	}
}

// Stop ends the server at once, as a crash would: connections break, and what was
// not committed is gone. It returns when no part of it is left.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.process == nil {
		return
	}
	if err := s.process.end(); err != nil {
		t.Errorf("postgrestest: %v\n%s", err, s.log())
	}
	s.process = nil
}

// URL names a database of the server.
func (s *Server) URL(database string) string { return s.url(url.User("postgres"), database) }

// GuardedURL names a database as the role [Guarded] with this password.
func (s *Server) GuardedURL(database, password string) string {
	return s.url(url.UserPassword(Guarded, password), database)
}

func (s *Server) url(user *url.Userinfo, database string) string {
	u := url.URL{Scheme: "postgres", User: user, Path: "/" + database, RawQuery: url.Values{"host": {s.dir}}.Encode()}
	return u.String()
}

// Database makes an empty database and returns its URL.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", s.databases.Add(1))
	s.Exec(t, "postgres", "CREATE DATABASE "+name)
	return s.URL(name)
}

// Guard makes the role [Guarded] with a password.
func (s *Server) Guard(t testing.TB, password string) {
	t.Helper()
	s.Exec(t, "postgres", fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", Guarded, password))
}

// Exec runs one statement on a database as its superuser.
func (s *Server) Exec(t testing.TB, database, statement string) {
	t.Helper()
	if err := s.exec(database, statement); err != nil {
		t.Fatalf("postgrestest: %s: %v\n%s", statement, err, s.log())
	}
}

func (s *Server) exec(database, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	db, err := sql.Open("pgx", s.URL(database))
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // the statement's error is the one that counts
	_, err = db.ExecContext(ctx, statement)
	return err
}

// answers waits until the server takes queries, or has ended.
func (s *Server) answers(p *process) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		err := s.exec("postgres", "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("PostgreSQL ended at its start: %w", p.err)
		case <-deadline:
			return fmt.Errorf("PostgreSQL does not answer: %w", err)
		case <-tick.C:
		}
	}
}

func (s *Server) log() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4096):])
}
