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

	"fescue.dev/fescue/observe"
)

func (s *Server) metricRoutes() {
	op := add(s, forAdmin, huma.Operation{
		OperationID: "get-metrics", Method: http.MethodGet, Path: "/metrics", Tags: []string{"Server"}, Summary: "Get figures for Prometheus",
		Description: "In Prometheus' text format: of the server, and what devices told since it started. Give Prometheus the token with `authorization: {credentials: …}`.",
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
	e := &observe.Exposition{}
	e.Begin("fescue_info", "gauge", "Version and database of the server.")
	e.Sample(1, "version", s.Version, "database", s.Store.Kind())
	tally(e, "fescue_records", "Records in the database.", "kind", counts)
	tally(e, "fescue_deployments", "Deployments by status.", "status", tallies.Deployments)
	tally(e, "fescue_placements", "Applications on devices by reported state.", "state", tallies.Placements)
	e.Begin("fescue_devices_connected", "gauge", "Devices that this server has heard lately.")
	e.Sample(float64(s.Fleet.Connected()))
	s.tellDevices(e)
	s.requests.tell(e)
	process(e, s.begun)
	return &huma.StreamResponse{Body: func(huma.Context) {
		in.w.Header().Set("Content-Type", observe.ExpositionType)
		_, _ = e.WriteTo(in.w) // a client that has gone needs none
	}}, nil
}

// tally is a gauge with a sample for each key.
func tally(e *observe.Exposition, name, help, label string, values map[string]int) {
	e.Begin(name, "gauge", help)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		e.Sample(float64(values[key]), label, key)
	}
}

// process is what Prometheus' own libraries tell of every process.
func process(e *observe.Exposition, begun time.Time) {
	e.Begin("process_start_time_seconds", "gauge", "When the server started, in seconds since 1970.")
	e.Sample(observe.Unix(begun))
	e.Begin("go_goroutines", "gauge", "Goroutines.")
	e.Sample(float64(runtime.NumGoroutine()))
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		var size, resident int64
		if _, err := fmt.Sscan(string(text), &size, &resident); err == nil {
			e.Begin("process_resident_memory_bytes", "gauge", "Resident memory.")
			e.Sample(float64(resident * int64(os.Getpagesize())))
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

func (r *requests) tell(e *observe.Exposition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := slices.Sorted(maps.Keys(r.count))
	e.Begin("fescue_api_requests_total", "counter", "Requests that were answered, streams when they ended.")
	for _, key := range keys {
		method, status, _ := strings.Cut(key, " ")
		e.Sample(float64(r.count[key]), "method", method, "status", status)
	}
	e.Begin("fescue_api_request_seconds_total", "counter", "Time that answering them took.")
	for _, key := range keys {
		method, status, _ := strings.Cut(key, " ")
		e.Sample(float64(r.took[key])/1e6, "method", method, "status", status)
	}
}
