package storetest

import (
	"testing"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

func testDeploy(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1)
	w.versionIs(v1, spec.VersionStored, false)
	_, _, _, before := w.desired(left)
	id := w.deploy(v1, left)
	w.desiredIs(left, v1, id, spec.Running)
	if _, _, _, after := w.desired(left); after <= before {
		t.Fatalf("the revision went from %d to %d", before, after)
	}
	w.deploymentIs(id, spec.DeploymentQueued)
	w.versionIs(v1, spec.VersionDeploying, false)
	w.same(w.placement(left), spec.Placement{Device: left, Name: app, Version: v1, Desired: spec.Running, Deployment: id, State: spec.Deploying})

	for _, one := range spec.Steps() {
		w.tell(step(left, id, v1, one, spec.StepStarted))
		done := step(left, id, v1, one, spec.StepSucceeded)
		if one == spec.StepUnpack {
			done.Path = "/apps/roots"
		}
		w.tell(done)
		d := w.deployment(id)
		if d.Status != spec.DeploymentRunning || d.Devices[0].Step != one {
			t.Fatalf("at %s it is %s at %s", one, d.Status, d.Devices[0].Step)
		}
		v, err := s.Version(w.ctx, app, v1)
		w.check(err)
		w.same(v.Reported, string(one)+": succeeded")
	}
	w.tell(outcome(left, id, v1, spec.DeploymentSucceeded, ""))
	w.tell(state(left, v1, spec.Running))
	w.deploymentIs(id, spec.DeploymentSucceeded)
	w.versionIs(v1, spec.VersionDeployed, true)
	v, err := s.Version(w.ctx, app, v1)
	w.check(err)
	w.same(v.ExtractedPath, "/apps/roots")
	w.same(w.placement(left), spec.Placement{Device: left, Name: app, Version: v1, Desired: spec.Running, Deployment: id, State: spec.Running, Actual: v1})
	w.desiredIs(left, v1, id, spec.Running)
}

func testDeployRefused(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1)
	for _, c := range []struct {
		version spec.Version
		devices []spec.DeviceID
		kind    fail.Kind
	}{
		{"7.7.7", []spec.DeviceID{left}, fail.NotFound},
		{v1, []spec.DeviceID{left, "none"}, fail.NotFound},
		{v1, nil, fail.Invalid},
	} {
		_, err := s.CreateDeployment(w.ctx, app, c.version, c.devices)
		w.refused(err, c.kind)
	}
	w.desiredIs(left, "", 0, "")
	w.versionIs(v1, spec.VersionStored, false)
	list, err := s.Deployments(w.ctx, "", store.Page{})
	w.check(err)
	if len(list.Items) != 0 {
		t.Fatalf("a refused deployment is there: %+v", list.Items)
	}
	w.refused(second(s.Deployment(w.ctx, 1)), fail.NotFound)
	w.refused(second(second2(s.CancelDeployment(w.ctx, 1))), fail.NotFound)
}

func testDeployToSeveral(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1, v2)
	id := w.deploy(v1, right, left, right)
	d := w.deployment(id)
	if len(d.Devices) != 2 || d.Devices[0].Device != left || d.Devices[1].Device != right {
		t.Fatalf("devices: %+v", d.Devices)
	}
	w.tell(outcome(left, id, v1, spec.DeploymentSucceeded, ""))
	w.deploymentIs(id, spec.DeploymentRunning)
	w.versionIs(v1, spec.VersionDeploying, false)
	w.tell(outcome(right, id, v1, spec.DeploymentFailed, "no space"))
	w.deploymentIs(id, spec.DeploymentFailed)
	w.versionIs(v1, spec.VersionDeployed, true) // left has it
	w.same(w.deployment(id).Devices[1].Message, "no space")
	w.same(w.placement(right).State, spec.Failed)

	id = w.deploy(v2, right)
	w.versionIs(v1, spec.VersionDeployed, true)
	w.tell(outcome(right, id, v2, spec.DeploymentSucceeded, ""))
	w.versionIs(v1, spec.VersionDeployed, true)
	w.versionIs(v2, spec.VersionDeployed, true)
}

