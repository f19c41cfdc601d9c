package api

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"fescue.dev/fescue/spec"
)

// figures reads /metrics as strictly as Prometheus does.
func (w *world) figures(t *testing.T) map[string]float64 {
	t.Helper()
	a := w.ask(t, http.MethodGet, "/metrics", nil)
	if a.StatusCode != http.StatusOK || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d %s", a.StatusCode, a.Header.Get("Content-Type"))
	}
	sample := regexp.MustCompile(`^([a-z_]+)(\{[a-z]+="(\\.|[^"\\\n])*"(,[a-z]+="(\\.|[^"\\\n])*")*\})? (\S+)$`)
	values, typed := map[string]float64{}, map[string]bool{}
	for line := range strings.Lines(string(a.text)) {
		line = strings.TrimSuffix(line, "\n")
		if words := strings.Fields(line); strings.HasPrefix(line, "# TYPE ") && len(words) == 4 {
			if typed[words[2]] {
				t.Errorf("%s has two types", words[2])
			}
			typed[words[2]] = true
			continue
		}
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil || !typed[m[1]] {
			t.Fatalf("no sample of a known metric: %q", line)
		}
		value, err := strconv.ParseFloat(m[6], 64)
		if _, twice := values[m[1]+m[2]]; err != nil || twice {
			t.Fatalf("%q: twice %v, %v", line, twice, err)
		}
		values[m[1]+m[2]] = value
	}
	return values
}

func TestMetrics(t *testing.T) {
	w := newWorld(t, nil)
	w.register(t)
	d := w.deploy(t)
	w.ask(t, http.MethodGet, "/v1/nothing", nil)
	w.ask(t, "BREW", "/v1/server", nil)
	want := map[string]float64{
		`fescue_info{version="v0-test",database="sqlite"}`:       1,
		`fescue_records{kind="devices"}`:                         1,
		`fescue_records{kind="applications"}`:                    1,
		`fescue_deployments{status="queued"}`:                    1,
		`fescue_placements{state="deploying"}`:                   1,
		`fescue_devices_connected`:                               1,
		`fescue_api_requests_total{method="GET",status="404"}`:   1,
		`fescue_api_requests_total{method="other",status="405"}`: 1,
		`fescue_api_requests_total{method="POST",status="201"}`:  1,
	}
	check := func() {
		t.Helper()
		got := w.figures(t)
		for name, value := range want {
			if got[name] != value {
				t.Errorf("%s is %v, want %v", name, got[name], value)
			}
		}
		if got["process_resident_memory_bytes"] < 1<<20 || got["go_goroutines"] < 1 || got["process_start_time_seconds"] < 1e9 {
			t.Errorf("of the process: %v", got)
		}
	}
	check()
	w.happen(t, kitchen, 1, 1, spec.Event{Kind: spec.EventDeployment, Application: d.Name, Version: d.Version, Deployment: d.ID, Status: string(spec.DeploymentSucceeded)})
	delete(want, `fescue_deployments{status="queued"}`)
	delete(want, `fescue_placements{state="deploying"}`)
	want[`fescue_deployments{status="succeeded"}`], want[`fescue_placements{state="running"}`] = 1, 1
	check()
}
