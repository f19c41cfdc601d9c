package spec

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/fail"
)

const complete = `# the whole of it
name: roots
version: 1.2.3
description: Computes roots.
runtime: python >=3.9
platform: linux/arm64
handler: roots.handle   # called per event
resources:
  subscribe: [poly/+, "state/#"]
  publish: [poly/roots]
triggers:
  - topic: poly/request
    reply: poly/roots
commands:
  - run: python -m compileall .
    wait: true
dependencies:
  requirements: requirements.txt
  applications: {broker: ">=1.2 <2"}
isolation: none
ipc: mqueue
limits: {memory: 64MiB, cpu: 0.5, timeout: 3s, concurrency: 4, queue: 10, logs: 1MiB, processes: 9}
environment: {LOG_LEVEL: info, DEPTH: 3}
`

func TestDecodeComplete(t *testing.T) {
	got, err := Decode("fescue.yaml", []byte(complete))
	if err != nil {
		t.Fatal(err)
	}
	want := &Configuration{
		Name: "roots", Version: "1.2.3", Description: "Computes roots.", Runtime: "python >=3.9", Platform: "linux/arm64", Handler: "roots.handle",
		Resources:    Resources{Subscribe: []Filter{"poly/+", "state/#"}, Publish: []Filter{"poly/roots"}},
		Triggers:     []Trigger{{Topic: "poly/request", Reply: "poly/roots", Delivery: AtMostOnce}},
		Commands:     []Command{{Run: "python -m compileall .", Mode: ModeSandbox, Wait: true, Timeout: DefaultCommandTimeout}},
		Dependencies: Dependencies{Requirements: "requirements.txt", Applications: map[Name]Range{"broker": ">=1.2 <2"}},
		Isolation:    IsolationNone, IPC: IPCMqueue,
		Workers:     Workers{Min: 1, Max: 4, Concurrency: 1, Idle: DefaultIdle, Warm: DefaultWarm},
		Limits:      Limits{Memory: 64 << 20, CPU: 0.5, Timeout: Duration(3 * time.Second), Concurrency: 4, Queue: 10, Disk: DefaultDisk, State: DefaultState, Logs: 1 << 20, Processes: 9},
		Environment: map[string]string{"LOG_LEVEL": "info", "DEPTH": "3"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var back Configuration
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, &back); diff != "" {
		t.Errorf("through JSON: -before +after:\n%s", diff)
	}
}

func TestDecodeSmallest(t *testing.T) {
	c, err := Decode("", []byte("name: a\nversion: 0.1.0\nruntime: python\nhandler: a.handle\ntriggers:\n- topic: a/b\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Platform != "linux" || c.Isolation != IsolationSandbox || c.Limits.Memory != DefaultMemory || c.Limits.Concurrency != 1 {
		t.Errorf("defaults: %+v", c)
	}
	if g := c.Grants(); len(g.Subscribe) != 1 || g.Subscribe[0] != "a/b" {
		t.Errorf("a trigger's topic is not granted: %+v", g)
	}
}

const head = "name: a\nversion: 1.0.0\nruntime: python\nhandler: a.handle\n"

// Each fault: where, which field, and words that must be said.
// box is the beginning of a container's configuration.
const box = "name: a\nversion: 1.0.0\nruntime: container\n"

func TestFaults(t *testing.T) {
	zeros := strings.Repeat("0", 64)
	for _, c := range []struct {
		what, text   string
		line, column int
		field, said  string
	}{
		{"unknown key", head + "trigers: []\n", 5, 1, "trigers", "did you mean triggers"},
		{"unknown inner key", head + "limits:\n  memroy: 1MiB\n", 6, 3, "limits.memroy", "did you mean memory"},
		{"reserved key", head + "secrets: [password]\n", 5, 1, "secrets", "not supported by this version"},
		{"list for text", head + "description: [a]\n", 5, 14, "description", "text is wanted here, not a list"},
		{"text for number", head + "limits: {concurrency: many}\n", 5, 23, "limits.concurrency", "a whole number is wanted"},
		{"text for mapping", head + "limits: 5\n", 5, 9, "limits", "a mapping is wanted here, not a number"},
		{"text for bool", "name: a\nversion: 1.0.0\nruntime: native\ncommands:\n  - run: x\n    wait: perhaps\n", 6, 11, "commands[0].wait", "true or false"},
		{"duplicate key", head + "name: b\n", 5, 1, "name", "first in line 1"},
		{"tab", head + "limits:\n\tmemory: 1MiB\n", 6, 1, "", "tab"},
		{"alias", head + "description: &x y\n", 5, 14, "description", "anchors"},
		{"duration", head + "limits: {timeout: 5}\n", 5, 19, "limits.timeout", "unit"},
		{"bytes", head + "limits: {memory: lots}\n", 5, 18, "limits.memory", "64MiB"},
		{"filter", head + "resources:\n  subscribe:\n    - a/#/b\n", 7, 7, "resources.subscribe[0]", "only at the end"},
		{"reply with wildcard", head + "triggers: [{topic: a, reply: b/+}]\n", 5, 30, "triggers[0].reply", "no wildcards"},
		{"reply to itself", head + "triggers: [{topic: a/#, reply: a/b}]\n", 5, 32, "triggers[0].reply", "call the handler again"},
		{"trigger without topic", head + "triggers: [{reply: b}]\n", 5, 12, "triggers[0]", "one cause"},
		{"version", strings.Replace(head, "1.0.0", "v1.0", 1), 2, 10, "version", "semantic version"},
		{"number as version", strings.Replace(head, "1.0.0", "1.0", 1), 2, 10, "version", "semantic version"},
		{"runtime", strings.Replace(head, "python", "pyhton", 1), 3, 10, "runtime", "no runtime"},
		{"runtime to come", strings.Replace(head, "python", "container", 1), 3, 10, "runtime", "needs an image"},
		{"two images", box + "container: {archive: i.tar, image: 'a.example/b@sha256:" + zeros + "'}\n", 4, 12, "container", "Keep one"},
		{"image without digest", box + "container: {image: docker.io/library/redis:7}\n", 4, 20, "container.image", "Add the digest"},
		{"image without host", box + "container: {image: 'redis@sha256:" + zeros + "'}\n", 4, 20, "container.image", "docker.io/library/redis"},
		{"archive outside", box + "container: {archive: ../i.tar}\n", 4, 22, "container.archive", "path in the artifact"},
		{"image of another runtime", head + "container: {archive: i.tar}\n", 5, 12, "container", "runtime container"},
		{"root in a container", box + "container: {archive: i.tar}\ncommands:\n  - {run: x, mode: root}\n", 6, 20, "commands[0].mode", "run in it"},
		{"per event without a program", box + "container: {archive: i.tar}\nhandler: a.b\nperEvent: true\n", 5, 10, "handler", "/bin/detect"},
		{"handler form", strings.Replace(head, "a.handle", "handle", 1), 4, 10, "handler", "module.function"},
		{"missing", "version: 1.0.0\nruntime: python\nhandler: a.b\n", 1, 1, "name", "is missing"},
		{"nothing to run", "name: a\nversion: 1.0.0\nruntime: python\n", 1, 1, "", "nothing to run"},
		{"function that keeps running", head + "commands:\n  - run: x\n", 6, 5, "commands[0]", "must end"},
		{"timeout without wait", "name: a\nversion: 1.0.0\nruntime: native\ncommands:\n  - run: x\n    timeout: 1s\n", 6, 14, "commands[0].timeout", "waited for"},
		{"mode", head + "commands:\n  - {run: x, wait: true, mode: rot}\n", 6, 32, "commands[0].mode", "did you mean root"},
		{"container", head + "isolation: container\n", 5, 12, "isolation", "runtime: container"},
		{"queues from node", "name: a\nversion: 1.0.0\nruntime: node\nhandler: a.b\nipc: mqueue\n", 5, 6, "ipc", "no access to message queues"},
		{"leaves the artifact", head + "dependencies: {requirements: ../x.txt}\n", 5, 30, "dependencies.requirements", "relative to its root"},
		{"itself", head + "dependencies: {applications: {a: '*'}}\n", 5, 34, "dependencies.applications.a", "itself"},
		{"engine's variable", head + "environment: {FESCUE_TOKEN: x}\n", 5, 29, "environment.FESCUE_TOKEN", "set by the engine"},
		{"two documents", head + "---\n" + head, 6, 1, "", "one configuration"},
		{"not a mapping", "- a\n", 1, 1, "", "mapping"},
		{"syntax", "name: [a\n", 1, 7, "", "not YAML"},
		{"empty", "\n", 1, 1, "", "empty"},
		{"deep", "name: " + strings.Repeat("[", 10000), 1, 1, "", "nested"},
		{"deep list", strings.Repeat("- ", 10000) + "x", 1, 1, "", "nested"},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, err := Decode("f.yaml", []byte(c.text))
			var faults Faults
			if !errors.As(err, &faults) || !fail.Is(err, fail.Invalid) {
				t.Fatalf("error %v", err)
			}
			for _, f := range faults {
				if f.Line == c.line && f.Column == c.column && f.Field == c.field && strings.Contains(f.String(), c.said) {
					return
				}
			}
			t.Errorf("want %d:%d %s … %s …, got:\n%v", c.line, c.column, c.field, c.said, err)
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := Decode("f.yaml", []byte("name: Bad_Name\nversion: x\nruntime: cobol\nfoo: 1\nlimits: {cpu: many}\n"))
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatal(err)
	}
	var lines []int
	for _, f := range faults {
		lines = append(lines, f.Line)
	}
	// The first line's second fault: nothing to run.
	if diff := cmp.Diff([]int{1, 1, 2, 3, 4, 5}, lines); diff != "" {
		t.Errorf("lines of the faults: %s\n%v", diff, err)
	}
}

func TestCheckFiles(t *testing.T) {
	d, err := Read("f.yaml", []byte("name: a\nversion: 1.0.0\nruntime: python\nhandler: pkg.mod.handle\ndependencies: {requirements: req.txt}\ncommands:\n"+
		"  - {run: python setup.py --all, wait: true}\n  - {run: ./run.sh, wait: true}\n  - {run: python -m compileall ., wait: true}\n  - {run: LANG=C python3 -u tool.py, wait: true}\n  - {run: echo hi, wait: true}\n"))
	if err != nil {
		t.Fatal(err)
	}
	none := d.CheckFiles(func(string) bool { return false })
	var fields []string
	for _, f := range none {
		fields = append(fields, f.Field)
		if f.Line == 0 {
			t.Errorf("%v has no place", f)
		}
	}
	want := []string{"handler", "dependencies.requirements", "commands[0].run", "commands[1].run", "commands[3].run"}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Error(diff)
	}
	there := map[string]bool{"pkg/mod/__init__.py": true, "req.txt": true, "setup.py": true, "run.sh": true, "tool.py": true}
	if faults := d.CheckFiles(func(p string) bool { return there[p] }); len(faults) > 0 {
		t.Error(faults)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(complete))
	f.Add([]byte(head + "limits: {memory: 1e400, cpu: .nan}\n? a\n: b"))
	f.Add([]byte("a: &a [*a]\n<<: *a"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Decode("f.yaml", text)
		if err != nil {
			if !fail.Is(err, fail.Invalid) || len(err.Error()) > 1<<16 {
				t.Errorf("kind %v, %d bytes", fail.KindOf(err), len(err.Error()))
			}
			return
		}
		encoded, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back Configuration
		if err := json.Unmarshal(encoded, &back); err != nil {
			t.Fatalf("%v: %s", err, encoded)
		}
	})
}
