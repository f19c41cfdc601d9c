package test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/internal/postgrestest"
	"fescue.dev/fescue/spec"
)

// The first function, on a real PostgreSQL; what the tables hold is read with SQL.
func TestPostgres(t *testing.T) {
	server := postgrestest.New(t)
	address := server.Database(t)
	m := newMachine(t, "--database", address)
	if out := m.must("status"); !strings.Contains(out, "postgres") {
		t.Errorf("status does not tell the database:\n%s", out)
	}
	dir := filepath.Join(t.TempDir(), "hello")
	m.must("init", "python", dir)
	m.must("deploy", dir)
	if got := m.must("invoke", "hello", "--data", `{"name": "Ada"}`); !strings.Contains(got, "Hello, Ada!") {
		t.Errorf("invoke answered %q", got)
	}
	m.must("deploy", m.service("beat", "1.0.0", "echo first; true\n    wait: true\n    timeout: 5s\n  - run: "+forever, "resources: {publish: [beat/#]}\n"))

	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() // only read
	rows := func(query string) string {
		t.Helper()
		return table(t, db, query)
	}
	const applications = `SELECT name, version, runtime_environment, required_platform, is_containerized, publication_topics, status, is_processed, extracted_path <> '' FROM applications ORDER BY name`
	if got, want := rows(applications), "beat 1.0.0 native linux true [\"beat/#\"] deployed true true\nhello 0.1.0 python linux true [\"hello/reply\"] deployed true true\n"; got != want {
		t.Errorf("applications:\n%s\nwant\n%s", got, want)
	}
	const commands = `SELECT c.position, c.mode, c.wait_for_exit, c.command FROM commands c JOIN applications a ON a.id = c.application_id WHERE a.name = 'beat' ORDER BY c.position`
	if got, want := rows(commands), "0 sandbox true echo first; true\n1 sandbox false "+forever+"\n"; got != want {
		t.Errorf("commands:\n%s\nwant\n%s", got, want)
	}
	m.eventually("the engine's status is in the database", func() error {
		return contains(rows(`SELECT reported_status FROM applications`), "switch: succeeded\nswitch: succeeded\n")
	})
	// What was deployed is there again after a crash of both.
	m.kill()
	server.Stop(t)
	server.Start(t)
	m.start()
	m.eventually("the function answers again", func() error {
		out, err := m.try("invoke", "hello", "--data", `{"name": "Grace"}`)
		if err != nil {
			return err
		}
		return contains(out, "Hello, Grace!")
	})
}

// table is the rows of a query, a line each.
func table(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() // rows.Err has what matters
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		text.WriteString(strings.TrimSuffix(fmt.Sprintln(values...), "\n") + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// away is how long the database is gone: FESCUE_DATABASE_AWAY, or a few seconds.
func away(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("FESCUE_DATABASE_AWAY")
	if text == "" {
		return 4 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The database goes away in the middle of a deployment: devices go on working, the
// API says what is the matter, and once the database is back the deployment has
// succeeded, with every step told once.
func TestDatabaseAway(t *testing.T) {
	server := postgrestest.New(t)
	m := newMachine(t, "--database", server.Database(t))
	m.must("deploy", m.service("stays", "1.0.0", `while true; do echo still here; sleep 0.2; done`, ""))
	gone := make(chan struct{})
	m.log.onLine(func(line string) bool { return strings.Contains(line, "step=commands ") }, func() { close(gone) })
	m.must("deploy", "--no-wait", m.service("slow", "1.0.0", "sleep 2\n    wait: true\n  - run: "+forever, ""))
	select {
	case <-gone:
	case <-time.After(patience):
		t.Fatal("the deployment never came to its commands")
	}
	server.Stop(t)
	begun := time.Now()
	before := m.logged("stays")
	for i := 0; time.Since(begun) < away(t); i++ {
		r := m.cli("get", "deployments")
		if r.status == 0 || !strings.Contains(r.stderr, "database") {
			t.Fatalf("without its database the API answered with status %d\n%s%s", r.status, r.stdout, r.stderr)
		}
		time.Sleep(200 * time.Millisecond)
	}
	m.eventually("the service went on", func() error {
		if now := m.logged("stays"); now <= before {
			return fmt.Errorf("%d bytes of log before, %d now", before, now)
		}
		return nil
	})
	server.Start(t)
	m.eventually("the deployment is told to have succeeded", func() error {
		out, err := m.try("get", "deployments")
		if err != nil {
			return err
		}
		if n := strings.Count(out, string(spec.DeploymentSucceeded)); n != 2 {
			return fmt.Errorf("%d deployments succeeded:\n%s", n, out)
		}
		return nil
	})
	var deployments []spec.Deployment
	m.record(&deployments, "get", "deployments")
	m.wantEachStepOnce(deployments[0].ID)
}

// logged is how much of an application's output is on the device's disk.
func (m *machine) logged(name string) (bytes int64) {
	m.t.Helper()
	for _, f := range m.directories("device/logs/" + name + "/*") {
		if info, err := os.Stat(f); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}

// wantEachStepOnce: a deployment's events have every step's beginning and end, in
// order, and none twice.
func (m *machine) wantEachStepOnce(id spec.DeploymentID) {
	m.t.Helper()
	var events []spec.Event
	m.record(&events, "get", "events", fmt.Sprint(id))
	var told, want []string
	for _, e := range events {
		if e.Kind == spec.EventStep {
			told = append(told, string(e.Step)+" "+strings.Replace(e.Status, string(spec.StepSkipped), string(spec.StepSucceeded), 1))
		}
	}
	for _, s := range spec.Steps() {
		want = append(want, string(s)+" "+string(spec.StepStarted), string(s)+" "+string(spec.StepSucceeded))
	}
	if strings.Join(told, "\n") != strings.Join(want, "\n") {
		m.t.Errorf("the steps that were told: %q", told)
	}
}
