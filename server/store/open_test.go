package store_test

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/postgrestest"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// fails checks that a database cannot be opened, why, and what the reader is told.
func fails(t *testing.T, address string, kind fail.Kind, hint string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s, err := store.Open(ctx, address)
	if err == nil {
		_ = s.Close()
		t.Fatalf("%s was opened", address)
	}
	if !fail.Is(err, kind) || !strings.Contains(fail.HintOf(err), hint) {
		t.Errorf("%s: %v (%v, hint %q), want %v and a hint with %q", address, err, fail.KindOf(err), fail.HintOf(err), kind, hint)
	}
	return err
}

func TestOpenRefusesAddress(t *testing.T) {
	for _, address := range []string{"", "sqlite:", "mysql://localhost/x", "postgres://u:sesame@[::1/x", "postgres://u:sesame@h:port/x", "postgres://u:sesame@h/x?sslmode=odd", "\x00"} {
		err := fails(t, address, fail.Invalid, "postgres://user:password@host/name")
		if strings.Contains(err.Error(), "sesame") {
			t.Errorf("the message has the password: %v", err)
		}
	}
}

func TestOpenSQLiteFile(t *testing.T) {
	dir := t.TempDir()
	odd := filepath.Join(dir, "new folder", "a b?c#d%20e.db")
	open(t, "sqlite:"+odd)
	if _, err := os.Stat(odd); err != nil {
		t.Errorf("the file is not where it was asked for: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	fails(t, "sqlite:"+file, fail.Internal, "restore a backup")
	fails(t, "sqlite:"+filepath.Join(file, "fescue.db"), fail.Denied, "must be writable")
	fails(t, "sqlite:"+dir, fail.Denied, "must be writable")
}

func testOpenErrors(t *testing.T, server *postgrestest.Server) {
	server.Guard(t, "sesame")
	err := fails(t, server.GuardedURL("postgres", "wrong-one"), fail.Denied, "user or password")
	if strings.Contains(err.Error(), "wrong-one") {
		t.Errorf("the message has the password: %v", err)
	}
	fails(t, server.URL("nowhere"), fail.NotFound, "createdb")
	fails(t, server.GuardedURL("postgres", "sesame"), fail.Denied, "GRANT CREATE")
	empty := url.Values{"host": {t.TempDir()}}
	fails(t, "postgres://u:sesame@/x?"+empty.Encode(), fail.Unavailable, "Look whether the database runs")
	fails(t, "postgres://u:sesame@127.0.0.1:1/x", fail.Unavailable, "Look whether the database runs")
}

// raw is the database without package store.
func raw(t *testing.T, address string) *sql.DB {
	t.Helper()
	driver, name := "pgx", address
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		driver, name = "sqlite", path
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func testOpenTwice(t *testing.T, address string) {
	first := open(t, address)
	if _, err := first.PutDevice(t.Context(), spec.Device{ID: "pi"}); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, address).Device(t.Context(), "pi"); err != nil {
		t.Errorf("after the tables were brought up to date again: %v", err)
	}
}

// Servers that start at once on an empty database make its tables once.
func testOpenAtOnce(t *testing.T, address string) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := store.Open(t.Context(), address)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Devices(t.Context(), store.Page{}); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func testOpenNewer(t *testing.T, address string) {
	if err := open(t, address).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := raw(t, address).ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)"); err != nil {
		t.Fatal(err)
	}
	err := fails(t, address, fail.Conflict, "newer Fescue")
	if !strings.Contains(err.Error(), "9999") {
		t.Errorf("%v does not name the version", err)
	}
}

// The settings on which durability rests are in force, on every connection.
func TestSQLiteSettings(t *testing.T) {
	address := sqliteURL(t)
	s := open(t, address)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		got, err := store.Pragma(t.Context(), s, pragma)
		if err != nil || got != want {
			t.Errorf("%s is %s (%v), want %s", pragma, got, err, want)
		}
	}
}

// While the database is away each call says so, and soon; once it is back the
// same Store works again, and nothing that was acknowledged is missing.
func testAway(t *testing.T, server *postgrestest.Server) {
	s := open(t, server.Database(t))
	ctx := t.Context()
	if _, err := s.PutDevice(ctx, spec.Device{ID: "before"}); err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	for range 3 {
		began := time.Now()
		_, err := s.PutDevice(ctx, spec.Device{ID: "during"})
		if !fail.Is(err, fail.Unavailable) || fail.HintOf(err) == "" {
			t.Errorf("with the database away: %v (%v, hint %q)", err, fail.KindOf(err), fail.HintOf(err))
		}
		if _, _, err := s.ApplyEvent(ctx, spec.Event{Device: "before", Sequence: 1}); !fail.Is(err, fail.Unavailable) {
			t.Errorf("with the database away: %v (%v)", err, fail.KindOf(err))
		}
		if _, err := s.Device(ctx, "before"); !fail.Is(err, fail.Unavailable) {
			t.Errorf("with the database away: %v (%v)", err, fail.KindOf(err))
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("to say that took %v", took)
		}
	}
	server.Start(t)
	if _, err := s.Device(ctx, "before"); err != nil {
		t.Errorf("with the database back: %v", err)
	}
	if _, applied, err := s.ApplyEvent(ctx, spec.Event{Device: "before", Sequence: 1}); err != nil || !applied {
		t.Errorf("with the database back: applied %v, %v", applied, err)
	}
	if _, err := s.Device(ctx, "during"); !fail.Is(err, fail.NotFound) {
		t.Errorf("what was refused is there: %v", err)
	}
}
