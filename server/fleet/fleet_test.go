package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/server/store"
	"fescue.dev/fescue/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const digest = spec.Digest("sha256:0000000000000000000000000000000000000000000000000000000000000001")

// world is a fleet on a real database, with a clock of its own.
type world struct {
	*testing.T
	*Fleet
	ctx context.Context

	mu   sync.Mutex
	told []spec.DeviceID
	time time.Time
}

// Changed notes who was told that something changed.
func (w *world) Changed(d spec.DeviceID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, d)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "fescue.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if _, _, err := s.PutArtifact(t.Context(), spec.Artifact{Digest: digest}); err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, ctx: t.Context(), time: time.Now()}
	w.Fleet = New(s, w, slog.New(slog.DiscardHandler))
	w.now = func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.time
	}
	return w
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

// device registers a device; facts are "name=value".
func (w *world) device(id spec.DeviceID, platform spec.Platform, facts ...string) {
	w.Helper()
	d := spec.Device{ID: id, Platform: platform, Facts: map[string]string{}}
	for _, f := range facts {
		name, value, _ := strings.Cut(f, "=")
		d.Facts[name] = value
	}
	if _, err := w.RegisterDevice(w.ctx, d); err != nil {
		w.Fatal(err)
	}
}

// version stores a service; more are further lines of its configuration.
func (w *world) version(name spec.Name, v spec.Version, more string) {
	w.Helper()
	text := fmt.Sprintf("name: %s\nversion: %s\nruntime: native\ncommands:\n  - run: sleep 1\n%s", name, v, more)
	d, err := spec.Read("fescue.yaml", []byte(text))
	if err != nil {
		w.Fatal(err)
	}
	if _, _, err := w.store.CreateVersion(w.ctx, d.Configuration, text, digest); err != nil {
		w.Fatal(err)
	}
}

// deploy deploys the latest version, which must succeed.
func (w *world) deploy(name spec.Name, devices ...spec.DeviceID) spec.Deployment {
	w.Helper()
	d, err := w.Deploy(w.ctx, DeployRequest{Name: name, Devices: devices})
	if err != nil {
		w.Fatal(err)
	}
	return d
}

// wantTold checks who was told since the last look.
func (w *world) wantTold(devices ...spec.DeviceID) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.Sort(w.told)
	if !slices.Equal(w.told, devices) {
		w.Errorf("told %v, want %v", w.told, devices)
	}
	w.told = nil
}

// refused checks an error's kind, what it says, and that it says what to do.
func (w *world) refused(err error, kind fail.Kind, says string) {
	w.Helper()
	if !fail.Is(err, kind) || !strings.Contains(err.Error(), says) || fail.HintOf(err) == "" {
		w.Errorf("%v (%v, hint %q), want %v with %q", err, fail.KindOf(err), fail.HintOf(err), kind, says)
	}
}

// report brings an event of a device as it happens now.
func (w *world) report(d spec.DeviceID, sequence uint64, e spec.Event) {
	w.Helper()
	e.Device, e.Sequence, e.Time = d, sequence, w.now()
	if err := w.Ingest(w.ctx, []spec.Event{e}); err != nil {
		w.Fatal(err)
	}
}

// finish has a device finish a deployment.
func (w *world) finish(d spec.DeviceID, sequence uint64, deployment spec.Deployment, status spec.DeploymentStatus) {
	w.Helper()
	w.report(d, sequence, spec.Event{
		Kind: spec.EventDeployment, Application: deployment.Name, Version: deployment.Version,
		Deployment: deployment.ID, Status: string(status), Message: "so it went",
	})
}

