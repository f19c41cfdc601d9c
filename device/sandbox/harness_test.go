package sandbox

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fescue.dev/fescue/spec"
)

// TestMain lets the test binary be two things more, besides the sandbox's helper: a
// program that tries something from within (see inside_test.go), and an agent to
// be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case insideName:
			os.Exit(inside(os.Args[2:]))
		case agentName:
			os.Exit(agent(os.Args[2:]))
		}
	}
	goleak.VerifyTestMain(m)
}

// patience bounds waits; it is generous because machines that test are shared.
const patience = time.Minute

// open gives a Sandbox with a state of its own.
func open(t testing.TB) *Sandbox {
	t.Helper()
	return openAt(t, filepath.Join(publicDir(t), "state"))
}

func openAt(t testing.TB, state string) *Sandbox {
	t.Helper()
	s, err := New(Config{State: state, Log: slog.New(slog.NewTextHandler(testWriter{t}, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", bytes.TrimSpace(b))
	return len(b), nil
}

// publicDir is a temporary directory whose parents every user may enter, as the
// agent's are; t.TempDir is the tester's alone.
func publicDir(t testing.TB) string {
	t.Helper()
	return publicDirIn(t, "")
}

func publicDirIn(t testing.TB, parent string) string {
	t.Helper()
	dir, err := os.MkdirTemp(parent, "fescue-sandbox-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// dataDir is a directory that belongs to the application.
func dataDir(t testing.TB, s *Sandbox, app spec.Name) string {
	t.Helper()
	dir := filepath.Join(publicDir(t), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	uid, gid, err := s.UserFor(app)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return dir
}

// shell are the options to run a script.
func shell(script string) Options {
	return Options{Application: "app", Argv: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin"}}
}

func start(t testing.TB, s *Sandbox, o Options) *Process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p, err := s.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wait fails the test if the process outlives the test's patience.
func wait(t testing.TB, p *Process) Exit {
	t.Helper()
	select {
	case <-p.Done():
		return p.Wait()
	case <-time.After(patience):
		p.Terminate(0)
		t.Fatal("the process does not end")
		return Exit{}
	}
}

// run starts a program and gives what it wrote on both streams, and its exit.
func run(t testing.TB, s *Sandbox, o Options) (string, Exit) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	o.Stdout, o.Stderr = write, write
	p := start(t, s, o)
	write.Close()
	out, err := io.ReadAll(read)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), wait(t, p)
}

// eventually polls until the condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
	}
}

// python gives an interpreter and where its library is, or skips.
func python(t testing.TB) (program, prefix string) {
	t.Helper()
	out, err := exec.Command("python3", "-c", "import sys; print(sys._base_executable or sys.executable); print(sys.base_prefix)").Output()
	if err != nil {
		t.Skip("needs python3: ", err)
	}
	lines := strings.Fields(string(out))
	if lines[1] == "/usr" {
		return lines[0], "/usr/lib"
	}
	return lines[0], lines[1]
}

func needsRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

func needs(t testing.TB, s *Sandbox, what string, has bool) {
	t.Helper()
	if !has {
		t.Skipf("this device does not allow %s: %s", what, s.ability().why)
	}
}

// alive tells whether a process exists and is no zombie.
func alive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	rest := stat[bytes.LastIndexByte(stat, ')')+1:]
	return !bytes.HasPrefix(rest, []byte(" Z")) && !bytes.HasPrefix(rest, []byte(" X"))
}

// marked are the living processes with the variable in their environment.
func marked(variable string) []string {
	entries, _ := os.ReadDir("/proc")
	var pids []string
	for _, e := range entries {
		environ, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err == nil && bytes.Contains(environ, []byte(variable)) && alive(e.Name()) {
			pids = append(pids, e.Name())
		}
	}
	return pids
}
