package test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/spec"
)

// Fescue is killed as each step begins and as each step ends. Whenever that is, after
// a restart the version runs, the deployment has succeeded, and nothing of the attempt is left.
func TestKilledAtEachStep(t *testing.T) {
	m := newMachine(t)
	patch := 0
	for _, step := range spec.Steps() {
		for _, moment := range []string{"started", "ended"} {
			patch++
			t.Run(string(step)+" "+moment, func(t *testing.T) { m.killedAt(t, step, moment, fmt.Sprintf("1.0.%d", patch)) })
		}
	}
	m.must("delete", "phoenix")
	m.eventually("nothing of the application is left", func() error {
		return none(append(m.directories("device/apps/*"), m.directories("device/artifacts/sha256/*/*")...))
	})
	m.terminate()
	if err := m.noProcesses(); err != nil {
		t.Error(err)
	}
}

func (m *machine) killedAt(t *testing.T, step spec.Step, moment, version string) {
	t.Helper()
	dir := m.application(map[string]string{
		"fescue.yaml": "name: phoenix\nversion: " + version + "\nruntime: python\nhandler: phoenix.handle\n" +
			"commands:\n  - run: echo prepared > made\n    wait: true\n",
		"phoenix.py": "def handle(event, context):\n    return open('made').read().strip() + ' " + version + "'\n",
	})
	up := m.up
	kill := func() { up.Process.Kill() }
	text := "version=" + version + " deployment="
	m.log.onLine(func(line string) bool {
		return strings.Contains(line, text) && strings.Contains(line, "step="+string(step)+" ") &&
			strings.Contains(line, "status=started") == (moment == "started")
	}, kill)
	m.cli("deploy", dir, "--no-wait")
	select {
	case <-m.ended:
	case <-time.After(patience):
		t.Fatalf("step %s never %s\n%s", step, moment, tail(m.log.String(), 20))
	}
	m.start()
	m.eventually("version "+version+" answers", func() error {
		out, err := m.try("invoke", "phoenix")
		if err == nil && strings.TrimSpace(out) != "prepared "+version {
			err = fmt.Errorf("answered %q", out)
		}
		return err
	})
	m.eventually("the deployment is done", func() error {
		var deployments []spec.Deployment
		m.record(&deployments, "get", "deployments")
		if deployments[0].Status != spec.DeploymentSucceeded {
			return fmt.Errorf("%+v", deployments[0])
		}
		return nil
	})
	m.eventually("one version and its artifact are on the disk, and nothing else", m.leftOver)
}

// leftOver is an error if the state directory holds more than one deployed version, or
// anything half made.
func (m *machine) leftOver() error {
	if n := len(m.directories("device/apps/*/versions/*")); n != 1 {
		return fmt.Errorf("%d versions", n)
	}
	if n := len(m.directories("device/artifacts/sha256/*/*")); n != 1 {
		return fmt.Errorf("%d artifacts", n)
	}
	left := append(m.directories("device/fetch/*"), m.directories("device/envs/py-*")...)
	err := filepath.WalkDir(m.state, func(path string, _ fs.DirEntry, err error) error {
		if name := filepath.Base(path); strings.HasPrefix(name, ".tmp") || strings.HasPrefix(name, ".desired-") || strings.HasSuffix(name, ".unreadable") {
			left = append(left, path)
		}
		if os.IsNotExist(err) {
			return nil // it went away meanwhile
		}
		return err
	})
	if err != nil {
		return err
	}
	return none(left)
}

func none(left []string) error {
	if len(left) > 0 {
		return fmt.Errorf("left over: %v", left)
	}
	return nil
}

// noProcess is an error if a process' command line begins with prefix (its
// words parted by NUL).
func (m *machine) noProcess(prefix string) error {
	return m.processes("cmdline", func(text string) bool { return strings.HasPrefix(text, prefix) })
}

// noProcesses is an error if there is a process of this machine's applications: they
// all have a variable that names its state directory.
func (m *machine) noProcesses() error {
	return m.processes("environ", func(text string) bool { return strings.Contains(text, "FESCUE_DATA="+m.state+"/") })
}

// processes is an error that names the processes of which the given file in /proc is so.
func (m *machine) processes(file string, is func(text string) bool) error {
	m.t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/" + file)
	if err != nil {
		m.t.Fatal(err)
	}
	var left []string
	for _, path := range found {
		if text, err := os.ReadFile(path); err == nil && is(string(text)) {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline")) // it may have ended
			left = append(left, fmt.Sprintf("%s: %q", filepath.Dir(path), line))
		}
	}
	return none(left)
}
