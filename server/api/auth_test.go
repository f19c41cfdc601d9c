package api

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

func TestEveryOperationAsksForItsRole(t *testing.T) {
	w := newWorld(t, nil)
	w.register(t)
	public := map[string]bool{"GET /healthz": true, "GET /readyz": true, "POST /v1/session": true}
	replace := strings.NewReplacer("{digest}", "sha256:"+strings.Repeat("0", 64), "{name}", "hello", "{version}", "1.0.0", "{id}", "1")
	for _, g := range grouped(w.server.api.OpenAPI()) {
		for _, op := range g.operations {
			path := replace.Replace(op.Path)
			if public[op.Method+" "+path] {
				if a := w.ask(t, op.Method, path, nil, "Authorization", ""); a.StatusCode == http.StatusUnauthorized {
					t.Errorf("%s %s asks for a token", op.Method, path)
				}
				continue
			}
			a := w.ask(t, op.Method, path, nil, "Authorization", "")
			a.wantProblem(t, "unauthenticated")
			if a.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s: 401 does not say how", op.Method, path)
			}
			w.ask(t, op.Method, path, nil, "Authorization", "Bearer "+strings.Repeat("0", 64)).wantProblem(t, "unauthenticated")
			w.ask(t, op.Method, path, nil, "Authorization", "Basic YTpi").wantProblem(t, "unauthenticated")
			switch who := op.Metadata[accessKey].(access); who {
			case forAdmin:
				w.ask(t, op.Method, path, nil, "Authorization", "Bearer "+w.device).wantProblem(t, "denied")
			case forDevice:
				w.ask(t, op.Method, path, nil).wantProblem(t, "denied")
			}
		}
	}
}

func TestPagesNeedNoToken(t *testing.T) {
	w := newWorld(t, nil)
	for path, want := range map[string]string{
		"/docs": "Fescue API", "/docs/errors": `id="handler-failed"`, "/openapi.json": `"openapi": "3.1.0"`,
		"/openapi.yaml": "openapi: 3.1.0", "/v1/schema/fescue.json": "{}",
	} {
		a := w.ask(t, http.MethodGet, path, nil, "Authorization", "")
		if a.StatusCode != http.StatusOK || !strings.Contains(string(a.text), want) {
			t.Errorf("%s: %d, no %q in it", path, a.StatusCode, want)
		}
	}
}

// The pages load nothing and run nothing, and what comes from the description is
// escaped.
func TestPagesAreSelfContained(t *testing.T) {
	for name, page := range map[string][]byte{"docs": apiPage(describe(t).api.OpenAPI()), "errors": errorsPage()} {
		for _, bad := range []string{"<script", "http://", "https://", "src=", "<link", "@import"} {
			if strings.Contains(string(page), bad) {
				t.Errorf("%s has %q in it", name, bad)
			}
		}
	}
	m := &markup{}
	m.element("p", `<b>&"'`+"`<i>`", "id", `"><script>`)
	if got, want := m.b.String(), `<p id="&#34;&gt;&lt;script&gt;">&lt;b&gt;&amp;&#34;&#39;<code>&lt;i&gt;</code></p>`+"\n"; got != want {
		t.Errorf("markup wrote %s, want %s", got, want)
	}
}

