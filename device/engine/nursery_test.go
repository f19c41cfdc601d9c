package engine

import (
	"strings"
	"testing"

	"fescue.dev/fescue/fail"
)

// mischief is a function that harms what it was forked of, and tells what it sees of itself.
const mischief = `import os, signal, subprocess, sys
me = os.urandom(4).hex()
def server():
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            if open(f'/proc/{pid}/comm').read() == 'fescue-fork\n':
                return int(pid)
        except OSError:
            pass
    return 0
def handle(event, context):
    if event == 'me':
        return me
    if event == 'server':
        return server()
    if event == 'stop':
        os.kill(server(), signal.SIGSTOP)
    if event == 'kill':
        os.kill(server(), signal.SIGKILL)
    if event == 'die':
        os._exit(7)
    if event == 'daemon':
        subprocess.Popen(['sleep', '1234'], start_new_session=True)
    if event == 'child':
        subprocess.Popen(['sleep', '2345'])
    if event == 'hog':
        hog = [bytearray(os.urandom(1) * (8 << 20)) for _ in range(100)]
    if event == 'files':
        return sorted(os.readlink(f'/proc/self/fd/{fd}').partition(':')[0] for fd in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{fd}'))
    if event == 'print':
        print('from', me)
    return 'done'
`

func (d *device) mischief(t *testing.T, more string) {
	t.Helper()
	d.apply(d.function(t, 1, "app", "1.0.0", mischief, more))
	d.succeeds(t, 1)
}

// dies has the worker end itself, and gives the next one's answer to a question.
func (d *device) dies(t *testing.T, question string) string {
	t.Helper()
	if _, err := d.invoke(t, "app", `"die"`); !fail.Is(err, fail.Unavailable) || !strings.Contains(err.Error(), "status 7") {
		t.Fatalf("a death: %v", err)
	}
	out, err := d.invoke(t, "app", question)
	if err != nil {
		t.Fatalf("after a death: %v\n%s", err, d.output(t, "app"))
	}
	return out
}

// A worker that replaces another is forked of the same server, which outlives them; with the time it
// is kept, it ends, and the function goes on.
func TestForked(t *testing.T) {
	d := newDevice(t)
	d.mischief(t, "workers: {warm: 3s}\n")
	ask := func(q string) string {
		out, err := d.invoke(t, "app", q)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	me, server := ask(`"me"`), ask(`"server"`)
	if server == "0" {
		t.Fatal("no fork server")
	}
	if next := d.dies(t, `"me"`); next == me {
		t.Error("two workers have drawn the same random bytes")
	}
	if next := ask(`"server"`); next != server {
		t.Errorf("the fork server was %s, is %s", server, next)
	}
	if files := ask(`"files"`); strings.Contains(files, "memfd") || strings.Count(files, "socket") != 1 {
		t.Errorf("descriptors of a worker: %s", files)
	}
	ask(`"print"`)
	eventually(t, "the worker's output is in the log", func() bool { return strings.Contains(d.output(t, "app"), "from ") })
	eventually(t, "the fork server ends", func() bool { return ask(`"server"`) == "0" })
	if next := d.dies(t, `"server"`); next == "0" {
		t.Error("no new fork server")
	}
}

// Whatever a worker does to its fork server costs it no more than a start from nothing.
func TestForkServerHarmed(t *testing.T) {
	for _, harm := range []string{"kill", "stop"} {
		t.Run(harm, func(t *testing.T) {
			d := newDevice(t)
			d.mischief(t, "")
			d.answers(t, "app", `"`+harm+`"`, "done")
			d.answers(t, "app", `"print"`, "done") // workers go on
			if server := d.dies(t, `"server"`); server == "0" {
				t.Error("no new fork server")
			}
		})
	}
}

// Nothing that a worker has started outlives it, or, if it has left the worker's session, the last worker.
func TestForkedLeaveNothing(t *testing.T) {
	d := newDevice(t)
	d.mischief(t, "workers: {min: 0, idle: 300ms}\n")
	d.answers(t, "app", `"daemon"`, "done")
	d.answers(t, "app", `"child"`, "done")
	sleeping := func() int { return len(d.processes(t, func(name string) bool { return name == "sleep" })) }
	if sleeping() == 0 {
		t.Error("nothing was started")
	}
	eventually(t, "what the worker has started ends", func() bool { return sleeping() == 0 && d.workers(t) == 0 })
	if n := len(d.processes(t, func(name string) bool { return name == forkServer })); n != 1 {
		t.Errorf("%d fork servers are left", n)
	}
}

// A worker that takes more memory than the application may have is killed alone.
func TestForkedOutOfMemory(t *testing.T) {
	d := newDevice(t)
	if fact := d.sandbox.Facts()["memory limit"]; !strings.Contains(fact, "control group") {
		t.Skip("this device has no control group for memory: " + fact)
	}
	d.mischief(t, "limits: {memory: 64MiB}\n")
	server, err := d.invoke(t, "app", `"server"`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.invoke(t, "app", `"hog"`); !fail.Is(err, fail.Unavailable) || !strings.Contains(err.Error(), "out of memory") {
		t.Fatalf("a memory hog: %v", err)
	}
	d.answers(t, "app", `"server"`, server)
}
