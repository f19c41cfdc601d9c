package engine

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"fescue.dev/fescue/fail"
)

// whoami answers with a name that each worker makes up for itself.
const whoami = "import os\nme = os.urandom(4).hex()\ndef handle(event, context):\n    return me\n"

// gather calls the function n times at once and gives the different answers.
func (d *device) gather(t *testing.T, n int) map[string]int {
	t.Helper()
	var group sync.WaitGroup
	var mu sync.Mutex
	answers := map[string]int{}
	for range n {
		group.Go(func() {
			out, err := d.invoke(t, "app", "0")
			if err != nil {
				out = err.Error()
			}
			mu.Lock()
			defer mu.Unlock()
			answers[out]++
		})
	}
	group.Wait()
	return answers
}

// workers counts the function's workers.
func (d *device) workers(t *testing.T) int {
	t.Helper()
	return len(d.processes(t, func(name string) bool { return name != forkServer }))
}

// forkServer is the name of a fork server's process.
const forkServer = "fescue-fork"

// processes are those of the function whose name will do: they have its data directory in their environment.
func (d *device) processes(t *testing.T, will func(name string) bool) (found []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		environ, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err == nil && strings.Contains(string(environ), "FESCUE_DATA="+d.dir+"/apps/app/data\x00") && strings.Contains(string(environ), "FESCUE_HANDLER=") {
			if name, err := os.ReadFile("/proc/" + e.Name() + "/comm"); err == nil && will(strings.TrimSpace(string(name))) {
				found = append(found, e.Name())
			}
		}
	}
	return found
}

// With a minimum of none, workers come with events, up to the maximum, and go when idle.
func TestWorkersIdleToZero(t *testing.T) {
	d := newDevice(t)
	code := "import time\n" + strings.Replace(whoami, "    return", "    time.sleep(0.3)\n    return", 1)
	d.apply(d.function(t, 1, "app", "1.0.0", code, "workers: {min: 0, max: 3, idle: 500ms}\n"))
	d.succeeds(t, 1)
	eventually(t, "no worker is left", func() bool { return d.workers(t) == 0 })
	answers := d.gather(t, 9)
	if len(answers) < 2 || len(answers) > 3 {
		t.Errorf("nine calls at once by %v", answers)
	}
	eventually(t, "no worker is left", func() bool { return d.workers(t) == 0 })
	if p := d.engine.Status(); p[0].State != "running" {
		t.Errorf("without workers it is %s", p[0].State)
	}
	d.gather(t, 1)
}

// One worker takes several calls at once if it may: they wait for each other in it.
func TestWorkerConcurrency(t *testing.T) {
	d := newDevice(t)
	code := "import os, threading\nme = os.urandom(4).hex()\nall = threading.Barrier(4, timeout=20)\ndef handle(event, context):\n    all.wait()\n    return me\n"
	d.apply(d.function(t, 1, "app", "1.0.0", code, "workers: {concurrency: 4, max: 1}\n"))
	d.succeeds(t, 1)
	if answers := d.gather(t, 8); len(answers) != 1 {
		t.Errorf("answers %v", answers)
	}
}

// A worker is replaced after its number of calls, and when it has grown too large; no call is lost.
func TestWorkerRecycled(t *testing.T) {
	d := newDevice(t)
	d.apply(d.function(t, 1, "app", "1.0.0", whoami, "workers: {calls: 2}\n"))
	d.succeeds(t, 1)
	answers := d.gather(t, 6)
	if len(answers) != 3 {
		t.Errorf("six calls by %v", answers)
	}
	d.apply(d.function(t, 2, "app", "1.1.0", "import os\nme = os.urandom(4).hex()\nkept = []\ndef handle(event, context):\n    kept.append(bytearray(os.urandom(1) * (2 << 20)))\n    return me\n", "workers: {memory: 64MiB}\n"))
	d.succeeds(t, 2)
	first, err := d.invoke(t, "app", "0")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the worker is replaced", func() bool {
		now, err := d.invoke(t, "app", "0")
		if err != nil {
			t.Fatal(err)
		}
		return now != first
	})
	if out := d.output(t, "app"); !strings.Contains(out, "more than workers.memory (64MiB)") {
		t.Errorf("the log does not tell:\n%s", out)
	}
}

// A handler that goes on after its time costs the worker its life, and nobody else a call; one that
// dies fails its call; the next call is answered.
func TestWorkerLateAndDead(t *testing.T) {
	d := newDevice(t)
	code := "import os, time\nme = os.urandom(4).hex()\ndef handle(event, context):\n    if event == 'loop':\n        while True: pass\n    if event == 'die':\n        os._exit(7)\n    return me\n"
	d.apply(d.function(t, 1, "app", "1.0.0", code, "limits: {timeout: 300ms}\n"))
	d.succeeds(t, 1)
	first, err := d.invoke(t, "app", `"who"`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.invoke(t, "app", `"loop"`); !fail.Is(err, fail.Timeout) {
		t.Errorf("a loop: %v", err)
	}
	second, err := d.invoke(t, "app", `"who"`)
	if err != nil || second == first {
		t.Errorf("after a loop: %s, before %s, %v", second, first, err)
	}
	if _, err := d.invoke(t, "app", `"die"`); !fail.Is(err, fail.Unavailable) || !strings.Contains(fmt.Sprint(err), "status 7") {
		t.Errorf("a death: %v", err)
	}
	if third, err := d.invoke(t, "app", `"who"`); err != nil || third == second {
		t.Errorf("after a death: %s, %v", third, err)
	}
}

// What finds the queue full is told so at once.
func TestQueueFull(t *testing.T) {
	d := newDevice(t)
	d.apply(d.function(t, 1, "app", "1.0.0", "import time\ndef handle(event, context):\n    time.sleep(1)\n    return 'ok'\n", "limits: {queue: 2}\n"))
	d.succeeds(t, 1)
	answers := d.gather(t, 6)
	if answers["ok"] < 2 || answers["ok"] > 3 || len(answers) != 2 {
		t.Errorf("six calls, room for three: %v", answers)
	}
}

// With drop-oldest the newest find room, and who waits longest is told.
func TestQueueDropsOldest(t *testing.T) {
	d := newDevice(t)
	d.apply(d.function(t, 1, "app", "1.0.0", "import time\ndef handle(event, context):\n    time.sleep(1)\n    return event\n", "limits: {queue: 2, full: drop-oldest}\n"))
	d.succeeds(t, 1)
	f, err := d.engine.functionOf("app")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	errs := make([]error, 5)
	for i := range errs {
		group.Go(func() { _, errs[i] = d.invoke(t, "app", fmt.Sprint(i)) })
		eventually(t, "the call was submitted", func() bool {
			_, busy, waiting := f.load()
			return busy+waiting == min(i+1, 3) && (i < 3 || f.activity.refused.Load() == uint64(i-2))
		})
	}
	group.Wait()
	for i, err := range errs { // 0 is at work; 1 and 2 waited longest
		if dropped := i == 1 || i == 2; dropped != fail.Is(err, fail.Exhausted) || !dropped && err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
}
