package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"fescue.dev/fescue/artifact"
	"fescue.dev/fescue/client"
	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/fleet"
	"fescue.dev/fescue/server/metrics"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an API server on a port, on a real database, artifact store and
// fabric. Only the device is played, over the real fabric.
type world struct {
	server  *Server
	url     string
	token   string // admin's
	device  string // the token of the device kitchen
	dir     string
	api     *client.Client
	store   *store.Store
	fleet   *fleet.Fleet
	control *nats.Conn // the device's side of the fabric
	stop    func()     // ends the server
}

const kitchen = spec.DeviceID("kitchen")

type hints struct{}

func (hints) Changed(spec.DeviceID) {}

// newWorld starts it all; change, if not nil, changes the server before it runs.
func newWorld(t *testing.T, change func(*Options)) *world {
	t.Helper()
	ctx, log := t.Context(), slog.New(slog.DiscardHandler)
	w := &world{dir: t.TempDir()}
	var err error
	if w.store, err = store.Open(ctx, "sqlite:"+filepath.Join(w.dir, "fescue.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.store.Close() })
	artifacts, err := artifact.Open(filepath.Join(w.dir, "artifacts"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := fabric.Start(ctx, fabric.Options{Dir: filepath.Join(w.dir, "fabric"), Name: "test", Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	w.control = connection(t, f)
	w.fleet = fleet.New(w.store, hints{}, log)
	if w.token, err = EnsureAdminToken(ctx, w.store, filepath.Join(w.dir, "admin-token")); err != nil {
		t.Fatal(err)
	}
	if w.device, err = EnsureDeviceToken(ctx, w.store, kitchen, filepath.Join(w.dir, "device-token")); err != nil {
		t.Fatal(err)
	}
	o := Options{Store: w.store, Fleet: w.fleet, Artifacts: artifacts, Control: connection(t, f), Log: log, Metrics: metrics.New(w.store, log), Version: "v0-test", Schema: func() ([]byte, error) { return []byte(`{}`), nil }}
	if change != nil {
		change(&o)
	}
	w.server = New(o)
	w.run(t)
	w.api = w.client(t, w.token)
	return w
}

func connection(t *testing.T, f *fabric.Server) *nats.Conn {
	t.Helper()
	nc, err := f.Control()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func (w *world) run(t *testing.T) {
	t.Helper()
	ln, err := Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	w.url = "http://" + ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.server.Run(ctx, ln) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(w.stop)
}

func (w *world) client(t *testing.T, token string) *client.Client {
	t.Helper()
	c, err := client.New(client.Options{BaseURL: w.url, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}

// register makes the device kitchen known.
func (w *world) register(t *testing.T) {
	t.Helper()
	d, err := w.client(t, w.device).PutDevice(t.Context(), spec.Device{ID: kitchen, Platform: "linux/amd64", Agent: "v1"})
	if err != nil || d.ID != kitchen || !d.Connected {
		t.Fatalf("PutDevice: %+v, %v", d, err)
	}
}

const helloText = "name: hello\nversion: 1.0.0\nruntime: native\ncommands:\n  - run: sleep 1000\n"

// deploy stores an application and deploys it on kitchen.
func (w *world) deploy(t *testing.T) spec.Deployment {
	t.Helper()
	d, err := w.api.DeployArchive(t.Context(), helloText, bytes.NewReader(archive(t, map[string]string{"a.txt": "a"})), kitchen)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// archive packs files.
func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := artifact.Pack(&b, dir, artifact.PackOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// answer is what a plain request was answered with.
type answer struct {
	*http.Response
	text    []byte
	problem Problem
}

// ask sends a plain request, with the admin's token unless one is in the header.
func (w *world) ask(t *testing.T, method, path string, body io.Reader, header ...string) answer {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, w.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+w.token)
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			q.Host = header[i+1]
		}
	}
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	a := answer{Response: r}
	if a.text, err = io.ReadAll(r.Body); err != nil {
		t.Fatal(err)
	}
	if r.Header.Get("Content-Type") == problemType {
		if err := json.Unmarshal(a.text, &a.problem); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// wantProblem checks the shape that every problem has, and its code.
func (a answer) wantProblem(t *testing.T, code Code) {
	t.Helper()
	p := a.problem
	info := infoOf(code)
	switch {
	case p.Code != code:
		t.Errorf("%s %s: %d %s, want code %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.text, code)
	case p.Status != a.StatusCode || p.Type != "/docs/errors#"+string(code) || p.Title != info.Title || p.Detail == "":
		t.Errorf("%s %s: the problem is not whole: %d %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.text)
	}
}

// wantKind checks the kind of a client's error.
func wantKind(t *testing.T, err error, kind fail.Kind) {
	t.Helper()
	var e *fail.Error
	if !errors.As(err, &e) || fail.KindOf(err) != kind {
		t.Errorf("error %v is %v, want %v", err, fail.KindOf(err), kind)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never came true: " + what)
		}
	}
}

// decode reads a record as a plain client does.
func (w *world) decode(t *testing.T, path string, into any) {
	t.Helper()
	a := w.ask(t, http.MethodGet, path, nil)
	if err := json.Unmarshal(a.text, into); err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s, %v", path, a.StatusCode, a.text, err)
	}
}
