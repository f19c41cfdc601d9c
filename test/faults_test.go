package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/spec"
)

// service is an application made of one command; more keys may follow.
func (m *machine) service(name, version, command, more string) string {
	m.t.Helper()
	return m.application(map[string]string{
		"fescue.yaml": fmt.Sprintf("name: %s\nversion: %s\nruntime: native\ncommands:\n  - run: %s\n%s", name, version, command, more),
	})
}

const forever = "while true; do sleep 1; done"

// Whatever is wrong is told with its place, and nothing is stored.
func TestBadInput(t *testing.T) {
	m := newMachine(t)
	const good = "name: bad\nversion: 1.0.0\nruntime: python\nhandler: bad.handle\n"
	handler := map[string]string{"bad.py": "def handle(event, context):\n    return 1\n"}
	for _, c := range []struct {
		what, yaml string
		said       []string
	}{
		{"unknown key", good + "trigers: []\n", []string{"5:1", "trigers", "triggers"}},
		{"wrong type", good + "limits:\n  concurrency: many\n", []string{"6:", "limits.concurrency"}},
		{"duplicate key", good + "name: twice\n", []string{"5:", "name"}},
		{"tab", good + "limits:\n\tmemory: 64MiB\n", []string{"6:", "tab"}},
		{"filter", good + "resources: {subscribe: ['a/#/b']}\n", []string{"5:", "resources.subscribe[0]"}},
		{"empty topic", good + "resources: {publish: ['']}\n", []string{"5:", "resources.publish[0]"}},
		{"NUL in topic", good + "resources: {publish: [\"a\\0b\"]}\n", []string{"5:", "resources.publish[0]"}},
		{"64 KiB topic", good + "resources: {publish: ['" + strings.Repeat("x", 64<<10) + "']}\n", []string{"5:", "resources.publish[0]"}},
		{"version", strings.Replace(good, "1.0.0", "1.0", 1), []string{"2:", "version"}},
		{"several at once", "name: Bad_Name\nversion: x\nruntime: cobol\n", []string{"1:", "2:", "3:"}},
		{"missing handler file", strings.Replace(good, "bad.handle", "nothere.handle", 1), []string{"handler", "nothere.py"}},
		{"missing requirements", good + "dependencies: {requirements: requirements.txt}\n", []string{"requirements.txt"}},
		{"missing script", "name: bad\nversion: 1.0.0\nruntime: python\ncommands:\n  - run: python server.py\n", []string{"commands[0].run", "server.py"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			dir := m.application(handler)
			if err := os.WriteFile(filepath.Join(dir, "fescue.yaml"), []byte(c.yaml), 0o644); err != nil {
				t.Fatal(err)
			}
			r := m.cli("deploy", dir)
			if r.status != 2 {
				t.Errorf("exit status %d, want 2", r.status)
			}
			for _, part := range c.said {
				if !strings.Contains(r.stderr, part) {
					t.Errorf("does not tell %q:\n%s", part, r.stderr)
				}
			}
			if len(r.stderr) > 4096 {
				t.Errorf("the message has %d bytes", len(r.stderr))
			}
		})
	}
	var versions []spec.ApplicationVersion
	m.record(&versions, "get", "configurations")
	if len(versions) != 0 {
		t.Errorf("something was stored: %+v", versions)
	}
}

