package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/exchange"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// recording notes each call that it begins in a file, and does what it is told.
const recording = `import os, time
def handle(event, context):
    with open(os.environ['FESCUE_DATA'] + '/begun', 'a') as f:
        f.write(f'{event["n"]}\n')
    if event.get('do') == 'sleep':
        time.sleep(0.5)
    if event.get('do') == 'loop':
        while True: pass
    if event.get('do') == 'die':
        time.sleep(0.2)
        os._exit(7)
    return event['n']
`

// warm makes the engine believe that the handler is quick.
func (d *device) warm(t *testing.T) {
	t.Helper()
	f, err := d.engine.functionOf("app")
	if err != nil {
		t.Fatal(err)
	}
	d.answers(t, "app", `{"n": 0}`, "0")
	f.mu.Lock()
	f.usual = time.Microsecond
	f.mu.Unlock()
}

// sendAll invokes the function with several payloads, one shortly after the other, and gives what became of each.
func (d *device) sendAll(t *testing.T, payloads ...string) []error {
	t.Helper()
	errs := make([]error, len(payloads))
	var group sync.WaitGroup
	for i, p := range payloads {
		group.Go(func() {
			out, err := d.invoke(t, "app", p)
			if want := fmt.Sprint(i + 1); err == nil && out != want {
				err = fmt.Errorf("answered %q, not %q", out, want)
			}
			errs[i] = err
		})
		eventually(t, "the call has been taken", func() bool {
			f, err := d.engine.functionOf("app")
			if err != nil {
				return false
			}
			_, busy, waiting := f.load()
			return busy+waiting > i || i >= 2 && busy+waiting > 0
		})
	}
	group.Wait()
	return errs
}

// begun counts how often each call was begun.
func (d *device) begun(t *testing.T) map[string]int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, "apps/app/data/begun"))
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for _, line := range strings.Fields(string(text)) {
		n[line]++
	}
	return n
}

// What was sent ahead to a worker that dies, and had not begun, is given to the next; nothing runs twice.
func TestAheadOfADeath(t *testing.T) {
	d := newDevice(t)
	d.apply(d.function(t, 1, "app", "1.0.0", recording, ""))
	d.succeeds(t, 1)
	d.warm(t)
	errs := d.sendAll(t, `{"n": 1, "do": "die"}`, `{"n": 2}`, `{"n": 3}`, `{"n": 4}`)
	if !fail.Is(errs[0], fail.Unavailable) || !strings.Contains(errs[0].Error(), "status 7") {
		t.Errorf("the one that died: %v", errs[0])
	}
	for i, err := range errs[1:] {
		if err != nil {
			t.Errorf("call %d, which waited in the worker: %v", i+2, err)
		}
	}
	for n, times := range d.begun(t) {
		if times != 1 {
			t.Errorf("call %s was begun %d times", n, times)
		}
	}
}

// The time of a call counts from when it begins, not from when it was sent ahead; one behind a loop is not lost.
func TestAheadOfTime(t *testing.T) {
	d := newDevice(t)
	d.apply(d.function(t, 1, "app", "1.0.0", recording, "limits: {timeout: 800ms}\n"))
	d.succeeds(t, 1)
	d.warm(t)
	for i, err := range d.sendAll(t, `{"n": 1, "do": "sleep"}`, `{"n": 2, "do": "sleep"}`, `{"n": 3, "do": "sleep"}`) {
		if err != nil {
			t.Errorf("call %d of three that take 0.5 s each: %v", i+1, err)
		}
	}
	d.warm(t)
	errs := d.sendAll(t, `{"n": 1, "do": "loop"}`, `{"n": 2}`)
	if !fail.Is(errs[0], fail.Timeout) || errs[1] != nil {
		t.Errorf("a loop: %v; the one behind it: %v", errs[0], errs[1])
	}
}

// What waits in a worker fits into the buffer of one that has no more than one frame's.
func TestAheadOfRoom(t *testing.T) {
	f := &function{launcher: &launcher{config: &spec.Configuration{}}}
	s := &slot{function: f, lanes: 1, taking: true, queues: true, most: 1000}
	add := func(size int) bool {
		c := &call{invocation: exchange.Invocation{Payload: make([]byte, size)}}
		if !s.admits(c) {
			return false
		}
		s.calls, s.bytes = append(s.calls, c), s.bytes+c.size()
		return true
	}
	if !add(900) || add(100) || !add(80) || add(10) {
		t.Errorf("%d calls of %d bytes wait in a worker that takes %d", len(s.calls), s.bytes, s.most)
	}
	if s.drop(s.calls[0]); !add(800) {
		t.Error("an answered call leaves no room")
	}
}
