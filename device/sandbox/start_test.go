package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func modeNamed(name string) spec.Mode { return spec.Mode(name) }

var modes = []spec.Mode{spec.ModeSandbox, spec.ModeUser, spec.ModeRoot}

func TestExit(t *testing.T) {
	s := open(t)
	for _, mode := range modes {
		for script, want := range map[string]Exit{
			"exit 0":        {},
			"exit 3":        {Code: 3},
			"kill -9 $$":    {Code: -1, Signal: syscall.SIGKILL},
			"kill -TERM $$": {Code: -1, Signal: syscall.SIGTERM},
			"kill -SEGV $$": {Code: -1, Signal: syscall.SIGSEGV},
			// A status that looks like a signal's is none.
			"exit 137": {Code: 137},
		} {
			o := shell(script)
			o.Mode = mode
			if out, got := run(t, s, o); got != want {
				t.Errorf("%s, %q: %+v, want %+v\n%s", mode, script, got, want, out)
			}
		}
	}
}

func TestExitString(t *testing.T) {
	for want, e := range map[string]Exit{
		"exited with status 3":                               {Code: 3},
		"killed by signal 15 (terminated)":                   {Code: -1, Signal: syscall.SIGTERM},
		"killed by signal 9 (out of memory: limit 64MiB)":    {Code: -1, Signal: syscall.SIGKILL, OutOfMemory: true, MemoryLimit: 64 << 20},
		"exited with status 137 (out of memory: limit 1GiB)": {Code: 137, OutOfMemory: true, MemoryLimit: 1 << 30},
		"exited with status 1 (out of memory: limit 1000B)":  {Code: 1, OutOfMemory: true, MemoryLimit: 1000},
	} {
		if got := e.String(); got != want {
			t.Errorf("%+v: %q, want %q", e, got, want)
		}
	}
}

func TestEnvironmentArgumentsAndDirectory(t *testing.T) {
	s := open(t)
	dir := publicDir(t)
	o := shell(`printf '%s|' "$GREETING" "$(pwd)" "$1"; cat; env | grep -c FESCUE_INSTANCE`)
	o.Argv = append(o.Argv, "name", "one\ntwo")
	o.Env = append(o.Env, "GREETING=hello", "FESCUE_INSTANCE=forged")
	o.Dir = dir
	out, exit := run(t, s, o)
	if want := "hello|" + dir + "|one\ntwo|1\n"; !exit.Success() || out != want {
		t.Errorf("%q (%v), want %q", out, exit, want)
	}
}

// What cannot be started is told before anything runs, apart from a program's
// own exit, with the thing that is wrong and what to do.
func TestStartFailures(t *testing.T) {
	s := open(t)
	dir := publicDir(t)
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := write("plain", "#!/bin/sh\n", 0o644)
	orphan := write("orphan", "#!/no/interpreter\n", 0o755)
	junk := write("junk", "\x7fELFjunk", 0o755)
	long := strings.Repeat("x", 200<<10)
	for name, c := range map[string]struct {
		change func(*Options)
		kind   fail.Kind
		names  string
	}{
		"no program in PATH": {func(o *Options) { o.Argv = []string{"no-such-program"} }, fail.NotFound, "no-such-program"},
		"no program":         {func(o *Options) { o.Argv = []string{"./missing"} }, fail.NotFound, "./missing"},
		"not executable":     {func(o *Options) { o.Argv = []string{plain} }, fail.Denied, plain},
		"a directory":        {func(o *Options) { o.Argv = []string{dir} }, fail.Denied, "directory"},
		"no interpreter":     {func(o *Options) { o.Argv = []string{orphan} }, fail.NotFound, "interpreter"},
		"no format":          {func(o *Options) { o.Argv = []string{junk} }, fail.Invalid, junk},
		"argument too long":  {func(o *Options) { o.Argv = append(o.Argv, long) }, fail.TooLarge, "/bin/sh"},
		"no directory":       {func(o *Options) { o.Dir = dir + "/none" }, fail.NotFound, dir + "/none"},
		"no path to show":    {func(o *Options) { o.ReadOnly = []string{dir + "/gone"} }, fail.NotFound, dir + "/gone"},
		"the whole root":     {func(o *Options) { o.ReadOnly = []string{"/usr/.."} }, fail.Invalid, "/"},
		"no argv":            {func(o *Options) { o.Argv = nil }, fail.Invalid, "program"},
		"a NUL":              {func(o *Options) { o.Env = []string{"A=\x00"} }, fail.Invalid, "NUL"},
		"an unknown mode":    {func(o *Options) { o.Mode = "admin" }, fail.Invalid, "admin"},
		"a container":        {func(o *Options) { o.Isolation = spec.IsolationContainer }, fail.Unsupported, "container"},
		"a path as name":     {func(o *Options) { o.Application = "../up" }, fail.Invalid, "name"},
	} {
		o := shell("exit 0")
		o.Dir = dir
		c.change(&o)
		p, err := s.Start(t.Context(), o)
		if err == nil {
			t.Errorf("%s: started, %v", name, p.Wait())
			continue
		}
		text := err.Error() + " " + fail.HintOf(err)
		if fail.KindOf(err) != c.kind || !strings.Contains(text, c.names) {
			t.Errorf("%s: %v: %s, want %v naming %q", name, fail.KindOf(err), text, c.kind, c.names)
		}
		t.Logf("%-20s %s", name, text)
	}
}

func TestStartIsCanceled(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := s.Start(ctx, shell("exit 0")); err == nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", p, err)
	}
}

func TestClosedStartsNothing(t *testing.T) {
	s := open(t)
	p := start(t, s, shell("sleep 1000"))
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := p.Wait(); got.Signal != syscall.SIGKILL || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %v", got, time.Since(began))
	}
	if p, err := s.Start(t.Context(), shell("exit 0")); fail.KindOf(err) != fail.Canceled {
		t.Errorf("%v, %v", p, err)
	}
}
