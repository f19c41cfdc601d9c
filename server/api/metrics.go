package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// metricsType is Prometheus' text format.
const metricsType = "text/plain; version=0.0.4; charset=utf-8"

func (s *Server) metricRoutes() {
	op := add(s, forAdmin, huma.Operation{
		OperationID: "get-metrics", Method: http.MethodGet, Path: "/metrics", Tags: []string{"Server"}, Summary: "Get figures for Prometheus",
		Description: "In Prometheus' text format. Give Prometheus the token with `authorization: {credentials: …}`.",
	}, s.metrics)
	op.Responses["200"] = &huma.Response{Description: "Figures.", Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: "string"}}}}
}

func (s *Server) metrics(ctx context.Context, in *struct{ Exchanged }) (*huma.StreamResponse, error) {
	counts, err := s.Store.Counts(ctx)
	if err != nil {
		return nil, err
	}
	tallies, err := s.Store.Tallies(ctx)
	if err != nil {
		return nil, err
	}
	e := &exposition{}
	e.begin("fescue_info", "gauge", "Version and database of the server.")
	e.sample(1, "version", s.Version, "database", s.Store.Kind())
	e.tally("fescue_records", "Records in the database.", "kind", counts)
	e.tally("fescue_deployments", "Deployments by status.", "status", tallies.Deployments)
	e.tally("fescue_placements", "Applications on devices by reported state.", "state", tallies.Placements)
	e.begin("fescue_devices_connected", "gauge", "Devices that this server has heard lately.")
	e.sample(float64(s.Fleet.Connected()))
	s.requests.tell(e)
	e.process(s.begun)
	return &huma.StreamResponse{Body: func(huma.Context) {
		in.w.Header().Set("Content-Type", metricsType)
		_, _ = in.w.Write([]byte(e.text.String())) // a client that has gone needs none
	}}, nil
}

// exposition is figures in Prometheus' text format, which is simple enough that its
// client library, of a megabyte, is not worth its size here.
type exposition struct {
	text strings.Builder
	name string
}

// begin begins the samples of a metric.
func (e *exposition) begin(name, kind, help string) {
	e.name = name
	fmt.Fprintf(&e.text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// sample adds a sample; labels are names and values by turns.
func (e *exposition) sample(value float64, labels ...string) {
	e.text.WriteString(e.name)
	for i := 0; i+1 < len(labels); i += 2 {
		before := ","
		if i == 0 {
			before = "{"
		}
		e.text.WriteString(before + labels[i] + `="` + escapeLabel(labels[i+1]) + `"`)
	}
	if len(labels) > 0 {
		e.text.WriteByte('}')
	}
	e.text.WriteString(" " + strconv.FormatFloat(value, 'g', -1, 64) + "\n")
}

func escapeLabel(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(value, "\ufffd"))
}

// tally is a gauge with a sample for each key.
func (e *exposition) tally(name, help, label string, values map[string]int) {
	e.begin(name, "gauge", help)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		e.sample(float64(values[key]), label, key)
	}
}

// process is what Prometheus' own libraries tell of every process.
func (e *exposition) process(begun time.Time) {
	e.begin("process_start_time_seconds", "gauge", "When the server started, in seconds since 1970.")
	e.sample(float64(begun.UnixMilli()) / 1000)
	e.begin("go_goroutines", "gauge", "Goroutines.")
	e.sample(float64(runtime.NumGoroutine()))
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		var size, resident int64
		if _, err := fmt.Sscan(string(text), &size, &resident); err == nil {
			e.begin("process_resident_memory_bytes", "gauge", "Resident memory.")
			e.sample(float64(resident * int64(os.Getpagesize())))
		}
	}
}

// requests counts what was answered, by "METHOD STATUS": few values, whatever
// clients send.
type requests struct {
	mu          sync.Mutex
	count, took map[string]int // requests, and microseconds
}

func (r *requests) note(method string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions:
	default:
		method = "other"
	}
	key := method + " " + strconv.Itoa(status)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == nil {
		r.count, r.took = map[string]int{}, map[string]int{}
	}
	r.count[key]++
	r.took[key] += int(took.Microseconds())
}

func (r *requests) tell(e *exposition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := slices.Sorted(maps.Keys(r.count))
	e.begin("fescue_api_requests_total", "counter", "Requests that were answered, streams when they ended.")
	for _, key := range keys {
		method, status, _ := strings.Cut(key, " ")
		e.sample(float64(r.count[key]), "method", method, "status", status)
	}
	e.begin("fescue_api_request_seconds_total", "counter", "Time that answering them took.")
	for _, key := range keys {
		method, status, _ := strings.Cut(key, " ")
		e.sample(float64(r.took[key])/1e6, "method", method, "status", status)
	}
}
