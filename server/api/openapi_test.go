package api

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

// The description is part of what the API promises: a change of it is read.
func TestGoldenOpenAPI(t *testing.T) {
	s := describe(t)
	got, err := s.api.OpenAPI().YAML()
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/openapi.golden.yaml"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the API's description changed (-golden +now); if that is meant, run the test with -update:\n%s", diff)
	}
}

// describe is a server that is asked for nothing but its description.
func describe(t *testing.T) *Server {
	t.Helper()
	return New(Options{})
}

// contract is what the client and the console build on.
const contract = `
GET /v1/server
POST /v1/session
GET /v1/session
DELETE /v1/session
POST /v1/artifacts
GET /v1/artifacts
GET /v1/artifacts/{digest}
DELETE /v1/artifacts/{digest}
GET /v1/artifacts/{digest}/content
POST /v1/configurations
POST /v1/configurations/check
GET /v1/configurations
GET /v1/configurations/{name}
DELETE /v1/configurations/{name}/{version}
GET /v1/applications
GET /v1/applications/{name}
DELETE /v1/applications/{name}
POST /v1/applications/{name}/start
POST /v1/applications/{name}/stop
POST /v1/applications/{name}/invoke
GET /v1/applications/{name}/logs
POST /v1/deployments
GET /v1/deployments
GET /v1/deployments/{id}
POST /v1/deployments/{id}/cancel
GET /v1/deployments/{id}/events
GET /v1/events
GET /v1/logs
GET /v1/devices
GET /v1/devices/{id}
PATCH /v1/devices/{id}
POST /v1/devices/{id}/publish
GET /v1/devices/{id}/tail
GET /v1/devices/{id}/topics
GET /v1/devices/{id}/metrics
GET /v1/metrics
GET /v1/applications/{name}/metrics
POST /v1/credentials
GET /v1/credentials
DELETE /v1/credentials/{name}
POST /v1/tokens
GET /v1/tokens
DELETE /v1/tokens/{name}
GET /v1/applications/{name}/state
GET /v1/applications/{name}/state/value
PUT /v1/applications/{name}/state/value
DELETE /v1/applications/{name}/state/value
GET /v1/device/desired
PUT /v1/device
GET /healthz
GET /readyz
GET /metrics
`

func TestEveryRouteIsThere(t *testing.T) {
	o := describe(t).api.OpenAPI()
	routes := strings.Split(strings.TrimSpace(contract), "\n")
	for _, route := range routes {
		method, path, _ := strings.Cut(route, " ")
		if o.Paths[path] == nil || registered(o, method, path) == nil {
			t.Errorf("there is no %s", route)
		}
	}
	n := 0
	for _, g := range grouped(o) {
		n += len(g.operations)
	}
	if n != len(routes) {
		t.Errorf("the API has %d operations, the contract %d", n, len(routes))
	}
}

// Every reference of the description leads somewhere, no list may be null, and
// nothing of the framework's own error records is left.
func TestDescriptionIsWhole(t *testing.T) {
	s := describe(t)
	text, err := json.Marshal(s.api.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "ErrorModel") {
		t.Error("the description names huma's ErrorModel")
	}
	if strings.Contains(string(text), `"type":["array","null"]`) {
		t.Error("the description has a list that may be null")
	}
	schemas := s.api.OpenAPI().Components.Schemas.Map()
	const prefix = `"$ref":"#/components/schemas/`
	for _, part := range strings.Split(string(text), prefix)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		if schemas[name] == nil {
			t.Errorf("a reference leads to %s, which is not described", name)
		}
	}
}
