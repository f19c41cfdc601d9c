package storetest

import (
	"fmt"
	"sync"
	"testing"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// together runs f n times at once.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func testConcurrentVersions(t *testing.T, s *store.Store) {
	w := newWorld(t, s)
	const n = 16
	created, errs := make([]bool, n), make([]error, n)
	together(n, func(i int) {
		_, created[i], errs[i] = s.CreateVersion(w.ctx, configuration(app, v1), fmt.Sprint("text ", i%2), w.artifact)
	})
	var first, refused int
	for i := range n {
		switch {
		case created[i]:
			first++
		case fail.Is(errs[i], fail.Conflict):
			refused++
		case errs[i] != nil:
			t.Fatal(errs[i])
		}
	}
	if first != 1 || refused != n/2 {
		t.Fatalf("%d created and %d refused, want 1 and %d", first, refused, n/2)
	}
}

// Two command lines deploy the same name at once: all succeed, one is in force,
// all others are superseded.
func testConcurrentDeployments(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1, v2)
	const n = 12
	ids, errs := make([]spec.DeploymentID, n), make([]error, n)
	together(n, func(i int) {
		version, devices := v1, []spec.DeviceID{left, right}
		if i%2 == 1 {
			version, devices = v2, []spec.DeviceID{right, left}
		}
		var d spec.Deployment
		d, errs[i] = s.CreateDeployment(w.ctx, app, version, devices)
		ids[i] = d.ID
	})
	var last spec.DeploymentID
	for i := range n {
		w.check(errs[i])
		last = max(last, ids[i])
	}
	for _, id := range ids {
		want := spec.DeploymentSuperseded
		if id == last {
			want = spec.DeploymentQueued
		}
		w.deploymentIs(id, want)
	}
	for _, d := range []spec.DeviceID{left, right} {
		w.desiredIs(d, w.deployment(last).Version, last, spec.Running)
	}
}

func testConcurrentEvents(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1)
	id := w.deploy(v1, left)
	const n, each = 30, 3
	applied := make([]bool, n*each)
	errs := make([]error, n*each)
	together(n*each, func(i int) {
		e := step(left, id, v1, spec.StepFetch, spec.StepStarted)
		e.Sequence = uint64(1 + i%n)
		if i%2 == 0 {
			e.Application = "" // takes no lock of an application
		}
		_, applied[i], errs[i] = s.ApplyEvent(w.ctx, e)
	})
	count := 0
	for i := range applied {
		w.check(errs[i])
		if applied[i] {
			count++
		}
	}
	all, err := s.Events(w.ctx, store.EventQuery{})
	w.check(err)
	if count != n || len(all) != n {
		t.Fatalf("%d applied, %d stored; want %d", count, len(all), n)
	}
}

// Whatever happens at once, nothing locks up and what is kept agrees.
func testConcurrentEverything(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1, v2)
	const workers, rounds = 6, 12
	errs := make([]error, workers)
	together(workers, func(i int) {
		for r := range rounds {
			if err := anything(w, i, r); err != nil && errs[i] == nil {
				errs[i] = err
			}
		}
	})
	for _, err := range errs {
		w.check(err)
	}
	checkInvariants(w.T, w.s)
}

// anything makes one of all changes; a refusal for what another worker did is none.
func anything(w *world, worker, round int) error {
	version := []spec.Version{v1, v2}[round%2]
	var err error
	switch (worker + round) % 6 {
	case 0:
		_, err = w.s.CreateDeployment(w.ctx, app, version, []spec.DeviceID{left, right})
	case 1:
		_, err = w.s.SetDesired(w.ctx, app, spec.Stopped)
	case 2:
		list, listErr := w.s.Deployments(w.ctx, app, store.Page{Limit: 1})
		if listErr != nil || len(list.Items) == 0 {
			return listErr
		}
		_, _, err = w.s.CancelDeployment(w.ctx, list.Items[0].ID)
	case 3:
		d, readErr := w.s.Desired(w.ctx, left)
		if readErr != nil || len(d.Applications) == 0 {
			return readErr
		}
		a := d.Applications[0]
		e := outcome(left, a.Deployment, a.Version, []spec.DeploymentStatus{spec.DeploymentSucceeded, spec.DeploymentFailed}[round%2], "")
		e.Sequence = uint64(worker*1000 + round + 1)
		_, _, err = w.s.ApplyEvent(w.ctx, e)
	case 4:
		_, err = w.s.RemoveApplication(w.ctx, app)
	default:
		_, err = w.s.Applications(w.ctx, "", store.Page{})
	}
	if fail.Is(err, fail.NotFound) || fail.Is(err, fail.Conflict) {
		return nil
	}
	return err
}

// TwoServers has two servers work on one database, which must be empty.
func TwoServers(t *testing.T, one, other *store.Store) {
	w := newWorld(t, one, v1, v2)
	servers := []*store.Store{one, other}
	errs := make([]error, 8)
	together(len(errs), func(i int) {
		mine := *w
		mine.s = servers[i%2]
		for r := range 8 {
			if err := anything(&mine, i, r); err != nil && errs[i] == nil {
				errs[i] = err
			}
		}
	})
	for _, err := range errs {
		w.check(err)
	}
	checkInvariants(t, other)
}
