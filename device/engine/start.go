package engine

import (
	"context"

	"fescue.dev/fescue/spec"
)

// start starts the version beside the one before: the commands of a service,
// the first worker of a function. Nothing calls it yet. An application that should be stopped
// is not started.
func (d *deployment) start(ctx context.Context) (skipped bool, err error) {
	if d.desired.State == spec.Stopped {
		return true, nil
	}
	next := d.launcher.instance()
	next.watch(d.observe(next))
	d.next = next
	if err := next.begin(ctx); err != nil {
		return false, err
	}
	c := &d.desired.Configuration
	return !c.IsFunction() && len(longRunning(c)) == 0, nil
}
