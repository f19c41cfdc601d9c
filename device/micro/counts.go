package micro

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// sampleEvery is how often a board at which something happens is told of. Of an idle one
// there is nothing to tell.
const sampleEvery = 10 * time.Second

// counts are what a board's functions have done since the last sample.
type counts struct {
	mu    sync.Mutex
	since time.Time
	of    map[spec.Name]*spec.ApplicationSample
}

// add changes the counts of one function.
func (c *counts) add(app spec.Name, change func(*spec.ApplicationSample)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[spec.Name]*spec.ApplicationSample{}
	}
	a := c.of[app]
	if a == nil {
		a = &spec.ApplicationSample{}
		c.of[app] = a
	}
	change(a)
}

// called counts an invocation and how it ended.
func (c *counts) called(app spec.Name, took time.Duration, err error) {
	class, _ := slices.BinarySearch(spec.DurationBounds[:], took)
	c.add(app, func(a *spec.ApplicationSample) {
		a.Calls++
		a.Seconds += took.Seconds()
		if a.Took == nil {
			a.Took = map[int]uint64{}
		}
		a.Took[class]++
		var exception *exchange.HandlerError
		if err != nil {
			a.Errors++
		}
		if fail.Is(err, fail.Timeout) || errors.As(err, &exception) && exception.Type == "trap" && strings.HasPrefix(exception.Message, fuelUsedUp) {
			a.Timeouts++
		}
	})
}

// sample takes the counts; ok is false when there are none.
func (c *counts) sample(now time.Time) (s spec.Sample, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s = spec.Sample{End: now.UnixMilli(), Period: max(now.Sub(c.since).Milliseconds(), 1), Applications: map[spec.Name]spec.ApplicationSample{}}
	for name, a := range c.of {
		s.Applications[name] = *a
		s.Messages += a.In
		s.Bytes += a.InBytes
	}
	c.of, c.since = nil, now
	return s, len(s.Applications) > 0
}

// runSamples tells the server what functions did, until ctx ends. What it does not take is
// lost: a gap in what is shown.
func (d *Device) runSamples(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			if s, ok := d.counts.sample(now); ok {
				if err := d.Samples(s); err != nil {
					d.Log.Debug("a sample could not be sent", "device", d.Device, "error", err)
				}
			}
		case <-ctx.Done():
			return
		}
	}
}
