package wasm_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/runtimetest"
	"fescue.dev/fescue/device/runtimes/wasm"
	"fescue.dev/fescue/device/runtimes/worker"
	"fescue.dev/fescue/fail"
)

func TestMain(m *testing.M) {
	worker.Main(map[string]worker.Program{wasm.Kind: worker.Function(wasm.Load), wasm.CompileKind: wasm.Compile})
	goleak.VerifyTestMain(m)
}

// open makes a runtime on the device; the test binary stands for the agent's.
func open(t testing.TB, d *runtimetest.Device) *wasm.Wasm {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w, err := wasm.New(filepath.Join(d.Dir, "modules"), program)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func opened(t testing.TB, d *runtimetest.Device) runtimes.Runtime { return open(t, d) }

// module builds the suite's function, once for all tests: mode "" is a WASI command,
// "c-shared" a reactor.
var modules sync.Map

func module(t testing.TB, mode string) string {
	t.Helper()
	build, _ := modules.LoadOrStore(mode, sync.OnceValues(func() (string, error) {
		dir, err := os.MkdirTemp("", "fescue-wasm-test-")
		if err != nil {
			return "", err
		}
		file := filepath.Join(dir, "function.wasm")
		args := []string{"build", "-o", file}
		if mode != "" {
			args = append(args, "-buildmode="+mode)
		}
		cmd := exec.Command("go", append(args, "./testdata/function")...)
		cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return string(out), err
		}
		text, err := os.ReadFile(file)
		_ = os.RemoveAll(dir)
		return string(text), err
	}))
	text, err := build.(func() (string, error))()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return text
}

func source(t testing.TB, mode, handler, more string) runtimetest.Source {
	return runtimetest.Source{
		Configuration: "runtime: wasm\nhandler: " + handler + "\n" + more,
		Files:         map[string]string{"function.wasm": module(t, mode)},
	}
}

// A reactor: an instance that stays, and the module `fescue` to talk to.
func TestReactorConformance(t *testing.T) {
	runtimetest.Run(t, runtimetest.Suite{
		New: opened, Function: source(t, "c-shared", "function.wasm:handle", ""),
		Broken: source(t, "c-shared", "function.wasm:missing", ""), BrokenSays: `it exports no function "missing"`,
		Contained: true, Context: true,
	})
}

// A WASI command: one instance per event, stdin and stdout.
func TestCommandConformance(t *testing.T) {
	runtimetest.Run(t, runtimetest.Suite{
		New: opened, Function: source(t, "", "function.wasm", ""),
		Broken:     runtimetest.Source{Configuration: "runtime: wasm\nhandler: function.wasm\n", Files: map[string]string{"function.wasm": "no module"}},
		BrokenSays: "no WebAssembly module", PerEvent: true, Contained: true, Context: true,
	})
}

func function(t testing.TB, export, more string) *runtimetest.Worker {
	t.Helper()
	d := runtimetest.NewDevice(t)
	return d.Load(t, open(t, d), "function", source(t, "c-shared", "function.wasm:"+export, more)).Start(t)
}

// What a module cannot be served with is told when it is deployed.
func TestModulesAreChecked(t *testing.T) {
	d := runtimetest.NewDevice(t)
	w := open(t, d)
	for name, c := range map[string]struct {
		source runtimetest.Source
		says   string
	}{
		"parameters":         {source(t, "c-shared", "function.wasm:wrong", ""), "not a function without parameters"},
		"reactor as command": {source(t, "c-shared", "function.wasm", ""), "no WASI command"},
		"foreign import": {runtimetest.Source{Configuration: "runtime: wasm\nhandler: m.wasm:f\n", Files: map[string]string{
			// (module (import "env" "abort" (func)) (func (export "f")))
			"m.wasm": "\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x02\x0d\x01\x03env\x05abort\x00\x00\x03\x02\x01\x00\x07\x05\x01\x01f\x00\x01\x0a\x04\x01\x02\x00\x0b",
		}}, "imports env.abort"},
	} {
		_, err := d.TryLoad(t, w, strings.ReplaceAll(name, " ", "-"), c.source)
		if !fail.Is(err, fail.Invalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, _ := os.ReadDir(filepath.Join(d.Dir, "modules")); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

// Applications with the same module share what was compiled, until none needs it.
func TestCompiledModulesAreShared(t *testing.T) {
	d := runtimetest.NewDevice(t)
	w := open(t, d)
	ctx := context.Background()
	one, two := d.Unpack(t, "one", source(t, "c-shared", "function.wasm:handle", "")), d.Unpack(t, "two", source(t, "c-shared", "function.wasm:handle", ""))
	for i, c := range []struct {
		app runtimes.Application
		did bool
	}{{one, true}, {two, false}} {
		if did, err := w.Prepare(ctx, c.app, d.Build); err != nil || did != c.did {
			t.Errorf("%d: %v, %v", i, did, err)
		}
	}
	for _, c := range []struct {
		keep []runtimes.Application
		all  int
	}{{[]runtimes.Application{two}, 1}, {nil, 0}} {
		if err := w.Sweep(ctx, c.keep); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(filepath.Join(d.Dir, "modules")); len(left) != c.all {
			t.Errorf("%d are left, want %d", len(left), c.all)
		}
	}
}

// A number that is not 0 is a failure; so is a pointer out of the memory, with the module's stack.
func TestFailuresOfReactors(t *testing.T) {
	if _, err := function(t, "number", "").Call("", runtimetest.Patience); err == nil || !strings.Contains(err.Error(), "the handler returned 7") {
		t.Errorf("%v", err)
	}
	w := function(t, "handle", "")
	_, err := w.Call("outside", runtimetest.Patience)
	if err == nil || !strings.Contains(err.Error(), "outside of the module's memory") {
		t.Errorf("%v", err)
	}
	w.Answers(t, "echo on", "on")
}

// A module that asks for more memory than it may have ends its event, not its worker.
func TestMemoryLimit(t *testing.T) {
	w := function(t, "handle", "limits: {memory: 96MiB}\n")
	if _, err := w.Call("hoard", runtimetest.Patience); err == nil || fail.Is(err, fail.Unavailable) || fail.Is(err, fail.Timeout) {
		t.Errorf("%v", err)
	}
	w.Answers(t, "echo on", "on")
}

// A module that loops for ever is not stopped by asking; its worker can be ended.
func TestEndlessLoop(t *testing.T) {
	w := function(t, "handle", "")
	if _, err := w.Call("loop", 300*time.Millisecond); !fail.Is(err, fail.Timeout) {
		t.Fatal(err)
	}
	w.End()
}

// Clocks, and state that outlives the worker.
func TestHostFunctions(t *testing.T) {
	d := runtimetest.NewDevice(t)
	f := d.Load(t, open(t, d), "function", source(t, "c-shared", "function.wasm:handle", ""))
	w := f.Start(t)
	w.Answers(t, "times", "true true")
	w.Answers(t, "count", "1")
	w.Answers(t, "count", "2")
	w.End()
	f.Start(t).Answers(t, "count", "3")
}

// BenchmarkColdStart is of a 3 MB module, from its compiled code on disk.
func BenchmarkColdStart(b *testing.B) {
	runtimetest.ColdStart(b, opened, source(b, "c-shared", "function.wasm:handle", ""))
}
