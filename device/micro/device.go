package micro

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"fescue.dev/fescue/artifact"
	"fescue.dev/fescue/device/logs"
	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
	"fescue.dev/fescue/observe"
	"fescue.dev/fescue/spec"
)

// DeviceOptions configure [NewDevice]; all are required.
type DeviceOptions struct {
	Device   spec.DeviceID
	Platform spec.Platform
	Dir      string // its state
	// Artifact gives an archive's bytes from offset on.
	Artifact func(ctx context.Context, digest spec.Digest, offset int64) (io.ReadCloser, error)
	Exchange Exchange
	Logs     *logs.Store
	Events   observe.Sink
	Samples  func(spec.Sample) error // what its functions did, from time to time
	Log      *slog.Logger
}

// Device is one microcontroller as a device: what the agent calls its engine.
type Device struct {
	DeviceOptions
	artifacts *artifact.Store
	client    *exchange.Client
	counts    counts

	mu      sync.Mutex
	board   *Board
	here    chan struct{} // closed while a board is attached
	desired spec.Desired
	known   bool // desired has been told
	held    map[spec.Name]*holding
	changed chan struct{} // holds one
	queue   chan job
	dropped int
}

// holding is what the device knows of one application; kept in a file.
type holding struct {
	Deployment spec.DeploymentID // the last that has ended
	Version    spec.Version      // on the board; "" is none
	State      spec.RunState
	Message    string
	UpdatedAt  time.Time
	Current    spec.DesiredApplication // of Version: what runs
	// Previous is what the board goes back to when Version fails in its first invocation.
	Previous *spec.DesiredApplication `json:",omitempty"`
	subs     []*exchange.Subscription
	checked  *Board // the one that was found to hold it
}

// queued bounds the events that wait for a board that is busy or away.
const queued = 256

// NewDevice makes the device; the hub runs it.
func NewDevice(o DeviceOptions) (*Device, error) {
	d := &Device{
		DeviceOptions: o, here: make(chan struct{}), held: map[spec.Name]*holding{},
		changed: make(chan struct{}, 1), queue: make(chan job, queued), counts: counts{since: time.Now()},
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fail.Wrap(err, fail.Internal, "open microcontroller's state", o.Dir)
	}
	var err error
	if d.artifacts, err = artifact.Open(filepath.Join(o.Dir, "artifacts")); err != nil {
		return nil, err
	}
	if d.client, err = o.Exchange.Local(""); err != nil {
		return nil, err
	}
	if data, err := os.ReadFile(d.recordPath()); err == nil {
		if err := json.Unmarshal(data, &d.held); err != nil {
			o.Log.Warn("the record of the microcontroller's applications cannot be read: they are deployed anew", "error", err)
			d.held = map[spec.Name]*holding{}
		}
	}
	return d, nil
}

func (d *Device) recordPath() string { return filepath.Join(d.Dir, "applications.json") }

// save keeps the record; mu is held.
func (d *Device) save() {
	data, err := json.Marshal(d.held)
	if err == nil {
		err = durable.Replace(d.recordPath(), data)
	}
	if err != nil {
		d.Log.Warn("the record of the microcontroller's applications is not kept", "error", err)
	}
}

// Apply makes what should run known; it does not wait.
func (d *Device) Apply(desired spec.Desired) {
	d.mu.Lock()
	d.desired, d.known = desired, true
	d.mu.Unlock()
	d.wake()
}

func (d *Device) wake() {
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// Status is the state of every application on the board.
func (d *Device) Status() []spec.Placement {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []spec.Placement
	for _, a := range d.desired.Applications {
		p := spec.Placement{Device: d.Device, Name: a.Name, Version: a.Version, Desired: a.State, Deployment: a.Deployment, State: spec.Deploying}
		if h := d.held[a.Name]; h != nil {
			p.Actual, p.State, p.Message, p.UpdatedAt = h.Version, h.State, h.Message, h.UpdatedAt
		}
		all = append(all, p)
	}
	return all
}

// Invoke calls a function once.
func (d *Device) Invoke(ctx context.Context, app spec.Name, _ string, payload []byte) ([]byte, error) {
	b, timeout, err := d.runner(app)
	if err != nil {
		return nil, err
	}
	return d.call(ctx, b, app, "", payload, timeout)
}

// call invokes, and counts it.
func (d *Device) call(ctx context.Context, b *Board, app spec.Name, topic string, payload []byte, timeout time.Duration) ([]byte, error) {
	begin := time.Now()
	result, err := b.Invoke(ctx, app, topic, payload, timeout)
	d.counts.called(app, time.Since(begin), err)
	return result, err
}

// runner is the board that runs a function now.
func (d *Device) runner(app spec.Name) (*Board, time.Duration, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h, b := d.held[app], d.board
	switch {
	case h == nil || h.Version == "":
		return nil, 0, fail.New(fail.NotFound, "invoke function", "the board does not hold it").On(string(app))
	case h.State != spec.Running:
		return nil, 0, fail.New(fail.Conflict, "invoke function", "it is %s", h.State).On(string(app))
	case b == nil:
		return nil, 0, d.away()
	}
	return b, time.Duration(h.Current.Configuration.Limits.Timeout), nil
}

func (d *Device) away() error {
	return fail.New(fail.Unavailable, "talk to microcontroller", "it is not connected").On(string(d.Device)).
		WithHint("Look at its power and line; `fescue get devices` tells when it was seen last.")
}

// attach makes b the board; the one before is gone, or is by now.
func (d *Device) attach(b *Board) {
	d.mu.Lock()
	if d.board == nil {
		close(d.here)
	}
	d.board = b
	d.mu.Unlock()
	d.wake()
}

func (d *Device) detach(b *Board) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.board == b {
		d.board, d.here = nil, make(chan struct{})
	}
}

