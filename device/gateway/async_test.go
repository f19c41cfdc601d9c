package gateway

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
	"fescue.dev/fescue/spec"
)

// fetch asks for a result until there is one.
func (s *served) fetch(location string, headers ...string) (int, string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		status, _, body := s.ask("GET", location, "", headers...)
		if status != http.StatusAccepted {
			return status, body
		}
		if time.Now().After(deadline) {
			s.t.Fatal("no result in time")
		}
	}
}

func (s *served) accepted(path, body string) string {
	s.t.Helper()
	status, h, text := s.ask("POST", path, body)
	if status != http.StatusAccepted || h.Get("Location") == "" {
		s.t.Fatalf("%d %s", status, text)
	}
	return h.Get("Location")
}

// A request for which nobody waits is carried out, its result fetched, failures as well.
func TestAsync(t *testing.T) {
	s := start(t)
	var calls atomic.Int32
	s.set("app", s.route(spec.Trigger{HTTP: "POST /x", Async: true}, func(_ context.Context, r *Request) ([]byte, error) {
		switch calls.Add(1) {
		case 1:
			return nil, fail.New(fail.Unavailable, "", "not yet") // tried again
		case 2:
			return []byte("did " + string(r.Body)), nil
		}
		return nil, &exchange.HandlerError{Type: "ValueError", Message: "secret"}
	}))
	if status, body := s.fetch(s.accepted("/x", "it")); status != 200 || body != "did it" {
		t.Errorf("%d %q", status, body)
	}
	if status, body := s.fetch(s.accepted("/x", "it")); status != 500 || strings.Contains(body, "secret") {
		t.Errorf("%d %q", status, body)
	}
	s.wants("GET", resultsPath+strings.Repeat("0", 32), "", 404, "no such request")
	s.wants("GET", resultsPath+"..%2f..%2ftoken", "", 404, "no such request")
	if n := s.async.files.expire(time.Now().Add(time.Hour)); n != 2 {
		t.Errorf("%d results were removed", n)
	}
}

// What was accepted is carried out after a restart; a result needs the token if its route does.
func TestAsyncSurvives(t *testing.T) {
	dir := t.TempDir()
	first := serve(t, dir)
	hold := make(chan struct{})
	trigger := spec.Trigger{HTTP: "POST /x", Async: true}
	begun := make(chan struct{}, 1)
	first.set("app", first.route(trigger, func(ctx context.Context, _ *Request) ([]byte, error) {
		begun <- struct{}{}
		select {
		case <-hold:
		case <-ctx.Done():
		}
		return nil, fail.New(fail.Canceled, "", "the agent ended")
	}))
	location := first.accepted("/x", "it")
	<-begun
	first.stop()
	close(hold)
	if err := os.WriteFile(filepath.Join(dir, "requests", "half"+requestSuffix+durable.Suffix), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}

	second := serve(t, dir)
	defer second.stop()
	second.wants("GET", location, "", 202, "")
	second.set("app", second.route(trigger, tell))
	if status, body := second.fetch(location); status != 200 || !strings.Contains(body, "it") {
		t.Errorf("%d %q", status, body)
	}
	token, err := os.ReadFile(filepath.Join(dir, TokenFile))
	if err != nil {
		t.Fatal(err)
	}
	bearer := "Bearer " + strings.TrimSpace(string(token))
	trigger.Auth = spec.AuthToken
	second.set("app", second.route(trigger, tell))
	status, h, _ := second.ask("POST", "/x", "it", "Authorization", bearer)
	if status != 202 {
		t.Fatal(status)
	}
	if status, _ := second.fetch(h.Get("Location"), "Authorization", bearer); status != 200 {
		t.Errorf("with the token: %d", status)
	}
	second.wants("GET", h.Get("Location"), "", 401, "token")
	left, err := filepath.Glob(filepath.Join(dir, "requests", "*"))
	if err != nil || len(left) != 2 {
		t.Errorf("kept: %v %v", left, err)
	}
}
