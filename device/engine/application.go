package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/spec"
)

// application is one application on this device: its goroutine takes what is
// desired of it, one after the other.
type application struct {
	engine   *Engine
	name     spec.Name
	dir      string
	log      *slog.Logger
	token    string // of this run of the agent; both versions have it while they change over
	uid, gid int
	triggers triggers
	programs programs
	activity activity
	refusals refusals

	wake  chan struct{} // holds one
	joins chan struct{} // one for each client that has connected to Data Xchange of late

	recording sync.Mutex // held while the record is changed and written; before mu
	mu        sync.Mutex
	want      *want
	ended     bool // it is removed: a new desire needs a new application
	rec       record
	working   *deployment // under way
	interrupt func()      // ends waiting to start what is on disk; nil when nothing waits
	instance  instance    // what runs; nil when nothing does
	remark    change      // what is told of it while it runs
}

// want is what the mailbox holds: a desire, or, with nil, the wish that it be gone.
type want struct{ desired *spec.DesiredApplication }

// Why a deployment was ended from outside.
var (
	errSuperseded = errors.New("a newer deployment of the application took over")
	errCanceled   = errors.New("it was cancelled")
	errRemoved    = errors.New("the application is to be removed")
)

func newApplication(e *Engine, name spec.Name, r record) *application {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails (crypto/rand)
	a := &application{
		engine: e, name: name, dir: filepath.Join(e.Dir, appsFolder, string(name)),
		log: e.Log.With("application", name), token: hex.EncodeToString(secret[:]),
		wake: make(chan struct{}, 1), joins: make(chan struct{}, 64), rec: r,
	}
	a.triggers.application = a
	return a
}

// put leaves a desire in the mailbox and ends the deployment under way if
// another is meant; false if the application has ended.
func (a *application) put(d *spec.DesiredApplication) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return d == nil
	}
	a.want = &want{d}
	poke(a.wake)
	if a.interrupt != nil {
		a.interrupt()
	}
	if w := a.working; w != nil {
		if reason := endsFor(w.desired, d, a.rec.Active); reason != nil {
			w.cancel(reason)
		}
	}
	return true
}

// endsFor is why a deployment ends when d is desired, or nil.
func endsFor(working, d, active *spec.DesiredApplication) error {
	switch {
	case d == nil:
		return errRemoved
	case d.Deployment == working.Deployment:
		return nil
	case d.Deployment < working.Deployment || active != nil && d.Deployment == active.Deployment:
		return errCanceled
	}
	return errSuperseded
}

func (a *application) take() *want {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.want
	a.want = nil
	return w
}

// run is the application's goroutine.
func (a *application) run(ctx context.Context) {
	defer a.stopInstance(true)
	defer a.triggers.close()
	var err error
	if a.uid, a.gid, err = a.engine.Sandbox.UserFor(a.name); err != nil {
		a.log.Error("an application has no user and cannot run", "error", err)
		a.mu.Lock()
		a.ended = true // the next desire tries again
		a.mu.Unlock()
		return
	}
	a.resume(ctx)
	for ctx.Err() == nil {
		if w := a.take(); w != nil {
			if w.desired == nil && a.remove(ctx) {
				return
			}
			if w.desired != nil {
				a.converge(ctx, w.desired)
			}
			continue
		}
		select {
		case <-a.wake:
		case <-ctx.Done():
		}
	}
}

// resume goes on where the agent was ended.
func (a *application) resume(ctx context.Context) {
	r := a.record()
	if r.Attempt != nil && r.Attempt.Outcome != "" && !r.Attempt.Reported {
		a.reportOutcome(*r.Attempt)
	}
	a.show()
	switch {
	case r.Removing:
		a.put(nil)
		return
	case r.Active != nil && r.Active.State != spec.Stopped:
		a.startActive(ctx)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if d := r.underway(); d != nil && a.want == nil {
		a.want = &want{d}
		poke(a.wake)
	}
}

// converge makes d so: a deployment it does not know is carried out, else only
// the run state counts.
func (a *application) converge(ctx context.Context, d *spec.DesiredApplication) {
	r := a.record()
	if !r.knows(d.Deployment) {
		a.deploy(ctx, d)
		return
	}
	active := r.Active
	if active == nil {
		return // its only deployment failed
	}
	if active.State != d.State {
		changed := *active
		changed.State = d.State
		if err := a.update(func(r *record) { r.Active = &changed }); err != nil {
			a.log.Error("the run state cannot be kept: the next start of the agent will have the one before", "error", err)
		}
	}
	a.engine.board.change(a.name, func(p *spec.Placement) {
		p.Version, p.Desired, p.Deployment = d.Version, d.State, d.Deployment
	})
	switch running := a.current() != nil; {
	case d.State == spec.Stopped && running:
		a.stopActive()
	case d.State == spec.Stopped:
		a.setState(spec.Stopped, change{})
	case !running:
		a.startActive(ctx)
	}
}

// update changes the record, on disk first.
func (a *application) update(f func(*record)) error {
	a.recording.Lock()
	defer a.recording.Unlock()
	a.mu.Lock()
	next := a.rec
	f(&next)
	a.mu.Unlock()
	err := a.writeRecord(next)
	// In memory it holds all the same: a full disk must not stop the device's work.
	a.mu.Lock()
	a.rec = next
	a.mu.Unlock()
	return err
}

func (a *application) record() record {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rec
}

func (a *application) current() instance {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.instance
}

// exchangeInstance makes next what runs and returns what did.
func (a *application) exchangeInstance(next instance) (before instance) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before, a.instance = a.instance, next
	return before
}

// stopInstance stops what runs. final: the application's permissions end too.
func (a *application) stopInstance(final bool) {
	before := a.exchangeInstance(nil)
	a.triggers.close()
	if before != nil {
		abandon(before.stop(), "the function was stopped")
	}
	if final {
		a.engine.Exchange.Revoke(a.name)
	}
}

// grant gives the application its topics; several configurations while
// versions change over.
func (a *application) grant(of ...*spec.Configuration) error {
	var all spec.Resources
	for _, c := range of {
		if c != nil {
			g := c.Grants()
			all.Subscribe = append(all.Subscribe, g.Subscribe...)
			all.Publish = append(all.Publish, g.Publish...)
			all.Keep = append(all.Keep, g.Keep...)
			a.engine.Exchange.StateQuota(a.name, int64(c.Limits.State))
		}
	}
	return a.engine.Exchange.Grant(a.name, all, exchange.Credential{
		Token: a.token, UID: a.uid, OnJoin: a.joined,
	})
}
