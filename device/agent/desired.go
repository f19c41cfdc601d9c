package agent

import (
	"context"
	"math/rand/v2"
	"time"

	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

const (
	// attempt bounds one question to the API.
	attempt = 20 * time.Second
	// The pauses after a failure: they double from the first to the longest,
	// which the period bounds too.
	firstPause   = 100 * time.Millisecond
	longestPause = 15 * time.Second
)

// followDesired registers the device and keeps the engine supplied with the
// desired state, until ctx ends.
func (a *Agent) followDesired(ctx context.Context) {
	hints := make(chan struct{}, 1)
	defer a.hear(ctx, hints)()
	registered, failures := none, 0
	for ctx.Err() == nil {
		if registered == partial && a.haveFacts() {
			registered = none
		}
		err := a.refresh(ctx, &registered)
		if err == nil {
			failures = 0
			a.pause(ctx, jitter(a.Period), hints, registered)
			continue
		}
		if ctx.Err() != nil {
			return
		}
		if failures++; failures == 1 || failures%20 == 0 { // not a line for every attempt of a week offline
			a.Log.Warn("the server cannot be asked for the desired state: trying again", "failures", failures, "error", err, "hint", fail.HintOf(err))
		}
		a.pause(ctx, jitter(min(pauseAfter(failures), a.Period)), hints, registered)
	}
}

// registration is what the server knows of the device.
type registration int

const (
	none    registration = iota
	partial              // the facts are still to come
	complete
)

// hear passes hints on; several that come together are one. Without a
// connection to the fabric the period alone must do.
func (a *Agent) hear(ctx context.Context, hints chan<- struct{}) (stop func()) {
	stop, err := fabric.OnHint(a.Control, a.Device, func() {
		select {
		case hints <- struct{}{}:
		default:
		}
	})
	if err != nil {
		if ctx.Err() == nil {
			a.Log.Warn("changes are noticed only periodically", "period", a.Period, "error", err)
		}
		return func() {}
	}
	return stop
}

// refresh is one round: register if need be, ask, apply.
func (a *Agent) refresh(ctx context.Context, registered *registration) error {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	if *registered == none {
		self, as := a.self(ctx)
		if _, err := a.API.PutDevice(ctx, self); err != nil {
			return fail.Wrap(err, fail.Unavailable, "register device", string(a.Device))
		}
		*registered = as
		a.Log.Info("registered at the server", "device", a.Device, "facts", len(self.Facts))
	}
	d, err := a.API.Desired(ctx)
	if err != nil {
		// A server that forgot the device is told of it again.
		if fail.Is(err, fail.NotFound) {
			*registered = none
		}
		return fail.Wrap(err, fail.Unavailable, "get desired state", string(a.Device))
	}
	if a.state.accept(d) {
		a.Log.Info("new desired state", "revision", d.Revision, "applications", len(d.Applications))
		a.admit(d)
		a.Engine.Apply(d)
	}
	return nil
}

// admit makes the desired state's credentials good, and tells who asks that they are.
func (a *Agent) admit(d spec.Desired) {
	if a.Access != nil {
		a.Access.Apply(d.Credentials)
	}
	a.applied.Store(d.Revision)
}

// factsPatience is how long a registration waits for the facts: runtimes and
// sandbox are tried out for them, which can take seconds on a small device.
const factsPatience = 20 * time.Millisecond

// self is the device as it describes itself, with its facts if they are there.
func (a *Agent) self(ctx context.Context) (spec.Device, registration) {
	d := spec.Device{ID: a.Device, Platform: a.Platform, Agent: a.Version, Labels: a.Labels}
	t := time.NewTimer(factsPatience)
	defer t.Stop()
	select {
	case <-a.gathered:
		d.Facts = a.facts
		return d, complete
	case <-t.C:
	case <-ctx.Done():
	}
	return d, partial
}

// gatherFacts finds out about the device, once.
func (a *Agent) gatherFacts(ctx context.Context) {
	if a.Facts != nil {
		a.facts = a.Facts(ctx)
	}
	close(a.gathered)
}

func (a *Agent) haveFacts() bool {
	select {
	case <-a.gathered:
		return true
	default:
		return false
	}
}

// pause waits for d, a hint, facts that the server lacks, or ctx's end.
func (a *Agent) pause(ctx context.Context, d time.Duration, hints <-chan struct{}, registered registration) {
	var facts <-chan struct{}
	if registered == partial {
		facts = a.gathered
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-hints:
	case <-facts:
	case <-ctx.Done():
	}
}

func pauseAfter(failures int) time.Duration {
	return min(firstPause<<min(failures-1, 20), longestPause)
}

// jitter spreads the devices of a fleet: a tenth more or less.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}

func (a *Agent) signalAlive() {
	if err := fabric.Alive(a.Control, a.Device); err != nil {
		a.Log.Debug("alive signal", "error", err)
	}
}
