package engine

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/sandbox"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// dependencies prepares the packages it needs and waits for the applications it needs.
func (d *deployment) dependencies(ctx context.Context) (skipped bool, err error) {
	did, err := d.preparePackages(ctx, d.desired)
	if err != nil {
		return false, err
	}
	needs := d.desired.Configuration.Dependencies.Applications
	for _, name := range slices.Sorted(maps.Keys(needs)) {
		if err := d.awaitApplication(ctx, name, needs[name]); err != nil {
			return false, err
		}
	}
	return !did && len(needs) == 0, nil
}

// awaitApplication waits until another application runs; it may be on its way.
func (d *deployment) awaitApplication(ctx context.Context, name spec.Name, want spec.Range) error {
	limit := d.engine.Timing.Applications
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	p, err := d.engine.board.await(waiting, name, want)
	if err == nil || ctx.Err() != nil {
		return err
	}
	found := "it is not on this device"
	if p.State != "" {
		found = fmt.Sprintf("its version %s is %s", p.Actual, p.State)
	}
	return fail.New(fail.Unavailable, "wait for application", "%s %s is needed, and after %v %s", name, want, limit, found).
		On(string(name)).WithHint("Deploy %s to this device first.", name)
}

// prepare makes the packages of what is to be started from disk, in case they were lost.
func (a *application) prepare(ctx context.Context, d *spec.DesiredApplication) error {
	a.engine.material.RLock()
	defer a.engine.material.RUnlock()
	_, err := a.preparePackages(ctx, d)
	return err
}

func (a *application) preparePackages(ctx context.Context, d *spec.DesiredApplication) (did bool, err error) {
	limit := a.engine.Timing.Dependencies
	late := fail.New(fail.Timeout, "prepare dependencies", "it took longer than %v", limit).
		WithHint("See the application's log for what took so long; wheels in the artifact save the download and the build.")
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	r, err := a.engine.runtime(d.Configuration.Runtime.Name())
	if err != nil {
		return false, err
	}
	did, err = r.Prepare(ctx, a.unpacked(d), a.builder(d))
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return did, err
}

// buildMemory and buildProcesses bound what preparing packages takes: compilers
// need more than the application may.
const (
	buildMemory    spec.Bytes = 1 << 30
	buildProcesses            = 256
)

// builder runs programs that prepare packages: as a user of its own, so that what it
// makes is not the application's to change, with the network, and with its output in the log.
func (a *application) builder(d *spec.DesiredApplication) runtimes.Builder {
	l := &launcher{application: a, release: d, config: &d.Configuration, dir: a.versionPath(d), log: a.writer(d)}
	return func(ctx context.Context, b runtimes.Build) error {
		who := a.name + ".build" // no application can be called so
		uid, gid, err := a.engine.Sandbox.UserFor(who)
		if err != nil {
			return err
		}
		for _, dir := range b.ReadWrite {
			if err := chownTree(dir, uid, gid); err != nil {
				return err
			}
		}
		return l.runToEnd(ctx, sandbox.Options{
			Application: who, Argv: b.Argv, Dir: b.Dir,
			Env:  append([]string{"PATH=" + systemPath, "LANG=C.UTF-8"}, b.Environment...),
			Mode: spec.ModeSandbox, UID: uid, GID: gid, Network: sandbox.NetworkHost,
			ReadOnly: b.ReadOnly, ReadWrite: b.ReadWrite,
			Limits: spec.Limits{Memory: buildMemory, Processes: buildProcesses},
		}, b.Output)
	}
}

// chownTree gives a directory and what is in it to a user.
func chownTree(dir string, uid, gid int) error {
	return walkAll(dir, func(path string) error {
		return diskError(os.Lchown(path, uid, gid), "change owner", path)
	})
}