func testFailureGoesBack(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1, v2)
	good := w.up()
	bad := w.deploy(v2, left)
	w.versionIs(v1, spec.VersionDeployed, true) // it still runs
	w.tell(step(left, bad, v2, spec.StepHealthy, spec.StepFailed))
	_, _, _, before := w.desired(left)
	w.tell(outcome(left, bad, v2, spec.DeploymentFailed, "it exited with status 3"))
	w.desiredIs(left, v1, good, spec.Running)
	if _, _, _, after := w.desired(left); after <= before {
		t.Fatal("what should run changed, and the revision did not")
	}
	w.deploymentIs(bad, spec.DeploymentFailed)
	w.deploymentIs(good, spec.DeploymentSucceeded)
	w.versionIs(v2, spec.VersionFailed, true)
	w.versionIs(v1, spec.VersionDeployed, true)
	p := w.placement(left)
	if p.State != spec.Running || p.Actual != v1 || p.Message != "2.0.0 failed: it exited with status 3" {
		t.Fatalf("placement %+v", p)
	}
}

func testFailureWithoutGood(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1, v2)
	bad := w.deploy(v1, left)
	w.tell(outcome(left, bad, v1, spec.DeploymentFailed, "no python"))
	w.deploymentIs(bad, spec.DeploymentFailed)
	w.versionIs(v1, spec.VersionFailed, true)
	w.desiredIs(left, v1, bad, spec.Running) // the device knows not to try it again
	p := w.placement(left)
	if p.State != spec.Failed || p.Message != "no python" || p.Actual != "" {
		t.Fatalf("placement %+v", p)
	}
	w.refused(second(second2(s.CancelDeployment(w.ctx, bad))), fail.Conflict)
	again := w.deploy(v1, left)
	if p := w.placement(left); p.State != spec.Deploying || p.Message != "" {
		t.Fatalf("placement %+v", p)
	}
	w.tell(outcome(left, again, v1, spec.DeploymentSucceeded, ""))
	w.versionIs(v1, spec.VersionDeployed, true)
	w.deploymentIs(bad, spec.DeploymentFailed)
}

func testFailureRestoresStopped(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1, v2)
	good := w.up()
	w.check(second(s.SetDesired(w.ctx, app, spec.Stopped)))
	w.tell(state(left, v1, spec.Stopped))
	bad := w.deploy(v2, left)
	w.desiredIs(left, v2, bad, spec.Running)
	w.tell(outcome(left, bad, v2, spec.DeploymentFailed, ""))
	w.desiredIs(left, v1, good, spec.Stopped)
	w.same(w.placement(left).State, spec.Stopped)

	// Who stops it while another version is on its way means whatever comes.
	w.check(second(s.SetDesired(w.ctx, app, spec.Running)))
	w.tell(state(left, v1, spec.Running))
	bad = w.deploy(v2, left)
	w.check(second(s.SetDesired(w.ctx, app, spec.Stopped)))
	w.desiredIs(left, v2, bad, spec.Stopped)
	w.tell(outcome(left, bad, v2, spec.DeploymentFailed, ""))
	w.desiredIs(left, v1, good, spec.Stopped)
}

func testSupersede(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1, v2)
	first := w.deploy(v1, left, right)
	w.tell(step(left, first, v1, spec.StepFetch, spec.StepStarted))
	second := w.deploy(v2, left)
	w.deploymentIs(first, spec.DeploymentRunning) // right still waits for it
	w.versionIs(v1, spec.VersionDeploying, false)
	w.same(w.deployment(first).Devices[0].Status, spec.DeploymentSuperseded)
	third := w.deploy(v2, right)
	w.deploymentIs(first, spec.DeploymentSuperseded)
	w.versionIs(v1, spec.VersionRetired, true)

	// What the device still says of the old one changes nothing of the new.
	w.tell(step(left, first, v1, spec.StepStart, spec.StepStarted))
	w.tell(outcome(left, first, v1, spec.DeploymentFailed, "too late"))
	w.deploymentIs(first, spec.DeploymentSuperseded)
	w.desiredIs(left, v2, second, spec.Running)
	w.same(w.placement(left).State, spec.Deploying)
	w.tell(outcome(left, second, v2, spec.DeploymentSucceeded, ""))
	w.tell(outcome(right, third, v2, spec.DeploymentSucceeded, ""))
	w.versionIs(v2, spec.VersionDeployed, true)
}

// A device can finish a deployment at the moment another takes over.
func testSupersededCameUp(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1, v2)
	first := w.deploy(v1, left)
	newer := w.deploy(v2, left)
	w.tell(outcome(left, first, v1, spec.DeploymentSucceeded, ""))
	w.desiredIs(left, v2, newer, spec.Running)
	w.versionIs(v1, spec.VersionDeployed, true)
	w.same(w.placement(left).Actual, v1)
	w.tell(outcome(left, newer, v2, spec.DeploymentFailed, "broken"))
	w.desiredIs(left, v1, first, spec.Running)
	w.same(w.placement(left).State, spec.Running)
}

