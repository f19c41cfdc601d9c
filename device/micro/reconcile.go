package micro

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"fescue.dev/fescue/artifact"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// run makes the board hold what should run, and carries out what waits for it,
// until ctx ends.
func (d *Device) run(ctx context.Context) {
	var parts sync.WaitGroup
	parts.Go(func() { d.runJobs(ctx) })
	parts.Go(func() { d.runSamples(ctx) })
	defer func() { parts.Wait(); _ = d.client.Close() }()
	for {
		select {
		case <-d.changed:
		case <-ctx.Done():
			return
		}
		d.reconcile(ctx)
	}
}

func (d *Device) reconcile(ctx context.Context) {
	d.mu.Lock()
	desired, known := d.desired, d.known
	d.mu.Unlock()
	if !known {
		return
	}
	wanted := map[spec.Name]bool{}
	for _, a := range desired.Applications {
		if a.State == spec.Removed {
			continue
		}
		wanted[a.Name] = true
		d.bring(ctx, a)
	}
	d.mu.Lock()
	var gone []spec.Name
	for name := range d.held {
		if !wanted[name] {
			gone = append(gone, name)
		}
	}
	d.mu.Unlock()
	for _, name := range gone {
		d.remove(ctx, name)
	}
}

// bring makes the board hold a version, if it does not.
func (d *Device) bring(ctx context.Context, a spec.DesiredApplication) {
	d.mu.Lock()
	h := d.held[a.Name]
	if h == nil {
		h = &holding{State: spec.Deploying}
		d.held[a.Name] = h
	}
	deployed := h.Deployment == a.Deployment
	d.mu.Unlock()
	if !deployed {
		d.deploy(ctx, a, h)
	} else if h.Version != "" {
		d.restore(ctx, h)
	}
	d.setState(h, a)
}

// steps are a deployment's, under the names that all devices use.
func (d *Device) steps(a spec.DesiredApplication, p *program) []struct {
	step spec.Step
	run  func(context.Context) error
} {
	return []struct {
		step spec.Step
		run  func(context.Context) error
	}{
		{spec.StepFetch, func(ctx context.Context) error { return d.fetch(ctx, a.Artifact) }},
		{spec.StepUnpack, func(ctx context.Context) (err error) { *p, err = d.unpack(ctx, a); return err }},
		{spec.StepVerify, func(ctx context.Context) error { return d.verify(ctx, a, *p) }},
		{spec.StepStart, func(ctx context.Context) error { return d.install(ctx, a, *p) }},
	}
}

// deploy takes the steps and reports each. A deployment waits for a board that is
// away; a newer one takes its place.
func (d *Device) deploy(ctx context.Context, a spec.DesiredApplication, h *holding) {
	var p program
	event := func(e spec.Event) {
		e.Application, e.Version, e.Deployment = a.Name, a.Version, a.Deployment
		d.event(e)
	}
	for _, s := range d.steps(a, &p) {
		event(spec.Event{Kind: spec.EventStep, Step: s.step, Status: string(spec.StepStarted)})
		if err := s.run(ctx); err != nil {
			if ctx.Err() != nil {
				return // it goes on at the next start
			}
			event(spec.Event{Kind: spec.EventStep, Step: s.step, Status: string(spec.StepFailed), Message: err.Error(), Hint: fail.HintOf(err)})
			d.finish(a, h, spec.DeploymentFailed, err)
			return
		}
		event(spec.Event{Kind: spec.EventStep, Step: s.step, Status: string(spec.StepSucceeded)})
	}
	d.finish(a, h, spec.DeploymentSucceeded, nil)
}

