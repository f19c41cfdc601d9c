package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

const echo = "def handle(event, context):\n    return event\n"

// A function goes through all steps, in order, and answers.
func TestDeployFunction(t *testing.T) {
	d := newDevice(t)
	d.apply(d.function(t, 1, "hello", "1.0.0", echo, ""))
	d.succeeds(t, 1)
	d.answers(t, "hello", `{"a":1}`, `{"a":1}`)

	var steps []spec.Step
	for _, e := range d.events.Events() {
		if e.Kind != spec.EventStep {
			continue
		}
		if e.Status == string(spec.StepStarted) {
			steps = append(steps, e.Step)
		}
		if e.Step == spec.StepUnpack && e.Status == string(spec.StepSucceeded) && !strings.HasPrefix(e.Path, d.dir+"/apps/hello/versions/1.0.0-") {
			t.Errorf("unpacked to %q", e.Path)
		}
	}
	if diff := cmp.Diff(spec.Steps(), steps); diff != "" {
		t.Error(diff)
	}
	p := d.engine.Status()
	if len(p) != 1 || p[0].State != spec.Running || p[0].Actual != "1.0.0" || p[0].Deployment != 1 {
		t.Errorf("status %+v", p)
	}
	d.state(t, "hello", spec.Running, 0)
}

// A service finds what it needs in its environment, and its output is logged.
func TestDeployService(t *testing.T) {
	d := newDevice(t)
	run := `'echo "app=$FESCUE_APPLICATION version=$FESCUE_VERSION device=$FESCUE_DEVICE mine=$MINE"; test -n "$FESCUE_TOKEN" && test -S "${FESCUE_EXCHANGE#unix:}" && echo linked; echo kept >> $FESCUE_DATA/file; touch ./x || echo read-only; echo on stderr >&2; sleep 1000'`
	d.apply(d.service(t, 1, "srv", "1.2.3", run, "environment: {MINE: yes}\n"))
	d.succeeds(t, 1)
	out := d.output(t, "srv")
	for _, want := range []string{"stdout app=srv version=1.2.3 device=test mine=yes", "stdout linked", "stdout read-only", "stderr on stderr"} {
		if !strings.Contains(out, want) {
			t.Errorf("the log lacks %q:\n%s", want, out)
		}
	}
	if _, err := d.invoke(t, "srv", ""); !fail.Is(err, fail.Invalid) {
		t.Errorf("invoking a service: %v", err)
	}
	if _, err := d.invoke(t, "nothere", ""); !fail.Is(err, fail.NotFound) {
		t.Errorf("invoking what is not there: %v", err)
	}
}

// Commands that are waited for run first, in order, may change the code
// directory, and what they made is there for the service.
func TestWaitedCommands(t *testing.T) {
	d := newDevice(t)
	more := "  - run: echo one > made; echo first\n    wait: true\n  - run: cat made; echo second\n    wait: true\n"
	d.apply(d.service(t, 1, "prep", "1.0.0", "'echo service sees $(cat made); sleep 1000'", more))
	d.succeeds(t, 1)
	eventually(t, "the output", func() bool { return strings.Contains(d.output(t, "prep"), "service sees one") })
	var out []string
	for line := range strings.Lines(d.output(t, "prep")) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "stdout "); ok {
			out = append(out, text)
		}
	}
	if diff := cmp.Diff([]string{"first", "one", "second", "service sees one"}, out); diff != "" {
		t.Error(diff)
	}
}

