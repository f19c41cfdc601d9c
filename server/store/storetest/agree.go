package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// Agree plays random histories on both databases: people deploy, cancel, start,
// stop and remove, devices work and report, late and more than once. After every
// move both databases say the same and break no invariant; in the end, when all
// is delivered, devices, placements and history agree. Both must be empty.
func Agree(t *testing.T, one, other *store.Store) {
	for _, s := range []*store.Store{one, other} {
		must(t)(s.PutArtifact(t.Context(), spec.Artifact{Digest: digest(1)}))
	}
	game := 0
	rapid.Check(t, func(rt *rapid.T) {
		game++
		h := newHistory(rt, [2]*store.Store{one, other}, game)
		rt.Repeat(map[string]func(*rapid.T){
			"deploy":  h.deploy,
			"cancel":  h.cancel,
			"desire":  h.desire,
			"remove":  h.remove,
			"sync":    h.sync,
			"deliver": h.deliver,
			"repeat":  h.repeat,
			"delete":  h.delete,
			"":        h.compare,
		})
		h.converge(rt)
	})
}

// history is one game: its own applications and devices on the two databases.
type history struct {
	stores      [2]*store.Store
	names       []spec.Name
	machines    []*machine
	deployments []spec.DeploymentID
	last        records
}

func newHistory(rt *rapid.T, stores [2]*store.Store, game int) *history {
	h := &history{stores: stores, names: []spec.Name{spec.Name(fmt.Sprintf("a%d", game)), spec.Name(fmt.Sprintf("b%d", game))}}
	for _, d := range []string{"d", "e"} {
		m := newMachine(spec.DeviceID(fmt.Sprintf("%s%d", d, game)))
		h.machines = append(h.machines, m)
		h.both(rt, func(s *store.Store) error { return second(s.PutDevice(context.Background(), spec.Device{ID: m.id})) })
	}
	return h
}

// both makes a move on both databases, which must answer alike.
func (h *history) both(rt *rapid.T, move func(*store.Store) error) {
	rt.Helper()
	first, other := move(h.stores[0]), move(h.stores[1])
	if (first == nil) != (other == nil) || first != nil && fail.KindOf(first) != fail.KindOf(other) {
		rt.Fatalf("%s says %v, %s says %v", h.stores[0].Kind(), first, h.stores[1].Kind(), other)
	}
	if kind := fail.KindOf(first); first != nil && kind != fail.NotFound && kind != fail.Conflict {
		rt.Fatal(first)
	}
}

func (h *history) name(rt *rapid.T) spec.Name { return rapid.SampledFrom(h.names).Draw(rt, "name") }

func (h *history) machine(rt *rapid.T) *machine {
	return h.machines[rapid.IntRange(0, len(h.machines)-1).Draw(rt, "device")]
}

func (h *history) version(rt *rapid.T) spec.Version {
	return rapid.SampledFrom([]spec.Version{"1.0.0", "2.0.0", "3.0.0"}).Draw(rt, "version")
}

func (h *history) deploy(rt *rapid.T) {
	name, version := h.name(rt), h.version(rt)
	devices := []spec.DeviceID{h.machine(rt).id}
	if rapid.Bool().Draw(rt, "all devices") {
		devices = []spec.DeviceID{h.machines[1].id, h.machines[0].id}
	}
	h.both(rt, func(s *store.Store) error {
		if _, _, err := s.CreateVersion(context.Background(), configuration(name, version), "x", digest(1)); err != nil {
			return err
		}
		d, err := s.CreateDeployment(context.Background(), name, version, devices)
		if err == nil && s == h.stores[0] {
			h.deployments = append(h.deployments, d.ID)
		}
		return err
	})
}

func (h *history) cancel(rt *rapid.T) {
	if len(h.deployments) == 0 {
		rt.Skip("nothing to cancel")
	}
	id := rapid.SampledFrom(h.deployments).Draw(rt, "deployment")
	h.both(rt, func(s *store.Store) error { return second(second2(s.CancelDeployment(context.Background(), id))) })
}

func (h *history) desire(rt *rapid.T) {
	name, state := h.name(rt), rapid.SampledFrom([]spec.RunState{spec.Running, spec.Stopped}).Draw(rt, "state")
	h.both(rt, func(s *store.Store) error { return second(s.SetDesired(context.Background(), name, state)) })
}

func (h *history) remove(rt *rapid.T) {
	name := h.name(rt)
	h.both(rt, func(s *store.Store) error { return second(s.RemoveApplication(context.Background(), name)) })
}

func (h *history) delete(rt *rapid.T) {
	name, version := h.name(rt), h.version(rt)
	h.both(rt, func(s *store.Store) error { return s.DeleteVersion(context.Background(), name, version) })
}

func (h *history) sync(rt *rapid.T) { h.look(rt, h.machine(rt)) }

