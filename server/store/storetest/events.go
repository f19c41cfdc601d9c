package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

func testEventsOnce(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1, v2)
	good := w.up()
	bad := w.deploy(v2, left)
	e := w.tell(outcome(left, bad, v2, spec.DeploymentFailed, "broken"))
	again := w.deploy(v2, left)
	for range 3 {
		_, applied, err := s.ApplyEvent(w.ctx, e)
		w.check(err)
		if applied {
			t.Fatal("an event was applied twice")
		}
	}
	w.desiredIs(left, v2, again, spec.Running)
	all, err := s.Events(w.ctx, store.EventQuery{Deployment: bad})
	w.check(err)
	if len(all) != 1 {
		t.Fatalf("%d events stored, want 1", len(all))
	}
	_ = good
	// The same number of another device is another event.
	e.Device = right
	_, applied, err := s.ApplyEvent(w.ctx, e)
	w.check(err)
	if !applied {
		t.Fatal("the other device's event was taken for a repetition")
	}
}

// Events that come together are applied in their order, each once, all or none.
func testEventsTogether(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1)
	id := w.deploy(v1, left)
	events := []spec.Event{
		step(left, id, v1, spec.StepFetch, spec.StepStarted),
		outcome(left, id, v1, spec.DeploymentSucceeded, ""),
		state(left, v1, spec.Running),
	}
	for i := range events {
		events[i].Sequence = uint64(i + 1)
	}
	broken := append(slices.Clone(events[:2]), spec.Event{Device: left}) // it has no number
	if _, err := s.ApplyEvents(w.ctx, broken); !fail.Is(err, fail.Invalid) {
		t.Fatalf("got %v, want an error of kind Invalid", err)
	}
	w.deploymentIs(id, spec.DeploymentQueued)
	applied, err := s.ApplyEvents(w.ctx, events[:1])
	w.check(err)
	w.same(len(applied), 1)
	applied, err = s.ApplyEvents(w.ctx, events)
	w.check(err)
	w.same(len(applied), 2) // the first was known
	w.deploymentIs(id, spec.DeploymentSucceeded)
	w.same(w.placement(left).State, spec.Running)
}

// Events that come late, in another order than they happened, do not turn back
// what later ones said.
func testEventsLate(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1)
	id := w.deploy(v1, left)
	at := func(e spec.Event, n uint64) { e.Sequence = n; w.apply(e) }
	at(step(left, id, v1, spec.StepStart, spec.StepStarted), 50)
	at(step(left, id, v1, spec.StepFetch, spec.StepSucceeded), 40)
	w.same(w.deployment(id).Devices[0].Step, spec.StepStart)
	at(outcome(left, id, v1, spec.DeploymentSucceeded, ""), 60)
	at(step(left, id, v1, spec.StepSwitch, spec.StepStarted), 55)
	w.deploymentIs(id, spec.DeploymentSucceeded)
	v, err := s.Version(w.ctx, app, v1)
	w.check(err)
	w.same(v.Reported, "start: started")
	at(state(left, v1, spec.Stopped), 80)
	at(state(left, v1, spec.Running), 70)
	w.same(w.placement(left).State, spec.Stopped)

	// A device whose journal was lost counts from elsewhere.
	at(state(left, v1, spec.Restarting), 1_000_000)
	at(state(left, v1, spec.Running), 7)
	w.same(w.placement(left).State, spec.Running)
}