// What cannot come up fails at its step, with reason, hint and last output.
func TestDeploymentFails(t *testing.T) {
	d := newDevice(t)
	python := func(name, more string, files map[string]string) func(int) spec.DesiredApplication {
		return func(id int) spec.DesiredApplication {
			return d.app(t, id, "name: "+name+"\nversion: 1.0.0\nruntime: python\n"+more, files)
		}
	}
	service := func(name, run, more string) func(int) spec.DesiredApplication {
		return func(id int) spec.DesiredApplication { return d.service(t, id, name, "1.0.0", run, more) }
	}
	for i, c := range []struct {
		what  string
		app   func(int) spec.DesiredApplication
		step  spec.Step
		said  []string
		lines string
	}{
		{"exits 3", service("exits", "echo the reason; exit 3\n    wait: true", ""), spec.StepCommands, []string{"exited with status 3"}, "the reason"},
		{"never ends", service("hangs", "echo begun; sleep 1000\n    wait: true\n    timeout: 300ms", ""), spec.StepCommands, []string{"did not end within 300ms"}, "begun"},
		{"a service that ends", service("ends", "echo bye\n    settle: 30s", ""), spec.StepHealthy, []string{"exited with status 0", "keep running"}, "bye"},
		{"no such program", service("noprog", "./nothere\n    settle: 30s", ""), spec.StepHealthy, []string{"status 127"}, "not found"},
		{"platform", service("other", "sleep 1000", "platform: linux/riscv64\n"), spec.StepVerify, []string{"linux/riscv64", "linux/amd64"}, ""},
		{"mode root", service("rooty", "id\n    mode: root", ""), spec.StepVerify, []string{"mode root"}, ""},
		{"link", service("linked", "sleep 1000", "ipc: mqueue\n"), spec.StepVerify, []string{"no link mqueue"}, ""},
		{"Python version", python("future", "handler: f.handle\n", map[string]string{"f.py": echo}), spec.StepVerify, []string{">=3.99", "3."}, ""},
		{"unsatisfiable", python("wheels", "handler: f.handle\ndependencies: {requirements: requirements.txt}\n", map[string]string{
			"f.py": echo, "requirements.txt": "no-such-thing==1.0\n", "wheels/README": "empty",
		}), spec.StepDependencies, []string{"Could not find a version that satisfies the requirement no-such-thing==1.0"}, "ERROR"},
		{"handler that cannot be imported", python("imports", "handler: f.handle\n", map[string]string{"f.py": "print('loading')\nimport nowhere_to_be_found\n" + echo}), spec.StepHealthy, []string{"nowhere_to_be_found"}, "loading\nTraceback (most recent call last):\n  File "},
		{"handler that is not there", python("nohandler", "handler: f.other\n", map[string]string{"f.py": echo}), spec.StepHealthy, []string{"has no function 'other'"}, ""},
		{"needs another", service("needy", "sleep 1000", "dependencies: {applications: {base: '>=2'}}\n"), spec.StepDependencies, []string{"base >=2 is needed", "not on this device"}, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			id := i + 1
			app := c.app(id)
			if c.what == "Python version" {
				app.Configuration.Runtime = "python >=3.99"
			}
			d.apply(app)
			e := d.outcome(t, id)
			if e.Status != string(spec.DeploymentFailed) || e.Step != c.step {
				t.Fatalf("%s at %s: %s", e.Status, e.Step, e.Message)
			}
			for _, part := range c.said {
				if !strings.Contains(e.Message, part) {
					t.Errorf("the message lacks %q: %s", part, e.Message)
				}
			}
			if e.Hint == "" && !strings.Contains(c.what, "handler") {
				t.Errorf("no hint with %q", e.Message)
			}
			if !strings.Contains(strings.Join(e.LastLogs, "\n"), c.lines) {
				t.Errorf("last lines %q lack %q", e.LastLogs, c.lines)
			}
			d.state(t, app.Name, spec.Failed, 0)
			if left := d.files(t, "apps/"+string(app.Name)+"/versions/*"); len(left) > 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
	d.apply()
	eventually(t, "nothing is left", func() bool { return len(d.files(t, "apps/*")) == 0 && len(d.engine.Status()) == 0 })
	eventually(t, "no artifact is left", func() bool { return len(d.files(t, "artifacts/sha256/*/*")) == 0 })
	if left := append(d.files(t, "envs/.tmp*"), d.files(t, "fetch/*")...); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// A version that fails leaves the one before running, with its permissions; one
// that comes up replaces it.
func TestUpgrade(t *testing.T) {
	d := newDevice(t)
	d.apply(d.function(t, 1, "up", "1.0.0", "def handle(e, c):\n    return 'one'\n", "triggers: [{topic: up/in, reply: up/out}]\n"))
	d.succeeds(t, 1)
	d.apply(d.function(t, 2, "up", "1.1.0", "import nowhere\n"+echo, "resources: {publish: [other]}\n"))
	if e := d.outcome(t, 2); e.Status != string(spec.DeploymentFailed) {
		t.Fatal(e.Status)
	}
	if e := d.state(t, "up", spec.Running, int(d.outcome(t, 2).Sequence)); e.Version != "1.0.0" {
		t.Errorf("after the failure version %s is told to run", e.Version)
	}
	d.answers(t, "up", "0", "one")
	if got := d.ask(t, "up/in", "0", "up/out"); got != "one" {
		t.Errorf("by its trigger it answered %q", got)
	}
	d.apply(d.function(t, 3, "up", "1.2.0", "def handle(e, c):\n    return 'three'\n", "triggers: [{topic: up/in, reply: up/out}]\n"))
	d.succeeds(t, 3)
	d.answers(t, "up", "0", "three")
	if got := d.ask(t, "up/in", "0", "up/out"); got != "three" {
		t.Errorf("by its trigger it answered %q", got)
	}
	if left := d.files(t, "apps/up/versions/*"); len(left) != 1 || !strings.Contains(left[0], "1.2.0-") {
		t.Errorf("versions on disk: %v", left)
	}
	eventually(t, "one artifact is kept", func() bool { return len(d.files(t, "artifacts/sha256/*/*")) == 1 })
}

// The same for a service: the old one runs until the new has shown that it stays up.
func TestUpgradeService(t *testing.T) {
	d := newDevice(t)
	d.apply(d.service(t, 1, "srv", "1.0.0", "'echo old began; trap \"echo old ended; exit\" TERM; while :; do sleep 0.05; done'", ""))
	d.succeeds(t, 1)
	d.apply(d.service(t, 2, "srv", "1.1.0", "sleep 0.05; exit 7\n    settle: 30s", ""))
	if e := d.outcome(t, 2); e.Status != string(spec.DeploymentFailed) || !strings.Contains(e.Message, "status 7") {
		t.Fatalf("%s %s", e.Status, e.Message)
	}
	if out := d.output(t, "srv"); strings.Contains(out, "old ended") {
		t.Fatalf("the old version was stopped:\n%s", out)
	}
	d.apply(d.service(t, 3, "srv", "1.2.0", "'echo new began; sleep 1000'", ""))
	d.succeeds(t, 3)
	out := d.output(t, "srv")
	began, ended := strings.Index(out, "new began"), strings.Index(out, "old ended")
	if began < 0 || ended < began {
		t.Errorf("the old ended before the new began:\n%s", out)
	}
}

// A newer deployment takes over at once, one that is taken back is cancelled, and
// neither leaves anything.
func TestSupersedeAndCancel(t *testing.T) {
	d := newDevice(t)
	slow := "sleep 1000\n    wait: true"
	d.apply(d.service(t, 1, "app", "1.0.0", "sleep 1000", ""))
	d.succeeds(t, 1)
	old := d.service(t, 1, "app", "1.0.0", "sleep 1000", "")

	d.apply(d.service(t, 2, "app", "1.1.0", slow, ""))
	d.step(t, 2, spec.StepCommands, spec.StepStarted)
	d.apply(d.service(t, 3, "app", "1.2.0", slow, ""))
	if e := d.outcome(t, 2); e.Status != string(spec.DeploymentSuperseded) {
		t.Errorf("deployment 2: %s %s", e.Status, e.Message)
	}
	d.step(t, 3, spec.StepCommands, spec.StepStarted)
	d.apply(old)
	if e := d.outcome(t, 3); e.Status != string(spec.DeploymentCanceled) {
		t.Errorf("deployment 3: %s %s", e.Status, e.Message)
	}
	d.state(t, "app", spec.Running, int(d.outcome(t, 3).Sequence))
	if left := d.files(t, "apps/app/versions/*"); len(left) != 1 || !strings.Contains(left[0], "1.0.0-") {
		t.Errorf("versions on disk: %v", left)
	}
	d.apply(old, d.service(t, 4, "new", "1.0.0", slow, ""))
	d.step(t, 4, spec.StepCommands, spec.StepStarted)
	d.apply(old)
	if e := d.outcome(t, 4); e.Status != string(spec.DeploymentCanceled) {
		t.Errorf("deployment 4: %s %s", e.Status, e.Message)
	}
	d.state(t, "new", spec.Removed, 0)
	eventually(t, "the cancelled application is gone", func() bool { return len(d.files(t, "apps/new")) == 0 })
}

// A slow installation holds no other application back.
func TestSlowHoldsNobodyBack(t *testing.T) {
	d := newDevice(t)
	slow := d.service(t, 1, "slow", "1.0.0", "sleep 1000\n    wait: true", "")
	d.apply(slow)
	d.step(t, 1, spec.StepCommands, spec.StepStarted)
	begun := time.Now()
	d.apply(slow, d.function(t, 2, "quick", "1.0.0", echo, ""))
	d.succeeds(t, 2)
	t.Logf("deployed beside a slow one in %v", time.Since(begun))
}

// step waits for a step's event.
func (d *device) step(t testing.TB, id int, s spec.Step, status spec.StepStatus) spec.Event {
	t.Helper()
	return d.event(t, string(s), func(e spec.Event) bool {
		return e.Kind == spec.EventStep && e.Deployment == spec.DeploymentID(id) && e.Step == s && e.Status == string(status)
	})
}

// ask publishes on a topic and waits for the answer on another.
func (d *device) ask(t testing.TB, topic spec.Topic, payload string, reply spec.Filter) string {
	t.Helper()
	client, err := d.router.Local("")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	answers := make(chan string, 16)
	if _, err := client.Subscribe(reply, exchangeOptions, func(m exchange.Message) { answers <- string(m.Payload) }); err != nil {
		t.Fatal(err)
	}
	if err := client.Publish(topic, []byte(payload)); err != nil {
		t.Fatal(err)
	}
	select {
	case a := <-answers:
		return a
	case <-time.After(patience):
		t.Fatalf("no answer on %s", reply)
		return ""
	}
}
