package runtimetest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/sandbox"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/unix"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Source is an application as its author wrote it.
type Source struct {
	Configuration string            // what follows name and version in fescue.yaml
	Files         map[string]string // by path in the artifact
	Copy          map[string]string // programs to put into it, by path in the artifact: where they are
}

// Function is an application on a device.
type Function struct {
	Device      *Device
	Runtime     runtimes.Runtime
	Application runtimes.Application
	Output      output // of all its workers
	argv        []string
	forks       []string // argv of the fork server, or nil
	server      *program // the fork server, once there is one
	environment []string
	readOnly    []string
	container   runtimes.Container
	data        string
}

// Unpack puts an application on the device, as the engine does.
func (d *Device) Unpack(t testing.TB, name string, s Source) runtimes.Application {
	t.Helper()
	text := fmt.Sprintf("name: %s\nversion: 1.0.0\n%s", Application, s.Configuration)
	configuration, err := spec.Decode("fescue.yaml", []byte(text))
	if err != nil {
		t.Fatalf("configuration: %v", err)
	}
	dir := d.directory(t, "apps/"+name, os.Geteuid(), os.Getegid())
	files := maps.Clone(s.Files)
	if files == nil {
		files = map[string]string{}
	}
	for to, from := range s.Copy {
		program, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		files[to] = string(program)
	}
	for path, text := range files {
		full := filepath.Join(dir, path)
		mode := os.FileMode(0o644)
		if _, program := s.Copy[path]; program || strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	return runtimes.Application{Configuration: configuration, Artifact: spec.Digest("sha256:" + name), Dir: dir}
}

// Load prepares an application and finds out how its workers are started.
func (d *Device) Load(t testing.TB, r runtimes.Runtime, name string, s Source) *Function {
	t.Helper()
	f, err := d.TryLoad(t, r, name, s)
	if err != nil {
		t.Fatalf("%v (%s)", err, fail.HintOf(err))
	}
	return f
}

// TryLoad is Load of an application that may be refused.
func (d *Device) TryLoad(t testing.TB, r runtimes.Runtime, name string, s Source) (*Function, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	f := &Function{Device: d, Runtime: r, Application: d.Unpack(t, name, s), data: d.directory(t, "data", d.uid, d.gid)}
	if err := r.Check(ctx, f.Application.Configuration.Runtime.Range()); err != nil {
		return nil, err
	}
	if _, err := r.Prepare(ctx, f.Application, d.Build); err != nil {
		return nil, err
	}
	around, err := r.Surroundings(ctx, f.Application)
	if err != nil {
		return nil, err
	}
	if f.argv, err = r.Worker(ctx, f.Application); err != nil {
		return nil, err
	}
	if forking, ok := r.(runtimes.Forking); ok && f.Application.Configuration.Workers.Warm > 0 {
		if f.forks, err = forking.ForkServer(ctx, f.Application); err != nil {
			return nil, err
		}
	}
	f.readOnly = append([]string{f.Application.Dir, d.socket}, around.ReadOnly...)
	f.container = around.Container
	f.environment = append([]string{
		"PATH=" + strings.Join(append(around.Path, systemPath), ":"), "HOME=" + f.data, "TMPDIR=/tmp", "LANG=C.UTF-8",
		"FESCUE_APPLICATION=" + string(Application), "FESCUE_VERSION=1.0.0", "FESCUE_DEVICE=test", "FESCUE_DATA=" + f.data,
		"FESCUE_EXCHANGE=unix:" + d.socket, "FESCUE_TOKEN=" + token, "FESCUE_WORKER_FD=3", "FESCUE_HANDLER=" + f.Application.Configuration.Handler,
		fmt.Sprintf("FESCUE_CONCURRENCY=%d", f.Application.Configuration.Workers.Concurrency),
	}, around.Environment...)
	return f, f.runCommands(ctx)
}

// runCommands runs the commands that prepare a function, as the engine does: in the
// code directory, which they may change.
func (f *Function) runCommands(ctx context.Context) error {
	d, c := f.Device, f.Application.Configuration
	for _, command := range c.Commands {
		if err := giveTo(f.Application.Dir, d.uid, d.gid); err != nil {
			return err
		}
		p, err := d.start(ctx, sandbox.Options{
			Application: Application, Argv: []string{"/bin/sh", "-c", command.Run}, Dir: f.Application.Dir, Env: f.environment,
			ReadOnly: f.readOnly, ReadWrite: []string{f.data, f.Application.Dir}, Limits: c.Limits,
		}, &f.Output)
		if err != nil {
			return err
		}
		if <-p.ended; !p.exit.Success() {
			return fail.New(fail.Invalid, "run command", "%q %s\n%s", command.Run, p.exit, f.Output.text()).WithHint("See its output.")
		}
	}
	return nil
}

// Worker is a process of a function.
type Worker struct {
	*program
	*exchange.Worker
	function *Function
	served   chan struct{}
}

// Begin starts a worker, which has yet to load the handler. It ends with the test.
func (f *Function) Begin(t testing.TB) *Worker {
	t.Helper()
	conn, file, err := unix.Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() // the worker has its own
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	p, err := f.process(ctx, t, file)
	if err != nil {
		_ = conn.Close()
		t.Fatalf("start worker: %v", err)
	}
	w := &Worker{program: p, function: f, served: make(chan struct{})}
	w.Worker = f.Device.router.Worker(conn, Application, exchange.WorkerOptions{
		OnLog: func(level int, text string) { f.Output.add(fmt.Appendf(nil, "log %d %s\n", level, text)) },
	})
	running, end := context.WithCancel(context.Background())
	go func() {
		defer close(w.served)
		_ = w.Run(running) // how the process ended tells more
	}()
	t.Cleanup(func() {
		w.process.Terminate(0)
		<-w.ended
		end()
		<-w.served
	})
	return w
}

// Reload finds out anew how workers are started, after the configuration was changed.
func (f *Function) Reload(t testing.TB) {
	t.Helper()
	around, err := f.Runtime.Surroundings(context.Background(), f.Application)
	if err != nil {
		t.Fatal(err)
	}
	f.container = around.Container
}

// enclosed has a program started in the function's image, if it has one, as the engine does.
func (f *Function) enclosed(t testing.TB, o sandbox.Options) sandbox.Options {
	t.Helper()
	if f.container == nil {
		return o
	}
	e, err := f.container.Enclose(runtimes.Program{
		Argv: o.Argv, Environment: o.Env, Files: len(o.Files), UID: o.UID, GID: o.GID, ReadOnly: o.ReadOnly, ReadWrite: o.ReadWrite,
	})
	if err != nil {
		t.Fatal(err)
	}
	o.Argv, o.Env, o.Dir, o.ReadOnly = e.Argv, nil, "/", append(slices.Clone(o.ReadOnly), e.ReadOnly...)
	o.Container = &sandbox.Container{Root: e.Root, Changes: e.Changes, Config: e.Config, Signal: e.Signal}
	return o
}

// User gives the user of an application of this device.
func (d *Device) User(app spec.Name) (uid, gid int, err error) { return d.sandbox.UserFor(app) }

// process starts a worker's process with its link, as the engine does.
func (f *Function) process(ctx context.Context, t testing.TB, link *os.File) (*program, error) {
	c := f.Application.Configuration
	o := sandbox.Options{
		Application: Application, Argv: f.argv, Dir: f.Application.Dir, Env: f.environment, Isolation: c.Isolation,
		UID: f.Device.uid, GID: f.Device.gid,
		ReadOnly: f.readOnly, ReadWrite: []string{f.data}, Limits: c.Limits,
	}
	if f.forks == nil {
		o.Files = []*os.File{link}
		return f.Device.start(ctx, f.enclosed(t, o), &f.Output)
	}
	if f.server == nil {
		o.Argv, o.Forks = f.forks, true
		var err error
		if f.server, err = f.Device.start(ctx, o, &f.Output); err != nil {
			return nil, err
		}
	}
	return follow(&f.Output, func(out *os.File) (*sandbox.Process, error) {
		return f.server.process.Fork(ctx, link, out, out)
	})
}

// Start starts a worker and waits until it is ready.
func (f *Function) Start(t testing.TB) *Worker {
	t.Helper()
	w := f.Begin(t)
	select {
	case <-w.Ready():
	case <-w.ended:
		<-w.served
		t.Fatalf("the worker %s before it was ready: %v\n%s", w.exit, w.Failure(), f.Output.text())
	case <-time.After(Patience):
		t.Fatalf("the worker does not become ready\n%s", f.Output.text())
	}
	return w
}

// Call invokes the handler with a text.
func (w *Worker) Call(text string, timeout time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	result, err := w.Invoke(ctx, invocation(text, timeout))
	return string(result), err
}

func invocation(text string, timeout time.Duration) exchange.Invocation {
	return exchange.Invocation{
		Timeout: timeout, Payload: []byte(text),
		Attributes: []exchange.Attribute{{Name: "datacontenttype", Value: "text/plain"}, {Name: "subject", Value: "suite/in"}},
	}
}

// Answers fails the test unless the handler answers so.
func (w *Worker) Answers(t testing.TB, text, want string) {
	t.Helper()
	got, err := w.Call(text, Patience)
	if err != nil || got != want {
		t.Fatalf("%.60q is answered %.200q, %v; want %.200q\n%s", text, got, err, want, w.function.Output.text())
	}
}

// End ends the worker, whatever it is doing, as the engine does with one that does not settle.
func (w *Worker) End() sandbox.Exit {
	return w.process.Terminate(0)
}
