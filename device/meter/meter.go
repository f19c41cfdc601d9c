// Package meter measures the device: the machine, Data Xchange, and what its
// applications do and take.
//
// A [Meter] asks the parts for what they have counted; they do not know it. It tells
// in two ways: a sample to the server every few seconds ([Meter.Run]), from which that
// keeps a history, and everything, in Prometheus' text format, to whoever asks the
// listener that [Listen] opens. Package app makes one for each device. It promises to cost little: nothing is
// measured between two samples, an idle device sends one a minute, and the number of
// series does not grow with the number of topics.
package meter

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"fescue.dev/fescue/device/sandbox"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/observe"
	"fescue.dev/fescue/spec"
)

// Exchange is what the meter asks of Data Xchange; *[exchange.Router] is one.
type Exchange interface {
	Stats() exchange.Stats
	Topics() []exchange.TopicStat
	Denials() []exchange.DenialStat
	Kept() []exchange.KeptStat
}

// Engine is what the meter asks of the deployment engine; *engine.Engine is one.
type Engine interface {
	Activity() []observe.Activity
	Status() []spec.Placement
}

// Options configure [New]; all are required but those with a default.
type Options struct {
	Device   spec.DeviceID
	Version  string // of the agent
	Dir      string // whose disk is measured
	Exchange Exchange
	Engine   Engine
	// Usage is what the processes take, by sandbox.Options.Application: the
	// application's name, and what follows an '@'.
	Usage func() map[spec.Name]sandbox.Usage
	// Logins are the credentials with the number of their connections; nil: there are none.
	Logins func() map[spec.Name]int
	// Send tells the server; what it cannot tell is part of the next sample.
	Send func(spec.Sample) error
	Log  *slog.Logger

	Every time.Duration // between two samples of a device at which something happens; 10 s
	Idle  time.Duration // between two of one that is idle; 60 s
}

// Meter is a device's.
type Meter struct {
	Options
	begun time.Time

	mu     sync.Mutex
	topics topicSeries
}

// New makes a Meter.
func New(o Options) *Meter {
	if o.Every <= 0 {
		o.Every = 10 * time.Second
	}
	if o.Idle <= 0 {
		o.Idle = time.Minute
	}
	return &Meter{Options: o, begun: time.Now()}
}

// Run sends samples until ctx ends.
func (m *Meter) Run(ctx context.Context) error {
	tick := time.NewTicker(m.Every)
	defer tick.Stop()
	r := reporter{meter: m, last: m.read()}
	for {
		select {
		case <-tick.C:
			r.tick(m.read())
		case <-ctx.Done():
			r.flush()
			return nil
		}
	}
}

// reporter decides what is sent when.
type reporter struct {
	meter   *Meter
	last    reading     // that the next sample is counted from
	sent    spec.Sample // the newest that was sent
	waiting spec.Sample // of an idle time, not sent yet
	whole   time.Time   // when all applications were told of last
}

// tellAll is how often applications of which there is nothing new are told of, too.
const tellAll = 10 * time.Minute

// tick takes a new reading. An idle time is sent as one sample, when it has been long
// enough or ends; so what begins is not smeared over the time before it.
func (r *reporter) tick(now reading) {
	all := now.at.Sub(r.whole) >= tellAll
	if all {
		r.whole = now.at
	}
	s := now.since(r.last, all)
	r.last = now
	if !r.busy(s) {
		r.waiting = r.waiting.Then(s)
		if r.waiting.Length() >= r.meter.Idle-r.meter.Every/2 {
			r.flush()
		}
		return
	}
	r.flush()
	r.send(s)
}

func (r *reporter) flush() {
	if r.waiting.Period > 0 {
		s := r.waiting
		r.waiting = spec.Sample{}
		r.send(s)
	}
}

func (r *reporter) send(s spec.Sample) {
	if err := r.meter.Send(s); err != nil {
		r.meter.Log.Debug("a sample could not be sent", "error", err)
		r.waiting = r.waiting.Then(s)
		return
	}
	r.sent = s
}

// What is worth a sample of its own.
const (
	noticeableCPU    = 0.10 // of all processors, more or less than in the last sample
	noticeableMemory = 0.05 // of the device's
)

// busy tells whether something has happened.
func (r *reporter) busy(s spec.Sample) bool {
	for _, a := range s.Applications {
		if a.Busy() {
			return true
		}
	}
	memory := float64(s.Memory-r.sent.Memory) / float64(max(s.MemoryTotal, 1))
	return s.Messages > 0 || apart(load(s), load(r.sent), noticeableCPU) || apart(memory, 0, noticeableMemory)
}

func apart(a, b, by float64) bool { return a-b > by || b-a > by }

// load is the share of all processors that was busy.
func load(s spec.Sample) float64 {
	if s.Period == 0 || s.Processors == 0 {
		return 0
	}
	return s.CPU / s.Length().Seconds() / float64(s.Processors)
}
