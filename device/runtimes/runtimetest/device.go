package runtimetest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/sandbox"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/unix"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Patience bounds every wait for something that must happen: machines that run
// tests are slow and shared.
const Patience = 60 * time.Second

// Application is the name that functions of the suite run under.
const Application spec.Name = "suite"

// token is the suite's for clients that functions make.
const token = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// Device is what a runtime needs around it: a sandbox and Data Xchange.
type Device struct {
	Dir     string // of this device's own; every user may pass through it
	Log     *slog.Logger
	sandbox *sandbox.Sandbox
	router  *exchange.Router
	socket  string // of the router
	logged  output // by clients that are no workers
	uid     int
	gid     int
}

// NewDevice makes one that lives as long as the test.
func NewDevice(t testing.TB) *Device {
	t.Helper()
	dir, err := os.MkdirTemp("", "fescue-runtime-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeProtected(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	d := &Device{Dir: dir, Log: slog.New(slog.NewTextHandler(testWriter{t}, nil))}
	if d.sandbox, err = sandbox.New(sandbox.Config{State: filepath.Join(dir, "sandbox"), Log: d.Log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.sandbox.Close(); err != nil {
			t.Errorf("close sandbox: %v", err)
		}
	})
	if d.uid, d.gid, err = d.sandbox.UserFor(Application); err != nil {
		t.Fatal(err)
	}
	d.openExchange(t)
	return d
}

func (d *Device) openExchange(t testing.TB) {
	t.Helper()
	d.router = exchange.New(exchange.Options{Device: "test", Log: d.Log, OnLog: func(_ spec.Name, level int, text string) {
		d.logged.add(fmt.Appendf(nil, "log %d %s\n", level, text))
	}})
	if err := d.router.OpenStores(filepath.Join(d.Dir, "exchange")); err != nil {
		t.Fatal(err)
	}
	d.socket = filepath.Join(d.Dir, "exchange.sock")
	link, err := unix.Listen(unix.Options{Path: d.socket, Mode: 0o666})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { _ = d.router.Run(ctx) })
	group.Go(func() { _ = link.Run(ctx, func(c exchange.Conn) { _ = d.router.Serve(ctx, c) }) })
	t.Cleanup(func() { cancel(); group.Wait() })
	resources := spec.Resources{Publish: []spec.Filter{"suite/#"}}
	if err := d.router.Grant(Application, resources, exchange.Credential{UID: d.uid, Token: token}); err != nil {
		t.Fatal(err)
	}
}

// removeProtected removes what runtimes have made unwritable: directories only, never
// through a link.
func removeProtected(dir string) {
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	_ = os.RemoveAll(dir)
}

// directory makes a folder of the device that belongs to a user.
func (d *Device) directory(t testing.TB, name string, uid, gid int) string {
	t.Helper()
	dir := filepath.Join(d.Dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Build is the runtimes.Builder of this device: programs run as the engine runs
// them, as a user of their own and with the network.
func (d *Device) Build(ctx context.Context, b runtimes.Build) error {
	const who = Application + ".build"
	uid, gid, err := d.sandbox.UserFor(who)
	if err != nil {
		return err
	}
	for _, dir := range b.ReadWrite {
		if err := giveTo(dir, uid, gid); err != nil {
			return err
		}
	}
	out := &output{}
	p, err := d.start(ctx, sandbox.Options{
		Application: who, Argv: b.Argv, Dir: b.Dir,
		Env: append([]string{"PATH=" + systemPath, "LANG=C.UTF-8"}, b.Environment...),
		UID: uid, GID: gid, Network: sandbox.NetworkHost,
		ReadOnly: b.ReadOnly, ReadWrite: b.ReadWrite,
		Limits: spec.Limits{Memory: 1 << 30, Processes: 256},
	}, out)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { p.process.Terminate(0) })
	defer stop()
	<-p.ended
	if b.Output != nil {
		_, _ = b.Output.Write([]byte(out.text()))
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !p.exit.Success() {
		return fail.New(fail.Internal, "prepare", "%s %s", filepath.Base(b.Argv[0]), p.exit)
	}
	return nil
}

func giveTo(dir string, uid, gid int) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid)
	})
}

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// program is a process whose output is kept.
type program struct {
	process *sandbox.Process
	ended   chan struct{} // closed when it is gone and its output is complete
	exit    sandbox.Exit
}

func (d *Device) start(ctx context.Context, o sandbox.Options, out *output) (*program, error) {
	return follow(out, func(write *os.File) (*sandbox.Process, error) {
		o.Stdout, o.Stderr = write, write
		return d.sandbox.Start(ctx, o)
	})
}

// follow keeps the output of a process that begin starts.
func follow(out *output, begin func(write *os.File) (*sandbox.Process, error)) (*program, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer write.Close() // the program has its own
	process, err := begin(write)
	if err != nil {
		_ = read.Close()
		return nil, err
	}
	p := &program{process: process, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		defer read.Close() // only read
		buffer := make([]byte, 32<<10)
		for {
			n, err := read.Read(buffer)
			out.add(buffer[:n])
			if err != nil {
				break
			}
		}
		p.exit = process.Wait()
	}()
	return p, nil
}

// output is what programs have printed.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) add(p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(p)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", strings.TrimSpace(string(b)))
	return len(b), nil
}
