// Package fleet decides what devices should run. The API hands it what people
// ask for; it checks that against what is stored and what the devices are,
// changes the database in one transaction, and tells the devices concerned that
// something changed. What happened on devices comes in through [Fleet.Ingest]
// and goes on to whoever watches ([Fleet.Watch]).
//
// It keeps no state of its own beyond who was heard lately: several servers can
// work on one database.
package fleet

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// Notifier tells a device to ask for its desired state. It may fail silently:
// the device asks by itself, too.
type Notifier interface {
	Changed(spec.DeviceID)
}

// heardWithin is how recently a device was heard that counts as connected; it
// says that it is there every 5 s.
const heardWithin = 15 * time.Second

// Fleet is the devices of a server.
type Fleet struct {
	store    *store.Store
	notifier Notifier
	log      *slog.Logger
	hub      *hub
	now      func() time.Time

	mu    sync.Mutex
	heard map[spec.DeviceID]time.Time
}

// New makes a Fleet on an open database.
func New(s *store.Store, n Notifier, log *slog.Logger) *Fleet {
	return &Fleet{store: s, notifier: n, log: log, hub: newHub(), now: time.Now, heard: map[spec.DeviceID]time.Time{}}
}

// DeployRequest asks for a stored version to run on devices.
type DeployRequest struct {
	Name    spec.Name
	Version spec.Version    // "" is the latest
	Devices []spec.DeviceID // none: the only device there is
}

// Deploy checks the request against the devices and queues the deployment.
func (f *Fleet) Deploy(ctx context.Context, r DeployRequest) (spec.Deployment, error) {
	v, err := f.store.Version(ctx, r.Name, r.Version)
	if err != nil {
		return spec.Deployment{}, err
	}
	devices, err := f.resolve(ctx, r.Devices)
	if err != nil {
		return spec.Deployment{}, err
	}
	for _, d := range devices {
		if err := f.fits(ctx, v, d); err != nil {
			return spec.Deployment{}, err
		}
	}
	ids := make([]spec.DeviceID, len(devices))
	for i, d := range devices {
		ids[i] = d.ID
	}
	deployment, err := f.store.CreateDeployment(ctx, v.Name, v.Version, ids)
	if err != nil {
		return spec.Deployment{}, err
	}
	f.tell(ids)
	f.hub.wake() // it may have ended others
	return deployment, nil
}

func (f *Fleet) tell(devices []spec.DeviceID) {
	for _, d := range devices {
		f.notifier.Changed(d)
	}
}

// resolve is the devices that are named, or the only one.
func (f *Fleet) resolve(ctx context.Context, names []spec.DeviceID) ([]spec.Device, error) {
	const op = "choose devices"
	if len(names) == 0 {
		all, err := f.store.Devices(ctx, store.Page{Limit: 20})
		switch {
		case err != nil:
			return nil, err
		case len(all.Items) == 0:
			return nil, fail.New(fail.Unavailable, op, "no device has registered yet").WithHint("Wait until the agent has started, or look into its log.")
		case len(all.Items) > 1:
			return nil, fail.New(fail.Invalid, op, "there are several devices: %s", listed(all.Items)).WithHint("Name those that are meant.")
		}
		return all.Items, nil
	}
	var devices []spec.Device
	for _, id := range names {
		d, err := f.store.Device(ctx, id)
		if err != nil {
			return nil, err
		}
		devices = append(devices, d)
	}
	return devices, nil
}

// Cancel ends a deployment that is under way.
func (f *Fleet) Cancel(ctx context.Context, id spec.DeploymentID) (spec.Deployment, error) {
	d, changed, err := f.store.CancelDeployment(ctx, id)
	if err == nil {
		f.tell(changed)
		f.hub.wake()
	}
	return d, err
}

// Stop makes an application stopped on every device that holds it.
func (f *Fleet) Stop(ctx context.Context, name spec.Name) (spec.Application, error) {
	return f.set(ctx, name, spec.Stopped)
}

