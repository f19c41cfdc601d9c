package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/spec"
)

// receiver takes call-backs: the first few are answered with a status of its choice.
type receiver struct {
	*httptest.Server
	t      *testing.T
	taken  chan posted
	mu     sync.Mutex
	refuse []int
}

type posted struct {
	body   string
	header http.Header
}

func receive(t *testing.T, refuse ...int) *receiver {
	r := &receiver{t: t, taken: make(chan posted, 16), refuse: refuse}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// ServeHTTP takes a result, or refuses it.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text, _ := io.ReadAll(q.Body)
	if len(r.refuse) > 0 {
		status := r.refuse[0]
		r.refuse = r.refuse[1:]
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		return
	}
	r.taken <- posted{string(text), q.Header}
}

func (r *receiver) next() posted {
	r.t.Helper()
	select {
	case p := <-r.taken:
		return p
	case <-time.After(patience):
		r.t.Fatal("no call-back in time")
	}
	return posted{}
}

// signed tells whether the post is from who has the key.
func (s *served) signed(p posted) bool {
	s.t.Helper()
	key, err := os.ReadFile(filepath.Join(s.Dir, CallbackKeyFile))
	if err != nil {
		s.t.Fatal(err)
	}
	h := hmac.New(sha256.New, []byte(strings.TrimSpace(string(key))))
	for _, part := range []string{p.header.Get("Fescue-Timestamp"), p.header.Get("Fescue-Request"), p.header.Get("Fescue-Status")} {
		_, _ = io.WriteString(h, part+".")
	}
	_, _ = io.WriteString(h, p.body)
	return p.header.Get("Fescue-Signature") == "sha256="+hex.EncodeToString(h.Sum(nil))
}

func work(_ context.Context, r *Request) ([]byte, error) {
	switch string(r.Body) {
	case "fail":
		return nil, &exchange.HandlerError{Type: "ValueError", Message: "bad"}
	case "status":
		return []byte(`{"statusCode": 201, "headers": {"Content-Type": "text/x"}, "body": "made"}`), nil
	}
	return append([]byte("did "), r.Body...), nil
}

// Results are posted, signed, with what a caller who waits would have been told; one that is not taken comes again.
func TestCallback(t *testing.T) {
	s := start(t)
	r := receive(t, 503, 307) // a redirection is not followed
	s.set("app", s.route(spec.Trigger{HTTP: "POST /x", Async: true, Callback: spec.Callback{URL: r.URL + "/done"}}, work))
	id := strings.TrimPrefix(s.accepted("/x", "it"), resultsPath)
	p := r.next()
	if p.body != "did it" || p.header.Get("Fescue-Status") != "200" || p.header.Get("Fescue-Request") != id || p.header.Get("Fescue-Application") != "app" || !s.signed(p) {
		t.Errorf("%q %v, signed %v", p.body, p.header, s.signed(p))
	}
	s.accepted("/x", "status")
	if p := r.next(); p.body != "made" || p.header.Get("Fescue-Status") != "201" || p.header.Get("Content-Type") != "text/x" || !s.signed(p) {
		t.Errorf("%q %v", p.body, p.header)
	}
	s.accepted("/x", "fail")
	if p := r.next(); !strings.Contains(p.body, "bad") || p.header.Get("Fescue-Status") != "500" {
		t.Errorf("%q %v", p.body, p.header)
	}
	if info, err := os.Stat(filepath.Join(s.Dir, CallbackKeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode: %v %v", info, err)
	}
}

// A request may name where its result goes, among the origins that the configuration has, and nowhere else.
func TestCallbackNamedByRequest(t *testing.T) {
	s := start(t)
	r := receive(t)
	s.set("app", s.route(spec.Trigger{HTTP: "POST /x", Async: true, Callback: spec.Callback{Origins: []string{strings.ToUpper(r.URL)}}}, work),
		s.route(spec.Trigger{HTTP: "POST /none", Async: true}, work))
	if status, _, body := s.ask("POST", "/x", "it", CallbackHeader, r.URL+"/mine?n=1"); status != 202 {
		t.Fatalf("%d %s", status, body)
	}
	if p := r.next(); p.body != "did it" {
		t.Errorf("%q", p.body)
	}
	for _, named := range []string{
		"http://169.254.169.254/latest", "http://127.0.0.1:1/", "file:///etc/passwd", "//x", "nonsense", r.URL + ".evil.example/", strings.Replace(r.URL, "://", "://user@", 1),
	} {
		s.wants("POST", "/x", "it", 400, "", CallbackHeader, named)
	}
	s.wants("POST", "/none", "it", 400, "not among the origins", CallbackHeader, r.URL)
}

// A name that leads to the device itself, or to a cloud's metadata, is not connected to.
func TestCallbackLeadsToDevice(t *testing.T) {
	for address, refused := range map[string]bool{
		"127.0.0.1:80": true, "[::1]:80": true, "[::ffff:127.0.0.1]:80": true, "0.0.0.0:80": true, "169.254.169.254:80": true, "[fe80::1]:80": true,
		"192.168.1.5:80": false, "203.0.113.5:443": false, "[2001:db8::1]:443": false,
	} {
		if err := refuseOwn("tcp", address, nil); (err != nil) != refused {
			t.Errorf("%s: %v", address, err)
		}
	}
	if literal("http://ci.example.org/") || !literal("http://10.0.0.1/") || !literal("http://localhost:1/") {
		t.Error("which names somebody else resolves")
	}
	// The client that names are posted with does ask.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := client(refuseOwn)
	defer c.CloseIdleConnections()
	if answer, err := c.Get("http://" + l.Addr().String()); err == nil || !strings.Contains(err.Error(), "leads to 127.0.0.1") {
		t.Errorf("%v %v", answer, err)
	}
}

// What was not taken before the agent ended is posted after it has started again.
func TestCallbackAcrossRestart(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close() // nobody is there for now
	s := serve(t, dir)
	s.set("app", s.route(spec.Trigger{HTTP: "POST /x", Async: true, Callback: spec.Callback{URL: "http://" + address}}, work))
	location := s.accepted("/x", "it")
	if status, body := s.fetch(location); status != 200 || body != "did it" {
		t.Fatalf("%d %q", status, body)
	}
	s.stop()
	if s.async.files.expire(time.Now().Add(time.Hour)) != 0 {
		t.Error("a result was removed that is still to be posted")
	}
	r := &receiver{t: t, taken: make(chan posted, 1)}
	r.Server = httptest.NewUnstartedServer(r)
	_ = r.Listener.Close()
	if r.Listener, err = net.Listen("tcp", address); err != nil {
		t.Skipf("another program has taken the address: %v", err)
	}
	r.Start()
	defer r.Close()
	s = serve(t, dir)
	defer s.stop()
	if p := r.next(); p.body != "did it" || !s.signed(p) {
		t.Errorf("%q %v", p.body, p.header)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		left, _ := filepath.Glob(filepath.Join(dir, "requests", "*"+callbackSuffix))
		if len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("left: %v", left)
		}
	}
}
