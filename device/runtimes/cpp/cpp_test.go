package cpp_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/cpp"
	"fescue.dev/fescue/device/runtimes/runtimetest"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/sdk"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, d *runtimetest.Device) runtimes.Runtime {
	t.Helper()
	folder := filepath.Join(d.Dir, "sdk")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	extracted, err := sdk.ExtractC(folder)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cpp.New(cpp.Options{Dir: filepath.Join(d.Dir, "libraries"), SDK: extracted})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const configuration = `runtime: cpp
handler: function
commands:
  - run: c++ -std=c++17 -O1 -Wall -Wextra -Werror -o function function.cpp -lfescue
    wait: true
`

func source(text string) runtimetest.Source {
	return runtimetest.Source{Configuration: configuration, Files: map[string]string{"function.cpp": text}}
}

// A function that is compiled on the device.
func TestConformance(t *testing.T) {
	text, err := os.ReadFile("testdata/function.cpp")
	if err != nil {
		t.Fatal(err)
	}
	runtimetest.Run(t, runtimetest.Suite{
		New: open, Function: source(string(text)), Broken: source("#include <fescue.h>\nint main() { return undeclared; }\n"),
		BrokenSays: "undeclared", Context: true, Ahead: true, Versioned: true,
	})
}

// A function whose handler is called by several threads.
func TestThreads(t *testing.T) {
	text, err := os.ReadFile("testdata/threads.cpp")
	if err != nil {
		t.Fatal(err)
	}
	threads := source(string(text))
	threads.Configuration += "workers: {concurrency: 4}\n"
	runtimetest.Run(t, runtimetest.Suite{
		New: open, Function: threads, Broken: source("#include <fescue.hpp>\nint main() { return undeclared; }\n"),
		BrokenSays: "undeclared", Context: true, Versioned: true, AtOnce: true,
	})
}

// A device without a compiler runs what was compiled elsewhere, and says so when something is to be compiled.
func TestWithoutCompiler(t *testing.T) {
	d := runtimetest.NewDevice(t)
	r := open(t, d)
	prebuilt := d.Unpack(t, "prebuilt", runtimetest.Source{Configuration: "runtime: cpp\nhandler: bin/function\n"})
	if did, err := r.Prepare(context.Background(), prebuilt, d.Build); did || err != nil {
		t.Errorf("a prebuilt program is prepared: %v, %v", did, err)
	}
	if err := r.Check(context.Background(), ">=99.0.0"); !fail.Is(err, fail.Unsupported) {
		t.Errorf("%v", err)
	}
}
