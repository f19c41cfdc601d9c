package engine

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/device/runtimes"
	"fescue.dev/fescue/device/runtimes/python"
	"fescue.dev/fescue/spec"
)

// tmpfs puts a file system of so many bytes on a directory of the device.
func tmpfs(t *testing.T, dir, size string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=711,size="+size); err != nil {
		t.Skipf("mounting a small file system needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// noise is text that does not get smaller when it is packed.
func noise(t *testing.T, bytes int) string {
	t.Helper()
	random := make([]byte, bytes/2)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(random)
}

// A disk that is full when a version is unpacked, or fetched, fails that deployment with
// words that help, leaves the version before, and is no harm once there is room.
func TestDiskFull(t *testing.T) {
	for _, c := range []struct {
		place string
		step  spec.Step
	}{{"apps", spec.StepUnpack}, {"fetch", spec.StepFetch}, {"artifacts", spec.StepFetch}} {
		t.Run(c.place, func(t *testing.T) {
			d := newDevice(t, func(o *Options) { tmpfs(t, filepath.Join(o.Dir, c.place), "1m") })
			d.apply(d.function(t, 1, "app", "1.0.0", "def handle(e, c):\n    return 'old'\n", ""))
			d.succeeds(t, 1)
			files := map[string]string{"f.py": echo, "data/large": noise(t, 3<<20)}
			d.apply(d.app(t, 2, "name: app\nversion: 1.1.0\nruntime: python\nhandler: f.handle\n", files))
			e := d.outcome(t, 2)
			if e.Status != string(spec.DeploymentFailed) || e.Step != c.step || !strings.Contains(e.Message, "no space left") || !strings.Contains(strings.ToLower(e.Hint), "free some space") {
				t.Errorf("%s at %s: %s (%s)", e.Status, e.Step, e.Message, e.Hint)
			}
			d.answers(t, "app", "0", "old")
			d.leaves(t, "1.0.0")
			d.apply(d.function(t, 3, "app", "1.2.0", "def handle(e, c):\n    return 'new'\n", ""))
			d.succeeds(t, 3)
			d.answers(t, "app", "0", "new")
		})
	}
}

// withIndex has pip ask an index.
func withIndex(t *testing.T, url string) func(*Options) {
	return func(o *Options) {
		i := slices.IndexFunc(o.Runtimes, func(r runtimes.Runtime) bool { return r.Name() == "python" })
		p, err := python.New(python.Options{
			Dir: filepath.Join(o.Dir, "envs"), SDK: filepath.Join(o.Dir, "sdk", "python"), Log: o.Log,
			Environment: []string{"PIP_INDEX_URL=" + url, "PIP_RETRIES=0", "PIP_TIMEOUT=2"},
		})
		if err != nil {
			t.Fatal(err)
		}
		o.Runtimes[i] = p
	}
}

// A requirement that nothing satisfies fails with pip's own reason: an index that has no such
// package, one that cannot be reached, and no network but wheels of another package.
func TestUnsatisfiable(t *testing.T) {
	empty := httptest.NewServer(http.NotFoundHandler())
	defer empty.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	for what, url := range map[string]string{"empty index": empty.URL, "no index there": closed.URL} {
		t.Run(what, func(t *testing.T) {
			d := newDevice(t, withIndex(t, url))
			d.apply(d.app(t, 1, "name: app\nversion: 1.0.0\nruntime: python\nhandler: f.handle\ndependencies: {requirements: requirements.txt}\n",
				map[string]string{"f.py": echo, "requirements.txt": "no-such-thing==1.0\n"}))
			e := d.outcome(t, 1)
			if e.Status != string(spec.DeploymentFailed) || e.Step != spec.StepDependencies || !strings.Contains(e.Message, "no-such-thing==1.0") || e.Hint == "" {
				t.Errorf("%s at %s: %s (%s)", e.Status, e.Step, e.Message, e.Hint)
			}
			if left := append(d.files(t, "envs/.tmp*"), d.files(t, "apps/app/versions/*")...); len(left) > 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}
