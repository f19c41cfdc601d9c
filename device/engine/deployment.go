package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// deployment is one on its way: what its steps share.
type deployment struct {
	*application
	desired *spec.DesiredApplication
	cancel  context.CancelCauseFunc
	log     *slog.Logger

	launcher *launcher // from step permissions on
	next     instance  // from step start on; nil again once it has been switched to
	granted  bool
}

// step is one step: idempotent, with a deadline. skipped: there was nothing to do.
type step struct {
	name     spec.Step
	deadline time.Duration // 0: the step has deadlines of its own
	run      func(*deployment, context.Context) (skipped bool, err error)
}

// steps are in the order of spec.Steps.
func (e *Engine) steps() []step {
	t := e.Timing
	return []step{
		{spec.StepFetch, 0, (*deployment).fetch},
		{spec.StepVerify, t.Verify, (*deployment).verify},
		{spec.StepUnpack, t.Unpack, (*deployment).unpack},
		{spec.StepDependencies, 0, (*deployment).dependencies},
		{spec.StepPermissions, time.Minute, (*deployment).permissions},
		{spec.StepCommands, 0, (*deployment).waitedCommands},
		{spec.StepStart, time.Minute, (*deployment).start},
		{spec.StepHealthy, 0, (*deployment).healthy},
		{spec.StepSwitch, time.Minute, (*deployment).switchOver},
	}
}

// deploy carries out one deployment, up to its outcome, unless the engine stops:
// then it goes on at the next start.
func (a *application) deploy(ctx context.Context, desired *spec.DesiredApplication) {
	d, ctx := a.beginDeployment(ctx, desired)
	defer d.cancel(nil)
	at, err := d.takeSteps(ctx)
	a.mu.Lock()
	a.working = nil
	a.mu.Unlock()
	if err != nil {
		d.undo()
		if !d.conclude(ctx, at, err) {
			return
		}
	}
	d.reportOutcome(*d.record().Attempt)
	d.tellState()
	poke(a.engine.keeper)
}

func (a *application) beginDeployment(ctx context.Context, desired *spec.DesiredApplication) (*deployment, context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	d := &deployment{
		application: a, desired: desired, cancel: cancel,
		log: a.log.With("version", desired.Version, "deployment", desired.Deployment),
	}
	if err := a.update(func(r *record) { r.Attempt, r.Removing = &attempt{Desired: *desired}, false }); err != nil {
		d.log.Error("the deployment cannot be kept: after a crash it would be taken up from the server's word alone", "error", err)
	}
	a.mu.Lock()
	a.working = d
	if a.want != nil { // it came before there was anything to cancel
		if reason := endsFor(desired, a.want.desired, a.rec.Active); reason != nil {
			cancel(reason)
		}
	}
	a.mu.Unlock()
	a.engine.board.change(a.name, func(p *spec.Placement) {
		p.Device, p.Version, p.Desired, p.Deployment = a.engine.Device, desired.Version, desired.State, desired.Deployment
	})
	if a.current() == nil && a.record().Active == nil {
		a.setState(spec.Deploying, change{})
	}
	return d, ctx
}

// takeSteps takes one step after the other, up to one that fails.
func (d *deployment) takeSteps(ctx context.Context) (at spec.Step, err error) {
	d.engine.material.RLock()
	locked := true
	defer func() {
		if locked {
			d.engine.material.RUnlock()
		}
	}()
	for _, s := range d.engine.steps() {
		if s.name == spec.StepPermissions { // from here on nothing can be taken for garbage
			d.engine.material.RUnlock()
			locked = false
		}
		if err := d.take(ctx, s); err != nil {
			return s.name, err
		}
	}
	return "", nil
}

// take takes one step and reports it.
func (d *deployment) take(ctx context.Context, s step) error {
	d.report(s.name, spec.StepStarted, nil)
	var skipped bool
	err := context.Cause(ctx)
	if err == nil {
		skipped, err = d.bounded(ctx, s)
	}
	switch {
	case err != nil:
		d.report(s.name, spec.StepFailed, err)
		return err
	case skipped:
		d.report(s.name, spec.StepSkipped, nil)
	default:
		d.report(s.name, spec.StepSucceeded, nil)
	}
	return nil
}

func (d *deployment) bounded(ctx context.Context, s step) (skipped bool, err error) {
	bound := ctx
	if s.deadline > 0 {
		late := fail.New(fail.Timeout, "", "it took longer than %v", s.deadline)
		var cancel context.CancelFunc
		bound, cancel = context.WithTimeoutCause(ctx, s.deadline, late)
		defer cancel()
	}
	skipped, err = s.run(d, bound)
	if err != nil && bound.Err() != nil { // whatever the step made of it
		err = context.Cause(bound)
	}
	return skipped, err
}

