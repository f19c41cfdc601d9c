package test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Somebody at the command line reads and changes what a function keeps, and the function
// sees it; labels and tokens by the command line, too.
func TestStateLabelsTokens(t *testing.T) {
	m := newMachine(t)
	m.must("deploy", m.application(map[string]string{
		"fescue.yaml": "name: keeper\nversion: 1.0.0\nruntime: python\ncommands:\n  - run: python3 f.py\n", "f.py": `
import fescue, time
client = fescue.connect()
state = client.state
state.put("rooms/kitchen", b"21.5")
state.put("rooms/attic", b"18", ttl=3600)
for change in state.watch("target"):
    if change.value:
        state.put("heard", change.value)
`,
	}))
	m.eventually("the keys are there", func() error {
		_, err := m.try("state", "get", "keeper", "rooms/attic")
		return err
	})
	if out := m.must("state", "get", "keeper", "rooms/kitchen"); out != "21.5\n" {
		t.Errorf("rooms/kitchen holds %q", out)
	}
	out := m.must("state", "keeper", "--prefix", "rooms/")
	if !strings.Contains(out, "rooms/attic") || !strings.Contains(out, "rooms/kitchen") || strings.Count(out, "never") != 1 {
		t.Errorf("the list:\n%s", out)
	}
	m.must("state", "put", "keeper", "target", "23")
	m.eventually("the application hears of the change", func() error {
		_, err := m.try("state", "get", "keeper", "heard")
		return err
	})
	if out := m.must("state", "get", "keeper", "heard"); out != "23\n" {
		t.Errorf("it heard %q", out)
	}
	m.must("state", "delete", "keeper", "rooms/kitchen")
	if r := m.cli("state", "get", "keeper", "rooms/kitchen"); r.status != 3 {
		t.Errorf("a deleted key: status %d, %s", r.status, r.stderr)
	}
	if r := m.cli("state", "put", "keeper", "$bad", "x"); r.status != 2 || !strings.Contains(r.stderr, "hint") {
		t.Errorf("a bad key: status %d, %s", r.status, r.stderr)
	}
	if r := m.cli("state", "nobody"); r.status != 3 {
		t.Errorf("no such application: status %d, %s", r.status, r.stderr)
	}
	if out := m.must("label", "device", "testdevice", "room=attic", "floor=3"); !strings.Contains(out, "attic") {
		t.Errorf("labels:\n%s", out)
	}
	m.must("label", "device", "testdevice", "floor-")
	if out := m.must("get", "device", "testdevice"); !strings.Contains(out, "label room") || strings.Contains(out, "floor") {
		t.Errorf("the device:\n%s", out)
	}
	var made struct{ Token string }
	m.record(&made, "create", "token", "ci", "--for", "1h")
	m.must("--token", made.Token, "get", "devices")
	m.must("delete", "token", "ci")
	if r := m.cli("--token", made.Token, "get", "devices"); r.status != 4 {
		t.Errorf("a revoked token: status %d, %s", r.status, r.stderr)
	}
	m.logsOfATime()
}

// logsOfATime: of a log, the lines between two times.
func (m *machine) logsOfATime() {
	m.t.Helper()
	m.must("deploy", m.application(map[string]string{
		"fescue.yaml": "name: clock\nversion: 1.0.0\nruntime: python\ncommands:\n  - run: i=0; while true; do echo line $((i+=1)); sleep 0.1; done\n", "x": "",
	}))
	var lines []struct {
		Time time.Time
		Text string
	}
	read := func(args ...string) int {
		lines = nil
		for line := range strings.Lines(m.must(append([]string{"logs", "clock", "--tail", "-1", "--times"}, args...)...)) {
			if strings.Contains(line, "stdout line") {
				at, err := time.ParseInLocation("2006-01-02 15:04:05.000", line[:23], time.Local)
				if err != nil {
					m.t.Fatal(err)
				}
				lines = append(lines, struct {
					Time time.Time
					Text string
				}{at, line})
			}
		}
		return len(lines)
	}
	m.eventually("ten lines", func() error {
		if n := read(); n < 10 {
			return fmt.Errorf("%d", n)
		}
		return nil
	})
	from, to := lines[2].Time, lines[7].Time
	n := read("--since", from.Format(time.RFC3339Nano), "--until", to.Format(time.RFC3339Nano))
	if n < 4 || n > 6 || lines[0].Time.Before(from) || lines[n-1].Time.After(to) {
		m.t.Errorf("from %v to %v there are %d lines: %v", from, to, n, lines)
	}
	if r := m.cli("logs", "clock", "--since", "yesterday"); r.status != 2 {
		m.t.Errorf("a time that is none: status %d, %s", r.status, r.stderr)
	}
}
