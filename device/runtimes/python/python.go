// Package python is the runtime of Python applications: it finds the device's
// interpreters, builds virtual environments from requirements files, and says
// how functions and commands are started.
//
// The deployment engine calls it through runtimes.Runtime. It promises: an
// environment is named by a hash of everything it is made from, is complete where
// it exists, is never changed again, and is shared by all applications that need the same; an
// application without requirements costs no environment at all.
package python

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/shelf"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/sdk"
	"fescue.dev/fescue/spec"
)

// Options are a Python runtime's.
type Options struct {
	Dir string // where environments are kept; its own. Made with mode 0755
	SDK string // the directory that holds the package fescue, for PYTHONPATH
	Log *slog.Logger
	// Path is searched for interpreters, besides the usual places; "" is the
	// PATH of this process.
	Path string
	// Environment is for pip: indexes, proxies, certificates. nil takes those of this
	// process whose names concern pip or proxies.
	Environment []string
}

// Python is the runtime.
type Python struct {
	Options

	shelf *shelf.Shelf // of environments

	mu         sync.Mutex
	candidates []string        // programs not asked yet; nil: not looked for yet
	found      []interpreter   // those that have answered
	memory     *memory         // of what programs have answered before
	compiled   map[string]bool // interpreters for which the SDK's byte code is there
}

var (
	_ runtimes.Runtime = (*Python)(nil)
	_ runtimes.Forking = (*Python)(nil)
)

// New makes the runtime and its directory. Interpreters are looked for when one is needed.
func New(o Options) (*Python, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Path == "" {
		o.Path = os.Getenv("PATH")
	}
	if o.Environment == nil {
		o.Environment = pipVariables(os.Environ())
	}
	kept, err := shelf.Open(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Dir = kept.Dir
	if err := os.MkdirAll(filepath.Join(o.Dir, shimFolder), 0o755); err != nil {
		return nil, fail.Wrap(err, fail.Internal, "open Python environments", o.Dir)
	}
	return &Python{Options: o, shelf: kept, memory: openMemory(o.Dir), compiled: map[string]bool{}}, nil
}

// Name is "python".
func (p *Python) Name() string { return spec.RuntimePython }

// Describe is the interpreter that is taken without a condition.
func (p *Python) Describe(ctx context.Context) string {
	i, err := p.choose(ctx, "")
	if err != nil {
		return ""
	}
	return i.String()
}

// Check tells whether an interpreter satisfies the condition.
func (p *Python) Check(ctx context.Context, want spec.Range) error {
	_, err := p.choose(ctx, want)
	return err
}

// Surroundings put the environment's programs first, `python` among them, and
// make the SDK importable.
func (p *Python) Surroundings(ctx context.Context, app runtimes.Application) (runtimes.Surroundings, error) {
	i, err := p.choose(ctx, app.Configuration.Runtime.Range())
	if err != nil {
		return runtimes.Surroundings{}, err
	}
	env, err := p.environmentOf(i, app)
	if err != nil {
		return runtimes.Surroundings{}, err
	}
	s := runtimes.Surroundings{
		Environment: []string{
			"PYTHONPATH=" + p.SDK,
			"PYTHONUNBUFFERED=1", // what a service prints is a log line at once
			"PYTHONNOUSERSITE=1", // packages of whoever else uses this device are not the application's
			"PYTHONIOENCODING=utf-8:backslashreplace",
		},
		ReadOnly: append(i.needs(), p.SDK),
	}
	if env.path == "" {
		shims, err := p.shims(i)
		s.Path, s.ReadOnly = []string{shims}, append(s.ReadOnly, shims)
		return s, err
	}
	if _, err := os.Stat(env.path); err != nil {
		return s, fail.Wrap(err, fail.NotFound, "find Python environment", env.path)
	}
	s.Path = []string{filepath.Join(env.path, "bin")}
	s.Environment = append(s.Environment, "VIRTUAL_ENV="+env.path)
	s.ReadOnly = append(s.ReadOnly, env.path)
	return s, nil
}

// Worker is the SDK's, in the application's interpreter.
func (p *Python) Worker(ctx context.Context, app runtimes.Application) ([]string, error) {
	return p.run(ctx, app, "worker")
}

// ForkServer is the SDK's: it has imported the SDK and json.
func (p *Python) ForkServer(ctx context.Context, app runtimes.Application) ([]string, error) {
	return p.run(ctx, app, "forkserver")
}

// run starts a module of the SDK in the application's interpreter.
func (p *Python) run(ctx context.Context, app runtimes.Application, module string) ([]string, error) {
	i, err := p.choose(ctx, app.Configuration.Runtime.Range())
	if err != nil {
		return nil, err
	}
	env, err := p.environmentOf(i, app)
	if err != nil {
		return nil, err
	}
	program := i.path
	if env.path != "" {
		program = filepath.Join(env.path, "bin", "python")
	}
	// Not -m: looking the module up by runpy costs 3.5 ms of each cold start.
	return []string{program, "-c", "from fescue." + module + " import main; main()"}, nil
}

// Run does in the background, once, what the first deployment would wait for:
// it looks for the interpreter that most applications take, and compiles the SDK for it.
func (p *Python) Run(ctx context.Context) error {
	if i, err := p.choose(ctx, ""); err == nil { // a device without Python is none of an error
		p.compileSDK(ctx, i)
	}
	return nil
}

// compileSDK makes the SDK's byte code for an interpreter, once. That it cannot
// costs milliseconds at each start, no more.
func (p *Python) compileSDK(ctx context.Context, i interpreter) {
	p.mu.Lock()
	done := p.compiled[i.path]
	p.compiled[i.path] = true
	p.mu.Unlock()
	if done || sdk.Compiled(p.SDK, i.cache) {
		return
	}
	if err := sdk.Compile(ctx, i.path, p.SDK); err != nil {
		p.Log.Warn("the SDK is not compiled ahead", "interpreter", i.path, "error", err)
	}
}