// report logs a step and emits its event.
func (d *deployment) report(name spec.Step, status spec.StepStatus, err error) {
	e := spec.Event{
		Kind: spec.EventStep, Application: d.name, Version: d.desired.Version, Deployment: d.desired.Deployment,
		Step: name, Status: string(status),
	}
	if name == spec.StepUnpack && err == nil && status != spec.StepStarted {
		e.Path = d.versionPath(d.desired)
	}
	if err != nil {
		e.Message, e.Hint, e.LastLogs = err.Error(), fail.HintOf(err), lastLines(d.writer(d.desired))
		d.log.Warn("deployment", "step", name, "status", status, "error", err)
	} else {
		d.log.Info("deployment", "step", name, "status", status)
	}
	d.engine.reports.emit(e, nil)
	d.engine.AfterStep(name, status)
}

// conclude decides the outcome of a deployment that did not succeed, and puts it on
// record. It is false for the engine's own end, which is none.
func (d *deployment) conclude(ctx context.Context, at spec.Step, err error) bool {
	outcome := spec.DeploymentFailed
	switch {
	case errors.Is(context.Cause(ctx), errSuperseded):
		outcome = spec.DeploymentSuperseded
	case errors.Is(context.Cause(ctx), errCanceled), errors.Is(context.Cause(ctx), errRemoved):
		outcome = spec.DeploymentCanceled
	case ctx.Err() != nil:
		return false
	}
	t := attempt{Desired: *d.desired, Outcome: outcome, Step: at, Message: err.Error(), Hint: fail.HintOf(err)}
	if outcome == spec.DeploymentFailed {
		t.LastLogs = lastLines(d.writer(d.desired))
		d.writer(d.desired).Note("error", fmt.Sprintf("deployment %d failed at step %s: %v", d.desired.Deployment, at, err))
	}
	if err := d.update(func(r *record) { r.Attempt = &t }); err != nil {
		d.log.Error("the outcome cannot be kept: after a crash the deployment would be tried again", "error", err)
	}
	return true
}

// reportOutcome emits a deployment's outcome, and notes when it is durable.
func (a *application) reportOutcome(t attempt) {
	a.engine.reports.emit(t.event(), func() { a.noteReported(t.Desired.Deployment) })
}

// noteReported is called by the reporter; the record may have gone on meanwhile.
func (a *application) noteReported(id spec.DeploymentID) {
	a.recording.Lock()
	defer a.recording.Unlock()
	a.mu.Lock()
	next := a.rec
	current := next.Attempt != nil && next.Attempt.Desired.Deployment == id && !a.ended
	if current {
		t := *next.Attempt
		t.Reported = true
		next.Attempt = &t
		a.rec = next
	}
	a.mu.Unlock()
	if !current {
		return
	}
	if err := a.writeRecord(next); err != nil {
		a.log.Warn("it cannot be kept that an outcome was reported: it will be reported again", "error", err)
	}
}

// undo takes back what the deployment has begun: its programs, its permissions,
// its directory. What ran before goes on.
func (d *deployment) undo() {
	if d.next != nil {
		abandon(d.next.stop(), "the version was not switched to")
		d.next = nil
	}
	active := d.record().Active
	if d.granted {
		if d.engine.Gateway != nil {
			_ = d.engine.Gateway.Reserve(d.name, nil) // to give up routes cannot fail
		}
		if d.current() == nil {
			d.engine.Exchange.Revoke(d.name)
		} else if err := d.grant(&active.Configuration); err != nil {
			d.log.Error("the permissions of the version that goes on cannot be restored", "error", err)
		}
	}
	if !sameRelease(active, d.desired) {
		if err := os.RemoveAll(d.versionPath(d.desired)); err != nil {
			d.log.Warn("remove the directory of a version that was not switched to", "error", err)
		}
	}
}

// tellState reports what is the case after a deployment, which after a failed one is
// what was before, or that nothing is there.
func (d *deployment) tellState() {
	r := d.record()
	if r.Active == nil {
		d.emitState(spec.Failed, change{message: r.Attempt.Message, hint: r.Attempt.Hint, lastLogs: r.Attempt.LastLogs})
		return
	}
	p, _, _ := d.engine.board.look(d.name)
	d.emitState(p.State, change{message: p.Message})
}
