package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// templateAnswers are what each template of `fescue init` is called with and answers. build is what it has to be
// built with, in its folder.
var templateAnswers = map[string]struct {
	build       []string
	event, says string
}{
	"python":         {event: `{"name": "Ada"}`, says: "Hello, Ada!"},
	"node":           {event: `{"name": "Ada"}`, says: "Hello, Ada!"},
	"java":           {event: "hello", says: "HELLO"},
	"cpp":            {event: "hello", says: "HELLO"},
	"wasm":           {build: []string{"make"}, event: "21", says: "42"},
	"container":      {build: []string{"./image.sh"}, event: "hello", says: "HELLO"},
	"native":         {event: "hello", says: "HELLO"},
	"python-service": {event: `{"name": "Ada"}`, says: "Hello, Ada!"}, // by its topics
}

// elsewhere are templates that need more than a machine, and have tests of their own.
var elsewhere = map[string]bool{"micro": true}

// Every template deploys as it was written, and answers.
func TestTemplates(t *testing.T) {
	m := newMachine(t)
	listed := regexp.MustCompile(`(?m)^  ([a-z-]+) {2,}`).FindAllStringSubmatch(m.must("init", "--help"), -1)
	if len(listed) < len(templateAnswers) {
		t.Fatalf("init lists %d templates", len(listed))
	}
	for _, match := range listed {
		template := match[1]
		c, tested := templateAnswers[template]
		if !tested && !elsewhere[template] {
			t.Errorf("the template %s is not tested", template)
		}
		if !tested || template == "container" && os.Geteuid() != 0 {
			continue
		}
		name := "my-" + template
		dir := filepath.Join(t.TempDir(), name)
		m.must("init", template, dir)
		if c.build != nil {
			cmd := exec.Command(c.build[0], c.build[1:]...)
			if strings.HasPrefix(c.build[0], "./") {
				cmd.Path = filepath.Join(dir, c.build[0])
			}
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: build: %v\n%s", template, err, out)
				continue
			}
		}
		if r := m.cli("deploy", dir); r.status != 0 {
			t.Errorf("%s: %s%s", template, r.stdout, r.stderr)
			continue
		}
		if template == "python-service" {
			got := m.tailing("my-python-service/reply", func() { m.must("pub", "my-python-service/request", c.event) })
			if !strings.Contains(string(got.Payload), c.says) {
				t.Errorf("%s: %s", template, got.Payload)
			}
			continue
		}
		if got := m.cli("invoke", name, "--data", c.event); got.status != 0 || !strings.Contains(got.stdout, c.says) {
			t.Errorf("%s answers %q, status %d\n%s", template, got.stdout, got.status, got.stderr)
		}
	}
}
