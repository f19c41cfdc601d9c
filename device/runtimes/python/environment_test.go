package python_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/runtimetest"
	"fescue.dev/fescue/fail"
)

const withRequirements = "runtime: python\nhandler: function.handle\ndependencies: {requirements: requirements.txt}\n"

// greeter is an application that needs a package, which it brings as a wheel.
func greeter(t testing.TB, word string) runtimetest.Source {
	file, content := wheel(t, "greet", "1.0", "def hello():\n    return '"+word+"'\n\ndef main():\n    print(hello())\n")
	return runtimetest.Source{Configuration: withRequirements, Files: map[string]string{
		"requirements.txt": "greet==1.0\n", file: content,
		"function.py": "import subprocess, greet\n\ndef handle(event, context):\n    return greet.hello() + ' ' + subprocess.check_output(['greet'], text=True).strip()\n",
	}}
}

// environments are the names of those that are there.
func environments(t testing.TB, d *runtimetest.Device) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(d.Dir, "envs"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != "bin" {
			names = append(names, e.Name())
		}
	}
	return names
}

// Wheels of the artifact are installed without network; what they bring can be imported, and
// their programs run.
func TestWheelsOffline(t *testing.T) {
	d := runtimetest.NewDevice(t)
	f := d.Load(t, open(t, d), "greeter", greeter(t, "hello"))
	f.Start(t).Answers(t, "", "hello hello")
}

