package engine

import (
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/spec"
)

// What the sandbox refuses is told to the server, once for many times, and stands in the
// application's log; so does that a program had to be killed.
func TestRefusalsAreReported(t *testing.T) {
	d := newDevice(t)
	if !strings.Contains(d.sandbox.Facts()["system calls"], "refusals are told") {
		t.Skip("this kernel does not tell what it refuses: ", d.sandbox.Facts()["system calls"])
	}
	const code = `import ctypes
libc = ctypes.CDLL(None)
def handle(event, context):
    for _ in range(50):
        libc.unshare(0x10000000)
    return 'tried'
`
	d.apply(d.function(t, 1, "app", "1.0.0", code, ""))
	d.succeeds(t, 1)
	d.answers(t, "app", "0", "tried")
	e := d.event(t, "the refusal", func(e spec.Event) bool { return e.Kind == spec.EventDenial })
	if e.Application != "app" || e.Version != "1.0.0" || e.Deployment != 1 || e.Message != "refused by the sandbox: system call unshare" {
		t.Errorf("%+v", e)
	}
	eventually(t, "all are counted", func() bool { return strings.Contains(d.output(t, "app"), "system call unshare (49 times)") })
	denials := 0
	for _, e := range d.events.Events() {
		if e.Kind == spec.EventDenial {
			denials++
		}
	}
	if denials != 1 {
		t.Errorf("the server was told %d times", denials)
	}
}

func TestStubbornProgram(t *testing.T) {
	d := newDevice(t)
	d.apply(d.service(t, 1, "app", "1.0.0", `"trap '' TERM; echo up; while true; do sleep 1; done"`, ""))
	d.succeeds(t, 1)
	eventually(t, "it does not heed SIGTERM", func() bool { return strings.Contains(d.output(t, "app"), "up") })
	d.apply(d.service(t, 2, "app", "1.1.0", "sleep 1000", ""))
	d.succeeds(t, 2)
	eventually(t, "why it ended is told", func() bool { return strings.Contains(d.output(t, "app"), "did not end within") })
}

// The server hears of a thing now and then, of another thing at once.
func TestRefusalsDue(t *testing.T) {
	var r refusals
	now := time.Now()
	for i, c := range []struct {
		what  string
		after time.Duration
		due   bool
	}{
		{"a", 0, true}, {"a", time.Minute, false}, {"b", time.Minute, true}, {"a", tellServerAgain, true}, {"b", tellServerAgain, false},
	} {
		if got := r.due(c.what, now.Add(c.after)); got != c.due {
			t.Errorf("%d: %s after %v: %v", i, c.what, c.after, got)
		}
	}
}
