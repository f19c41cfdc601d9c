package engine

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"fescue.dev/fescue/spec"
)

// A deployment that is taken back, superseded, or whose application is removed, at any step:
// its outcome says so, the version before answers, and nothing of it is left.
func TestCancelAtEachStep(t *testing.T) {
	var at atomic.Pointer[func(spec.Step, spec.StepStatus)]
	d := newDevice(t, func(o *Options) {
		o.AfterStep = func(s spec.Step, status spec.StepStatus) {
			if f := at.Load(); f != nil {
				(*f)(s, status)
			}
		}
	})
	old := d.function(t, 1, "app", "1.0.0", "def handle(e, c):\n    return 'old'\n", "")
	d.apply(old)
	d.succeeds(t, 1)
	id := 1
	for _, step := range spec.Steps() {
		if testing.Short() && step != spec.StepHealthy && step != spec.StepSwitch {
			continue
		}
		t.Run(string(step), func(t *testing.T) {
			next := func() spec.DesiredApplication {
				id++
				v := fmt.Sprintf("1.1.%d", id)
				return d.function(t, id, "app", v, "def handle(e, c):\n    return '"+v+"'\n", "commands: [{run: 'true', wait: true}]\n")
			}
			when := func(deployment int, then func()) {
				f := func(s spec.Step, status spec.StepStatus) {
					if s == step && status == spec.StepStarted && at.Swap(nil) != nil {
						then()
					}
				}
				at.Store(&f)
			}
			first, second := next(), next()
			when(int(first.Deployment), func() { d.apply(second); d.handedOut(t) })
			d.apply(first)
			if e := d.outcome(t, int(first.Deployment)); e.Status != string(spec.DeploymentSuperseded) {
				t.Errorf("superseded at %s it is %s: %s", step, e.Status, e.Message)
			}
			d.succeeds(t, int(second.Deployment))
			third := next()
			when(int(third.Deployment), func() { d.apply(second); d.handedOut(t) })
			d.apply(third)
			if e := d.outcome(t, int(third.Deployment)); e.Status != string(spec.DeploymentCanceled) {
				t.Errorf("cancelled at %s it is %s: %s", step, e.Status, e.Message)
			}
			d.answers(t, "app", "0", string(second.Version))
			d.leaves(t, string(second.Version))
		})
	}
	removed := d.function(t, 100, "app", "2.0.0", echo, "")
	f := func(s spec.Step, status spec.StepStatus) {
		if s == spec.StepHealthy && status == spec.StepStarted {
			d.apply()
			d.handedOut(t)
		}
	}
	at.Store(&f)
	d.apply(removed)
	if e := d.outcome(t, 100); e.Status != string(spec.DeploymentCanceled) {
		t.Errorf("removed meanwhile it is %s: %s", e.Status, e.Message)
	}
	eventually(t, "nothing is left", func() bool {
		return len(d.files(t, "apps/*")) == 0 && len(d.files(t, "artifacts/sha256/*/*")) == 0 && len(d.engine.Status()) == 0
	})
}

// handedOut waits until what was applied has reached the applications.
func (d *device) handedOut(t testing.TB) {
	eventually(t, "the desire is handed out", func() bool {
		d.engine.mu.Lock()
		defer d.engine.mu.Unlock()
		if d.engine.desired != nil {
			return false
		}
		a := d.engine.apps["app"]
		if a == nil {
			return false
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.want != nil
	})
}

// leaves fails the test unless only this version is on the disk in the end.
func (d *device) leaves(t testing.TB, version string) {
	t.Helper()
	eventually(t, "only version "+version+" is left", func() bool {
		versions := d.files(t, "apps/app/versions/*")
		return len(versions) == 1 && strings.Contains(versions[0], "/"+version+"-") &&
			len(d.files(t, "artifacts/sha256/*/*")) == 1 && len(d.files(t, "fetch/*")) == 0
	})
}
