package python_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/python"
	"fescue.dev/fescue/device/runtimes/runtimetest"
	"fescue.dev/fescue/sdk"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// options are those of a runtime on the device. Nothing is taken from an index
// unless a test asks for it.
func options(t testing.TB, d *runtimetest.Device) python.Options {
	t.Helper()
	sources, err := sdk.Extract(filepath.Join(d.Dir, "sdk"))
	if err != nil {
		t.Fatal(err)
	}
	return python.Options{Dir: filepath.Join(d.Dir, "envs"), SDK: sources, Log: d.Log, Environment: []string{"PIP_NO_INDEX=1"}}
}

func open(t testing.TB, d *runtimetest.Device, change ...func(*python.Options)) *python.Python {
	t.Helper()
	o := options(t, d)
	for _, c := range change {
		c(&o)
	}
	p, err := python.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// text reads a file of testdata.
func text(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func suite(configuration, handler string) runtimetest.Suite {
	return runtimetest.Suite{
		Function:   runtimetest.Source{Configuration: configuration, Files: map[string]string{"function.py": handler, "requirements.txt": "# nothing\n"}},
		Broken:     runtimetest.Source{Configuration: configuration, Files: map[string]string{"function.py": "import no_such_module\n\ndef handle(event, context): ...\n", "requirements.txt": "# nothing\n"}},
		BrokenSays: "No module named 'no_such_module'",
		Stack:      "in do_fail",
		Context:    true, Versioned: true,
	}
}

// TestConformance runs the suite for each way in which a worker runs a handler: all but one are forked.
func TestConformance(t *testing.T) {
	for name, c := range map[string]struct{ configuration, handler string }{
		"plain":       {"runtime: python\nhandler: function.handle\n", text(t, "function.py")},
		"fresh":       {"runtime: python\nhandler: function.handle\nworkers: {warm: 0s}\n", text(t, "function.py")},
		"threads":     {"runtime: python\nhandler: function.handle\nworkers: {concurrency: 4}\n", text(t, "function.py")},
		"async":       {"runtime: python\nhandler: function.handle_async\n", text(t, "function.py")},
		"environment": {"runtime: python\nhandler: function.handle\ndependencies: {requirements: requirements.txt}\n", text(t, "function.py")},
	} {
		t.Run(name, func(t *testing.T) {
			s := suite(c.configuration, c.handler)
			s.Ahead = name != "threads"
			s.New = func(t testing.TB, d *runtimetest.Device) runtimes.Runtime { return open(t, d) }
			runtimetest.Run(t, s)
		})
	}
}
