package wasm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"fescue.dev/fescue/device/runtimes/worker"
)

// Import modules that a module may use.
const (
	wasiModule = wasi_snapshot_preview1.ModuleName
	hostModule = "fescue"
)

// Compile is the program that compiles a module into a cache: PATH EXPORT CACHE. It fails
// if the module could not be served.
func Compile(args []string) error {
	if len(args) != 3 {
		return errors.New("the compiler takes a module, its export and a folder")
	}
	return compileInto(context.Background(), args[0], args[1], args[2])
}

// reasonIn is what the compiler complained of.
func reasonIn(said string) string {
	reason := ""
	for line := range strings.Lines(said) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), worker.Complaint); ok {
			reason = text
		}
	}
	return reason
}

// compileInto compiles a module into a cache and tells what is wrong with it.
func compileInto(ctx context.Context, path, export, cacheDir string) error {
	r, closeAll, err := newRuntime(ctx, cacheDir, 65536)
	if err != nil {
		return err
	}
	defer closeAll()
	_, err = load(ctx, r, path, export)
	return err
}

// newRuntime opens a runtime on a cache of compiled code.
func newRuntime(ctx context.Context, cacheDir string, pages uint32) (r wazero.Runtime, closeAll func(), err error) {
	cache, err := wazero.NewCompilationCacheWithDir(cacheDir)
	if err != nil {
		return nil, nil, fmt.Errorf("open compiled code: %w", err)
	}
	r = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(cache).WithMemoryLimitPages(pages))
	return r, func() { _ = r.Close(ctx); _ = cache.Close(ctx) }, nil
}

// load compiles, or takes what is compiled, and checks what it imports and exports.
func load(ctx context.Context, r wazero.Runtime, path, export string) (wazero.CompiledModule, error) {
	binary, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	compiled, err := r.CompileModule(ctx, binary)
	if err != nil {
		return nil, fmt.Errorf("it is no WebAssembly module that can be run: %w", err)
	}
	for _, f := range compiled.ImportedFunctions() {
		from, name, _ := f.Import()
		if from != wasiModule && (from != hostModule || !isHostFunction(name)) {
			return nil, fmt.Errorf("it imports %s.%s, which there is not", from, name)
		}
	}
	return compiled, checkExport(compiled.ExportedFunctions(), export)
}

// checkExport finds the handler: a WASI command's _start, or a function without parameters
// that gives nothing or a number.
func checkExport(exports map[string]api.FunctionDefinition, export string) error {
	name := export
	if name == "" {
		name = "_start"
	}
	f, ok := exports[name]
	switch {
	case !ok && export == "":
		return fmt.Errorf("it exports no _start, so it is no WASI command; name its handler: file.wasm:export (it has %s)", names(exports))
	case !ok:
		return fmt.Errorf("it exports no function %q (it has %s)", name, names(exports))
	case len(f.ParamTypes()) > 0 || len(f.ResultTypes()) > 1 || len(f.ResultTypes()) == 1 && f.ResultTypes()[0] != api.ValueTypeI32:
		return fmt.Errorf("its export %q is not a function without parameters that gives nothing or an i32", name)
	}
	return nil
}

func names(exports map[string]api.FunctionDefinition) string {
	all := slices.Sorted(maps.Keys(exports))
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}
