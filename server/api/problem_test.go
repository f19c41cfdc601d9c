package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Every kind of failure has its own code and status, and keeps its hint.
func TestProblemOfEveryKind(t *testing.T) {
	want := map[fail.Kind]int{
		fail.Internal: 500, fail.Invalid: 422, fail.Unauthenticated: 401, fail.Denied: 403, fail.NotFound: 404, fail.Conflict: 409,
		fail.TooLarge: 413, fail.Exhausted: 507, fail.Unavailable: 503, fail.Timeout: 504, fail.Canceled: 409, fail.Unsupported: 501,
	}
	for kind := fail.Internal; !strings.HasPrefix(kind.String(), "kind("); kind++ {
		err := fmt.Errorf("outside: %w", fail.New(kind, "do", "it went wrong").On("thing").WithHint("Do this."))
		p := problemOf(err)
		if p.Status != want[kind] || string(p.Code) != kind.String() || p.Hint != "Do this." || p.Title == "" ||
			p.Type != "/docs/errors#"+kind.String() || p.Detail != "outside: do thing: it went wrong" {
			t.Errorf("%v: %+v", kind, p)
		}
	}
	for err, code := range map[error]Code{
		context.DeadlineExceeded: "timeout", context.Canceled: "canceled", os.ErrClosed: "internal",
		&http.MaxBytesError{Limit: 7}: "too-large",
	} {
		if p := problemOf(err); p.Code != code {
			t.Errorf("%v: %+v", err, p)
		}
	}
	p := problemOf(fail.Wrap(spec.Faults{{Line: 3, Field: "x", Message: "bad"}, {Message: "worse"}}, fail.Internal, "store", ""))
	if p.Status != 422 || len(p.Faults) != 2 || !strings.Contains(p.Detail, "bad") || strings.Contains(p.Detail, "\n") {
		t.Errorf("faults: %+v", p)
	}
}

// The page of errors and the list of codes agree, in code, status and title.
func TestErrorsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^## `([a-z-]+)`\n\n([0-9]+) ").FindAllStringSubmatch(string(page), -1) {
		listed[m[1]] = m[2]
	}
	seen := map[Code]bool{}
	for _, c := range codes() {
		if seen[c.Code] {
			t.Errorf("%s is listed twice", c.Code)
		}
		seen[c.Code] = true
		if listed[string(c.Code)] != strconv.Itoa(c.Status) {
			t.Errorf("docs/reference/errors.md has status %q for %s, the API %d", listed[string(c.Code)], c.Code, c.Status)
		}
		delete(listed, string(c.Code))
	}
	for code := range listed {
		t.Errorf("docs/reference/errors.md describes %s, which there is not", code)
	}
}

