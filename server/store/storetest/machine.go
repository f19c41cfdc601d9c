package storetest

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"fescue.dev/fescue/spec"
)

// machine is a device as the store meets it: it reads its desired state when it
// gets round to it, takes its time, fails now and then, and what it says arrives
// later. It does what the deployment engine promises (docs/design/engine.md), and
// no more.
type machine struct {
	id       spec.DeviceID
	sequence uint64
	holds    map[spec.Name]held
	busy     map[spec.Name]spec.DesiredApplication // begun, not ended
	failed   map[spec.Name]spec.DeploymentID       // not tried again
	outbox   []spec.Event                          // happened, not yet delivered
	sent     []spec.Event                          // delivered, may come again
}

// held is what a machine has of an application.
type held struct {
	version    spec.Version
	deployment spec.DeploymentID
	state      spec.RunState
}

func newMachine(id spec.DeviceID) *machine {
	return &machine{id: id, holds: map[spec.Name]held{}, busy: map[spec.Name]spec.DesiredApplication{}, failed: map[spec.Name]spec.DeploymentID{}}
}

func (m *machine) emit(e spec.Event) {
	m.sequence++
	e.Device, e.Sequence = m.id, m.sequence
	e.Time = time.Unix(int64(m.sequence), 0).UTC()
	m.outbox = append(m.outbox, e)
}

func (m *machine) emitOutcome(a spec.DesiredApplication, status spec.DeploymentStatus) {
	m.emit(spec.Event{Kind: spec.EventDeployment, Application: a.Name, Version: a.Version, Deployment: a.Deployment, Status: string(status), Message: "so it went"})
}

// emitState says what the machine holds; where that is nothing, how far the deployment is.
func (m *machine) emitState(attempt spec.DesiredApplication, otherwise spec.RunState) {
	e := spec.Event{Kind: spec.EventApplication, Application: attempt.Name, Deployment: attempt.Deployment, Status: string(otherwise)}
	if h, ok := m.holds[attempt.Name]; ok {
		e.Version, e.Deployment, e.Status = h.version, h.deployment, string(h.state)
	}
	m.emit(e)
}

// sync takes one look at the desired state and one step towards it for each
// application.
func (m *machine) sync(rt *rapid.T, d spec.Desired) {
	wanted := map[spec.Name]bool{}
	for _, a := range d.Applications {
		wanted[a.Name] = true
		if begun, ok := m.busy[a.Name]; ok && (begun.Deployment != a.Deployment || a.State == spec.Removed) {
			delete(m.busy, a.Name)
			m.emitOutcome(begun, spec.DeploymentSuperseded)
			m.emitState(begun, spec.Failed)
		}
		switch h, holds := m.holds[a.Name]; {
		case a.State == spec.Removed:
			m.remove(a.Name)
		case holds && h.deployment == a.Deployment:
			m.run(a)
		case m.failed[a.Name] != a.Deployment:
			m.deploy(rt, a)
		}
	}
	for _, name := range append(sortedNames(m.busy), sortedNames(m.holds)...) {
		if !wanted[name] {
			delete(m.busy, name)
			m.remove(name)
		}
	}
}

func (m *machine) remove(name spec.Name) {
	delete(m.holds, name)
	delete(m.failed, name)
	m.emit(spec.Event{Kind: spec.EventApplication, Application: name, Status: string(spec.Removed)})
}

func (m *machine) run(a spec.DesiredApplication) {
	if h := m.holds[a.Name]; h.state != a.State {
		h.state = a.State
		m.holds[a.Name] = h
		m.emitState(a, spec.Failed)
	}
}

// deploy begins a deployment, or ends one that it has begun.
func (m *machine) deploy(rt *rapid.T, a spec.DesiredApplication) {
	if _, begun := m.busy[a.Name]; !begun {
		m.busy[a.Name] = a
		if _, holds := m.holds[a.Name]; !holds {
			m.emitState(a, spec.Deploying)
		}
		m.emit(spec.Event{Kind: spec.EventStep, Application: a.Name, Version: a.Version, Deployment: a.Deployment, Step: spec.StepUnpack, Status: string(spec.StepSucceeded), Path: "/apps/" + string(a.Version)})
		return
	}
	delete(m.busy, a.Name)
	if rapid.Bool().Draw(rt, "comes up") {
		m.holds[a.Name] = held{a.Version, a.Deployment, a.State}
		m.emitOutcome(a, spec.DeploymentSucceeded)
	} else {
		m.failed[a.Name] = a.Deployment
		m.emitOutcome(a, spec.DeploymentFailed)
	}
	m.emitState(a, spec.Failed)
}

// settled tells what is wrong when the machine has nothing left to do and yet
// is not where the placement wants it, or "".
func (m *machine) settled(p spec.Placement) string {
	h, holds := m.holds[p.Name]
	switch {
	case p.Desired == spec.Removed:
		return "it should be gone"
	case p.State == spec.Deploying:
		return "it is still deploying"
	case holds && p.Actual != h.version || !holds && p.Actual != "":
		return "it does not know what really runs"
	case m.failed[p.Name] == p.Deployment && h.deployment != p.Deployment:
		return "" // tried, failed, nothing to go back to
	case !holds || h.deployment != p.Deployment:
		return "the device runs something else"
	case h.state != p.Desired || p.State != p.Desired:
		return "it is in another state"
	}
	return ""
}

func sortedNames[V any](m map[spec.Name]V) []spec.Name {
	names := make([]spec.Name, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