func TestWhichDevices(t *testing.T) {
	w := newWorld(t)
	w.version("app", "1.0.0", "")
	deploy := func(devices ...spec.DeviceID) error {
		_, err := w.Deploy(w.ctx, DeployRequest{Name: "app", Devices: devices})
		return err
	}
	w.refused(deploy(), fail.Unavailable, "no device has registered")
	w.device("left", "linux/amd64")
	if err := deploy(); err != nil {
		t.Errorf("the only device: %v", err)
	}
	w.wantTold("left")
	w.device("right", "linux/arm64")
	w.refused(deploy(), fail.Invalid, "left, right")
	w.refused(deploy("left", "nothere"), fail.NotFound, "nothere")
	w.wantTold()
	if err := deploy("right", "left"); err != nil {
		t.Errorf("both: %v", err)
	}
	w.wantTold("left", "right")
	_, err := w.Deploy(w.ctx, DeployRequest{Name: "nothere"})
	w.refused(err, fail.NotFound, "nothere")
	_, err = w.Deploy(w.ctx, DeployRequest{Name: "app", Version: "9.0.0", Devices: []spec.DeviceID{"left"}})
	w.refused(err, fail.NotFound, "9.0.0")
}

// What cannot run on a device is refused before anything is sent to it.
func TestFits(t *testing.T) {
	for what, c := range map[string]struct {
		configuration string
		platform      spec.Platform
		facts         []string
		refused       string // "" if it fits
	}{
		"any linux":            {"", "linux/arm64", nil, ""},
		"its architecture":     {"platform: linux/arm64\n", "linux/arm64", nil, ""},
		"another architecture": {"platform: linux/arm64\n", "linux/amd64", nil, "linux/amd64"},
		"runtime there":        {"", "linux/amd64", []string{"runtime.native=yes"}, ""},
		"runtime missing":      {"", "linux/amd64", []string{"runtime.native="}, "native"},
		"root allowed":         {"  - {run: id, mode: root}\n", "linux/amd64", []string{"policy.root=allowed"}, ""},
		"device allowed":       {"resources: {devices: [/dev/ttyUSB0]}\n", "linux/amd64", []string{"policy.devices=/dev/video0 /dev/ttyUSB*"}, ""},
		"device denied":        {"resources: {devices: [/dev/ttyUSB0]}\n", "linux/amd64", []string{"policy.devices="}, "/dev/ttyUSB0"},
		"strict, enforced":     {"isolation: strict\n", "linux/amd64", []string{"isolation.enforced=full"}, ""},
		"strict, in part":      {"isolation: strict\n", "linux/amd64", []string{"isolation.enforced=partial: without network"}, "without network"},
		"root denied":          {"  - {run: id, mode: root}\n", "linux/amd64", []string{"policy.root=denied"}, "mode root"},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			w.device("left", c.platform, c.facts...)
			w.version("app", "1.0.0", c.configuration)
			_, err := w.Deploy(w.ctx, DeployRequest{Name: "app"})
			switch {
			case c.refused != "":
				w.refused(err, fail.Invalid, c.refused)
				w.wantTold()
				if list, err := w.store.Deployments(w.ctx, "", store.Page{}); err != nil || len(list.Items) != 0 {
					t.Errorf("a refused deployment is stored: %+v, %v", list.Items, err)
				}
			case err != nil:
				t.Error(err)
			}
		})
	}
}

