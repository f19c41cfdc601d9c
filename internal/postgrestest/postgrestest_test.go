package postgrestest_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fescue.dev/fescue/internal/postgrestest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServer(t *testing.T) {
	server := postgrestest.New(t)
	address := server.Database(t)
	if other := server.Database(t); other == address {
		t.Fatal("two databases have one URL", address)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE TABLE kept (n INT)"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, "INSERT INTO kept VALUES (7)"); err != nil {
		t.Fatal(err)
	}

	server.Stop(t)
	if err := db.PingContext(ctx); err == nil {
		t.Fatal("a stopped server answers")
	}
	server.Stop(t) // again is nothing
	server.Start(t)
	var n int
	if err := db.QueryRowContext(ctx, "SELECT n FROM kept").Scan(&n); err != nil || n != 7 {
		t.Fatalf("after a stop: %d, %v; what was committed must be there", n, err)
	}
}

func TestGuard(t *testing.T) {
	server := postgrestest.New(t)
	server.Guard(t, "right")
	for password, want := range map[string]bool{"right": true, "wrong": false} {
		db, err := sql.Open("pgx", server.GuardedURL("postgres", password))
		if err != nil {
			t.Fatal(err)
		}
		if got := db.PingContext(t.Context()) == nil; got != want {
			t.Errorf("password %s let in: %v", password, got)
		}
		db.Close()
	}
}