// finish records and reports a deployment's outcome. After a failure what ran before
// goes on.
func (d *Device) finish(a spec.DesiredApplication, h *holding, status spec.DeploymentStatus, cause error) {
	e := spec.Event{Kind: spec.EventDeployment, Application: a.Name, Version: a.Version, Deployment: a.Deployment, Status: string(status)}
	d.mu.Lock()
	h.Deployment, h.Message, h.UpdatedAt = a.Deployment, "", time.Now().UTC()
	if cause == nil {
		if h.Previous = nil; h.Version != "" && h.Version != a.Version {
			before := h.Current
			h.Previous = &before
		}
		h.Version, h.Current, h.State = a.Version, a, spec.Deploying
	} else {
		h.Message = cause.Error()
		e.Message, e.Hint = cause.Error(), fail.HintOf(cause)
		if h.Version == "" {
			h.State = spec.Failed
		}
	}
	d.save()
	d.mu.Unlock()
	d.event(e)
}

// setState makes an application run or stop, and reports a change.
func (d *Device) setState(h *holding, a spec.DesiredApplication) {
	d.mu.Lock()
	before, state := h.State, h.State
	switch {
	case h.Version == "":
	case a.State == spec.Stopped:
		state = spec.Stopped
	case before != spec.Failed || h.Current.Deployment == a.Deployment && h.Message == "":
		state = spec.Running
	}
	h.State = state
	if state != before {
		h.UpdatedAt = time.Now().UTC()
		d.save()
	}
	version, message := h.Version, h.Message
	d.mu.Unlock()
	d.subscribe(h, state == spec.Running)
	if state != before || version == "" {
		d.event(spec.Event{Kind: spec.EventApplication, Application: a.Name, Version: version, Deployment: a.Deployment, Status: string(state), Message: message})
	}
}

func (d *Device) fetch(ctx context.Context, digest spec.Digest) error {
	if d.artifacts.Has(digest) {
		return nil
	}
	return d.artifacts.Resume(ctx, digest, artifact.DefaultLimits(), func(offset int64) (io.ReadCloser, error) {
		return d.Artifact(ctx, digest, offset)
	})
}

// program is what an archive has for a board.
type program struct{ code, signature []byte }

// unpack gives the handler's file in the archive, and its signature if it has one.
func (d *Device) unpack(ctx context.Context, a spec.DesiredApplication) (p program, err error) {
	const op = "unpack module"
	file, _, _ := strings.Cut(a.Configuration.Handler, ":")
	archive, err := d.artifacts.Get(a.Artifact)
	if err != nil {
		return p, err
	}
	defer archive.Close() // only read
	dir, err := os.MkdirTemp(d.Dir, "unpack")
	if err != nil {
		return p, fail.Wrap(err, fail.Internal, op, d.Dir)
	}
	defer os.RemoveAll(dir)
	inside := filepath.Join(dir, "code")
	if _, err := artifact.Unpack(ctx, archive, inside, artifact.DefaultLimits()); err != nil {
		return p, err
	}
	root, err := os.OpenRoot(inside)
	if err != nil {
		return p, fail.Wrap(err, fail.Internal, op, inside)
	}
	defer func() { _ = root.Close() }() // only read
	if p.code, err = root.ReadFile(file); err != nil {
		return p, fail.Wrap(err, fail.NotFound, op, file)
	}
	switch text, err := root.ReadFile(file + SignatureSuffix); {
	case err == nil:
		p.signature, err = parseSignature(text)
		return p, fail.Wrap(err, fail.Invalid, op, file+SignatureSuffix)
	case !errors.Is(err, fs.ErrNotExist):
		return p, fail.Wrap(err, fail.Invalid, op, file+SignatureSuffix)
	}
	return p, nil
}

// ModuleOf is an application's module for a board of these facts.
func ModuleOf(c *spec.Configuration, code []byte, f Facts) Module {
	settings := []string{"handler=" + exportOf(c.Handler)}
	for _, filter := range c.Grants().Publish {
		settings = append(settings, "publish="+string(filter))
	}
	for _, p := range c.Resources.Pins {
		kind, number := p.Parts()
		settings = append(settings, kind+"="+strconv.Itoa(number))
	}
	m := Module{
		Function: c.Name, Version: c.Version, Code: code, Settings: strings.Join(settings, "\n"),
		// A board is reckoned to run a thousand instructions in a millisecond.
		Fuel: int(time.Duration(c.Limits.Timeout).Milliseconds()),
	}
	if limit := int(c.Limits.Memory); limit < f.Memory {
		m.Memory = limit
	}
	return m
}