// look has a machine read its desired state and act.
func (h *history) look(rt *rapid.T, m *machine) {
	d, err := h.stores[0].Desired(context.Background(), m.id)
	if err != nil {
		rt.Fatal(err)
	}
	m.sync(rt, d)
}

func (h *history) deliver(rt *rapid.T) {
	m := h.machine(rt)
	h.bring(rt, m, rapid.IntRange(0, len(m.outbox)).Draw(rt, "events"))
}

func (h *history) bring(rt *rapid.T, m *machine, n int) {
	for _, e := range m.outbox[:n] {
		h.apply(rt, e, true)
	}
	m.sent = append(m.sent, m.outbox[:n]...)
	m.outbox = m.outbox[n:]
}

// repeat brings an event again, and nothing changes.
func (h *history) repeat(rt *rapid.T) {
	m := h.machine(rt)
	if len(m.sent) == 0 {
		rt.Skip("nothing to repeat")
	}
	before := h.read(rt, h.stores[0])
	h.apply(rt, m.sent[rapid.IntRange(0, len(m.sent)-1).Draw(rt, "event")], false)
	if diff := cmp.Diff(before, h.read(rt, h.stores[0])); diff != "" {
		rt.Fatalf("an event that came again changed something:\n%s", diff)
	}
}

func (h *history) apply(rt *rapid.T, e spec.Event, fresh bool) {
	h.both(rt, func(s *store.Store) error {
		_, applied, err := s.ApplyEvent(context.Background(), e)
		if err == nil && applied != fresh {
			rt.Fatalf("%s: applied is %v, want %v: %+v", s.Kind(), applied, fresh, e)
		}
		return err
	})
}

func (h *history) read(rt *rapid.T, s *store.Store) records {
	rt.Helper()
	return read(rt, s, h.names, []spec.DeviceID{h.machines[0].id, h.machines[1].id})
}

// compare reads both databases, holds them against each other, and against what
// was before.
func (h *history) compare(rt *rapid.T) {
	now, other := h.read(rt, h.stores[0]), h.read(rt, h.stores[1])
	now.check(rt)
	// The two have clocks of their own, which are never far apart.
	clocks := cmp.Comparer(func(a, b time.Time) bool { return a.IsZero() == b.IsZero() })
	if diff := cmp.Diff(now, other, clocks); diff != "" {
		rt.Fatalf("the databases disagree (-%s +%s):\n%s", h.stores[0].Kind(), h.stores[1].Kind(), diff)
	}
	checkHistory(rt, h.last, now)
	h.last = now
}

// checkHistory: what is final stays, and who is told something new can tell.
func checkHistory(rt *rapid.T, before, now records) {
	rt.Helper()
	final := map[spec.DeploymentID]spec.DeploymentStatus{}
	for _, d := range before.Deployments {
		if d.Status.Final() {
			final[d.ID] = d.Status
		}
	}
	for _, d := range now.Deployments {
		if was, ok := final[d.ID]; ok && was != d.Status {
			rt.Fatalf("deployment %d was %s and is %s", d.ID, was, d.Status)
		}
	}
	for i, was := range before.Desired {
		is := now.Desired[i]
		if is.Revision < was.Revision {
			rt.Fatalf("the revision of %s went from %d to %d", is.Device, was.Revision, is.Revision)
		}
		gone := len(was.Applications) > len(is.Applications) // the device said so itself
		if is.Revision == was.Revision && !gone && !cmp.Equal(was.Applications, is.Applications) {
			rt.Fatalf("what %s should run changed at revision %d:\n%s", is.Device, is.Revision, cmp.Diff(was.Applications, is.Applications))
		}
	}
}

// converge delivers everything and lets the machines finish: then all agree.
func (h *history) converge(rt *rapid.T) {
	for range 40 {
		quiet := true
		for _, m := range h.machines {
			h.bring(rt, m, len(m.outbox))
			h.look(rt, m)
			quiet = quiet && len(m.outbox) == 0 && len(m.busy) == 0
		}
		if quiet {
			h.compare(rt)
			h.checkSettled(rt)
			return
		}
	}
	rt.Fatal("devices and database do not come to rest")
}

func (h *history) checkSettled(rt *rapid.T) {
	placed := map[place]bool{}
	for _, a := range h.last.Applications {
		for _, p := range a.Placements {
			placed[place{p.Device, p.Name}] = true
			for _, m := range h.machines {
				if m.id != p.Device {
					continue
				}
				if why := m.settled(p); why != "" {
					rt.Fatalf("%s: placement %+v, the device holds %+v, failed %d", why, p, m.holds[p.Name], m.failed[p.Name])
				}
			}
		}
	}
	for _, m := range h.machines {
		for name := range m.holds {
			if !placed[place{m.id, name}] {
				rt.Fatalf("%s holds %s, and there is no placement", m.id, name)
			}
		}
	}
}
