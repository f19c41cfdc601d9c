package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fescue.dev/fescue/spec"
)

// A service whose health command fails is started again, which is told, and is well when it succeeds.
func TestHealthCommand(t *testing.T) {
	d := newDevice(t)
	d.apply(d.service(t, 1, "app", "1.0.0", "echo $$ >> $FESCUE_DATA/starts; exec sleep 1000", "health: {command: 'test ! -e $FESCUE_DATA/ill', interval: 200ms, failures: 2}\n"))
	d.succeeds(t, 1)
	data := filepath.Join(d.dir, "apps/app/data")
	starts := func() int {
		text, _ := os.ReadFile(filepath.Join(data, "starts")) // it may not be there yet
		return strings.Count(string(text), "\n")
	}
	eventually(t, "it has started", func() bool { return starts() == 1 })
	seen := len(d.events.Events())
	if err := os.WriteFile(filepath.Join(data, "ill"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	e := d.event(t, "it is unhealthy", func(e spec.Event) bool {
		return e.Sequence > uint64(seen) && e.Kind == spec.EventApplication && strings.Contains(e.Message, "unhealthy")
	})
	if e.Status != string(spec.Restarting) || !strings.Contains(e.Message, "exited with status 1") {
		t.Errorf("%s: %s", e.Status, e.Message)
	}
	eventually(t, "it is started again", func() bool { return starts() >= 2 })
	if err := os.Remove(filepath.Join(data, "ill")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is well", func() bool { return d.engine.Status()[0].State == spec.Running })
	if !strings.Contains(d.output(t, "app"), "health check: failure 1 of 2") {
		t.Errorf("the log does not tell:\n%s", d.output(t, "app"))
	}
}

// A function is asked by its handler: a worker that has become useless is replaced.
func TestHealthHandler(t *testing.T) {
	d := newDevice(t)
	code := "import os\nme = os.urandom(4).hex()\nill = False\ndef handle(event, context):\n    global ill\n    if context.type == 'fescue.health':\n        if ill: raise RuntimeError('no sensor')\n        return None\n    ill = ill or event == 'ill'\n    return me\n"
	d.apply(d.function(t, 1, "app", "1.0.0", code, "health: {interval: 200ms, failures: 2}\n"))
	d.succeeds(t, 1)
	first, err := d.invoke(t, "app", `"ill"`)
	if err != nil {
		t.Fatal(err)
	}
	d.event(t, "it is unhealthy", func(e spec.Event) bool {
		return e.Kind == spec.EventApplication && strings.Contains(e.Message, "no sensor")
	})
	eventually(t, "another worker answers", func() bool {
		out, err := d.invoke(t, "app", `"who"`)
		return err == nil && out != first
	})
	eventually(t, "it is well", func() bool { return d.engine.Status()[0].State == spec.Running })
}
