package test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fescue.dev/fescue/spec"
)

// The README's first function, word for word.
func TestFirstFunction(t *testing.T) {
	m := newMachine(t)
	dir := filepath.Join(t.TempDir(), "hello")
	m.must("init", "python", dir)
	m.must("check", dir)
	m.must("deploy", dir)

	if got := strings.TrimSpace(m.must("invoke", "hello", "--data", `{"name": "Ada"}`)); got != `{"message": "Hello, Ada!"}` && got != `{"message":"Hello, Ada!"}` {
		t.Errorf("invoke answered %q", got)
	}
	m.eventually("the function's own output is in its log", func() error {
		return contains(m.must("logs", "hello"), "greeting Ada")
	})

	t.Run("answers on its reply topic", func(t *testing.T) {
		if got := m.answer("hello/request", `{"name": "Grace"}`, "hello/reply"); !strings.Contains(got, "Hello, Grace!") {
			t.Errorf("on hello/reply: %q", got)
		}
	})
	t.Run("the configuration comes back as it was written", func(t *testing.T) {
		want := readFile(t, filepath.Join(dir, "fescue.yaml"))
		if got := m.must("get", "configuration", "hello"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("the same again is no error", func(t *testing.T) {
		m.must("deploy", dir)
	})
	t.Run("stop, start, delete", func(t *testing.T) {
		m.must("stop", "hello")
		if r := m.cli("invoke", "hello", "--data", "{}"); r.status == 0 {
			t.Errorf("a stopped function answered %q", r.stdout)
		}
		m.must("start", "hello")
		m.must("invoke", "hello", "--data", "{}")
		m.must("delete", "hello")
		if r := m.cli("invoke", "hello", "--data", "{}"); r.status != 3 {
			t.Errorf("invoking a deleted function: exit status %d, want 3 (not found)\n%s", r.status, r.stderr)
		}
		if left := m.directories("device/apps/hello*"); len(left) > 0 {
			t.Errorf("deleting left %v", left)
		}
	})
}

// answer publishes on a topic and returns the first line that tail shows of another.
func (m *machine) answer(request, payload, reply string) string {
	m.t.Helper()
	tail := exec.Command(binary, "tail", reply, "--count", "1")
	tail.Env = append(tail.Environ(), "FESCUE_STATE="+m.state)
	heard := &output{}
	tail.Stdout, tail.Stderr = heard, heard
	if err := tail.Start(); err != nil {
		m.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- tail.Wait() }()
	defer tail.Process.Kill()
	// The tail says nothing when it is ready, so publish until it has heard.
	m.eventually("an answer on "+reply, func() error {
		m.must("pub", request, payload)
		select {
		case err := <-ended:
			return err
		default:
			return contains(heard.String(), reply)
		}
	})
	return heard.String()
}

// The three steps that deploy takes in one.
func TestStepByStep(t *testing.T) {
	m := newMachine(t)
	dir := filepath.Join(t.TempDir(), "hello")
	m.must("init", "python", dir)
	digest := strings.TrimSpace(m.must("create", "artifact", dir))
	if again := strings.TrimSpace(m.must("create", "artifact", dir)); again != digest {
		t.Errorf("packed twice: %s, then %s", digest, again)
	}
	m.must("create", "configuration", filepath.Join(dir, "fescue.yaml"), "--artifact", digest)

	var artifacts []spec.Artifact
	m.record(&artifacts, "get", "artifacts")
	if len(artifacts) != 1 || string(artifacts[0].Digest) != digest {
		t.Errorf("get artifacts: %+v", artifacts)
	}
	var versions []spec.ApplicationVersion
	m.record(&versions, "get", "configurations")
	if len(versions) != 1 || versions[0].Status != spec.VersionStored || versions[0].Processed {
		t.Errorf("get configurations before the deployment: %+v", versions)
	}
	m.must("deploy", "hello@0.1.0")
	m.record(&versions, "get", "configurations")
	if v := versions[0]; v.Status != spec.VersionDeployed || !v.Processed || v.Reported == "" || v.ExtractedPath == "" {
		t.Errorf("get configurations after it: status %q, processed %v, reported %q, path %q", v.Status, v.Processed, v.Reported, v.ExtractedPath)
	}
	var deployments []spec.Deployment
	m.record(&deployments, "get", "deployments")
	if len(deployments) != 1 || deployments[0].Status != spec.DeploymentSucceeded {
		t.Errorf("get deployments: %+v", deployments)
	}
	var events []spec.Event
	m.record(&events, "get", "events", "1")
	for _, step := range spec.Steps() {
		if !hasStep(events, step) {
			t.Errorf("step %s was not reported", step)
		}
	}
}

func hasStep(events []spec.Event, step spec.Step) bool {
	for _, e := range events {
		if e.Kind == spec.EventStep && e.Step == step && e.Status != string(spec.StepStarted) {
			return true
		}
	}
	return false
}

// A new version replaces the old one; one that does not come up leaves it.
func TestUpgrade(t *testing.T) {
	m := newMachine(t)
	function := func(version, body string) string {
		return m.application(map[string]string{
			"fescue.yaml": "name: up\nversion: " + version + "\nruntime: python\nhandler: up.handle\ntriggers:\n  - topic: up/in\n    reply: up/out\n",
			"up.py":       body,
		})
	}
	m.must("deploy", function("1.0.0", "def handle(event, context):\n    return 'one'\n"))
	m.must("deploy", function("1.1.0", "def handle(event, context):\n    return 'two'\n"))
	if got := strings.TrimSpace(m.must("invoke", "up")); got != "two" {
		t.Errorf("after the upgrade: %q", got)
	}

	r := m.cli("deploy", function("1.2.0", "import nowhere_to_be_found\ndef handle(event, context):\n    return 'three'\n"))
	if r.status != 1 || !strings.Contains(r.stderr, "nowhere_to_be_found") {
		t.Errorf("a version that cannot load: exit status %d\n%s", r.status, r.stderr)
	}
	if got := strings.TrimSpace(m.must("invoke", "up")); got != "two" {
		t.Errorf("after the failed upgrade: %q", got)
	}
	m.kill()
	m.start()
	m.eventually("the version that worked answers after a restart", func() error {
		out, err := m.try("invoke", "up")
		if err != nil {
			return err
		}
		if got := strings.TrimSpace(out); got != "two" {
			return fmt.Errorf("answered %q", got)
		}
		return nil
	})

	// A version is immutable.
	r = m.cli("deploy", function("1.1.0", "def handle(event, context):\n    return 'other'\n"))
	if r.status != 5 || !strings.Contains(r.stderr, "1.1.0") {
		t.Errorf("other content under the same version: exit status %d, want 5 (conflict)\n%s", r.status, r.stderr)
	}
}
