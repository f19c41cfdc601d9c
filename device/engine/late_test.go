package engine

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// lasting handlers say that they have begun, and go on until there is a file, or they are cancelled.
const lasting = `import asyncio, os, time
DATA = os.environ['FESCUE_DATA']
def begin():
    open(DATA + '/begun', 'w').close()
def handle(event, context):
    begin()
    while not os.path.exists(DATA + '/go'):
        time.sleep(0.01)
    raise ValueError('it was too late')
async def handle_async(event, context):
    if event == 'quick':
        return 'on'
    begin()
    await asyncio.sleep(600)
`

// abandoned begins a call and lets its caller go when the handler is at it.
func (d *device) abandoned(t *testing.T, app spec.Name) {
	t.Helper()
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	done := make(chan error, 1)
	go func() {
		_, err := d.engine.Invoke(ctx, app, "", nil)
		done <- err
	}()
	eventually(t, "the handler is at it", func() bool { return len(d.files(t, filepath.Join("apps", string(app), "data", "begun"))) > 0 })
	leave()
	if err := <-done; !fail.Is(err, fail.Canceled) {
		t.Errorf("who goes away is told %v", err)
	}
}

// An exception that comes when nobody waits for it any more is in the application's log.
func TestLateException(t *testing.T) {
	d := newDevice(t)
	d.apply(d.function(t, 1, "app", "1.0.0", lasting, ""))
	d.succeeds(t, 1)
	d.abandoned(t, "app")
	if err := os.WriteFile(filepath.Join(d.dir, "apps/app/data/go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the exception is logged", func() bool { return strings.Contains(d.output(t, "app"), "ValueError: it was too late") })
}

// That a handler ended because it was cancelled is no exception of its own.
func TestCancelledHandler(t *testing.T) {
	d := newDevice(t)
	d.apply(d.function(t, 1, "app", "1.0.0", strings.ReplaceAll(strings.ReplaceAll(lasting, "handle(", "plain("), "handle_async(", "handle("), ""))
	d.succeeds(t, 1)
	d.abandoned(t, "app")
	d.answers(t, "app", `"quick"`, "on") // the worker has one call at a time
	if out := d.output(t, "app"); strings.Contains(out, "ancelled") {
		t.Errorf("the log has it:\n%s", out)
	}
}
