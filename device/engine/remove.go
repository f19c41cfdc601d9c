package engine

import (
	"context"
	"errors"
	"os"

	"fescue.dev/fescue/spec"
)

// remove takes the application off the device: true when it is gone. Its record goes
// last, so that a crash in between is made up for, and the event is not lost.
func (a *application) remove(ctx context.Context) (gone bool) {
	if err := a.update(func(r *record) { r.Removing = true }); err != nil {
		a.log.Error("it cannot be kept that the application is removed", "error", err)
	}
	a.stopInstance(true)
	err := errors.Join(a.removeVersions(nil), os.RemoveAll(a.dataPath()), a.engine.Logs.Delete(a.name), a.engine.Exchange.Forget(a.name))
	if err != nil {
		a.log.Error("not all of a removed application could be removed: trying again at the next start", "error", err)
	}
	a.tellRemoved(ctx)
	a.recording.Lock()
	defer a.recording.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if ctx.Err() != nil {
		return true // the record stays: it is removed at the next start
	}
	if a.want != nil && a.want.desired != nil {
		a.rec = record{}
		return false // it is wanted again
	}
	if err == nil {
		err = os.RemoveAll(a.dir)
		if err != nil {
			a.log.Error("the record of a removed application could not be removed", "error", err)
		}
	}
	a.ended = true
	a.engine.board.forget(a.name)
	poke(a.engine.keeper)
	return true
}

// tellRemoved reports that it is gone and waits until that is durable, unless it is
// wanted again.
func (a *application) tellRemoved(ctx context.Context) {
	r := a.record()
	e := spec.Event{Kind: spec.EventApplication, Application: a.name, Status: string(spec.Removed)}
	switch {
	case r.Active != nil:
		e.Deployment = r.Active.Deployment
	case r.Attempt != nil:
		e.Deployment = r.Attempt.Desired.Deployment
	}
	a.engine.board.change(a.name, func(p *spec.Placement) { p.State = spec.Removed })
	durable := make(chan struct{})
	a.engine.reports.emit(e, func() { close(durable) })
	select {
	case <-durable:
	case <-a.wake:
		poke(a.wake)
	case <-ctx.Done():
	}
}