func TestDependencies(t *testing.T) {
	w := newWorld(t)
	w.device("left", "linux/amd64")
	w.version("base", "1.5.0", "")
	w.version("app", "1.0.0", "dependencies: {applications: {base: '>=1.2 <2'}}\n")
	deploy := func(name spec.Name, v spec.Version) error {
		_, err := w.Deploy(w.ctx, DeployRequest{Name: name, Version: v})
		return err
	}
	w.refused(deploy("app", ""), fail.Invalid, "base >=1.2 <2")
	w.deploy("base")
	if err := deploy("app", ""); err != nil {
		t.Errorf("with base 1.5.0: %v", err)
	}
	w.version("base", "2.0.0", "")
	w.deploy("base")
	w.refused(deploy("app", ""), fail.Invalid, "base >=1.2 <2")
	if err := deploy("base", "1.5.0"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Stop(w.ctx, "base"); err != nil {
		t.Fatal(err)
	}
	w.refused(deploy("app", ""), fail.Invalid, "base")
}

func TestStopStartRemove(t *testing.T) {
	w := newWorld(t)
	w.device("left", "linux/amd64")
	w.device("right", "linux/amd64")
	w.version("app", "1.0.0", "")
	for _, f := range []func(context.Context, spec.Name) (spec.Application, error){w.Stop, w.Start} {
		_, err := f(w.ctx, "app")
		w.refused(err, fail.NotFound, "app")
	}
	w.refused(w.Remove(w.ctx, "app"), fail.NotFound, "app")
	d := w.deploy("app", "left", "right")
	w.finish("left", 1, d, spec.DeploymentSucceeded)
	w.finish("right", 1, d, spec.DeploymentFailed)
	w.wantTold("left", "right")

	a, err := w.Stop(w.ctx, "app")
	if err != nil || a.Placements[0].Desired != spec.Stopped || a.Placements[1].Desired != spec.Stopped {
		t.Errorf("stopped: %+v, %v", a, err)
	}
	w.wantTold("left", "right")

	// What never came up on right is deployed there again; left only starts.
	a, err = w.Start(w.ctx, "app")
	if err != nil || a.Placements[0].Deployment != d.ID || a.Placements[1].Deployment == d.ID || a.Placements[1].State != spec.Deploying {
		t.Errorf("started: %+v, %v", a, err)
	}
	w.wantTold("left", "right")

	if err := w.Remove(w.ctx, "app"); err != nil {
		t.Error(err)
	}
	w.wantTold("left", "right")
	desired, err := w.Desired(w.ctx, "left")
	if err != nil || len(desired.Applications) != 1 || desired.Applications[0].State != spec.Removed {
		t.Errorf("desired: %+v, %v", desired, err)
	}
}

func TestCancel(t *testing.T) {
	w := newWorld(t)
	w.device("left", "linux/amd64")
	w.version("app", "1.0.0", "")
	d := w.deploy("app")
	w.wantTold("left")
	got, err := w.Cancel(w.ctx, d.ID)
	if err != nil || got.Status != spec.DeploymentCanceled {
		t.Errorf("%+v, %v", got, err)
	}
	w.wantTold("left")
	_, err = w.Cancel(w.ctx, d.ID)
	if !fail.Is(err, fail.Conflict) {
		t.Error(err)
	}
	w.wantTold()
}

func TestConnected(t *testing.T) {
	w := newWorld(t)
	connected := func() bool {
		t.Helper()
		one, err := w.Device(w.ctx, "left")
		all, err2 := w.Devices(w.ctx, store.Page{})
		if err != nil || err2 != nil || len(all.Items) != 1 || all.Items[0].Connected != one.Connected {
			t.Fatalf("%+v, %v; %+v, %v", one, err, all, err2)
		}
		return one.Connected
	}
	w.device("left", "linux/amd64")
	if !connected() {
		t.Error("it has just registered")
	}
	w.pass(20 * time.Second)
	if connected() {
		t.Error("nothing was heard for 20 s")
	}
	w.Heard("left")
	if !connected() {
		t.Error("it was heard")
	}
	w.pass(20 * time.Second)
	w.report("left", 1, spec.Event{Kind: spec.EventDevice})
	if !connected() {
		t.Error("it reported something that happened now")
	}
	w.pass(20 * time.Second)
	old := spec.Event{Device: "left", Sequence: 2, Kind: spec.EventDevice, Time: w.now().Add(-time.Hour)}
	if err := w.Ingest(w.ctx, []spec.Event{old}); err != nil || connected() {
		t.Errorf("an event of an hour ago says nothing of now: %v", err)
	}

	// What was heard is in the database after housekeeping, for the other servers.
	w.Heard("left")
	heard := w.now()
	w.keepHouse(w.ctx)
	d, err := w.store.Device(w.ctx, "left")
	if err != nil || d.LastSeenAt.Sub(heard).Abs() > time.Second {
		t.Errorf("last seen %v, heard %v, %v", d.LastSeenAt, heard, err)
	}
}

func TestRegisterRefusesNames(t *testing.T) {
	w := newWorld(t)
	_, err := w.RegisterDevice(w.ctx, spec.Device{ID: "../x"})
	if !fail.Is(err, fail.Invalid) {
		t.Error(err)
	}
}

func TestRunEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newWorld(t).Fleet.Run(ctx); err != nil {
		t.Error(err)
	}
}
