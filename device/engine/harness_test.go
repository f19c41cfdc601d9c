package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fescue.dev/fescue/artifact"
	"fescue.dev/fescue/device/logs"
	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/native"
	"fescue.dev/fescue/device/runtimes/python"
	"fescue.dev/fescue/device/sandbox"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/unix"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/observe"
	"fescue.dev/fescue/sdk"
	"fescue.dev/fescue/spec"
)

// TestMain lets the test binary be a device that is killed (crash_test.go).
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(child())
	}
	goleak.VerifyTestMain(m)
}

const patience = 30 * time.Second

// device is all that the engine works with, real; only the server is a directory.
type device struct {
	dir     string
	origin  *origin
	router  *exchange.Router
	sandbox *sandbox.Sandbox
	logs    *logs.Store
	events  *observe.Recorder
	options Options
	engine  *Engine
	stop    func() // ends everything in order
}

// origin is where artifacts come from.
type origin struct {
	dir string

	mu       sync.Mutex
	requests []int64                   // offsets
	before   func(digest spec.Digest)  // called before answering
	wrap     func(io.Reader) io.Reader // around what is read
	refuse   func(offset int64) error
}

func (o *origin) Artifact(_ context.Context, d spec.Digest, offset int64) (io.ReadCloser, error) {
	o.mu.Lock()
	o.requests = append(o.requests, offset)
	before, wrap, refuse := o.before, o.wrap, o.refuse
	o.mu.Unlock()
	if before != nil {
		before(d)
	}
	if refuse != nil {
		if err := refuse(offset); err != nil {
			return nil, err
		}
	}
	f, err := os.Open(filepath.Join(o.dir, d.Hex()))
	if err != nil {
		return nil, fail.Wrap(err, fail.NotFound, "get artifact", string(d))
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, err
	}
	if wrap == nil {
		return f, nil
	}
	return struct {
		io.Reader
		io.Closer
	}{wrap(f), f}, nil
}

// openDevice opens a device's state, as the agent does at its start.
func openDevice(dir string, sink observe.Sink, log *slog.Logger) (*device, error) {
	d := &device{dir: dir, origin: &origin{dir: filepath.Join(dir, "origin")}}
	for _, sub := range []string{"origin", "run"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o711); err != nil {
			return nil, err
		}
	}
	var err error
	if d.sandbox, err = sandbox.New(sandbox.Config{State: filepath.Join(dir, "sandbox"), Log: log}); err != nil {
		return nil, err
	}
	d.logs = logs.Open(filepath.Join(dir, "logs"), log)
	d.router = exchange.New(exchange.Options{Device: "test", Log: log})
	if err := d.router.OpenStores(filepath.Join(dir, "exchange")); err != nil {
		return nil, err
	}
	link, err := unix.Listen(unix.Options{Path: filepath.Join(dir, "run", "x.sock"), Mode: 0o666})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { _ = d.router.Run(ctx) })
	group.Go(func() { _ = link.Run(ctx, func(c exchange.Conn) { _ = d.router.Serve(ctx, c) }) })
	d.stop = func() {
		cancel()
		group.Wait()
		_ = d.sandbox.Close()
		d.logs.Close()
	}
	extracted, err := sdk.Extract(filepath.Join(dir, "sdk"))
	if err != nil {
		return nil, err
	}
	snakes, err := python.New(python.Options{Dir: filepath.Join(dir, "envs"), SDK: extracted, Log: log, Environment: []string{"PIP_NO_INDEX=1"}})
	if err != nil {
		return nil, err
	}
	d.options = Options{
		Device: "test", Platform: "linux/amd64", Dir: dir, Fetch: d.origin, Exchange: d.router,
		Addresses: map[spec.IPC]string{spec.IPCUnix: link.Address()},
		Sandbox:   d.sandbox, Logs: d.logs, Events: sink, Runtimes: []runtimes.Runtime{native.Native{}, snakes}, Log: log,
		Timing: Timing{Applications: 5 * time.Second, Grace: 2 * time.Second},
	}
	return d, nil
}

