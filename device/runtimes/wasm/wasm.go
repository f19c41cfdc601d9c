// Package wasm is the runtime of WebAssembly modules: the same function on a gateway
// and on the microcontroller beside it. sdk/wasm.md is what a module finds.
//
// The deployment engine calls it through runtimes.Runtime. A module is compiled once, when it
// is deployed, and kept on disk by its content. It runs in a process of its own
// in the function's sandbox (package worker), so that a module that loops is ended as any other
// program is. It promises: a module that is not one, or lacks its handler, fails the deployment and
// not the first event; compiled code is read by workers and written by none.
package wasm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/shelf"
	"fescue.dev/fescue/device/runtimes/worker"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// Kinds of workers.
const (
	Kind        = "wasm"
	CompileKind = "wasm-compile"
)

// Wasm is the runtime.
type Wasm struct {
	shelf   *shelf.Shelf // of compiled modules
	program string
}

var _ runtimes.Runtime = (*Wasm)(nil)

// New makes the runtime, with a directory of its own for compiled modules. program
// is the agent's binary.
func New(dir, program string) (*Wasm, error) {
	kept, err := shelf.Open(dir)
	return &Wasm{shelf: kept, program: program}, err
}

// Name is "wasm".
func (*Wasm) Name() string { return spec.RuntimeWasm }

// Describe says how modules are run on this processor.
func (*Wasm) Describe(context.Context) string {
	if runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" {
		return "WASI preview 1, compiled"
	}
	return "WASI preview 1, interpreted"
}

// Check refuses a condition on a version: a module says itself what it needs.
func (*Wasm) Check(_ context.Context, want spec.Range) error {
	if want == "" || want == "*" {
		return nil
	}
	return fail.New(fail.Unsupported, "check runtime", "wasm has no version to compare with %q", string(want)).
		WithHint("Write `runtime: wasm`.")
}

// module is one of an application.
type module struct{ path, export, compiled string }

// moduleOf finds the application's module; compiled code is named by all that it is made from.
func (w *Wasm) moduleOf(app runtimes.Application) (module, error) {
	file, export, _ := strings.Cut(app.Configuration.Handler, ":")
	m := module{path: filepath.Join(app.Dir, filepath.FromSlash(file)), export: export}
	root, err := os.OpenRoot(app.Dir) // a link must not lead the agent out of the artifact
	if err != nil {
		return m, fail.Wrap(err, fail.NotFound, "read module", app.Dir)
	}
	defer root.Close() //nolint:errcheck // only read
	f, err := root.Open(filepath.FromSlash(file))
	if err != nil {
		return m, fail.Wrap(err, fail.NotFound, "read module", file)
	}
	defer f.Close() // only read
	h := sha256.New()
	fmt.Fprintf(h, "1\n%s\n%s\n", runtime.GOARCH, export)
	if _, err := io.Copy(h, f); err != nil {
		return m, fail.Wrap(err, fail.Internal, "read module", file)
	}
	m.compiled = w.shelf.Path(hex.EncodeToString(h.Sum(nil))[:32])
	return m, nil
}

// Prepare compiles the module, in a confined process, and checks that its handler is there.
func (w *Wasm) Prepare(ctx context.Context, app runtimes.Application, run runtimes.Builder) (bool, error) {
	if !app.Configuration.IsFunction() {
		return false, nil
	}
	m, err := w.moduleOf(app)
	if err != nil {
		return false, err
	}
	return w.shelf.Make(ctx, filepath.Base(m.compiled), func(ctx context.Context, aside, _ string) error {
		return w.compile(ctx, m, app, run, aside)
	})
}

func (w *Wasm) compile(ctx context.Context, m module, app runtimes.Application, run runtimes.Builder, aside string) error {
	const op = "compile module"
	said := &strings.Builder{}
	err := run(ctx, runtimes.Build{
		Argv: worker.Command(w.program, CompileKind, m.path, m.export, aside), Dir: app.Dir,
		ReadOnly: []string{app.Dir, w.program}, ReadWrite: []string{aside}, Output: said,
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	if reason := reasonIn(said.String()); reason != "" {
		return fail.New(fail.Invalid, op, "%s", reason).On(app.Configuration.Handler).
			WithHint("The module must be WebAssembly 2.0 that imports WASI preview 1 and `fescue` (sdk/wasm.md) alone, and export its handler as a function without parameters.")
	}
	return fail.Wrap(err, fail.Internal, op, app.Configuration.Handler)
}

// Surroundings are the agent's binary and the compiled module.
func (w *Wasm) Surroundings(_ context.Context, app runtimes.Application) (runtimes.Surroundings, error) {
	if !app.Configuration.IsFunction() {
		return runtimes.Surroundings{}, nil
	}
	m, err := w.moduleOf(app)
	return runtimes.Surroundings{ReadOnly: []string{w.program, m.compiled}}, err
}

// Worker is the agent's binary, which runs the module.
func (w *Wasm) Worker(_ context.Context, app runtimes.Application) ([]string, error) {
	m, err := w.moduleOf(app)
	if err != nil {
		return nil, err
	}
	return worker.Command(w.program, Kind, m.path, m.export, m.compiled, fmt.Sprint(pagesFor(app.Configuration.Limits.Memory))), nil
}

// ownMemory is what a worker takes for itself.
const ownMemory = 24 << 20

// pagesFor is the largest memory of a module, in pages of 64 KiB, so that it learns
// of the limit when it asks for more, and is not killed.
func pagesFor(limit spec.Bytes) uint32 {
	left := max(int64(limit)-ownMemory, int64(limit)/2)
	return uint32(min(max(left/(64<<10), 1), 65536))
}

// Sweep removes compiled modules that none of the applications needs.
func (w *Wasm) Sweep(_ context.Context, keep []runtimes.Application) error {
	needed := map[string]bool{}
	for _, app := range keep {
		m, err := w.moduleOf(app)
		if errors.Is(err, fs.ErrNotExist) {
			continue // not unpacked yet
		}
		if err != nil {
			return err
		}
		needed[filepath.Base(m.compiled)] = true
	}
	return w.shelf.Sweep(needed)
}
