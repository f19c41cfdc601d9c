package engine

import (
	"context"

	"fescue.dev/fescue/spec"
)

// permissions has Data Xchange learn the version's topics. While the version
// before runs, both have theirs; the switch leaves those of one.
func (d *deployment) permissions(ctx context.Context) (skipped bool, err error) {
	if d.launcher, err = d.application.launcher(ctx, d.desired); err != nil {
		return false, err
	}
	var before *spec.Configuration
	if active := d.record().Active; active != nil && d.current() != nil {
		before = &active.Configuration
	}
	d.granted = true
	if err := d.reserveRoutes(); err != nil {
		return false, err
	}
	return false, d.grant(before, &d.desired.Configuration)
}