// Start makes a stopped application run again. One that never came up is deployed
// again: a device does not try the same deployment twice.
func (f *Fleet) Start(ctx context.Context, name spec.Name) (spec.Application, error) {
	a, err := f.store.Application(ctx, name)
	if err != nil {
		return a, err
	}
	for _, p := range a.Placements {
		if p.State != spec.Failed || p.Actual != "" || p.Desired == spec.Removed {
			continue
		}
		if _, err := f.store.CreateDeployment(ctx, name, p.Version, []spec.DeviceID{p.Device}); err != nil {
			return a, err
		}
	}
	return f.set(ctx, name, spec.Running)
}

func (f *Fleet) set(ctx context.Context, name spec.Name, state spec.RunState) (spec.Application, error) {
	devices, err := f.store.SetDesired(ctx, name, state)
	if err != nil {
		return spec.Application{}, err
	}
	f.tell(devices)
	f.hub.wake()
	return f.store.Application(ctx, name)
}

// Remove takes an application off every device.
func (f *Fleet) Remove(ctx context.Context, name spec.Name) error {
	devices, err := f.store.RemoveApplication(ctx, name)
	if err == nil {
		f.tell(devices)
		f.hub.wake()
	}
	return err
}

// RegisterDevice stores what a device says of itself.
func (f *Fleet) RegisterDevice(ctx context.Context, d spec.Device) (spec.Device, error) {
	if err := d.ID.Validate(); err != nil {
		return d, fail.Wrap(err, fail.Invalid, "register device", string(d.ID))
	}
	d, err := f.store.PutDevice(ctx, d)
	if err == nil {
		f.Heard(d.ID)
		d.Connected = true
	}
	return d, err
}

// LabelDevice changes a device's labels.
func (f *Fleet) LabelDevice(ctx context.Context, id spec.DeviceID, changes store.Labels) (spec.Device, error) {
	d, err := f.store.LabelDevice(ctx, id, changes)
	if err == nil {
		f.complete(&d)
	}
	return d, err
}

// Desired is what a device should run.
func (f *Fleet) Desired(ctx context.Context, device spec.DeviceID) (spec.Desired, error) {
	return f.store.Desired(ctx, device)
}

// Heard notes that a device is there.
func (f *Fleet) Heard(device spec.DeviceID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heard[device] = f.now()
}

// Connected is how many devices were heard lately.
func (f *Fleet) Connected() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, at := range f.heard {
		if f.now().Sub(at) < heardWithin {
			n++
		}
	}
	return n
}

// IsConnected tells whether a device was heard lately.
func (f *Fleet) IsConnected(device spec.DeviceID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now().Sub(f.heard[device]) < heardWithin
}

// Device is a device, with whether it is connected.
func (f *Fleet) Device(ctx context.Context, id spec.DeviceID) (spec.Device, error) {
	d, err := f.store.Device(ctx, id)
	f.complete(&d)
	return d, err
}

// Devices lists devices, with whether they are connected.
func (f *Fleet) Devices(ctx context.Context, p store.Page) (store.List[spec.Device], error) {
	list, err := f.store.Devices(ctx, p)
	for i := range list.Items {
		f.complete(&list.Items[i])
	}
	return list, err
}

func (f *Fleet) complete(d *spec.Device) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.heard[d.ID]
	d.Connected = f.now().Sub(at) < heardWithin
	if at.After(d.LastSeenAt) {
		d.LastSeenAt = at.UTC().Truncate(time.Microsecond)
	}
}

// Housekeeping periods and bounds.
const (
	housekeeping = time.Minute
	keptEvents   = 200_000
)

// Run keeps house until ctx ends: it notes in the database when devices were
// last heard, and forgets the oldest events.
func (f *Fleet) Run(ctx context.Context) error {
	tick := time.NewTicker(housekeeping)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			f.keepHouse(ctx)
		}
	}
}

func (f *Fleet) keepHouse(ctx context.Context) {
	f.mu.Lock()
	heard := make(map[spec.DeviceID]time.Time, len(f.heard))
	for id, at := range f.heard {
		if f.now().Sub(at) < 2*housekeeping {
			heard[id] = at
		}
	}
	f.mu.Unlock()
	for id, at := range heard {
		if err := f.store.TouchDevice(ctx, id, at); err != nil {
			f.log.Warn("cannot note that a device was heard", "device", id, "error", err)
			return
		}
	}
	if err := f.store.PruneEvents(ctx, keptEvents); err != nil {
		f.log.Warn("cannot forget old events", "error", err)
	}
}
