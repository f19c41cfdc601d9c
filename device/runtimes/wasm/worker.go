package wasm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"fescue.dev/fescue/device/runtimes/worker"
)

// guest is a module that is served.
type guest struct {
	host    *worker.Host
	runtime wazero.Runtime
	module  wazero.CompiledModule
	config  wazero.ModuleConfig
	export  string // "": a WASI command

	mu   sync.Mutex
	idle []api.Module // instances that wait for an event
}

// Load loads a module for serving: PATH EXPORT CACHE PAGES.
func Load(h *worker.Host, args []string) (worker.Handler, error) {
	if len(args) != 4 {
		return nil, errors.New("the worker takes a module, its export, a folder and a number of pages")
	}
	pages, err := strconv.ParseUint(args[3], 10, 32)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	r, _, err := newRuntime(ctx, args[2], uint32(pages)) // it lives as long as the process
	if err != nil {
		return nil, err
	}
	g := &guest{host: h, runtime: r, export: args[1]}
	if g.module, err = load(ctx, r, args[0], g.export); err != nil {
		return nil, err
	}
	if err := addImports(ctx, r, g.module); err != nil {
		return nil, err
	}
	g.config = configOf(args[0])
	if g.export == "" {
		return g.command, nil
	}
	first, err := g.instance(ctx)
	if err != nil {
		return nil, failureOf(err)
	}
	g.idle = append(g.idle, first)
	return g.reactor, nil
}

// addImports makes what the module imports: WASI takes longer than the rest of a start.
func addImports(ctx context.Context, r wazero.Runtime, m wazero.CompiledModule) error {
	for _, f := range m.ImportedFunctions() {
		if from, _, _ := f.Import(); from == wasiModule {
			if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
				return err
			}
			break
		}
	}
	return addHost(ctx, r)
}

// configOf is what WASI shows: the code, the data directory, the environment.
func configOf(path string) wazero.ModuleConfig {
	files := wazero.NewFSConfig().WithReadOnlyDirMount(".", "/")
	if data := os.Getenv("FESCUE_DATA"); data != "" {
		files = files.WithDirMount(data, data)
	}
	c := wazero.NewModuleConfig().WithName("").WithArgs(filepath.Base(path)).WithFSConfig(files).
		WithStdout(os.Stdout).WithStderr(os.Stderr).WithRandSource(rand.Reader).
		WithSysWalltime().WithSysNanotime().WithSysNanosleep()
	for _, v := range os.Environ() {
		if name, value, _ := strings.Cut(v, "="); name != "FESCUE_WORKER_FD" && name != "FESCUE_HANDLER" {
			c = c.WithEnv(name, value)
		}
	}
	return c
}

func (g *guest) instance(ctx context.Context) (api.Module, error) {
	return g.runtime.InstantiateModule(withMemory(ctx), g.module, g.config.WithStartFunctions("_initialize")) //nolint:misspell // the name that WASI gave it
}

// reactor calls the handler of an instance that is kept. An instance serves one event at
// a time, so there are as many as events at once; one that trapped is not used again.
func (g *guest) reactor(ctx context.Context, e worker.Event) ([]byte, error) {
	c := &call{ctx: ctx, host: g.host, event: e}
	running := context.WithValue(context.Background(), callKey{}, c)
	m, err := g.take(running)
	if err != nil {
		return nil, failureOf(err)
	}
	results, err := m.ExportedFunction(g.export).Call(running)
	if err != nil {
		_ = m.Close(running)
		return nil, failureOf(err)
	}
	g.mu.Lock()
	g.idle = append(g.idle, m)
	g.mu.Unlock()
	switch {
	case c.failed:
		return nil, &worker.Failure{Type: "Error", Message: c.message}
	case len(results) > 0 && int32(results[0]) != 0:
		return nil, &worker.Failure{Type: "Error", Message: fmt.Sprintf("the handler returned %d", int32(results[0]))}
	}
	return c.reply, nil
}

func (g *guest) take(ctx context.Context) (api.Module, error) {
	g.mu.Lock()
	if n := len(g.idle); n > 0 {
		m := g.idle[n-1]
		g.idle = g.idle[:n-1]
		g.mu.Unlock()
		return m, nil
	}
	g.mu.Unlock()
	return g.instance(ctx)
}

// failureOf tells a trap with the module's stack.
func failureOf(err error) error {
	var exit *sys.ExitError
	if errors.As(err, &exit) {
		return &worker.Failure{Type: "ExitStatus", Message: fmt.Sprintf("the module exited with status %d", exit.ExitCode())}
	}
	message, stack, _ := strings.Cut(err.Error(), "\n")
	return &worker.Failure{Type: "Trap", Message: strings.TrimSuffix(message, " (recovered by wazero)"), Stack: stack}
}
