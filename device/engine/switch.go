package engine

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// switchOver makes the version the one that runs. Writing the record is the
// point of no return: before it, a crash or a cancellation leaves the version before;
// after it, this one is started again whatever happens.
func (d *deployment) switchOver(ctx context.Context) (skipped bool, err error) {
	if err := context.Cause(ctx); err != nil {
		return false, err
	}
	err = d.update(func(r *record) {
		active := *d.desired
		r.Active = &active
		r.Attempt = &attempt{Desired: *d.desired, Outcome: spec.DeploymentSucceeded, Step: spec.StepSwitch}
	})
	if err != nil {
		return false, err
	}
	d.replace()
	return false, nil
}

// replace hands over from the version before. It cannot fail.
func (d *deployment) replace() {
	before := d.exchangeInstance(d.next)
	d.engine.board.change(d.name, func(p *spec.Placement) {
		p.State, p.Message, p.Actual = spec.Running, d.remarked(spec.Running, change{}).message, d.desired.Version
		if d.next == nil {
			p.State = spec.Stopped
		}
	})
	if d.next == nil {
		d.triggers.close()
	} else {
		d.triggers.update(d.desired.Configuration.Triggers)
		d.next.activate()
	}
	var left []*call
	if before != nil {
		left = before.stop()
	}
	d.pass(left)
	if d.next == nil {
		d.engine.Exchange.Revoke(d.name)
	} else if err := d.grant(&d.desired.Configuration); err != nil {
		d.log.Error("the permissions of the version before cannot be taken away", "error", err)
	}
	d.next, d.granted = nil, false
	if err := d.removeVersions(d.desired); err != nil {
		d.log.Warn("remove the directory of the version before", "error", err)
	}
}

// pass gives calls that waited for the version before to the new one.
func (d *deployment) pass(calls []*call) {
	f, ok := d.next.(*function)
	if !ok {
		abandon(calls, "the application is no function any more, or is stopped")
		return
	}
	for _, c := range calls {
		if err := f.submit(c); err != nil {
			c.finish(nil, err)
		}
	}
}

// removeVersions removes the directories of all versions but keep, and what
// interrupted unpacking left. keep may be nil.
func (a *application) removeVersions(keep *spec.DesiredApplication) error {
	dir := filepath.Join(a.dir, versionsFolder)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if keep == nil || path != a.versionPath(keep) {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	return fail.Wrap(err, fail.Internal, "remove versions", dir)
}
