package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fescue.dev/fescue/spec"
)

// nestedVariable marks a run of the tests by a test, with less rights.
const nestedVariable = "FESCUE_TEST_NESTED"

// copySelf puts the test binary where any user can execute it.
func copySelf(t *testing.T) string {
	t.Helper()
	binary, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(publicDir(t), "sandbox.test")
	if err := os.WriteFile(path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func skipNested(t *testing.T) {
	t.Helper()
	needsRoot(t)
	if os.Getenv(nestedVariable) != "" {
		t.Skip("is run by itself")
	}
}

// All tests of this package again as nobody: with user namespaces where the
// device allows them, without control groups.
func TestAsNobody(t *testing.T) {
	skipNested(t)
	dir := publicDir(t)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(copySelf(t), "-test.v", "-test.timeout=3m")
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir, nestedVariable + "=nobody"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	report(t, string(out))
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// And again where no namespace can be made at all: within a sandbox.
func TestWithoutNamespaces(t *testing.T) {
	skipNested(t)
	s := open(t)
	needs(t, s, "a mount namespace", s.ability().mount)
	self, data := copySelf(t), dataDir(t, s, "app")
	out, exit := run(t, s, Options{
		Application: "app",
		Argv:        []string{self, "-test.v", "-test.timeout=3m"},
		Dir:         "/", ReadOnly: []string{self}, ReadWrite: []string{data}, Mode: spec.ModeSandbox,
		Env: []string{"PATH=/usr/bin:/bin", "TMPDIR=" + data, nestedVariable + "=sandbox"},
	})
	report(t, out)
	if !exit.Success() {
		t.Errorf("%v\n%s", exit, out)
	}
}

// report logs what was skipped and why, and what the run found out.
func report(t *testing.T, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		if strings.Contains(line, "SKIP") || strings.Contains(line, "limits_test.go") || strings.Contains(line, "needs ") ||
			strings.Contains(line, "does not allow") {
			t.Log(strings.TrimSpace(line))
		}
	}
}
