package engine

import (
	"context"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// change is what goes with a new run state.
type change struct {
	message, hint string
	lastLogs      []string
}

// show puts the record on the board.
func (a *application) show() {
	r := a.record()
	a.engine.board.change(a.name, func(p *spec.Placement) {
		p.Device = a.engine.Device
		if r.Active != nil {
			p.Version, p.Actual, p.Desired, p.Deployment = r.Active.Version, r.Active.Version, r.Active.State, r.Active.Deployment
			if p.State = spec.Stopped; r.Active.State != spec.Stopped {
				p.State = spec.Restarting // until it is up
			}
		}
		if r.Attempt != nil {
			d := r.Attempt.Desired
			p.Version, p.Desired, p.Deployment = d.Version, d.State, d.Deployment
			if r.Active == nil && r.Attempt.Outcome != "" {
				p.State, p.Message = spec.Failed, r.Attempt.Message
			}
		}
	})
}

// setState shows a run state, and reports it as an event if it is news.
func (a *application) setState(s spec.RunState, c change) {
	c = a.remarked(s, c)
	p, _, _ := a.engine.board.look(a.name)
	r := a.record()
	if p.State != s || p.Message != c.message || r.Active != nil && p.Actual != r.Active.Version {
		a.emitState(s, c)
	}
}

// emitState shows and reports a run state. The event has the version that the device
// holds, which is none until one was switched to.
func (a *application) emitState(s spec.RunState, c change) {
	c = a.remarked(s, c)
	r := a.record()
	e := spec.Event{Kind: spec.EventApplication, Application: a.name, Status: string(s), Message: c.message, Hint: c.hint, LastLogs: c.lastLogs}
	switch {
	case r.Active != nil:
		e.Version, e.Deployment, e.Path = r.Active.Version, r.Active.Deployment, a.versionPath(r.Active)
	case r.Attempt != nil:
		e.Deployment = r.Attempt.Desired.Deployment
	}
	a.engine.board.change(a.name, func(p *spec.Placement) {
		p.Device, p.State, p.Message = a.engine.Device, s, c.message
		if r.Active != nil {
			p.Actual = r.Active.Version
		}
	})
	a.log.Info("application", "state", s, "version", e.Version, "message", c.message)
	a.engine.reports.emit(e, nil)
}

// startActive starts what was last switched to, from disk. What prevents it is
// tried again until it works, or something else is desired.
func (a *application) startActive(ctx context.Context) {
	ctx, done := a.interruptible(ctx)
	defer done()
	t := a.engine.Timing
	pauses := backoff{first: t.FirstPause, longest: t.LongestPause, window: t.Window}
	for {
		err := a.tryActive(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		pause, _ := pauses.next(time.Now())
		a.log.Error("an application cannot be started: trying again", "pause", pause, "error", err)
		a.setState(spec.Failed, change{message: err.Error(), hint: fail.HintOf(err)})
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// interruptible is a context that ends when something is desired: perhaps that
// it be stopped.
func (a *application) interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.interrupt = cancel
	if a.want != nil {
		cancel()
	}
	return ctx, func() {
		a.mu.Lock()
		a.interrupt = nil
		a.mu.Unlock()
		cancel()
	}
}

func (a *application) tryActive(ctx context.Context) error {
	active := a.record().Active
	if err := a.makeFolders(); err != nil {
		return err
	}
	if err := a.prepare(ctx, active); err != nil {
		return err
	}
	l, err := a.launcher(ctx, active)
	if err != nil {
		return err
	}
	if err := a.grant(&active.Configuration); err != nil {
		return err
	}
	i := l.instance()
	i.watch(a.observe(i))
	a.exchangeInstance(i)
	a.triggers.update(active.Configuration.Triggers)
	i.keep()
	i.activate()
	if !active.Configuration.IsFunction() && len(longRunning(&active.Configuration)) == 0 {
		a.setState(spec.Running, change{})
	}
	return nil
}

// observe is how an instance tells its state: it counts while it is the one that runs.
func (a *application) observe(i instance) func(spec.RunState, change) {
	return func(s spec.RunState, c change) {
		if a.current() == i {
			a.setState(s, c)
		}
	}
}

// stopActive stops what runs and keeps it.
func (a *application) stopActive() {
	a.stopInstance(true)
	a.setState(spec.Stopped, change{})
}