// Events about what the database does not know are stored, and that is all.
func testEventsOfNothing(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1, v2)
	id := w.up()
	before := w.placement(left)
	other := outcome(left, id, v2, spec.DeploymentFailed, "a version that is not the deployment's")
	nameless := outcome(left, id, "", spec.DeploymentFailed, "")
	nameless.Application = ""
	unknown := outcome(left, 999, v1, spec.DeploymentFailed, "")
	foreign := outcome(right, id, v1, spec.DeploymentFailed, "right was never asked")
	stranger := state("stranger", v1, spec.Running)
	odd := spec.Event{Device: left, Kind: "weather", Status: "rain", Message: "not known to this server"}
	for _, e := range []spec.Event{other, nameless, unknown, foreign, stranger, odd} {
		w.tell(e)
	}
	w.same(w.placement(left), before)
	w.deploymentIs(id, spec.DeploymentSucceeded)
	w.versionIs(v1, spec.VersionDeployed, true)
	w.versionIs(v2, spec.VersionStored, false)
	all, err := s.Events(w.ctx, store.EventQuery{})
	w.check(err)
	if len(all) != 9 {
		t.Fatalf("%d events stored, want 9", len(all))
	}
	last, err := s.LastEvents(w.ctx, store.EventQuery{}, 3)
	w.check(err)
	w.same(last, all[6:])
	last, err = s.LastEvents(w.ctx, store.EventQuery{Device: "stranger"}, 3)
	w.check(err)
	if len(last) != 1 || last[0].Device != "stranger" {
		t.Fatalf("the last events of one device: %v", last)
	}
	for _, e := range []spec.Event{{Device: "no such form!", Sequence: 1}, {Device: left}, {Device: left, Sequence: 1 << 63}} {
		_, _, err := s.ApplyEvent(w.ctx, e)
		w.refused(err, fail.Invalid)
	}
}

// One event that could never be stored would hold back all behind it.
func testEventsThatCannotBeStored(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1)
	id := w.deploy(v1, left)
	e := outcome(left, id, v1, spec.DeploymentFailed, "a\x00b\xffc"+strings.Repeat("long ", 100_000))
	e.Path, e.Hint, e.LastLogs = "\x00", "\xc3", []string{"\x00\xff"}
	w.tell(e)
	w.deploymentIs(id, spec.DeploymentFailed)
	if got := w.placement(left).Message; !strings.HasPrefix(got, "a\ufffdb\ufffdc") {
		t.Fatalf("the message begins %.20q", got)
	}
	e = state(left, "1.0\x00", "odd\x00")
	e.Application = "na\x00me"
	w.tell(e)
	e = step(left, id, "\xff", "\x00", "\x00")
	e.Kind = "\x00"
	w.tell(e)
}

func testEventQueries(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1)
	id := w.deploy(v1, left, right)
	sent := w.tell(outcome(left, id, v1, spec.DeploymentSucceeded, "as it was"))
	w.tell(outcome(right, id, v1, spec.DeploymentSucceeded, ""))
	w.tell(state(left, v1, spec.Running))
	w.tell(spec.Event{Device: right, Kind: spec.EventDevice})
	count := func(q store.EventQuery) []store.StoredEvent {
		t.Helper()
		all, err := s.Events(w.ctx, q)
		w.check(err)
		for i := 1; i < len(all); i++ {
			if all[i].ID <= all[i-1].ID {
				t.Fatalf("not ascending: %+v", all)
			}
		}
		return all
	}
	all := count(store.EventQuery{})
	sent.Time = time.Date(2026, 1, 1, 0, 0, int(sent.Sequence), 0, time.UTC)
	w.same(all[0].Event, sent)
	for i, c := range []struct {
		q    store.EventQuery
		want int
	}{
		{store.EventQuery{}, 4}, {store.EventQuery{Limit: 3}, 3}, {store.EventQuery{After: all[1].ID}, 2},
		{store.EventQuery{Deployment: id}, 2}, {store.EventQuery{Application: app}, 3}, {store.EventQuery{Device: right}, 2},
		{store.EventQuery{Device: right, Deployment: id, Application: app}, 1}, {store.EventQuery{Application: "none"}, 0},
	} {
		if got := count(c.q); len(got) != c.want {
			t.Errorf("query %d gives %d events, want %d", i, len(got), c.want)
		}
	}
	w.check(s.PruneEvents(w.ctx, 1))
	left := count(store.EventQuery{})
	if len(left) != 1 || left[0].ID != all[3].ID {
		t.Fatalf("after forgetting: %+v", left)
	}
}
