package agent

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fescue.dev/fescue/fabric"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

func TestRegistersAndApplies(t *testing.T) {
	w := newWorld(t)
	w.api.set(func(a *api) { a.failures = 3 }) // the server is not up yet
	w.run(t)
	if d := w.applied(t); d.Revision != 1 {
		t.Errorf("applied %+v", d)
	}
	w.api.set(func(a *api) {
		want := []spec.Device{{ID: "kitchen", Platform: "linux/amd64", Agent: "1.2.3", Facts: map[string]string{"kernel": "6"}}}
		if d := cmp.Diff(want, a.registered); d != "" {
			t.Error(d)
		}
	})
}

func TestHintIsFollowedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.run(t)
	w.applied(t)
	w.api.revision(2)
	if err := fabric.Hint(w.server, "kitchen"); err != nil {
		t.Fatal(err)
	}
	if d := w.applied(t); d.Revision != 2 {
		t.Errorf("applied %+v", d)
	}
}

func TestHintEndsAPauseAfterFailure(t *testing.T) {
	w := newWorld(t)
	w.run(t)
	w.applied(t)
	w.api.set(func(a *api) { a.down = true })
	if err := fabric.Hint(w.server, "kitchen"); err != nil {
		t.Fatal(err)
	}
	w.api.set(func(a *api) { a.down, a.desired.Revision = false, 2 })
	if d := w.applied(t); d.Revision != 2 {
		t.Errorf("applied %+v", d)
	}
}

func TestLostHintIsMadeUpFor(t *testing.T) {
	w := newWorld(t)
	w.options.Period = 10 * time.Millisecond
	w.run(t)
	w.applied(t)
	w.api.revision(2)
	if d := w.applied(t); d.Revision != 2 {
		t.Errorf("applied %+v", d)
	}
}

func TestStaleAndEqualAreNotApplied(t *testing.T) {
	w := newWorld(t)
	w.options.Period = 5 * time.Millisecond
	w.api.revision(5)
	w.run(t)
	w.applied(t)
	w.asked(t, 2)
	w.api.revision(4)
	w.asked(t, 2)
	w.api.set(func(a *api) { a.desired = spec.Desired{Device: "attic", Revision: 9} })
	w.asked(t, 2)
	w.api.set(func(a *api) { a.desired = spec.Desired{Device: "kitchen", Revision: 6} })
	if d := w.applied(t); d.Revision != 6 {
		t.Errorf("applied %+v", d)
	}
}

func TestStartsWithoutServer(t *testing.T) {
	w := newWorld(t)
	w.api.set(func(a *api) {
		a.desired.Revision = 7
		a.desired.Applications = []spec.DesiredApplication{{Name: "roots", Version: "1.0.0", State: spec.Running}}
	})
	stop := w.run(t)
	first := w.applied(t)
	stop()

	w.api.set(func(a *api) { a.down = true })
	w.run(t)
	if d := cmp.Diff(first, w.applied(t)); d != "" {
		t.Error(d)
	}
	w.api.set(func(a *api) { a.down, a.desired.Revision = false, 8 })
	if d := w.applied(t); d.Revision != 8 {
		t.Errorf("applied %+v", d)
	}
	// Nothing is left over of the writing.
	files, err := filepath.Glob(filepath.Join(w.options.Dir, ".*"))
	if err != nil || len(files) != 0 {
		t.Error(files, err)
	}
}

func TestUselessCacheIsIgnored(t *testing.T) {
	for name, text := range map[string]string{
		"cut off":        `{"device": "kitchen", "rev`,
		"another device": `{"device": "attic", "revision": 100}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if err := os.WriteFile(cachePath(w.options.Dir), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			w.run(t)
			if d := w.applied(t); d.Revision != 1 {
				t.Errorf("applied %+v", d)
			}
		})
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	w := newWorld(t)
	w.options.Dir = filepath.Join(w.options.Dir, "file", "below")
	if err := os.WriteFile(filepath.Dir(w.options.Dir), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.run(t)
	if d := w.applied(t); d.Revision != 1 {
		t.Errorf("applied %+v", d)
	}
}

func TestForgottenDeviceRegistersAgain(t *testing.T) {
	w := newWorld(t)
	w.options.Period = 5 * time.Millisecond
	w.run(t)
	w.applied(t)
	w.api.set(func(a *api) { a.registered = nil })
	eventually(t, "it registers again", func() (again bool) {
		w.api.set(func(a *api) { again = len(a.registered) == 1 })
		return again
	})
}

func TestAlive(t *testing.T) {
	w := newWorld(t)
	alive := make(chan spec.DeviceID, 100)
	stop, err := fabric.OnAlive(w.server, func(d spec.DeviceID) { alive <- d })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	w.options.Alive = 5 * time.Millisecond
	w.run(t)
	for range 3 {
		if d := <-alive; d != "kitchen" {
			t.Errorf("%q is alive", d)
		}
	}
}

func TestEndsWhileTheServerHangs(t *testing.T) {
	w := newWorld(t)
	w.api.set(func(a *api) { a.hang = true })
	stop := w.run(t)
	eventually(t, "it serves", func() bool {
		_, err := fabric.Call[fabric.StatusCall, fabric.StatusReply](t.Context(), w.server, "kitchen", fabric.VerbStatus, fabric.StatusCall{})
		return err == nil
	})
	begin := time.Now()
	stop()
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("took %v to end", took)
	}
}

func TestWorksWithoutFabric(t *testing.T) {
	w := newWorld(t)
	w.options.Period = 10 * time.Millisecond
	w.options.Control.Close()
	stop := w.run(t)
	w.applied(t)
	w.api.revision(2)
	w.applied(t)
	stop()
}

func TestOptionsAreChecked(t *testing.T) {
	if _, err := New(Options{Device: "kitchen"}); !fail.Is(err, fail.Invalid) {
		t.Errorf("got %v", err)
	}
}

func TestPausesGrowAndStayBounded(t *testing.T) {
	if got := pauseAfter(1); got != firstPause {
		t.Errorf("first pause %v", got)
	}
	for n := 1; n < 100; n++ {
		if p := pauseAfter(n); p < firstPause || p > longestPause || p > pauseAfter(n+1) {
			t.Errorf("pause %d is %v", n, p)
		}
		if j := jitter(time.Second); j < 900*time.Millisecond || j > 1100*time.Millisecond {
			t.Errorf("jitter %v", j)
		}
	}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}
