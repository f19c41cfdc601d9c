package agent

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"fescue.dev/fescue/device/logs"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/state"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// API is what the agent needs of the server's API.
type API interface {
	// PutDevice registers the device, or brings its entry up to date.
	PutDevice(ctx context.Context, d spec.Device) (spec.Device, error)
	// Desired is what the device should run.
	Desired(ctx context.Context) (spec.Desired, error)
}

// Engine is what the agent needs of the deployment engine.
type Engine interface {
	// Apply makes d what should run. It does not wait until it does.
	Apply(d spec.Desired)
	// Invoke calls a function once. That its handler raised an exception is a
	// *[exchange.HandlerError].
	Invoke(ctx context.Context, app spec.Name, contentType string, payload []byte) ([]byte, error)
	// Status is the state of every application on the device, now.
	Status() []spec.Placement
}

// Exchange is what the agent needs of Data Xchange: *[exchange.Router] is one.
type Exchange interface {
	Local(app spec.Name) (*exchange.Client, error)
	Topics() []exchange.TopicStat
	Denials() []exchange.DenialStat
	Stats() exchange.Stats
	State(app spec.Name) (*state.Store, error)
}

// Access is what the agent needs of the logins of clients: *[access.Access] is one.
type Access interface {
	// Apply makes these the credentials that are good.
	Apply(credentials []spec.DesiredCredential)
}

// Logs is what the agent needs of the applications' logs: *[logs.Store] is one.
type Logs interface {
	Read(app spec.Name, n int, since, until time.Time) ([]spec.LogLine, error)
	Follow(ctx context.Context, app spec.Name, o logs.FollowOptions, f func(logs.Item) error) error
}

// Options configure [New]. All but those with a default are required.
type Options struct {
	Device   spec.DeviceID
	Platform spec.Platform
	Version  string            // of the agent
	Labels   map[string]string // may be nil
	// Facts are what the device found out about itself. They are gathered once;
	// a device that takes its time with them registers without them first, and
	// again when they are there. nil: none.
	Facts func(context.Context) map[string]string
	Dir   string // the agent's state; desired.json is kept there

	API      API
	Control  *nats.Conn // to the fabric's control account
	Engine   Engine
	Exchange Exchange
	Logs     Logs
	Log      *slog.Logger
	Access   Access // of clients by MQTT and NATS; nil: there are none

	Period time.Duration // of asking for the desired state; 30 s
	Alive  time.Duration // of the signal that the device is there; 5 s
}

func (o Options) withDefaults() (Options, error) {
	if o.Period <= 0 {
		o.Period = 30 * time.Second
	}
	if o.Alive <= 0 {
		o.Alive = 5 * time.Second
	}
	if o.Device == "" || o.Platform == "" || o.Dir == "" || o.API == nil || o.Control == nil ||
		o.Engine == nil || o.Exchange == nil || o.Logs == nil || o.Log == nil {
		return o, fail.New(fail.Invalid, "make agent", "options without device, platform, directory, or one of the parts")
	}
	return o, nil
}

// Agent is the long-lived part of a device.
type Agent struct {
	Options
	startedAt time.Time
	state     desiredState
	applied   atomic.Int64  // revision of the desired state that was admitted last
	gathered  chan struct{} // closed once facts is set
	facts     map[string]string
}

// New makes an agent; [Agent.Run] starts it.
func New(o Options) (*Agent, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Agent{
		Options: o, startedAt: time.Now().UTC().Truncate(time.Microsecond),
		state:    desiredState{device: o.Device, path: cachePath(o.Dir), log: o.Log},
		gathered: make(chan struct{}),
	}, nil
}

// Run applies what the device last knew, then follows the server until ctx ends.
// It returns nil; no fault from outside ends it.
func (a *Agent) Run(ctx context.Context) error {
	if d, ok := a.state.load(); ok {
		a.admit(d)
		a.Log.Info("running the last known desired state", "revision", d.Revision, "applications", len(d.Applications))
		a.Engine.Apply(d)
	}
	var parts errgroup.Group
	for _, part := range []func(context.Context){a.gatherFacts, a.followDesired, a.serveCalls, a.sayAlive} {
		parts.Go(func() error { part(ctx); return nil })
	}
	return parts.Wait()
}

// sayAlive signals that the device is there. A signal that is lost is replaced
// by the next.
func (a *Agent) sayAlive(ctx context.Context) {
	tick := time.NewTicker(a.Alive)
	defer tick.Stop()
	for {
		a.signalAlive()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
