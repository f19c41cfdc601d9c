package test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// parse has Prometheus' own parser read an exposition: each sample's value by its name and labels.
const parse = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families
values = {}
for family in text_string_to_metric_families(sys.stdin.read()):
    assert family.documentation and family.type != "unknown", family
    for s in family.samples:
        key = s.name + "".join(" %s=%s" % p for p in sorted(s.labels.items()))
        assert key not in values, key
        values[key] = s.value
json.dump(values, sys.stdout)
`

type figures map[string]float64

func (m *machine) scrape(url, token string) (figures, error) {
	q, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s", answer.Status)
	}
	c := exec.Command("../.tools/venv/bin/python", "-c", parse)
	c.Stdin = answer.Body
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, err.(*exec.ExitError).Stderr)
	}
	values := figures{}
	return values, json.Unmarshal(out, &values)
}

// A device's figures, read by Prometheus' own parser, are what really happened: messages, calls,
// exceptions, time-outs, denials, kept topics; and the server tells of the device, too.
func TestMetrics(t *testing.T) {
	if _, err := os.Stat("../.tools/venv/bin/python"); err != nil {
		t.Skip("run tools/deps.sh: ", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	ln.Close()
	m := newMachine(t, "--metrics", address)
	m.must("deploy", m.application(map[string]string{
		"fescue.yaml": `name: measured
version: 1.0.0
runtime: python
handler: f.handle
triggers:
  - topic: in/#
    reply: out/x
resources:
  subscribe: [out/#]
  keep:
    - topic: out/#
limits:
  timeout: 1s
`, "f.py": `
import time
def handle(event, context):
    if event["n"] == 7:
        raise ValueError("seven")
    if event["n"] == 8:
        time.sleep(1.3)
    return event
`,
	}))
	for n := range 9 {
		m.must("pub", "in/a", fmt.Sprintf(`{"n": %d}`, n))
	}
	want := figures{
		`fescue_invocations_total application=measured`:                             9,
		`fescue_invocation_errors_total application=measured`:                       1,
		`fescue_invocation_timeouts_total application=measured`:                     1,
		`fescue_invocation_duration_seconds_count application=measured`:             9,
		`fescue_invocation_duration_seconds_bucket application=measured le=0.5`:     8,
		`fescue_invocation_duration_seconds_bucket application=measured le=+Inf`:    9,
		`fescue_messages_published_total application=measured`:                      7,
		`fescue_messages_published_total application=$agent`:                        9,
		`fescue_topic_messages_total topic=in/a`:                                    9,
		`fescue_topic_bytes_total topic=in/a`:                                       9 * 8,
		`fescue_topic_messages_total topic=out/x`:                                   7,
		`fescue_kept_messages application=measured topic=out/#`:                     7,
		`fescue_application_state application=measured state=running version=1.0.0`: 1,
		`fescue_workers application=measured`:                                       1,
	}
	var got figures
	m.eventually("the device's figures are those", func() (err error) {
		if got, err = m.scrape("http://"+address+"/metrics", ""); err != nil {
			return err
		}
		for name, value := range want {
			if have, there := got[name]; !there || have != value {
				return fmt.Errorf("%s is %v (there: %v), want %v", name, have, there, value)
			}
		}
		return nil
	})
	for _, name := range []string{
		"fescue_device_cpu_seconds_total", "fescue_device_memory_bytes", "fescue_device_disk_bytes", "fescue_device_boot_time_seconds", "process_resident_memory_bytes",
		"fescue_application_memory_bytes application=measured", "fescue_application_cpu_seconds_total application=measured",
		"fescue_kept_bytes application=measured topic=out/#", "fescue_sessions link=worker", "fescue_kept_oldest_seconds application=measured topic=out/#",
	} {
		if got[name] <= 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	m.serverTellsOfDevice()
}

// serverTellsOfDevice: samples reach the server within some seconds, as Prometheus and as
// history.
func (m *machine) serverTellsOfDevice() {
	m.t.Helper()
	token, err := os.ReadFile(filepath.Join(m.state, "server", "admin-token"))
	if err != nil {
		m.t.Fatal(err)
	}
	url, err := os.ReadFile(filepath.Join(m.state, "server", "url"))
	if err != nil {
		m.t.Fatal(err)
	}
	m.eventually("the server tells of the device", func() error {
		got, err := m.scrape(strings.TrimSpace(string(url))+"/metrics", strings.TrimSpace(string(token)))
		if err != nil {
			return err
		}
		if got["fescue_invocations_total application=measured device=testdevice"] != 9 || got["fescue_device_memory_bytes device=testdevice"] == 0 {
			return fmt.Errorf("calls %v, memory %v", got["fescue_invocations_total application=measured device=testdevice"], got["fescue_device_memory_bytes device=testdevice"])
		}
		return nil
	})
	var h struct {
		Points []struct{ Calls, Errors, Timeouts, P99 float64 }
	}
	m.record(&h, "metrics", "measured", "--step", "10s")
	calls, errors, longest := 0.0, 0.0, 0.0
	for _, p := range h.Points {
		calls, errors, longest = calls+p.Calls, errors+p.Errors+p.Timeouts, max(longest, p.P99)
	}
	// The percentile is one of a bucket of the histogram, which the late call is in.
	if calls <= 0 || errors <= 0 || longest < 0.5 {
		m.t.Errorf("history of the application: %+v", h.Points)
	}
}