// present waits for a board that takes invocations.
func (d *Device) present(ctx context.Context) (*Board, error) {
	for {
		d.mu.Lock()
		b, here := d.board, d.here
		d.mu.Unlock()
		if b == nil {
			select {
			case <-here:
				continue
			case <-ctx.Done():
				return nil, fail.Wrap(context.Cause(ctx), fail.Canceled, "wait for the microcontroller", string(d.Device))
			}
		}
		select {
		case <-b.Ready():
			return b, nil
		case <-b.Done():
			d.detach(b)
		case <-ctx.Done():
			return nil, fail.Wrap(context.Cause(ctx), fail.Canceled, "wait for the microcontroller", string(d.Device))
		}
	}
}

// published hands on a message of a function, if it was granted the topic. The
// board has checked it, too.
func (d *Device) published(app spec.Name, topic spec.Topic, payload []byte) {
	d.mu.Lock()
	h := d.held[app]
	d.mu.Unlock()
	granted := false
	if h != nil {
		for _, f := range h.Current.Configuration.Grants().Publish {
			granted = granted || f.Matches(topic)
		}
	}
	if !granted {
		d.counts.add(app, func(a *spec.ApplicationSample) { a.Denied++ })
		d.event(spec.Event{Kind: spec.EventDenial, Application: app, Message: "publish " + string(topic)})
		return
	}
	d.counts.add(app, func(a *spec.ApplicationSample) { a.In++; a.InBytes += uint64(len(payload)) })
	if err := d.client.Publish(topic, payload); err != nil {
		d.note(app, "error", "what the function published was not taken: "+err.Error())
	}
}

func (d *Device) logged(app spec.Name, level uint32, text string) {
	if app == "" {
		d.Log.Info("the board says", "device", d.Device, "text", text)
		return
	}
	d.writer(app).Log([...]string{"debug", "info", "warning", "error"}[min(level, 3)], text)
}

func (d *Device) writer(app spec.Name) *logs.Writer {
	d.mu.Lock()
	defer d.mu.Unlock()
	version := spec.Version("")
	if h := d.held[app]; h != nil {
		version = h.Version
	}
	return d.Logs.Writer(app, version, spec.DefaultLogs)
}

func (d *Device) note(app spec.Name, level, text string) { d.writer(app).Note(level, text) }

// returned: the board went back to the version before, if it had one, because the first
// invocation of the new one trapped.
func (d *Device) returned(app spec.Name) {
	d.mu.Lock()
	h := d.held[app]
	if h == nil {
		d.mu.Unlock()
		return
	}
	h.Message, h.UpdatedAt = fmt.Sprintf("the first invocation of version %s trapped", h.Version), time.Now().UTC()
	if h.Previous != nil {
		h.Version, h.Current, h.Previous = h.Previous.Version, *h.Previous, nil
		h.Message += fmt.Sprintf("; the board went back to %s", h.Version)
		h.checked = nil // one with a single slot does not have it any more
	} else {
		h.State = spec.Failed
	}
	e := spec.Event{Kind: spec.EventApplication, Application: app, Version: h.Version, Status: string(h.State), Message: h.Message}
	d.save()
	d.mu.Unlock()
	d.note(app, "error", e.Message)
	d.event(e)
	d.wake() // the triggers are those of the version that runs
}

// event reports. The journal keeps what the server has not heard yet; a journal
// that takes nothing is logged.
func (d *Device) event(e spec.Event) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	e.Time = time.Now().UTC().Truncate(time.Microsecond)
	if err := d.Events.Emit(ctx, e); err != nil {
		d.Log.Warn("an event is lost: the journal does not take it", "kind", e.Kind, "application", e.Application, "error", err)
	}
}