// A service whose first command fails is reported with reason and output.
func TestCommandFails(t *testing.T) {
	m := newMachine(t)
	t.Run("exit status", func(t *testing.T) {
		dir := m.service("exits", "1.0.0", "echo the reason; exit 3\n    wait: true", "")
		r := m.cli("deploy", dir)
		if r.status != 1 || !strings.Contains(r.stderr, "status 3") || !strings.Contains(r.stderr, "the reason") {
			t.Errorf("exit status %d\n%s", r.status, r.stderr)
		}
	})
	t.Run("never ends", func(t *testing.T) {
		dir := m.service("hangs", "1.0.0", forever+"\n    wait: true\n    timeout: 1s", "")
		r := m.cli("deploy", dir)
		if r.status != 1 || !strings.Contains(r.stderr, "1s") {
			t.Errorf("exit status %d\n%s", r.status, r.stderr)
		}
	})
	t.Run("prints 1 GB", func(t *testing.T) {
		dir := m.service("prints", "1.0.0", "yes "+strings.Repeat("x", 99)+" | head -c 1000000000\n    wait: true", "limits: {logs: 1MiB}\n")
		m.cli("deploy", dir)
		kept := int64(0)
		for _, f := range m.directories("device/logs/prints/*") {
			info, err := os.Stat(f)
			if err != nil {
				continue // rotated away meanwhile
			}
			kept += info.Size()
		}
		if kept == 0 || kept > 2<<20 {
			t.Errorf("%d bytes of log are kept, of at most 1 MiB and one segment", kept)
		}
	})
	t.Run("forks 10,000 children", func(t *testing.T) {
		dir := m.service("forks", "1.0.0", "i=0; while [ $i -lt 10000 ]; do sleep 100 & i=$((i+1)); done; echo done\n    wait: true\n    timeout: 5s", "limits: {processes: 32}\n")
		r := m.cli("deploy", dir)
		if r.status == 0 {
			t.Error("10,000 children were allowed")
		}
		m.eventually("no child is left", func() error { return m.noProcess("sleep\x00100") })
	})
}

// Two versions of the truth never arise, however many deploy the same name.
func TestTwoDeployAtOnce(t *testing.T) {
	m := newMachine(t)
	var wait sync.WaitGroup
	results := make([]result, 2)
	for i := range results {
		dir := m.service("race", fmt.Sprintf("1.%d.0", i), forever, "")
		wait.Go(func() { results[i] = m.cli("deploy", dir) })
	}
	wait.Wait()
	var app spec.Application
	m.record(&app, "get", "application", "race")
	if len(app.Placements) != 1 || app.Placements[0].State != spec.Running {
		t.Fatalf("%+v", app)
	}
	winner := app.Placements[0].Actual
	if results[0].status != 0 && results[1].status != 0 {
		t.Errorf("both failed:\n%s\n%s", results[0].stderr, results[1].stderr)
	}
	m.eventually("one version runs", func() error {
		if n := len(m.directories("device/apps/race/versions/*")); n != 1 {
			return fmt.Errorf("%d versions of race are on the disk, %s runs", n, winner)
		}
		return nil
	})
}

// The sender of a message it may not send is told; nobody receives it.
func TestDeniedPublish(t *testing.T) {
	m := newMachine(t)
	const code = `
import fescue
def handle(event, context):
    try:
        context.publish("secret/door", b"open")
    except fescue.PermissionDenied as denied:
        return "denied: " + str(denied)
    return "sent"
`
	m.must("deploy", m.application(map[string]string{
		"fescue.yaml": "name: sneaky\nversion: 1.0.0\nruntime: python\nhandler: sneaky.handle\nresources: {publish: [public/#]}\n",
		"sneaky.py":   code,
	}))
	out := m.must("invoke", "sneaky")
	if !strings.Contains(out, "denied") || !strings.Contains(out, "secret/door") {
		t.Errorf("the sender was told %q", out)
	}
}

// SIGTERM ends everything within a bound, kill -9 too; no process is left over.
func TestNoOrphans(t *testing.T) {
	m := newMachine(t)
	// A daemon's double fork, a child that ignores SIGTERM, and the service itself.
	const command = `(setsid sleep 4711 &) ; (trap '' TERM; sleep 4712; sleep 4712) & sleep 4713`
	m.must("deploy", m.service("family", "1.0.0", strconv.Quote(command), ""))
	running := func() error {
		for _, n := range []string{"4711", "4712", "4713"} {
			if m.noProcess("sleep\x00"+n) == nil {
				return fmt.Errorf("sleep %s does not run", n)
			}
		}
		return nil
	}
	m.eventually("the family runs", running)
	m.kill()
	m.eventually("no process outlives kill -9", m.noProcesses)
	m.start()
	m.eventually("the family runs again", running)
	if took := m.terminate(); took > 10*time.Second {
		t.Errorf("SIGTERM took %v", took)
	}
	if err := m.noProcesses(); err != nil {
		t.Error(err)
	}
}