func (d *Device) install(ctx context.Context, a spec.DesiredApplication, p program) error {
	for {
		b, err := d.present(ctx)
		if err != nil {
			return err
		}
		err = b.Install(ctx, p.module(&a.Configuration, b.Facts))
		if err == nil {
			err = d.holds(ctx, b, a.Name, p.code)
		}
		if !fail.Is(err, fail.Unavailable) {
			return err
		}
		if ctx.Err() != nil || d.superseded(a) {
			return err
		}
		// The board went away in the middle; the transfer goes on when it is back.
		d.note(a.Name, "warning", "the board went away during the transfer")
		d.detach(b)
	}
}

func (p program) module(c *spec.Configuration, f Facts) Module {
	m := ModuleOf(c, p.code, f)
	m.Signature = p.signature
	return m
}

// superseded tells whether something else should run by now.
func (d *Device) superseded(a spec.DesiredApplication) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.desired.Applications {
		if w.Name == a.Name {
			return w.Deployment != a.Deployment
		}
	}
	return true
}

// holds checks that the board runs the module: it may have been taken and then
// failed at its start.
func (d *Device) holds(ctx context.Context, b *Board, app spec.Name, code []byte) error {
	held, err := b.Held(ctx)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(code)
	for _, m := range held {
		if string(m.Function) == string(app) && m.State == 0 && string(m.Digest[:]) == string(digest[:8]) {
			return nil
		}
	}
	return fail.New(fail.Invalid, "start on microcontroller", "the module traps when it is started").On(string(app)).
		WithHint("What it runs at its start fails, or its data do not fit the %d bytes that the board has for a function.", b.Facts.Memory)
}

// restore installs again what a board that was replaced, or erased, does not have.
func (d *Device) restore(ctx context.Context, h *holding) {
	d.mu.Lock()
	b, checked := d.board, h.checked
	d.mu.Unlock()
	if b == nil || b == checked {
		return // when it comes; or it has been looked at
	}
	a := h.Current
	p, err := d.unpack(ctx, a)
	if err != nil {
		d.note(a.Name, "error", "the module is not at hand: "+err.Error())
		return
	}
	select {
	case <-b.Ready():
	case <-b.Done():
		return
	case <-ctx.Done():
		return
	}
	d.mu.Lock()
	h.checked = b
	d.mu.Unlock()
	if d.holds(ctx, b, a.Name, p.code) == nil || h.State == spec.Failed {
		return
	}
	if err := b.Install(ctx, p.module(&a.Configuration, b.Facts)); err != nil {
		d.note(a.Name, "error", "the module could not be brought back to the board: "+err.Error())
	}
}

// remove takes an application away. It is tried again when the board is back.
func (d *Device) remove(ctx context.Context, name spec.Name) {
	d.mu.Lock()
	h, b := d.held[name], d.board
	d.mu.Unlock()
	d.subscribe(h, false)
	if h.Version != "" {
		if b == nil {
			return
		}
		if err := b.Remove(ctx, name); err != nil {
			d.Log.Warn("a function is not removed from the board yet", "application", name, "error", err)
			return
		}
	}
	if err := d.Logs.Delete(name); err != nil {
		d.Log.Warn("logs of a removed application stay", "application", name, "error", err)
	}
	d.mu.Lock()
	delete(d.held, name)
	d.save()
	d.mu.Unlock()
	d.event(spec.Event{Kind: spec.EventApplication, Application: name, Status: string(spec.Removed)})
}
