package engine

import (
	"context"
	"errors"
	"io"

	"fescue.dev/fescue/artifact"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// verify makes sure, before anything is unpacked, that the archive is what it should be and
// that this device can run what the configuration asks for.
func (d *deployment) verify(ctx context.Context) (skipped bool, err error) {
	if err := d.suits(ctx); err != nil {
		return false, err
	}
	if d.isUnpacked() {
		return false, nil
	}
	return false, d.verifyDigest(ctx)
}

// suits checks platform, runtime, privilege and link.
func (d *deployment) suits(ctx context.Context) error {
	const op = "check configuration"
	c, e := &d.desired.Configuration, d.engine
	if !c.Platform.Matches(e.Platform) {
		return fail.New(fail.Unsupported, op, "it is for the platform %s, this device is %s", c.Platform, e.Platform).On("platform").
			WithHint("Deploy it to a device of that platform, or change `platform`.")
	}
	if c.Isolation == spec.IsolationContainer {
		return fail.New(fail.Unsupported, op, "isolation container is not supported").On("isolation").
			WithHint("Use isolation sandbox, which needs no container engine.")
	}
	if c.Isolation == spec.IsolationStrict {
		if err := e.Sandbox.Require(); err != nil {
			return err
		}
	}
	if e.Addresses[c.IPC] == "" {
		return fail.New(fail.Unsupported, op, "this device has no link %s", c.IPC).On("ipc").
			WithHint("Use another `ipc`; every device has unix.")
	}
	for _, command := range c.Commands {
		if command.Mode == spec.ModeRoot && !e.AllowRoot {
			return fail.New(fail.Denied, op, "the command %q asks for mode root, which this device does not allow", shorten(command.Run)).On("commands").
				WithHint("Use mode sandbox or user, or start the agent with root mode allowed.")
		}
	}
	for _, path := range c.Resources.Devices {
		if !spec.AllowsDevice(e.AllowDevices, path) {
			return fail.New(fail.Denied, op, "it asks for %s, which this device does not allow", path).On("resources.devices").
				WithHint("Start the agent with --allow-device %s, or leave the device out.", path)
		}
	}
	r, err := e.runtime(c.Runtime.Name())
	if err != nil {
		return err
	}
	return r.Check(ctx, c.Runtime.Range())
}

// verifyDigest reads the archive again: it may have lain on a worn flash card
// for a year.
func (d *deployment) verifyDigest(ctx context.Context) error {
	const op = "verify artifact"
	f, err := d.engine.store.Get(d.desired.Artifact)
	if err != nil {
		return err
	}
	defer f.Close() // only read
	digest, _, err := artifact.DigestOf(&interruptible{ctx, f})
	if err != nil {
		return fail.Wrap(err, fail.Internal, op, string(d.desired.Artifact))
	}
	if digest == d.desired.Artifact {
		return nil
	}
	err = fail.New(fail.Internal, op, "what the device keeps of it has the digest %s", digest).On(string(d.desired.Artifact)).
		WithHint("The device's disk has damaged it; it was removed. Deploy again, and look after the disk.")
	return errors.Join(err, d.engine.store.Delete(d.desired.Artifact))
}

// interruptible ends reading when ctx ends.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

// Read reads on, or says why not.
func (i *interruptible) Read(p []byte) (int, error) {
	if err := context.Cause(i.ctx); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}
