package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
	"fescue.dev/fescue/spec"
)

// ticker is a schedule at work.
type ticker struct {
	triggers *triggers
	client   *exchange.Client
	trigger  spec.Trigger
	busy     atomic.Bool // the run before has not ended

	cancel context.CancelFunc
	group  sync.WaitGroup
}

// schedule calls the function by the clock.
func (t *triggers) schedule(client *exchange.Client, w spec.Trigger) (source, error) {
	k := &ticker{triggers: t, client: client, trigger: w}
	var ctx context.Context
	ctx, k.cancel = context.WithCancel(context.Background()) // close ends it
	if every, ok := w.Schedule.Every(); ok {
		k.group.Go(func() { k.runEvery(ctx, every) })
		return k, nil
	}
	zone, err := w.Zone.Location()
	if err != nil {
		return nil, err
	}
	times, err := w.Schedule.Times(zone)
	if err != nil {
		return nil, err
	}
	c := &calendar{after: times.After, once: w.Missed == spec.MissedOnce, last: time.Now()}
	path := t.application.schedulePath(w)
	if c.once {
		c.last = k.remembered(path, c.last)
	}
	k.group.Go(func() { k.runCron(ctx, c, path) })
	return k, nil
}

func (k *ticker) close() {
	k.cancel()
	k.group.Wait()
}

// runEvery counts by the time that passes, whatever the clock is set to. Its runs do not
// drift; those that would have been while the device slept are left out.
func (k *ticker) runEvery(ctx context.Context, every time.Duration) {
	for next := time.Now().Add(every); wait(ctx, time.Until(next)); {
		k.fire(time.Now())
		next = next.Add(every)
		if late := time.Since(next); late > 0 {
			next = next.Add(late.Truncate(every) + every)
		}
	}
}

// lookAtClock is how often the clock is looked at, in case that it was set.
const lookAtClock = 20 * time.Second

// runCron follows the clock.
func (k *ticker) runCron(ctx context.Context, c *calendar, path string) {
	for {
		due, pause := c.step(time.Now().Round(0))
		if !due.IsZero() {
			k.fire(due)
			if c.once {
				k.remember(path, c.last)
			}
			continue
		}
		if !wait(ctx, min(pause, lookAtClock)) {
			return
		}
	}
}

// fire calls the function for a run. One that would overlap with the one before is left out.
func (k *ticker) fire(due time.Time) {
	t := k.triggers
	payload, _ := json.Marshal(map[string]string{ // texts never fail
		"schedule": string(k.trigger.Schedule), "time": due.UTC().Format(time.RFC3339Nano),
	})
	if !k.busy.CompareAndSwap(false, true) {
		if f, ok := t.application.current().(*function); ok {
			t.drop(f, string(k.trigger.Schedule), fail.New(fail.Exhausted, "", "the run before has not ended"))
		}
		return
	}
	e := event{kind: TypeSchedule, source: "/schedule", subject: string(k.trigger.Schedule), contentType: "application/json", payload: payload}
	f, err := t.submit(e, func(f *function, result []byte, err error) {
		k.busy.Store(false)
		t.publish(f, k.client, k.trigger, result, err)
	})
	if err != nil {
		k.busy.Store(false)
		t.drop(f, string(k.trigger.Schedule), err)
	}
}

// calendar says when a cron expression is due.
type calendar struct {
	after func(time.Time) time.Time
	once  bool      // runs that were missed are made up for, all of them by one
	last  time.Time // everything up to it has been dealt with
}

const (
	// onTime is how late a run may be and still not be a missed one.
	onTime = time.Minute
	// corrected: a clock that was put back by more than this was wrong before, and runs are planned
	// anew; what is less is waited for, so that no run comes twice.
	corrected = 10 * time.Minute
	// mostMissed bounds what is counted after a long time off.
	mostMissed = 10_000
)

// step is the run that is due now, or how long there is none. It must be asked again at once
// after a run.
func (c *calendar) step(now time.Time) (due time.Time, pause time.Duration) {
	if now.Before(c.last.Add(-corrected)) {
		c.last = now
	}
	next := c.after(c.last)
	if next.IsZero() {
		return due, 24 * time.Hour // years without one
	}
	if next.After(now) {
		return due, next.Sub(now)
	}
	for range mostMissed { // the newest of those that are past
		later := c.after(next)
		if later.IsZero() || later.After(now) {
			break
		}
		next = later
	}
	c.last = now
	if !c.once && now.Sub(next) > onTime {
		return due, 0
	}
	return next, 0
}

// schedulePath is where a schedule's last run is kept, for whatever version has it.
func (a *application) schedulePath(w spec.Trigger) string {
	sum := sha256.Sum256([]byte(string(w.Schedule) + "\n" + string(w.Zone)))
	return filepath.Join(a.dir, "schedule-"+hex.EncodeToString(sum[:8])+".json")
}

// remembered is the last run, or now for a schedule that is new.
func (k *ticker) remembered(path string, now time.Time) time.Time {
	var last time.Time
	text, err := os.ReadFile(path)
	if err == nil {
		err = last.UnmarshalText(text)
	}
	if err == nil {
		return last
	}
	if !errors.Is(err, fs.ErrNotExist) {
		k.triggers.application.log.Warn("when a schedule last ran cannot be read: it begins anew", "file", path, "error", err)
	}
	k.remember(path, now)
	return now
}

func (k *ticker) remember(path string, last time.Time) {
	text, err := last.MarshalText()
	if err == nil {
		err = durable.Replace(path, text)
	}
	if err != nil {
		k.triggers.application.log.Warn("a schedule's run cannot be kept: after a restart it may come again", "error", err)
	}
}