// Two applications with the same requirements share an environment; it is kept for
// as long as one of them needs it. Another content is another environment.
func TestEnvironmentsAreSharedAndSwept(t *testing.T) {
	d := runtimetest.NewDevice(t)
	p := open(t, d)
	ctx := context.Background()
	one, two, other := d.Unpack(t, "one", greeter(t, "hello")), d.Unpack(t, "two", greeter(t, "hello")), d.Unpack(t, "other", greeter(t, "good day"))
	for i, c := range []struct {
		app runtimes.Application
		did bool
		all int
	}{{one, true, 1}, {two, false, 1}, {other, true, 2}, {one, false, 2}} {
		did, err := p.Prepare(ctx, c.app, d.Build)
		if err != nil || did != c.did || len(environments(t, d)) != c.all {
			t.Fatalf("%d: prepared %v, %v; environments %q, want %d", i, did, err, environments(t, d), c.all)
		}
	}
	if err := os.Mkdir(filepath.Join(d.Dir, "envs", ".tmp-interrupted"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		keep []runtimes.Application
		all  int
	}{{[]runtimes.Application{two, other}, 2}, {[]runtimes.Application{two}, 1}, {nil, 0}} {
		if err := p.Sweep(ctx, c.keep); err != nil || len(environments(t, d)) != c.all {
			t.Errorf("%d: %v; environments %q, want %d", i, err, environments(t, d), c.all)
		}
	}
}

// Two deployments that need the same at the same time: one builds, the other waits.
func TestEnvironmentIsBuiltOnce(t *testing.T) {
	d := runtimetest.NewDevice(t)
	p := open(t, d)
	apps := []runtimes.Application{d.Unpack(t, "one", greeter(t, "hello")), d.Unpack(t, "two", greeter(t, "hello"))}
	var group sync.WaitGroup
	did := make([]bool, len(apps))
	for i, app := range apps {
		group.Go(func() {
			var err error
			if did[i], err = p.Prepare(context.Background(), app, d.Build); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if did[0] == did[1] || len(environments(t, d)) != 1 {
		t.Errorf("built %v; environments %q", did, environments(t, d))
	}
}

// An application without requirements costs no environment.
func TestNoRequirementsNoEnvironment(t *testing.T) {
	d := runtimetest.NewDevice(t)
	p := open(t, d)
	app := d.Unpack(t, "plain", runtimetest.Source{Configuration: "runtime: python\nhandler: function.handle\n"})
	if did, err := p.Prepare(context.Background(), app, d.Build); did || err != nil {
		t.Errorf("prepared %v, %v", did, err)
	}
	if all := environments(t, d); len(all) != 0 {
		t.Errorf("environments %q", all)
	}
}

// A requirement that cannot be had is told in pip's own words, and nothing is left.
func TestUnsatisfiableRequirement(t *testing.T) {
	d := runtimetest.NewDevice(t)
	p := open(t, d)
	for name, c := range map[string]struct{ requirements, says string }{
		"no-package": {"no-such-package==4.2\n", "no-such-package==4.2"},
		"syntax":     {"this is no requirement !!\n", "requirement"},
	} {
		t.Run(name, func(t *testing.T) {
			source := greeter(t, "hello")
			source.Files["requirements.txt"] = c.requirements
			_, err := p.Prepare(context.Background(), d.Unpack(t, name, source), d.Build)
			if !fail.Is(err, fail.Invalid) || !strings.Contains(err.Error(), c.says) || fail.HintOf(err) == "" {
				t.Errorf("%v (%s)", err, fail.HintOf(err))
			}
			if err != nil && len(err.Error()) > 600 {
				t.Errorf("the reason is not short: %v", err)
			}
			if all := environments(t, d); len(all) != 0 {
				t.Errorf("left over: %q", all)
			}
		})
	}
}

// hostile is a project that runs code of its own while it is installed.
func hostile(body string) runtimetest.Source {
	return runtimetest.Source{Configuration: withRequirements, Files: map[string]string{
		"requirements.txt":   "./project\n",
		"function.py":        "def handle(event, context):\n    return 'up'\n",
		"project/backend.py": "import os, time\n\ndef build_wheel(*args, **kwargs):\n" + body + "\n",
		"project/pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n" +
			"[project]\nname = \"project\"\nversion = \"1.0\"\n",
	}}
}

// An installation that does not end is ended in time, and leaves nothing.
func TestInstallationHasADeadline(t *testing.T) {
	d := runtimetest.NewDevice(t)
	app := d.Unpack(t, "slow", hostile("    time.sleep(3600)"))
	begun := time.Now()
	_, err := d.Prepared(t, open(t, d), app, 4*time.Second)
	if !fail.Is(err, fail.Timeout) {
		t.Errorf("%v", err)
	}
	if waited := time.Since(begun); waited > runtimetest.Patience {
		t.Errorf("it took %v", waited)
	}
	if all := environments(t, d); len(all) != 0 {
		t.Errorf("left over: %q", all)
	}
}

// Code that runs while packages are installed is confined: it sees neither other
// applications nor the agent, and writes into the new environment alone.
func TestInstallationIsConfined(t *testing.T) {
	d := runtimetest.NewDevice(t)
	secret := filepath.Join(d.Dir, "apps", "other-secret")
	app := d.Unpack(t, "nosy", hostile(`
    for path in ("`+secret+`", "/etc/shadow", "`+d.Dir+`/sandbox/users.json"):
        try:
            open(path).read()
        except OSError:
            continue
        raise SystemExit("READ " + path)
    for path in ("`+d.Dir+`/apps/nosy/new", "`+d.Dir+`/envs/new", "/usr/new"):
        try:
            open(path, "w").close()
        except OSError:
            continue
        raise SystemExit("WROTE " + path)
    if os.getuid() == 0:
        raise SystemExit("ROOT")
    raise SystemExit("CONFINED")`))
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	build := func(ctx context.Context, b runtimes.Build) error {
		b.Output = both{b.Output, &said}
		return d.Build(ctx, b)
	}
	if _, err := open(t, d).Prepare(context.Background(), app, build); err == nil {
		t.Error("a package that fails to build was installed")
	}
	if !strings.Contains(said.String(), "CONFINED") {
		t.Errorf("the installation said:\n%s", said.String())
	}
}

type both [2]interface{ Write([]byte) (int, error) }

func (b both) Write(p []byte) (int, error) {
	for _, w := range b {
		if w != nil {
			_, _ = w.Write(p)
		}
	}
	return len(p), nil
}
