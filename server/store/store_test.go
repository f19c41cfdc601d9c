package store_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"fescue.dev/fescue/internal/postgrestest"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/server/store/storetest"
)

func TestMain(m *testing.M) {
	child() // see kill_test.go
	goleak.VerifyTestMain(m)
}

// open opens a database that is closed with the test.
func open(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func sqliteURL(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "fescue.db") }

// testDatabase is what holds for every kind of database. empty gives the address
// of a new one.
func testDatabase(t *testing.T, empty func(*testing.T) string) {
	t.Run("Suite", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) *store.Store { return open(t, empty(t)) })
	})
	t.Run("TwoServers", func(t *testing.T) {
		address := empty(t)
		storetest.TwoServers(t, open(t, address), open(t, address))
	})
	t.Run("OpenTwice", func(t *testing.T) { testOpenTwice(t, empty(t)) })
	t.Run("OpenAtOnce", func(t *testing.T) { testOpenAtOnce(t, empty(t)) })
	t.Run("OpenNewer", func(t *testing.T) { testOpenNewer(t, empty(t)) })
}

func TestSQLite(t *testing.T) { testDatabase(t, sqliteURL) }

func TestPostgres(t *testing.T) {
	server := postgrestest.New(t)
	testDatabase(t, func(t *testing.T) string { return server.Database(t) })
	t.Run("Agree", func(t *testing.T) { storetest.Agree(t, open(t, sqliteURL(t)), open(t, server.Database(t))) })
	t.Run("OpenErrors", func(t *testing.T) { testOpenErrors(t, server) })
	t.Run("Away", func(t *testing.T) { testAway(t, server) })
}
