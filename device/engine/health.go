package engine

import (
	"context"
	"fmt"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// healthPart is the part of an instance that is down while its health checks fail.
const healthPart = -1

// watchHealth asks from time to time whether the instance is well, until ctx ends. One that is not, so many
// times in a row, has its programs ended; who supervises them starts them again.
func (l *launcher) watchHealth(ctx context.Context, t *troubles, ask func(context.Context) error) {
	h, timing := l.config.Health, l.application.engine.Timing
	pauses := backoff{first: timing.FirstPause, longest: timing.LongestPause, window: timing.Window}
	failures := 0
	for wait(ctx, time.Duration(h.Interval)) {
		asking, cancel := context.WithTimeout(ctx, time.Duration(h.Timeout))
		err := ask(asking)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			failures = 0
			t.clear(healthPart)
			continue
		}
		failures++
		l.log.Note("warning", fmt.Sprintf("health check: failure %d of %d: %v", failures, h.Failures, err))
		if failures < h.Failures {
			continue
		}
		failures = 0
		pause, count := pauses.next(time.Now())
		t.ended(healthPart, fmt.Sprintf("it is unhealthy: %v", err), "a moment", count)
		l.application.programs.endOf(l, l.application.engine.grace())
		wait(ctx, pause)
	}
}

// clear notes that a part is well, if it was not.
func (t *troubles) clear(part int) {
	t.mu.Lock()
	_, down := t.down[part]
	t.mu.Unlock()
	if down {
		t.up(part)
	}
}

// askCommand runs the health command, in the application's sandbox.
func (l *launcher) askCommand(ctx context.Context) error {
	run := l.config.Health.Command
	p, err := l.start(ctx, l.command(spec.Command{Run: run}), nil)
	if err != nil {
		return err
	}
	select {
	case <-p.done:
		if p.exit.Success() {
			return nil
		}
		return fail.New(fail.Unavailable, "check health", "command %q %s", shorten(run), p.exit)
	case <-ctx.Done():
		p.stop(0)
		return fail.New(fail.Timeout, "check health", "command %q did not end in time", shorten(run))
	}
}

// askHandler calls the handler for its health. A function without workers is well, and so is one that has
// more to do than it can.
func (f *function) askHandler(ctx context.Context) error {
	if workers, _, _ := f.load(); workers == 0 {
		return nil
	}
	_, err := f.ask(ctx, event{kind: TypeHealth, source: "/health"}, nil)
	if fail.Is(err, fail.Exhausted) {
		return nil
	}
	return err
}
