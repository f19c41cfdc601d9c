package console

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func ask(t *testing.T, h http.Handler, method, path string, header ...string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	h.ServeHTTP(w, r)
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

func compressed(t *testing.T, text string) *fstest.MapFile {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, text)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

func built(t *testing.T) http.Handler {
	t.Helper()
	return handler(fstest.MapFS{
		"index.html.gz":                {Data: compressed(t, `<p nonce="%NONCE%">console</p>`).Data},
		"assets/index-a1B2c3D4.js.gz":  compressed(t, "start()"),
		"assets/index-a1B2c3D4.css.gz": compressed(t, "p{}"),
		"favicon.svg.gz":               compressed(t, "<svg/>"),
		".gitkeep":                     {},
	})
}

func TestBuiltConsole(t *testing.T) {
	h := built(t)
	const immutable, page = "public, max-age=31536000, immutable", "console</p>"
	for _, c := range []struct {
		path   string
		status int
		text   string
		kind   string
		cache  string
	}{
		{"/", 200, page, "text/html", "no-store"},
		{"/index.html", 200, page, "text/html", "no-store"},
		{"/applications/hello", 200, page, "text/html", "no-store"},
		{"/applications/hello/versions/1.0.0", 200, page, "text/html", "no-store"},
		{"/../../etc/passwd", 200, page, "text/html", "no-store"},
		{"/assets/index-a1B2c3D4.js", 200, "start()", "text/javascript", immutable},
		{"/assets/index-a1B2c3D4.css", 200, "p{}", "text/css", immutable},
		{"/favicon.svg", 200, "<svg/>", "image/svg+xml", "no-cache"},
		{"/assets/index-00000000.js", 404, "404 page not found\n", "text/plain", ""},
		{"/robots.txt", 404, "404 page not found\n", "text/plain", ""},
		{"/.gitkeep", 404, "404 page not found\n", "text/plain", ""},
	} {
		r := ask(t, h, http.MethodGet, c.path)
		if got := body(t, r); r.StatusCode != c.status || !strings.HasSuffix(got, c.text) {
			t.Errorf("%s: %d %q, want %d %q", c.path, r.StatusCode, got, c.status, c.text)
		}
		if kind := r.Header.Get("Content-Type"); !strings.HasPrefix(kind, c.kind) {
			t.Errorf("%s: content type %s, want %s", c.path, kind, c.kind)
		}
		if cache := r.Header.Get("Cache-Control"); cache != c.cache {
			t.Errorf("%s: cache %q, want %q", c.path, cache, c.cache)
		}
		if p := r.Header.Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "unsafe") {
			t.Errorf("%s: policy %q", c.path, p)
		}
	}
}

// Each page has a nonce of its own, the one that its policy names.
func TestNonce(t *testing.T) {
	h, seen := built(t), map[string]bool{}
	in := regexp.MustCompile(`nonce="([^"]+)"`)
	for range 3 {
		r := ask(t, h, http.MethodGet, "/")
		m := in.FindStringSubmatch(body(t, r))
		if m == nil || len(m[1]) < 20 || seen[m[1]] || !strings.Contains(r.Header.Get("Content-Security-Policy"), "'nonce-"+m[1]+"'") {
			t.Fatalf("nonce %v, policy %s", m, r.Header.Get("Content-Security-Policy"))
		}
		seen[m[1]] = true
	}
}

func TestCompression(t *testing.T) {
	h := built(t)
	for accept, encoding := range map[string]string{"gzip, deflate, br": "gzip", "br": "", "": "", "gzip;q=0": ""} {
		r := ask(t, h, http.MethodGet, "/favicon.svg", "Accept-Encoding", accept)
		text := body(t, r)
		if got := r.Header.Get("Content-Encoding"); got != encoding || r.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("accepting %q: encoding %q", accept, got)
		}
		if encoding == "gzip" {
			plain, err := inflate([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			text = string(plain)
		}
		if text != "<svg/>" {
			t.Errorf("accepting %q: %q", accept, text)
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
