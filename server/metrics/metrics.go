// Package metrics keeps what devices tell of themselves over time: package device/meter
// sends samples, the API shows them.
//
// A [Collector] keeps the last hour as it came, in memory, the last day by the minute and
// the last 30 days by the quarter of an hour, in the database. It is written once in 15 minutes, all
// devices in one transaction, because small devices have flash that wears: what a killed
// server takes with it is at most that. Its size is bounded: what is older is forgotten.
package metrics

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// How fine, and for how long.
const (
	Fine    = 10 * time.Second
	Minute  = time.Minute
	Quarter = 15 * time.Minute

	FineKept    = time.Hour
	MinutesKept = 24 * time.Hour
	Kept        = 30 * 24 * time.Hour
)

const (
	storeEvery    = 15 * time.Minute
	condenseEvery = 24 * time.Hour
	lastWords     = 5 * time.Second // that storing may take when the server ends
	// fineSamples bounds the samples of the last hour, of all devices together: 60 MB.
	fineSamples = 200_000
	// unstored bounds the minutes of a device that wait for a database that is away.
	unstored = int(MinutesKept / Minute)
)

// Store is where blocks are kept; *[store.Store] is one.
type Store interface {
	PutMetrics(ctx context.Context, blocks, instead []store.MetricsBlock) error
	Metrics(ctx context.Context, device spec.DeviceID, from, to time.Time) ([]store.MetricsBlock, error)
	FineMetrics(ctx context.Context, step time.Duration, before time.Time) ([]spec.DeviceID, error)
	ForgetMetrics(ctx context.Context, before time.Time) error
}

// Collector takes the samples of all devices.
type Collector struct {
	store Store
	log   *slog.Logger
	now   func() time.Time

	mu        sync.Mutex
	devices   map[spec.DeviceID]*series
	condensed time.Time
}

// series is one device's.
type series struct {
	fine    []spec.Sample // of the last hour
	minute  spec.Sample   // that is being filled
	minutes []spec.Sample // that are not stored yet
	total   spec.Sample   // all since the server started, and how things stood last
}

// New makes a Collector.
func New(s Store, log *slog.Logger) *Collector {
	return &Collector{store: s, log: log, now: time.Now, devices: map[spec.DeviceID]*series{}}
}

// Take takes a sample. One that is not of this time, because the device's clock is wrong, is
// put at the time at which it came.
func (c *Collector) Take(device spec.DeviceID, s spec.Sample) {
	now := c.now()
	if s.Period <= 0 || s.Length() > 24*time.Hour {
		return
	}
	if wrong := now.Sub(s.Time()); wrong > storeEvery || wrong < -Minute {
		s.End = now.UnixMilli()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.devices[device]
	if d == nil {
		d = &series{}
		c.devices[device] = d
	}
	d.total = d.total.Then(s).Standing(s)
	d.fine = append(d.fine, s)
	most := min(max(fineSamples/len(c.devices), 6), int(FineKept/Fine))
	for len(d.fine) > most || now.Sub(d.fine[0].Time()) > FineKept {
		if d.fine = d.fine[1:]; len(d.fine) == 0 {
			break
		}
	}
	if d.minute.Period > 0 && slot(d.minute, Minute) != slot(s, Minute) {
		d.minutes = append(d.minutes, d.minute)
		d.minutes = d.minutes[max(0, len(d.minutes)-unstored):]
		d.minute = spec.Sample{}
	}
	d.minute = d.minute.Then(s)
}

// slot is the number of the step in which a sample ends. One that ends with a step belongs to it.
func slot(s spec.Sample, step time.Duration) int64 { return (s.End - 1) / step.Milliseconds() }

// Total is everything that a device told since the server started, and how it stood last.
type Total struct {
	Device spec.DeviceID
	spec.Sample
}

// Totals are those of all devices.
func (c *Collector) Totals() []Total {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Total
	for device, d := range c.devices {
		all = append(all, Total{device, d.total})
	}
	return all
}

// Run stores what was taken until ctx ends, and once more then.
func (c *Collector) Run(ctx context.Context) error {
	tick := time.NewTicker(storeEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.keep(ctx, false)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
			defer cancel()
			c.keep(last, true)
			return nil
		}
	}
}

func (c *Collector) keep(ctx context.Context, end bool) {
	if err := c.Flush(ctx, end); err != nil {
		c.log.Warn("metrics could not be stored: they are tried again", "error", err)
		return
	}
	if now := c.now(); !end && now.Sub(c.condensed) >= condenseEvery {
		if err := c.Condense(ctx); err != nil {
			c.log.Warn("old metrics could not be condensed", "error", err)
			return
		}
		c.condensed = now
	}
}

// Flush stores the minutes that are not stored yet; all: also the one that is being filled.
func (c *Collector) Flush(ctx context.Context, all bool) error {
	c.mu.Lock()
	var blocks []store.MetricsBlock
	taken := map[spec.DeviceID]int{}
	for device, d := range c.devices {
		if all && d.minute.Period > 0 {
			d.minutes = append(d.minutes, d.minute)
			d.minute = spec.Sample{}
		}
		if len(d.minutes) > 0 {
			blocks = append(blocks, encode(device, Minute, d.minutes))
			taken[device] = len(d.minutes)
		}
	}
	c.mu.Unlock()
	if len(blocks) == 0 {
		return nil
	}
	if err := c.store.PutMetrics(ctx, blocks, nil); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for device, n := range taken {
		d := c.devices[device]
		d.minutes = append([]spec.Sample(nil), d.minutes[min(n, len(d.minutes)):]...)
	}
	return nil
}

// Condense makes quarters of the minutes that are older than a day, and forgets what is too
// old.
func (c *Collector) Condense(ctx context.Context) error {
	now := c.now()
	if err := c.store.ForgetMetrics(ctx, now.Add(-Kept)); err != nil {
		return err
	}
	old := now.Add(-MinutesKept)
	devices, err := c.store.FineMetrics(ctx, Quarter, old)
	if err != nil {
		return err
	}
	for _, device := range devices {
		blocks, err := c.store.Metrics(ctx, device, time.Time{}, old)
		if err != nil {
			return err
		}
		var samples []spec.Sample
		var instead []store.MetricsBlock
		for _, b := range blocks {
			if b.Step < Quarter && !b.End.After(old) {
				samples, instead = append(samples, decode(b)...), append(instead, b)
			}
		}
		var condensed []store.MetricsBlock
		if len(samples) > 0 { // of blocks that cannot be read there are none
			condensed = append(condensed, encode(device, Quarter, grouped(samples, Quarter)))
		}
		if err := c.store.PutMetrics(ctx, condensed, instead); err != nil {
			return err
		}
	}
	return nil
}

// grouped joins the samples of each step.
func grouped(samples []spec.Sample, step time.Duration) []spec.Sample {
	var all []spec.Sample
	for _, s := range samples {
		if n := len(all); n > 0 && slot(all[n-1], step) == slot(s, step) {
			all[n-1] = all[n-1].Then(s)
			continue
		}
		all = append(all, s)
	}
	return all
}