// What the framework refuses looks like everything else.
func TestBadRequestsAreProblems(t *testing.T) {
	w := newWorld(t, nil)
	w.register(t)
	big := strings.Repeat("x", configurationBody+1)
	for _, c := range []struct {
		method, path, body, kind string
		code                     Code
		field                    string
	}{
		{"GET", "/v1/nothing", "", "", "not-found", ""},
		{"GET", "/nothing", "", "", "not-found", ""},
		{"PATCH", "/v1/devices", "", "", codeMethod, ""},
		{"POST", "/v1/configurations", "", "application/json", codeMalformed, ""},
		{"POST", "/v1/configurations", "{", "application/json", codeMalformed, ""},
		{"POST", "/v1/configurations", `{"text": 5, "artifact": "x"}`, "application/json", "invalid", "text"},
		{"POST", "/v1/configurations", `{"artifact": "x"}`, "application/json", "invalid", ""},
		{"POST", "/v1/configurations", `{"text": "", "artifact": "x", "txt": ""}`, "application/json", "invalid", "txt"},
		{"POST", "/v1/configurations", `{"text": "` + big + `"}`, "application/json", "too-large", ""},
		{"POST", "/v1/configurations", `<a/>`, "text/xml", codeMediaType, ""},
		{"GET", "/v1/devices?limit=0", "", "", "invalid", "query.limit"},
		{"GET", "/v1/devices?limt=5", "", "", "invalid", "query.limt"},
		{"GET", "/v1/applications/Hello_World", "", "", "invalid", "path.name"},
		{"GET", "/v1/artifacts/sha1:abc", "", "", "invalid", "path.digest"},
		{"GET", "/v1/deployments/0", "", "", "invalid", "path.id"},
		{"GET", "/v1/deployments?cursor=x", "", "", "invalid", ""},
		{"POST", "/v1/deployments", `{"name": "Hello"}`, "application/json", "invalid", "name"},
		{"POST", "/v1/deployments", `{"name": "hello", "version": "1"}`, "application/json", "invalid", "version"},
		{"POST", "/v1/deployments", `{"name": 5}`, "application/json", "invalid", "name"},
		{"POST", "/v1/deployments", `{"nam": "hello"}`, "application/json", "invalid", "nam"},
		{"POST", "/v1/deployments", `{`, "application/json", codeMalformed, ""},
		{"POST", "/v1/deployments", `{"name": "hello"}`, "application/json", "not-found", ""},
		{"POST", "/v1/deployments", `x`, "text/plain", codeMediaType, ""},
		{"POST", "/v1/deployments", `x`, "multipart/form-data", codeMalformed, ""},
		{"POST", "/v1/deployments", `x`, "multipart/form-data; boundary=b", codeMalformed, ""},
		{"POST", "/v1/devices/kitchen/publish", `{"topic": "a/#", "payload": ""}`, "application/json", "invalid", "topic"},
		{"POST", "/v1/devices/kitchen/publish", `{"topic": "a", "payload": "%"}`, "application/json", "invalid", "body"},
		{"POST", "/v1/devices/attic/publish", `{"topic": "a", "payload": ""}`, "application/json", "not-found", ""},
		{"POST", "/v1/devices/kitchen/publish", `{"topic": "a", "payload": ""}`, "application/json", "unavailable", ""},
		{"GET", "/v1/devices/kitchen/tail?filter=a/%23/b", "", "", "invalid", "query.filter"},
		{"GET", "/v1/devices/kitchen/tail", "", "", "unavailable", ""},
		{"POST", "/v1/applications/hello/invoke?timeout=soon", "", "", "invalid", "query.timeout"},
		{"POST", "/v1/applications/hello/invoke?timeout=100h", "", "", "invalid", "query.timeout"},
		{"POST", "/v1/applications/hello/invoke", strings.Repeat("x", maxPayload+1), "", "too-large", ""},
		{"POST", "/v1/applications/hello/invoke", "", "", "not-found", ""},
		{"GET", "/v1/applications/hello/logs?follow=true", "", "", "invalid", "query.follow"},
		{"GET", "/v1/applications/hello/logs?since=yesterday", "", "", "invalid", "query.since"},
		{"POST", "/v1/artifacts", "no archive", "", "invalid", ""},
	} {
		var header []string
		if c.kind != "" {
			header = []string{"Content-Type", c.kind}
		}
		a := w.ask(t, c.method, c.path, bytes.NewReader([]byte(c.body)), header...)
		a.wantProblem(t, c.code)
		if c.field != "" && (len(a.problem.Faults) == 0 || a.problem.Faults[0].Field != c.field) {
			t.Errorf("%s %s: faults %+v, want field %s", c.method, c.path, a.problem.Faults, c.field)
		}
	}
}

func TestAllowNamesMethods(t *testing.T) {
	w := newWorld(t, nil)
	a := w.ask(t, http.MethodPut, "/v1/artifacts", nil)
	a.wantProblem(t, codeMethod)
	if allow := a.Header.Get("Allow"); !strings.Contains(allow, "POST") || !strings.Contains(allow, "GET") {
		t.Errorf("Allow: %q", allow)
	}
}