func TestAdminToken(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	path := filepath.Join(dir, "deep", "admin-token")
	s, err := store.Open(ctx, "sqlite:"+filepath.Join(dir, "fescue.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	good := func(token string) bool { _, err := s.FindToken(ctx, token); return err == nil }
	ensure := func() string {
		t.Helper()
		token, err := EnsureAdminToken(ctx, s, path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file has mode %v, %v", info.Mode(), err)
		}
		text, err := os.ReadFile(path)
		if err != nil || strings.TrimSpace(string(text)) != token || len(token) != 64 || !good(token) {
			t.Errorf("token %q, in the file %q, known %v", token, text, good(token))
		}
		return token
	}
	first := ensure()
	if again := ensure(); again != first {
		t.Error("the second start made another token")
	}
	// The file is lost: a new token, the old one is good no longer.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second := ensure()
	if second == first || good(first) {
		t.Error("a lost token is still good")
	}
	// The file is spoilt, the token revoked, or the power went between file and database.
	for name, spoil := range map[string]func() error{
		"empty":      func() error { return os.WriteFile(path, nil, 0o600) },
		"no token":   func() error { return os.WriteFile(path, []byte("secret\n"), 0o600) },
		"revoked":    func() error { return s.DeleteToken(ctx, "admin") },
		"only there": func() error { return os.WriteFile(path, []byte(strings.Repeat("ab", 32)+"\n"), 0o600) },
	} {
		before := ensure()
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if after := ensure(); after == before {
			t.Errorf("%s: the token stayed", name)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := EnsureAdminToken(ctx, s, path); !fail.Is(err, fail.Denied) || fail.HintOf(err) == "" {
		t.Errorf("a token that others can read: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".token-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestDeviceToken(t *testing.T) {
	w := newWorld(t, nil)
	agent := w.client(t, w.device)
	if _, err := agent.Desired(t.Context()); !fail.Is(err, fail.NotFound) {
		t.Errorf("desired state of a device that is not registered: %v", err)
	}
	_, err := agent.PutDevice(t.Context(), spec.Device{ID: "cellar", Platform: "linux/arm64"})
	wantKind(t, err, fail.Denied)
	w.register(t)
	d, err := agent.Desired(t.Context())
	if err != nil || d.Device != kitchen || len(d.Applications) != 0 {
		t.Errorf("desired: %+v, %v", d, err)
	}
	_, err = agent.Devices(t.Context())
	wantKind(t, err, fail.Denied)
}

func TestListenBeyondLoopback(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0"} {
		ln, err := Listen(t.Context(), address, false)
		if !fail.Is(err, fail.Denied) || fail.HintOf(err) == "" {
			t.Errorf("%s: %v", address, err)
		}
		if ln != nil {
			_ = ln.Close()
		}
	}
	if _, err := Listen(t.Context(), "nonsense", false); !fail.Is(err, fail.Invalid) {
		t.Errorf("nonsense: %v", err)
	}
	ln, err := Listen(t.Context(), "0.0.0.0:0", true)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if other, err := Listen(t.Context(), ln.Addr().String(), true); !fail.Is(err, fail.Unavailable) {
		t.Errorf("a port that is taken: %v, %v", other, err)
	}
}

func TestHostAndOrigin(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Hosts = []string{"fescue.example.com"} })
	for host, ok := range map[string]bool{
		"127.0.0.1:8420": true, "localhost": true, "[::1]:80": true, "fescue.example.com": true, "console.localhost:1": true,
		"evil.example.com": false, "127.0.0.1.evil.com": false, "10.0.0.1": false,
	} {
		a := w.ask(t, http.MethodGet, "/healthz", nil, "Host", host)
		if ok && a.StatusCode != http.StatusOK {
			t.Errorf("host %s: %d", host, a.StatusCode)
		}
		if !ok {
			a.wantProblem(t, codeMisdirected)
		}
	}
	body := `{"text": "x"}`
	a := w.ask(t, http.MethodPost, "/v1/configurations/check", strings.NewReader(body), "Origin", "http://evil.example.com")
	a.wantProblem(t, "denied")
	w.ask(t, http.MethodPost, "/v1/configurations/check", strings.NewReader(body), "Sec-Fetch-Site", "cross-site").wantProblem(t, "denied")
	if a := w.ask(t, http.MethodPost, "/v1/configurations/check", strings.NewReader(body), "Origin", w.url); a.StatusCode != http.StatusOK {
		t.Errorf("own origin: %d %s", a.StatusCode, a.text)
	}
	if a := w.ask(t, http.MethodGet, "/v1/devices", nil, "Origin", "http://evil.example.com"); a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("CORS is on")
	}
}
