package console

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func ask(t *testing.T, h http.Handler, method, path string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	var b strings.Builder
	if _, err := io.Copy(&b, r.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestBuiltConsole(t *testing.T) {
	h := handler(fstest.MapFS{
		"index.html":                {Data: []byte("<p>console</p>")},
		"assets/index-a1B2c3D4.js":  {Data: []byte("start()")},
		"assets/index-a1B2c3D4.css": {Data: []byte("p{}")},
		"favicon.svg":               {Data: []byte("<svg/>")},
		".gitkeep":                  {},
	})
	const immutable = "public, max-age=31536000, immutable"
	for _, c := range []struct {
		path   string
		status int
		text   string
		kind   string
		cache  string
	}{
		{"/", 200, "<p>console</p>", "text/html", "no-cache"},
		{"/index.html", 200, "<p>console</p>", "text/html", "no-cache"},
		{"/applications/hello", 200, "<p>console</p>", "text/html", "no-cache"},
		{"/../../etc/passwd", 200, "<p>console</p>", "text/html", "no-cache"},
		{"/assets/index-a1B2c3D4.js", 200, "start()", "text/javascript", immutable},
		{"/assets/index-a1B2c3D4.css", 200, "p{}", "text/css", immutable},
		{"/favicon.svg", 200, "<svg/>", "image/svg+xml", "no-cache"},
		{"/assets/index-00000000.js", 404, "404 page not found\n", "text/plain", ""},
		{"/.gitkeep", 404, "404 page not found\n", "text/plain", ""},
	} {
		r := ask(t, h, http.MethodGet, c.path)
		if got := body(t, r); r.StatusCode != c.status || got != c.text {
			t.Errorf("%s: %d %q, want %d %q", c.path, r.StatusCode, got, c.status, c.text)
		}
		if kind := r.Header.Get("Content-Type"); !strings.HasPrefix(kind, c.kind) {
			t.Errorf("%s: content type %s, want %s", c.path, kind, c.kind)
		}
		if cache := r.Header.Get("Cache-Control"); cache != c.cache {
			t.Errorf("%s: cache %q, want %q", c.path, cache, c.cache)
		}
		if p := r.Header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "script-src 'self' 'unsafe") {
			t.Errorf("%s: policy %q", c.path, p)
		}
	}
}

func TestConsoleThatIsNotBuilt(t *testing.T) {
	h := handler(fstest.MapFS{".gitkeep": {}})
	for _, path := range []string{"/", "/devices"} {
		r := ask(t, h, http.MethodGet, path)
		text := body(t, r)
		for _, want := range []string{"without the web console", "npm", `href="/docs"`} {
			if r.StatusCode != http.StatusOK || !strings.Contains(text, want) {
				t.Errorf("%s: %d, no %q in it", path, r.StatusCode, want)
			}
		}
	}
}

func TestOnlyReading(t *testing.T) {
	h := Handler() // the embedded one, whatever is in it
	if r := ask(t, h, http.MethodPost, "/"); r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") == "" {
		t.Errorf("POST: %d", r.StatusCode)
	}
	if r := ask(t, h, http.MethodHead, "/"); r.StatusCode != http.StatusOK || body(t, r) != "" {
		t.Errorf("HEAD: %d, or a body", r.StatusCode)
	}
}