// newDevice opens a device with a new state and runs an engine on it.
func newDevice(t testing.TB, change ...func(*Options)) *device {
	t.Helper()
	dir, err := os.MkdirTemp("", "fe") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeDir(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return runDevice(t, dir, change...)
}

func removeDir(dir string) {
	// Environments are protected from writing. Only directories, and never through a
	// link: those lead to the device's interpreters.
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	os.RemoveAll(dir)
}

// runDevice runs an engine on a state that is there.
func runDevice(t testing.TB, dir string, change ...func(*Options)) *device {
	t.Helper()
	events := &observe.Recorder{}
	d, err := openDevice(dir, events, slog.New(slog.NewTextHandler(testWriter{t}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	d.events = events
	for _, c := range change {
		c(&d.options)
	}
	if d.engine, err = New(d.options); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := d.engine.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	end := d.stop
	d.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(patience):
			t.Error("the engine does not end")
		}
		end()
	})
	t.Cleanup(d.stop)
	return d
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", bytes.TrimSpace(b))
	return len(b), nil
}

// app is a desired application with an artifact of these files.
func (d *device) app(t testing.TB, deployment int, configuration string, files map[string]string) spec.DesiredApplication {
	t.Helper()
	dir := t.TempDir()
	files["fescue.yaml"] = configuration
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	document, err := spec.Decode("fescue.yaml", []byte(configuration))
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if _, err := artifact.Pack(&archive, dir, artifact.PackOptions{}); err != nil {
		t.Fatal(err)
	}
	digest, _, err := artifact.DigestOf(bytes.NewReader(archive.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.origin.dir, digest.Hex()), archive.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return spec.DesiredApplication{
		Deployment: spec.DeploymentID(deployment), Name: document.Name, Version: document.Version, Artifact: digest,
		Configuration: *document, State: spec.Running,
	}
}

// service is an application of one command of the runtime native. Unless more says otherwise
// (it may go on with the command's keys) it counts as started after a moment.
func (d *device) service(t testing.TB, deployment int, name, version, run, more string) spec.DesiredApplication {
	t.Helper()
	if !strings.Contains(run, "wait: true") && !strings.Contains(run, "settle:") {
		run += "\n    settle: 200ms"
	}
	return d.app(t, deployment, fmt.Sprintf("name: %s\nversion: %s\nruntime: native\ncommands:\n  - run: %s\n%s", name, version, run, more), map[string]string{})
}

// function is a Python function `f.handle`.
func (d *device) function(t testing.TB, deployment int, name, version, code, more string) spec.DesiredApplication {
	t.Helper()
	return d.app(t, deployment, fmt.Sprintf("name: %s\nversion: %s\nruntime: python\nhandler: f.handle\n%s", name, version, more), map[string]string{"f.py": code})
}

func (d *device) apply(apps ...spec.DesiredApplication) {
	d.engine.Apply(spec.Desired{Device: "test", Applications: apps})
}

// outcome waits for the outcome of a deployment.
func (d *device) outcome(t testing.TB, id int) spec.Event {
	t.Helper()
	return d.event(t, fmt.Sprintf("outcome of deployment %d", id), func(e spec.Event) bool {
		return e.Kind == spec.EventDeployment && e.Deployment == spec.DeploymentID(id)
	})
}

func (d *device) event(t testing.TB, what string, match func(spec.Event) bool) spec.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	e, err := d.events.Wait(ctx, match)
	if err != nil {
		t.Fatalf("not in time: %s\n%s", what, d.story())
	}
	return e
}

// state waits for a run state event after the given number of events.
func (d *device) state(t testing.TB, app spec.Name, s spec.RunState, after int) spec.Event {
	t.Helper()
	return d.event(t, fmt.Sprintf("%s is %s", app, s), func(e spec.Event) bool {
		return e.Sequence > uint64(after) && e.Kind == spec.EventApplication && e.Application == app && e.Status == string(s)
	})
}

// succeeds waits for a deployment that must succeed.
func (d *device) succeeds(t testing.TB, id int) {
	t.Helper()
	if e := d.outcome(t, id); e.Status != string(spec.DeploymentSucceeded) {
		t.Fatalf("deployment %d: %s at %s: %s (%s)\n%s", id, e.Status, e.Step, e.Message, e.Hint, strings.Join(e.LastLogs, "\n"))
	}
}

// story is all events, for a failing test.
func (d *device) story() string {
	var b strings.Builder
	for _, e := range d.events.Events() {
		fmt.Fprintf(&b, "%s %s %s %d %s %s %s\n", e.Kind, e.Application, e.Version, e.Deployment, e.Step, e.Status, e.Message)
	}
	return b.String()
}

func (d *device) invoke(t testing.TB, app spec.Name, payload string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := d.engine.Invoke(ctx, app, "application/json", []byte(payload))
	return string(out), err
}

// answers fails the test unless the function answers so.
func (d *device) answers(t testing.TB, app spec.Name, payload, want string) {
	t.Helper()
	got, err := d.invoke(t, app, payload)
	if err != nil || got != want {
		t.Fatalf("%s answered %q, %v; want %q", app, got, err, want)
	}
}

func (d *device) output(t testing.TB, app spec.Name) string {
	t.Helper()
	lines, err := d.logs.Read(app, -1, time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%s %s\n", l.Stream, l.Text)
	}
	return b.String()
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
	}
}

// files lists what is below a directory of the device, for comparing.
func (d *device) files(t testing.TB, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(d.dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		found[i] = strings.TrimPrefix(found[i], d.dir+"/")
	}
	return found
}

func toJSON(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var exchangeOptions exchange.SubscribeOptions
