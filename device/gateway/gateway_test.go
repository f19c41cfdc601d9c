package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// served is a gateway that runs.
type served struct {
	*Gateway
	t    *testing.T
	data string
	stop func()
}

func serve(t *testing.T, dir string) *served {
	t.Helper()
	g, err := New(Options{Address: "127.0.0.1:0", Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	s := &served{Gateway: g, t: t, data: t.TempDir()}
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	}
	return s
}

func start(t *testing.T) *served {
	s := serve(t, t.TempDir())
	t.Cleanup(s.stop)
	return s
}

// route is one whose function is f, with what Decode would fill in.
func (s *served) route(t spec.Trigger, f func(ctx context.Context, r *Request) ([]byte, error)) Route {
	if t.Auth == "" {
		t.Auth = spec.AuthPublic
	}
	if t.MaxBody == 0 {
		t.MaxBody = spec.MaxPayloadBody
	}
	if t.Timeout == 0 {
		t.Timeout = spec.Duration(patience)
	}
	return Route{Application: "app", Trigger: t, Call: f, Data: s.data, UID: os.Getuid(), GID: os.Getgid()}
}

func (s *served) set(app spec.Name, routes ...Route) {
	s.t.Helper()
	if err := s.Set(app, routes); err != nil {
		s.t.Fatal(err)
	}
}

// ask sends a request and gives status, headers and body.
func (s *served) ask(method, path, body string, headers ...string) (int, http.Header, string) {
	s.t.Helper()
	q, err := http.NewRequest(method, s.URL()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, r.Header, string(text)
}

func (s *served) wants(method, path, body string, status int, said string, headers ...string) http.Header {
	s.t.Helper()
	got, h, text := s.ask(method, path, body, headers...)
	if got != status || !strings.Contains(text, said) {
		s.t.Errorf("%s %s: %d %q, want %d …%s…", method, path, got, text, status, said)
	}
	return h
}

func tell(_ context.Context, r *Request) ([]byte, error) {
	return fmt.Appendf(nil, "%s %s ?%s {%s} %s %s", r.Method, r.Path, r.Query, r.Parameters, r.ContentType, r.Body), nil
}

// Method, path and parameters find the route; what has none is told.
func TestRoutes(t *testing.T) {
	s := start(t)
	s.set("app", s.route(spec.Trigger{HTTP: "POST /roots/{id}"}, tell), s.route(spec.Trigger{HTTP: "GET /"}, tell), s.route(spec.Trigger{HTTP: "ANY /files/{path...}"}, tell))
	s.wants("POST", "/roots/5?x=%20y", "hello", 200, "POST /roots/5 ?x=%20y {id=5} text/x hello", "Content-Type", "text/x")
	s.wants("GET", "/", "", 200, "GET / ")
	s.wants("DELETE", "/files/a/b", "", 200, "{path=a%2Fb}")
	h := s.wants("GET", "/roots/5", "", 405, "other methods: POST")
	if h.Get("Allow") != "POST" || h.Get("Content-Type") != "application/problem+json" {
		t.Errorf("headers %v", h)
	}
	s.wants("GET", "/nothing", "", 404, "no function")
	s.set("app")
	s.wants("GET", "/", "", 404, "no function")
}

// A route belongs to one application, also while it is only reserved; giving it up frees it.
func TestReserve(t *testing.T) {
	s := start(t)
	mine := s.route(spec.Trigger{HTTP: "GET /a/{x}"}, tell)
	s.set("app", mine)
	if err := s.Reserve("app", []Route{mine}); err != nil {
		t.Error(err) // a new version of the same application
	}
	for _, clash := range []spec.Route{"GET /a/{y}", "GET /{z}/b"} {
		if err := s.Reserve("other", []Route{s.route(spec.Trigger{HTTP: clash}, tell)}); !fail.Is(err, fail.Conflict) {
			t.Errorf("%s: %v", clash, err)
		}
	}
	theirs := []Route{s.route(spec.Trigger{HTTP: "GET /b"}, tell)}
	if err := s.Reserve("other", theirs); err != nil {
		t.Fatal(err)
	}
	if err := s.Reserve("third", theirs); !fail.Is(err, fail.Conflict) {
		t.Errorf("what is reserved can be taken: %v", err)
	}
	s.wants("GET", "/b", "", 404, "no function") // it is not active yet
	if err := s.Reserve("other", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Reserve("third", theirs); err != nil {
		t.Errorf("what was given up cannot be taken: %v", err)
	}
}

// Without the token nobody calls a route that asks for it, and the function never sees it.
func TestToken(t *testing.T) {
	s := start(t)
	s.set("app", s.route(spec.Trigger{HTTP: "GET /x", Auth: spec.AuthToken}, func(_ context.Context, r *Request) ([]byte, error) { return []byte(r.Headers), nil }))
	token, err := os.ReadFile(filepath.Join(s.Dir, TokenFile))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(s.Dir, TokenFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the token: %v %v", info.Mode(), err)
	}
	s.wants("GET", "/x", "", 401, "token")
	s.wants("GET", "/x", "", 401, "token", "Authorization", "Bearer wrong")
	s.wants("GET", "/x", "", 401, "token", "Authorization", strings.TrimSpace(string(token)))
	_, _, headers := s.ask("GET", "/x", "", "Authorization", "Bearer "+strings.TrimSpace(string(token)), "X-Mine", "here")
	if !strings.Contains(headers, `"x-mine":"here"`) || strings.Contains(strings.ToLower(headers), "authorization") {
		t.Errorf("the function sees %s", headers)
	}
}

// Each kind of failure has its status; an exception's text is for those with the token.
func TestFailures(t *testing.T) {
	s := start(t)
	for i, c := range []struct {
		err    error
		status int
		said   string
	}{
		{&exchange.HandlerError{Type: "ValueError", Message: "secret"}, 500, "its log says why"},
		{fail.New(fail.Unavailable, "", "gone"), 503, "gone"},
		{fail.New(fail.Unavailable, "", "gone: %w", ErrLost), 502, "lost"},
		{fail.New(fail.Exhausted, "", "full"), 503, "full"},
		{fail.New(fail.Timeout, "", "late"), 504, "late"},
		{errors.New("odd"), 500, "odd"},
	} {
		path := fmt.Sprintf("/e%d", i)
		s.set(spec.Name(fmt.Sprintf("app%d", i)), s.route(spec.Trigger{HTTP: spec.Route("GET " + path)}, func(context.Context, *Request) ([]byte, error) { return nil, c.err }))
		h := s.wants("GET", path, "", c.status, c.said)
		if (c.status == 503) != (h.Get("Retry-After") != "") {
			t.Errorf("%v: Retry-After %q", c.err, h.Get("Retry-After"))
		}
	}
	s.set("late", s.route(spec.Trigger{HTTP: "GET /late", Timeout: spec.Duration(20 * time.Millisecond)}, func(ctx context.Context, _ *Request) ([]byte, error) {
		<-ctx.Done()
		return nil, fail.New(fail.Timeout, "", "the time is over")
	}))
	s.wants("GET", "/late", "", 504, "the time is over")
}

// A body that is too large is refused, whether its length is told or not.
func TestBodyLimit(t *testing.T) {
	s := start(t)
	s.set("app", s.route(spec.Trigger{HTTP: "POST /x", MaxBody: 100}, tell))
	s.wants("POST", "/x", strings.Repeat("a", 100), 200, "aaa")
	s.wants("POST", "/x", strings.Repeat("a", 101), 413, "more than the 100 bytes")
	r, err := http.Post(s.URL()+"/x", "text/plain", io.MultiReader(strings.NewReader(strings.Repeat("a", 200)))) // chunked
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a chunked body of 200 bytes: %d", r.StatusCode)
	}
}

// What a function returns becomes status, headers and body as it says.
func TestResponses(t *testing.T) {
	s := start(t)
	if err := os.WriteFile(filepath.Join(s.data, "large"), bytes.Repeat([]byte("0123456789"), 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(s.data, "link")); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		result      string
		status      int
		contentType string
		body        string
	}{
		{`{"a": 1}`, 200, "application/json", `{"a": 1}`},
		{`plain`, 200, "text/plain; charset=utf-8", "plain"},
		{"\xff\xfe", 200, "application/octet-stream", "\xff\xfe"},
		{"", 204, "", ""},
		{`{"statusCode": 201, "headers": {"Content-Type": "text/csv"}, "body": "a,b"}`, 201, "text/csv", "a,b"},
		{`{"statusCode": 200, "body": "aGk=", "isBase64Encoded": true}`, 200, "text/plain; charset=utf-8", "hi"},
		{`{"statusCode": 404, "body": {"no": "such"}}`, 404, "application/json", `{"no": "such"}`},
		{`{"statusCode": 200, "file": "large"}`, 200, "text/plain; charset=utf-8", strings.Repeat("0123456789", 100_000)},
		{`{"statusCode": 200, "file": "link"}`, 500, "application/problem+json", ""},
		{`{"statusCode": 200, "file": "../../etc/passwd"}`, 500, "application/problem+json", ""},
		{`{"statusCode": 99}`, 200, "application/json", `{"statusCode": 99}`},
	} {
		path := fmt.Sprintf("/r%d", i)
		s.set(spec.Name(fmt.Sprintf("app%d", i)), s.route(spec.Trigger{HTTP: spec.Route("GET " + path)}, func(context.Context, *Request) ([]byte, error) { return []byte(c.result), nil }))
		status, h, body := s.ask("GET", path, "")
		if status != c.status || h.Get("Content-Type") != c.contentType || c.body != "" && body != c.body || strings.Contains(body, "root:") {
			t.Errorf("%s: %d %s %.80q, want %d %s %.80q", c.result, status, h.Get("Content-Type"), body, c.status, c.contentType, c.body)
		}
	}
}

// A large body goes to a file of the application's, never whole into memory, and is removed afterwards.
func TestBodyToFile(t *testing.T) {
	s := start(t)
	const size = 64 << 20
	var seen atomic.Pointer[string]
	s.set("app", s.route(spec.Trigger{HTTP: "PUT /x", Body: spec.BodyFile, MaxBody: spec.DefaultFileBody}, func(_ context.Context, r *Request) ([]byte, error) {
		seen.Store(&r.File)
		info, err := os.Stat(r.File)
		if err != nil {
			return nil, err
		}
		return fmt.Append(nil, info.Size(), len(r.Body)), nil
	}))
	r, err := http.Post(s.URL()+"/x", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	q, err := http.NewRequest(http.MethodPut, s.URL()+"/x", io.LimitReader(zeros{}, size))
	if err != nil {
		t.Fatal(err)
	}
	if r, err = http.DefaultClient.Do(q); err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(r.Body)
	r.Body.Close()
	if string(text) != fmt.Sprint(size, 0) {
		t.Errorf("the function saw %q", text)
	}
	if _, err := os.Stat(*seen.Load()); !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(*seen.Load(), s.data+"/requests/") {
		t.Errorf("file %s: %v", *seen.Load(), err)
	}
	// An application that puts a link in the way gets nothing written elsewhere.
	elsewhere := t.TempDir()
	if err := errors.Join(os.RemoveAll(filepath.Join(s.data, "requests")), os.Symlink(elsewhere, filepath.Join(s.data, "requests"))); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := s.ask("PUT", "/x", "body"); status < 400 {
		t.Errorf("through a link: %d", status)
	}
	if left, err := os.ReadDir(elsewhere); err != nil || len(left) > 0 {
		t.Errorf("written elsewhere: %v %v", left, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// Pages of the origins that are listed may call, others are told nothing.
func TestOrigins(t *testing.T) {
	s := start(t)
	s.set("app", s.route(spec.Trigger{HTTP: "POST /x", Origins: []string{"https://a.example"}}, tell), s.route(spec.Trigger{HTTP: "GET /x", Origins: []string{"*"}}, tell))
	for _, c := range []struct{ method, origin, allowed string }{
		{"POST", "https://a.example", "https://a.example"}, {"POST", "https://b.example", ""}, {"GET", "https://b.example", "*"},
	} {
		if h := s.wants(c.method, "/x", "", 200, "", "Origin", c.origin); h.Get("Access-Control-Allow-Origin") != c.allowed {
			t.Errorf("%v: %v", c, h)
		}
		h := s.wants("OPTIONS", "/x", "", 204, "", "Origin", c.origin, "Access-Control-Request-Method", c.method)
		if h.Get("Access-Control-Allow-Origin") != c.allowed || (h.Get("Access-Control-Allow-Methods") == c.method) != (c.allowed != "") {
			t.Errorf("preflight %v: %v", c, h)
		}
	}
}
