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
	"sync"

	"fescue.dev/fescue/device/runtimes"
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
	// Dir is where compiled modules are kept; its own.
	Dir string
	// Program is the agent's binary.
	Program string

	mu sync.Mutex // of compiling: it takes a processor for itself
}

var _ runtimes.Runtime = (*Wasm)(nil)

// New makes the runtime and its directory.
func New(dir, program string) (*Wasm, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return nil, fail.Wrap(err, fail.Internal, "open compiled modules", dir)
	}
	return &Wasm{Dir: dir, Program: program}, nil
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
	m.compiled = filepath.Join(w.Dir, hex.EncodeToString(h.Sum(nil))[:32])
	return m, nil
}

const tempPrefix = ".tmp-"

// Prepare compiles the module, in a confined process, and checks that its handler is there.
func (w *Wasm) Prepare(ctx context.Context, app runtimes.Application, run runtimes.Builder) (bool, error) {
	if !app.Configuration.IsFunction() {
		return false, nil
	}
	m, err := w.moduleOf(app)
	if err != nil {
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := os.Stat(m.compiled); err == nil {
		return false, nil
	}
	return true, w.compile(ctx, m, app, run)
}

func (w *Wasm) compile(ctx context.Context, m module, app runtimes.Application, run runtimes.Builder) (err error) {
	const op = "compile module"
	aside, err := os.MkdirTemp(w.Dir, tempPrefix)
	if err != nil {
		return fail.Wrap(err, fail.Exhausted, op, w.Dir)
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(aside) // Sweep finds what is left
		}
	}()
	said := &strings.Builder{}
	err = run(ctx, runtimes.Build{
		Argv: worker.Command(w.Program, CompileKind, m.path, m.export, aside), Dir: app.Dir,
		ReadOnly: []string{app.Dir, w.Program}, ReadWrite: []string{aside}, Output: said,
	})
	if err != nil {
		if reason := reasonIn(said.String()); reason != "" && ctx.Err() == nil {
			return fail.New(fail.Invalid, op, "%s", reason).On(app.Configuration.Handler).
				WithHint("The module must be WebAssembly 2.0 that imports WASI preview 1 and `fescue` (sdk/wasm.md) alone, and export its handler as a function without parameters.")
		}
		return fail.Wrap(err, fail.Internal, op, app.Configuration.Handler)
	}
	if err := protect(aside); err != nil {
		return fail.Wrap(err, fail.Exhausted, op, aside)
	}
	return fail.Wrap(os.Rename(aside, m.compiled), fail.Exhausted, op, m.compiled)
}

// protect gives compiled code to the agent, for all to read. What is lost in a power cut is
// compiled again, so it need not be synced here; the compiler syncs its files itself.
func protect(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() && !d.Type().IsRegular() {
			return errors.New("the compiler left something that is no file")
		}
		if err := os.Lchown(path, os.Geteuid(), os.Getegid()); err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o755)
		}
		return os.Chmod(path, 0o444)
	})
}

// Surroundings are the agent's binary and the compiled module.
func (w *Wasm) Surroundings(_ context.Context, app runtimes.Application) (runtimes.Surroundings, error) {
	if !app.Configuration.IsFunction() {
		return runtimes.Surroundings{}, nil
	}
	m, err := w.moduleOf(app)
	return runtimes.Surroundings{ReadOnly: []string{w.Program, m.compiled}}, err
}

// Worker is the agent's binary, which runs the module.
func (w *Wasm) Worker(_ context.Context, app runtimes.Application) ([]string, error) {
	m, err := w.moduleOf(app)
	if err != nil {
		return nil, err
	}
	return worker.Command(w.Program, Kind, m.path, m.export, m.compiled, fmt.Sprint(pagesFor(app.Configuration.Limits.Memory))), nil
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
		needed[m.compiled] = true
	}
	entries, err := os.ReadDir(w.Dir)
	for _, e := range entries {
		if path := filepath.Join(w.Dir, e.Name()); !needed[path] {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	return fail.Wrap(err, fail.Internal, "sweep compiled modules", w.Dir)
}
