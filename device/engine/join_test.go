package engine

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/exchange/mqueue"
	"fescue.dev/fescue/spec"
)

const chatty = `
import time, fescue
while True:
    with fescue.connect() as client:
        client.publish("t/x", "here", confirm=True)
        time.sleep(0.1)
`

// addQueues gives the device the link mqueue.
func addQueues(t *testing.T) func(*Options) {
	return func(o *Options) {
		link, err := mqueue.Listen(mqueue.Options{Path: filepath.Join(o.Dir, "run", "q.sock"), Mode: 0o666})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var group sync.WaitGroup
		router := o.Exchange.(*exchange.Router) //nolint:forcetypeassert // that is what the harness gives
		group.Go(func() { _ = link.Run(ctx, func(c exchange.Conn) { _ = router.Serve(ctx, c) }) })
		t.Cleanup(func() {
			cancel()
			group.Wait()
		})
		o.Addresses[spec.IPCMqueue] = link.Address()
	}
}

// noQueues lets this process have no message queues until the test ends or it is called.
func noQueues(t *testing.T) (again func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MSGQUEUE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_MSGQUEUE, &unix.Rlimit{Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	again = func() { _ = unix.Setrlimit(unix.RLIMIT_MSGQUEUE, &old) }
	t.Cleanup(again)
	return again
}

// An application that asks for message queues runs over a socket when there are none to be
// had; its status and its log say so, until there are.
func TestRunsWithoutMessageQueues(t *testing.T) {
	d := newDevice(t, addQueues(t))
	again := noQueues(t)
	d.apply(d.app(t, 1, "name: app\nversion: 1.0.0\nruntime: python\nipc: mqueue\ncommands:\n  - run: python3 main.py\n    settle: 60s\n"+
		"resources: {publish: [t/x]}\n", map[string]string{"main.py": chatty}))
	d.succeeds(t, 1)
	const want = "over unix instead of mqueue"
	e := d.event(t, "the application says that it has no queues", func(e spec.Event) bool {
		return e.Kind == spec.EventApplication && e.Status == string(spec.Running) && strings.Contains(e.Message, want)
	})
	if !strings.Contains(e.Hint, "RLIMIT_MSGQUEUE") {
		t.Errorf("hint %q", e.Hint)
	}
	if p := d.engine.Status()[0]; p.State != spec.Running || !strings.Contains(p.Message, want) {
		t.Errorf("status %+v", p)
	}
	if log := d.output(t, "app"); !strings.Contains(log, want) {
		t.Errorf("the application's log does not tell it:\n%s", log)
	}
	again()
	eventually(t, "it has queues again", func() bool { return d.engine.Status()[0].Message == "" })
}
