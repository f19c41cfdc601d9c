package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// These tests are of what a good server never does; with the real one the client is
// tested in server/api.

// serve answers with a function and gives a client that soon loses patience.
func serve(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	c, err := New(Options{BaseURL: server.URL + "/", Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	c.timing = timing{idle: 30 * time.Second, patience: 30 * time.Second, pause: time.Millisecond, longest: 10 * time.Millisecond}
	t.Cleanup(c.CloseIdle)
	return c
}

func wantKind(t *testing.T, err error, kind fail.Kind, says string) {
	t.Helper()
	var e *fail.Error
	if !errors.As(err, &e) || !fail.Is(err, kind) || !strings.Contains(err.Error(), says) {
		t.Errorf("%v (%v), want %v with %q", err, fail.KindOf(err), kind, says)
	}
}

func TestAddresses(t *testing.T) {
	for _, bad := range []string{"", "localhost:8420", "ftp://x", "http://", "http://[", "/run/socket"} {
		_, err := New(Options{BaseURL: bad})
		wantKind(t, err, fail.Invalid, "no address")
	}
	c, err := New(Options{BaseURL: "https://example.org/behind/a/proxy/"})
	if err != nil || c.BaseURL() != "https://example.org/behind/a/proxy" {
		t.Errorf("%v, %v", c.BaseURL(), err)
	}
}

// What a person names never becomes another path.
func TestNamesAreNoPaths(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"name": %q}`, r.URL.EscapedPath()+" "+r.Header.Get("Authorization"))
	})
	for name, path := range map[spec.Name]string{
		"plain": "/v1/applications/plain", "a/b": "/v1/applications/a%2Fb", "a?b": "/v1/applications/a%3Fb",
		"../../x": "/v1/applications/..%2F..%2Fx", "a b%": "/v1/applications/a%20b%25",
	} {
		if a, err := c.Application(t.Context(), name); err != nil || string(a.Name) != path+" Bearer secret" {
			t.Errorf("%q: %q, %v", name, a.Name, err)
		}
	}
	for _, name := range []spec.Name{"", ".", ".."} {
		_, err := c.Application(t.Context(), name)
		wantKind(t, err, fail.Invalid, "no name")
	}
}

func TestProblems(t *testing.T) {
	for what, c := range map[string]struct {
		status int
		kind   string // content type
		body   string
		want   fail.Kind
		says   string
		hint   string
	}{
		"problem":           {409, "application/problem+json", `{"code":"conflict","status":409,"detail":"in use","hint":"Wait."}`, fail.Conflict, "read application app: in use", "Wait."},
		"code before state": {500, "application/problem+json", `{"code":"timeout","detail":"late"}`, fail.Timeout, "late", ""},
		"code of the API":   {421, "application/problem+json", `{"code":"misdirected","detail":"no"}`, fail.Denied, "no", ""},
		"faults":            {422, "application/problem+json", `{"code":"invalid","detail":"x","faults":[{"line":3,"column":1,"field":"name","message":"no name"}]}`, fail.Invalid, "no name", ""},
		"a proxy's page":    {503, "text/html", `<html>busy</html>`, fail.Unavailable, "503", ""},
		"nothing":           {404, "", ``, fail.NotFound, "404", ""},
		"unknown 4xx":       {418, "", ``, fail.Invalid, "418", ""},
		"unknown 5xx":       {502, "", ``, fail.Internal, "502", ""},
		"JSON without code": {500, "application/json", `{"message":"x"}`, fail.Internal, "500", ""},
		"a redirect":        {304, "", ``, fail.Internal, "304", ""},
	} {
		t.Run(what, func(t *testing.T) {
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			_, err := client.Application(t.Context(), "app")
			wantKind(t, err, c.want, c.says)
			if fail.HintOf(err) != c.hint {
				t.Errorf("hint %q, want %q", fail.HintOf(err), c.hint)
			}
		})
	}
}

func TestHandlerError(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, `{"code":"handler-failed","detail":"x","handler":{"type":"ValueError","message":"no number","stack":"line 1\nline 2\n"}}`)
	})
	_, err := c.Invoke(t.Context(), "app", nil, InvokeOptions{})
	var raised *HandlerError
	if !errors.As(err, &raised) || raised.Error() != "the function raised ValueError: no number\nline 1\nline 2" {
		t.Errorf("%v", err)
	}
}

// A server that is away, answers nonsense, or breaks off is Unavailable; a caller who
// has no time left is told that.
func TestBadServers(t *testing.T) {
	ctx := t.Context()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away, err := New(Options{BaseURL: "http://" + ln.Addr().String()})
	if err := errors.Join(err, ln.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = away.Server(ctx)
	wantKind(t, err, fail.Unavailable, "does not answer")
	if !strings.Contains(fail.HintOf(err), "fescue up") {
		t.Errorf("hint %q", fail.HintOf(err))
	}
	for what, body := range map[string]string{"no JSON": "<html>", "half of it": `{"version": "`, "nothing": ""} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		_, err := c.Server(ctx)
		wantKind(t, err, fail.Unavailable, "cannot be read")
		if t.Failed() {
			t.Fatal(what)
		}
	}
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	_, err = silent.Server(short)
	wantKind(t, err, fail.Timeout, "")
	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, err = silent.Server(gone)
	wantKind(t, err, fail.Canceled, "")
}

func TestAllPages(t *testing.T) {
	var asked []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RawQuery)
		switch r.URL.Query().Get("cursor") {
		case "":
			_, _ = io.WriteString(w, `{"items":[{"id":"a"},{"id":"b"}],"next":"x&y"}`)
		case "x&y":
			_, _ = io.WriteString(w, `{"items":[{"id":"c"}],"next":""}`)
		}
	})
	devices, err := c.Devices(t.Context())
	if err != nil || len(devices) != 3 || devices[2].ID != "c" || len(asked) != 2 {
		t.Errorf("%+v, %v, asked %v", devices, err, asked)
	}
	broken := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("cursor") != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"items":[{"id":"a"}],"next":"x"}`)
	})
	if devices, err := broken.Devices(t.Context()); err == nil {
		t.Errorf("half a list is no list: %+v", devices)
	}
}

// A download is asked for from a byte on, and nothing else is taken for it.
func TestContentFromOffset(t *testing.T) {
	const content = "0123456789"
	digest := spec.Digest("sha256:" + strings.Repeat("a", 64))
	good := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
	})
	for offset, want := range map[int64]string{0: content, 4: "456789", 10: "", 99: ""} {
		body, err := good.ArtifactContent(t.Context(), digest, offset)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		if err := errors.Join(err, body.Close()); err != nil || string(got) != want {
			t.Errorf("from %d: %q, %v", offset, got, err)
		}
	}
	deaf := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, content) })
	_, err := deaf.ArtifactContent(t.Context(), digest, 4)
	wantKind(t, err, fail.Unavailable, "does not resume")
	wrong := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", "bytes 40-49/100")
		w.WriteHeader(http.StatusPartialContent)
	})
	_, err = wrong.ArtifactContent(t.Context(), digest, 4)
	wantKind(t, err, fail.Unavailable, "does not resume")
	silent := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, content)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	silent.timing.idle = 50 * time.Millisecond
	body, err := silent.ArtifactContent(t.Context(), digest, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(body)
	wantKind(t, err, fail.Unavailable, "silent")
	_ = body.Close()
}
