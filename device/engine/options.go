package engine

import (
	"context"
	"io"
	"log/slog"
	"time"

	"fescue.dev/fescue/device/gateway"
	"fescue.dev/fescue/device/logs"
	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/sandbox"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/observe"
	"fescue.dev/fescue/spec"
)

// Fetcher is where artifacts come from: the server's API.
type Fetcher interface {
	// Artifact gives the archive's bytes from offset on. Reading ends with io.EOF
	// only when all of them have come.
	Artifact(ctx context.Context, digest spec.Digest, offset int64) (io.ReadCloser, error)
}

// Exchange is what the engine needs of Data Xchange; *exchange.Router is one.
type Exchange interface {
	Grant(app spec.Name, r spec.Resources, c exchange.Credential) error
	Revoke(app spec.Name)
	// StateQuota bounds the application's state, Forget removes what is kept for it.
	StateQuota(app spec.Name, bytes int64)
	Forget(app spec.Name) error
	Local(app spec.Name) (*exchange.Client, error)
	Worker(conn exchange.Conn, app spec.Name, o exchange.WorkerOptions) *exchange.Worker
}

// Sandbox is what the engine needs to start programs; *sandbox.Sandbox is one.
type Sandbox interface {
	Start(ctx context.Context, o sandbox.Options) (*sandbox.Process, error)
	UserFor(app spec.Name) (uid, gid int, err error)
	// Require is an error unless isolation strict can be enforced.
	Require() error
	// Sweep ends what a killed agent left behind; the engine calls it before the
	// first Start.
	Sweep(ctx context.Context) error
}

// Gateway is what the engine needs of the device's HTTP listener; *gateway.Gateway is one.
type Gateway interface {
	Reserve(app spec.Name, routes []gateway.Route) error
	Set(app spec.Name, routes []gateway.Route) error
}

// Logs is what the engine needs of the applications' logs; *logs.Store is one.
type Logs interface {
	Writer(app spec.Name, version spec.Version, quota spec.Bytes) *logs.Writer
	Delete(app spec.Name) error
}

// Options configure [New]. All are required but those with a default.
type Options struct {
	Device   spec.DeviceID
	Platform spec.Platform // of the device, with its architecture
	// Dir is the device's state directory. The engine keeps apps/, artifacts/ and
	// fetch/ in it. Users of applications must be able to pass through it.
	Dir      string
	Fetch    Fetcher
	Exchange Exchange
	// Addresses are what applications find in FESCUE_EXCHANGE, by their ipc
	// ("unix:/run/…/exchange.sock"). A link that is missing is one that this device does not have.
	Addresses map[spec.IPC]string
	Sandbox   Sandbox
	Logs      Logs
	Events    observe.Sink
	Runtimes  []runtimes.Runtime
	Gateway   Gateway // nil: applications with HTTP triggers are refused
	AllowRoot bool    // the device's policy: commands may ask for mode root
	// AllowDevices are patterns (path.Match) of the devices that applications may be granted.
	AllowDevices []string
	Log          *slog.Logger
	Timing       Timing // zero fields mean the defaults

	// AfterStep is called when a step was begun or has ended, for tests.
	AfterStep func(spec.Step, spec.StepStatus)
}

// Timing is how long things may take. Tests shorten it.
type Timing struct {
	Fetch        time.Duration // without one more byte; 10 min
	Verify       time.Duration // 10 min
	Unpack       time.Duration // 30 min
	Dependencies time.Duration // packages; 20 min
	Applications time.Duration // until those it depends on run; 2 min
	Ready        time.Duration // until a worker has loaded its handler; 60 s
	Grace        time.Duration // from SIGTERM to SIGKILL; 5 s
	Settle       time.Duration // from CANCEL of a late invocation to the worker's end; 0.5 s
	FirstPause   time.Duration // before the first restart; then it doubles; 0.2 s
	LongestPause time.Duration // between restarts; 30 s
	Window       time.Duration // in which failures are counted; 10 min
	Report       time.Duration // to get the last events out when Run ends; 1 s
}

func (t Timing) withDefaults() Timing {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.Fetch, 10 * time.Minute}, {&t.Verify, 10 * time.Minute}, {&t.Unpack, 30 * time.Minute},
		{&t.Dependencies, 20 * time.Minute}, {&t.Applications, 2 * time.Minute}, {&t.Ready, time.Minute},
		{&t.Grace, 5 * time.Second}, {&t.Settle, 500 * time.Millisecond},
		{&t.FirstPause, 200 * time.Millisecond}, {&t.LongestPause, 30 * time.Second}, {&t.Window, 10 * time.Minute},
		{&t.Report, time.Second},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return t
}

func (o Options) withDefaults() (Options, error) {
	o.Timing = o.Timing.withDefaults()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.AfterStep == nil {
		o.AfterStep = func(spec.Step, spec.StepStatus) {}
	}
	if o.Device == "" || o.Platform == "" || o.Dir == "" || o.Fetch == nil || o.Exchange == nil || o.Sandbox == nil || o.Logs == nil || o.Events == nil {
		return o, fail.New(fail.Invalid, "make engine", "options without device, platform, directory, or one of the parts")
	}
	return o, nil
}

// runtime is the one that configurations call name.
func (o Options) runtime(name string) (runtimes.Runtime, error) {
	for _, r := range o.Runtimes {
		if r.Name() == name {
			return r, nil
		}
	}
	return nil, fail.New(fail.Unsupported, "find runtime", "this device's agent has no runtime %q", name).
		WithHint("Update the agent, or deploy to a device that has it.")
}
