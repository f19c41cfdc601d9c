// Package storetest is what every database of package store must pass. [Run] is
// the suite; [Agree] plays random histories on two databases at once and compares
// them after every move; [TwoServers] has two servers share one. The tests of
// server/store run all of it on SQLite and on a real PostgreSQL.
package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

// Run runs the suite. open gives an empty database that ends with the test.
func Run(t *testing.T, open func(*testing.T) *store.Store) {
	for name, test := range map[string]func(*testing.T, *store.Store){
		"Artifacts":                testArtifacts,
		"ArtifactInUse":            testArtifactInUse,
		"VersionIsImmutable":       testVersionIsImmutable,
		"VersionColumns":           testVersionColumns,
		"LatestVersion":            testLatestVersion,
		"DeleteVersion":            testDeleteVersion,
		"Devices":                  testDevices,
		"Tokens":                   testTokens,
		"Sessions":                 testSessions,
		"Credentials":              testCredentials,
		"Metrics":                  testMetrics,
		"Pages":                    testPages,
		"HeldByDevice":             testHeldByDevice,
		"Deploy":                   testDeploy,
		"DeployRefused":            testDeployRefused,
		"DeployToSeveral":          testDeployToSeveral,
		"FailureGoesBack":          testFailureGoesBack,
		"FailureWithoutGood":       testFailureWithoutGood,
		"FailureRestoresStopped":   testFailureRestoresStopped,
		"Supersede":                testSupersede,
		"SupersededCameUp":         testSupersededCameUp,
		"CancelFirst":              testCancelFirst,
		"CancelGoesBack":           testCancelGoesBack,
		"StopAndStart":             testStopAndStart,
		"Remove":                   testRemove,
		"DeployWhileRemoving":      testDeployWhileRemoving,
		"EventsOnce":               testEventsOnce,
		"EventsTogether":           testEventsTogether,
		"EventsLate":               testEventsLate,
		"EventsOfNothing":          testEventsOfNothing,
		"EventsThatCannotBeStored": testEventsThatCannotBeStored,
		"EventQueries":             testEventQueries,
		"Context":                  testContext,
		"ConcurrentVersions":       testConcurrentVersions,
		"ConcurrentDeployments":    testConcurrentDeployments,
		"ConcurrentEvents":         testConcurrentEvents,
		"ConcurrentEverything":     testConcurrentEverything,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// world is a database with what most tests need: an artifact and two devices.
type world struct {
	*testing.T
	s        *store.Store
	ctx      context.Context
	artifact spec.Digest
	sequence map[spec.DeviceID]uint64
}

const (
	app    = spec.Name("roots")
	left   = spec.DeviceID("left")
	right  = spec.DeviceID("right")
	v1, v2 = spec.Version("1.0.0"), spec.Version("2.0.0")
)

func newWorld(t *testing.T, s *store.Store, versions ...spec.Version) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	w := &world{T: t, s: s, ctx: ctx, artifact: digest(1), sequence: map[spec.DeviceID]uint64{}}
	must(t)(s.PutArtifact(ctx, spec.Artifact{Digest: w.artifact, Size: 10, Unpacked: 20, Files: 2}))
	for _, d := range []spec.DeviceID{left, right} {
		w.check(second(s.PutDevice(ctx, spec.Device{ID: d, Platform: "linux/amd64", Agent: "1"})))
	}
	for _, v := range versions {
		w.version(app, v)
	}
	return w
}

func digest(n int) spec.Digest { return spec.Digest(fmt.Sprintf("sha256:%064x", n)) }

func configuration(name spec.Name, version spec.Version) *spec.Configuration {
	return &spec.Configuration{Name: name, Version: version, Runtime: "python", Platform: "linux", Isolation: spec.IsolationSandbox,
		Handler: "roots.handle", Triggers: []spec.Trigger{{Topic: "poly/request", Reply: "poly/roots"}}}
}

// second is the error of a result; second2 makes a result of it from one with
// two values.
func second[T any](_ T, err error) error { return err }

func second2[T, U any](a T, _ U, err error) (T, error) { return a, err }

func must(t *testing.T) func(_ any, _ bool, err error) {
	return func(_ any, _ bool, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// refused checks the kind of an error.
func (w *world) refused(err error, kind fail.Kind) {
	w.Helper()
	if !fail.Is(err, kind) {
		w.Fatalf("error is %v (%v), want %v", err, fail.KindOf(err), kind)
	}
}

// same compares, and tells what differs.
func (w *world) same(got, want any) {
	w.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.Fatalf("not as wanted (-want +got):\n%s", diff)
	}
}

func (w *world) version(name spec.Name, version spec.Version) spec.ApplicationVersion {
	w.Helper()
	v, _, err := w.s.CreateVersion(w.ctx, configuration(name, version), "name: "+string(name)+" "+string(version), w.artifact)
	w.check(err)
	return v
}

func (w *world) deploy(version spec.Version, devices ...spec.DeviceID) spec.DeploymentID {
	w.Helper()
	d, err := w.s.CreateDeployment(w.ctx, app, version, devices)
	w.check(err)
	return d.ID
}

// tell applies an event with the device's next number.
func (w *world) tell(e spec.Event) spec.Event {
	w.Helper()
	w.sequence[e.Device]++
	e.Sequence = w.sequence[e.Device]
	w.apply(e)
	return e
}

func (w *world) apply(e spec.Event) {
	w.Helper()
	e.Time = time.Date(2026, 1, 1, 0, 0, int(e.Sequence), 0, time.UTC)
	w.check(second(second2(w.s.ApplyEvent(w.ctx, e))))
}

func step(d spec.DeviceID, id spec.DeploymentID, v spec.Version, s spec.Step, status spec.StepStatus) spec.Event { //nolint:unparam // as its siblings
	return spec.Event{Device: d, Kind: spec.EventStep, Application: app, Version: v, Deployment: id, Step: s, Status: string(status)}
}

func outcome(d spec.DeviceID, id spec.DeploymentID, v spec.Version, status spec.DeploymentStatus, message string) spec.Event {
	return spec.Event{Device: d, Kind: spec.EventDeployment, Application: app, Version: v, Deployment: id, Status: string(status), Message: message}
}

func state(d spec.DeviceID, v spec.Version, s spec.RunState) spec.Event {
	return spec.Event{Device: d, Kind: spec.EventApplication, Application: app, Version: v, Status: string(s)}
}

// up deploys version v1 on device left and has it come up.
func (w *world) up() spec.DeploymentID {
	w.Helper()
	id := w.deploy(v1, left)
	w.tell(step(left, id, v1, spec.StepFetch, spec.StepStarted))
	w.tell(outcome(left, id, v1, spec.DeploymentSucceeded, ""))
	w.tell(state(left, v1, spec.Running))
	return id
}

// placement is the application's placement on a device, without times.
func (w *world) placement(d spec.DeviceID) spec.Placement {
	w.Helper()
	a, err := w.s.Application(w.ctx, app)
	w.check(err)
	for _, p := range a.Placements {
		if p.Device == d {
			p.UpdatedAt = time.Time{}
			return p
		}
	}
	return spec.Placement{}
}

func (w *world) deployment(id spec.DeploymentID) spec.Deployment {
	w.Helper()
	d, err := w.s.Deployment(w.ctx, id)
	w.check(err)
	return d
}

func (w *world) deploymentIs(id spec.DeploymentID, status spec.DeploymentStatus) {
	w.Helper()
	d := w.deployment(id)
	if d.Status != status {
		w.Fatalf("deployment %d is %s, want %s: %+v", id, d.Status, status, d.Devices)
	}
	if (d.FinishedAt != nil) != d.Status.Final() {
		w.Fatalf("deployment %d is %s and was finished at %v", id, d.Status, d.FinishedAt)
	}
}

// versionIs checks a version's status and whether it is processed.
func (w *world) versionIs(v spec.Version, status spec.VersionStatus, processed bool) {
	w.Helper()
	got, err := w.s.Version(w.ctx, app, v)
	w.check(err)
	if got.Status != status || got.Processed != processed {
		w.Fatalf("version %s is %s (processed %v), want %s (%v)", v, got.Status, got.Processed, status, processed)
	}
}

// desired is what a device should run, in short: version, deployment, state.
func (w *world) desired(d spec.DeviceID) (version spec.Version, id spec.DeploymentID, state spec.RunState, revision int64) {
	w.Helper()
	all, err := w.s.Desired(w.ctx, d)
	w.check(err)
	for _, a := range all.Applications {
		if a.Name == app {
			return a.Version, a.Deployment, a.State, all.Revision
		}
	}
	return "", 0, "", all.Revision
}

func (w *world) desiredIs(d spec.DeviceID, version spec.Version, id spec.DeploymentID, state spec.RunState) {
	w.Helper()
	v, i, s, _ := w.desired(d)
	if v != version || i != id || s != state {
		w.Fatalf("%s should run %s of deployment %d, %s; want %s of %d, %s", d, v, i, s, version, id, state)
	}
}