func testCancelFirst(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1)
	id := w.deploy(v1, left, right)
	w.tell(outcome(right, id, v1, spec.DeploymentSucceeded, ""))
	_, devices, err := s.CancelDeployment(w.ctx, id)
	w.check(err)
	w.same(devices, []spec.DeviceID{left})
	w.deploymentIs(id, spec.DeploymentCanceled)
	w.desiredIs(left, v1, id, spec.Removed)
	w.desiredIs(right, v1, id, spec.Running)
	w.versionIs(v1, spec.VersionDeployed, true)
	w.tell(outcome(left, id, v1, spec.DeploymentCanceled, ""))
	w.tell(state(left, "", spec.Removed))
	w.desiredIs(left, "", 0, "")
	w.same(w.placement(left), spec.Placement{})
	w.refused(second(second2(s.CancelDeployment(w.ctx, id))), fail.Conflict)
}

func testCancelGoesBack(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1, v2)
	good := w.up()
	id := w.deploy(v2, left)
	d, _, err := s.CancelDeployment(w.ctx, id)
	w.check(err)
	w.same(d.Status, spec.DeploymentCanceled)
	w.desiredIs(left, v1, good, spec.Running)
	w.versionIs(v2, spec.VersionRetired, true)
	w.versionIs(v1, spec.VersionDeployed, true)
	w.tell(outcome(left, id, v2, spec.DeploymentCanceled, ""))
	w.desiredIs(left, v1, good, spec.Running)
	w.same(w.placement(left).State, spec.Running)
}

func testStopAndStart(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1)
	w.refused(second(s.SetDesired(w.ctx, app, spec.Stopped)), fail.NotFound)
	id := w.up()
	w.refused(second(s.SetDesired(w.ctx, app, spec.Removed)), fail.Invalid)
	devices, err := s.SetDesired(w.ctx, app, spec.Stopped)
	w.check(err)
	w.same(devices, []spec.DeviceID{left})
	w.desiredIs(left, v1, id, spec.Stopped)
	w.same(w.placement(left).State, spec.Running) // until the device says otherwise
	w.tell(state(left, v1, spec.Stopped))
	w.same(w.placement(left).State, spec.Stopped)
	w.versionIs(v1, spec.VersionDeployed, true)
	w.check(second(s.SetDesired(w.ctx, app, spec.Running)))
	crash := state(left, v1, spec.Failed)
	crash.Message = "exited with status 3"
	w.tell(crash)
	p := w.placement(left)
	if p.State != spec.Failed || p.Message != crash.Message || p.Desired != spec.Running {
		t.Fatalf("placement %+v", p)
	}
}

func testRemove(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1, v2)
	w.refused(second(s.RemoveApplication(w.ctx, app)), fail.NotFound)
	id := w.up()
	other := w.deploy(v2, right)
	devices, err := s.RemoveApplication(w.ctx, app)
	w.check(err)
	w.same(devices, []spec.DeviceID{left, right})
	w.desiredIs(left, v1, id, spec.Removed)
	w.deploymentIs(other, spec.DeploymentCanceled)
	w.deploymentIs(id, spec.DeploymentSucceeded)
	w.versionIs(v1, spec.VersionRetired, true)
	w.versionIs(v2, spec.VersionRetired, true)
	w.refused(s.DeleteVersion(w.ctx, app, v1), fail.Conflict) // not gone yet
	w.refused(second(s.RemoveApplication(w.ctx, app)), fail.NotFound)
	w.tell(state(left, v1, spec.Removed))
	w.tell(state(right, "", spec.Removed))
	a, err := s.Application(w.ctx, app)
	w.check(err)
	w.same(a.Placements, []spec.Placement{})
	w.check(s.DeleteVersion(w.ctx, app, v1))
	w.check(s.DeleteVersion(w.ctx, app, v2))
	w.refused(second(s.Application(w.ctx, app)), fail.NotFound)
	w.same(w.version(app, v1).Status, spec.VersionStored)
}

func testDeployWhileRemoving(t *testing.T, s *store.Store) {
	w := newWorld(t, s, v1, v2)
	w.up()
	w.check(second(s.RemoveApplication(w.ctx, app)))
	id := w.deploy(v2, left)
	w.desiredIs(left, v2, id, spec.Running)
	w.tell(state(left, v1, spec.Removed)) // of the removal before
	w.desiredIs(left, v2, id, spec.Running)
	w.same(w.placement(left).Actual, spec.Version(""))
	w.tell(outcome(left, id, v2, spec.DeploymentFailed, "broken"))
	w.desiredIs(left, v2, id, spec.Running) // v1 was removed by will: not back to it
	w.same(w.placement(left).State, spec.Failed)
	w.versionIs(v1, spec.VersionRetired, true)
}
