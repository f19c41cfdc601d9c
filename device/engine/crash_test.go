package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fescue.dev/fescue/observe"
	"fescue.dev/fescue/spec"
)

// The variables of a process that plays a device until it is killed: its state directory, and the
// step and its status at which it kills itself.
const (
	childVariable  = "FESCUE_ENGINE_TEST_CHILD"
	stepVariable   = "FESCUE_ENGINE_TEST_STEP"
	statusVariable = "FESCUE_ENGINE_TEST_STATUS"
)

// child runs an engine on the desired state that its parent left, and does not
// survive the step it was told.
func child() int {
	dir := os.Getenv(childVariable)
	d, err := openDevice(dir, &observe.Recorder{}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err == nil {
		d.options.AfterStep = func(step spec.Step, status spec.StepStatus) {
			begun := status == spec.StepStarted
			if string(step) == os.Getenv(stepVariable) && begun == (os.Getenv(statusVariable) == string(spec.StepStarted)) {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}
		d.engine, err = New(d.options)
	}
	var desired spec.Desired
	if err == nil {
		var text []byte
		if text, err = os.ReadFile(filepath.Join(dir, "desired")); err == nil {
			err = json.Unmarshal(text, &desired)
		}
	}
	if err == nil {
		d.engine.Apply(desired)
		err = d.engine.Run(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// dieAt has a process deploy until it is killed at the step.
func (d *device) dieAt(t *testing.T, step spec.Step, status spec.StepStatus, apps ...spec.DesiredApplication) {
	t.Helper()
	text := toJSON(t, spec.Desired{Device: "test", Applications: apps})
	if err := os.WriteFile(filepath.Join(d.dir, "desired"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childVariable+"="+d.dir, stepVariable+"="+string(step), statusVariable+"="+string(status))
	out, err := c.CombinedOutput()
	if ended, ok := c.ProcessState.Sys().(syscall.WaitStatus); !ok || !ended.Signaled() || ended.Signal() != syscall.SIGKILL {
		t.Fatalf("the device was not killed at %s %s: %v\n%s", step, status, err, out)
	}
}

// A power cut at the very instant at which a step has begun or ended: the next start
// goes on and nothing is left over, whether it is the first version or an upgrade.
func TestKilledAtInstant(t *testing.T) {
	first := newDevice(t)
	old := first.function(t, 1, "app", "1.0.0", "def handle(e, c):\n    return 'old'\n", "")
	first.apply(old)
	first.succeeds(t, 1)
	first.stop()
	dir, id := first.dir, 1
	for _, step := range spec.Steps() {
		for _, status := range []spec.StepStatus{spec.StepStarted, spec.StepSucceeded} {
			id++
			if testing.Short() && step != spec.StepCommands && step != spec.StepSwitch {
				continue
			}
			t.Run(fmt.Sprintf("%s %s", step, status), func(t *testing.T) {
				version := fmt.Sprintf("1.0.%d", id)
				// What a prepared version has made must not be taken for the artifact's.
				code := "import os\ndef handle(e, c):\n    return open('made').read().strip()\n"
				next := first.function(t, id, "app", version, code, "commands: [{run: 'test ! -e made && echo "+version+" > made', wait: true}]\n")
				first.dieAt(t, step, status, next)
				again := runDevice(t, dir)
				again.apply(next)
				again.succeeds(t, id)
				eventually(t, "version "+version+" answers", func() bool {
					got, err := again.invoke(t, "app", "0")
					return err == nil && got == version
				})
				eventually(t, "one version is left", func() bool {
					left := again.files(t, "apps/app/versions/*")
					return len(left) == 1 && strings.Contains(left[0], "/"+version+"-")
				})
				eventually(t, "one artifact is left", func() bool { return len(again.files(t, "artifacts/sha256/*/*")) == 1 })
				eventually(t, "nothing half made is left", func() bool {
					return len(again.files(t, "fetch/*"))+len(again.files(t, "apps/app/.tmp*"))+len(again.files(t, "apps/app/versions/.tmp*")) == 0
				})
				again.stop()
			})
		}
	}
}
