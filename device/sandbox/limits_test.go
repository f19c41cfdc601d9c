package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fescue.dev/fescue/device/sandbox/cgroup"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

const bomb = `
import os, time
made = refused = 0
for i in range(10000):
    try:
        if os.fork() == 0:
            time.sleep(1000)
    except OSError:
        refused += 1
    else:
        made += 1
print(made, refused, flush=True)
time.sleep(1000)
`

// A program that forks without end is held at its limit, and the device works on.
func TestForkBombIsBounded(t *testing.T) {
	s := open(t)
	needs(t, s, "a limit on processes", s.groups.Has(cgroup.Processes) || countsProcesses())
	t.Log("process limit: " + s.Facts()["process limit"])
	program, prefix := python(t)
	o := shell("")
	o.Argv = []string{program, "-c", bomb}
	o.ReadOnly = []string{prefix}
	o.Limits.Processes = 64
	p, line := startAndRead(t, s, o)
	made, refused, _ := strings.Cut(strings.TrimSpace(line), " ")
	if n, err := strconv.Atoi(made); err != nil || n > 64+threadsBeside || refused == "0" {
		t.Errorf("made and refused: %s", line)
	}
	if err := exec.Command("/bin/true").Run(); err != nil {
		t.Errorf("the device: %v", err)
	}
	other := shell("exit 0")
	other.Application = "other"
	if exit := wait(t, start(t, s, other)); !exit.Success() {
		t.Errorf("another application: %v", exit)
	}
	if s.groups.Has(cgroup.Processes) { // the same application has none left, and is told so
		if p, err := s.Start(t.Context(), o); fail.KindOf(err) != fail.Exhausted || !strings.Contains(fail.HintOf(err), "limits.processes") {
			t.Errorf("a start over the limit: %v, %v", p, err)
		}
	}
	p.Terminate(time.Second)
	wait(t, p)
}

func TestMemoryLimit(t *testing.T) {
	s := open(t)
	needs(t, s, "memory control groups", s.groups.Has(cgroup.Memory))
	t.Log("memory limit: " + s.Facts()["memory limit"])
	for script, code := range map[string]int{
		"exec $HOG":           -1, // the program itself
		"$HOG; exit 7":        7,  // one that it started
		"$HOG & wait; exit 7": 7,
	} {
		o := insideOptions(t, shell(script), "HOG", "hog=200000000")
		o.Limits.Memory = 32 << 20
		exit := wait(t, start(t, s, o))
		if !exit.OutOfMemory || exit.Code != code || !strings.Contains(exit.String(), "limit 32MiB") {
			t.Errorf("%q: %v (%+v)", script, exit, exit)
		}
	}
	// With room it is fine, and its failure has another reason.
	o := insideOptions(t, shell("$HOG; exit 7"), "HOG", "hog=200000000")
	o.Limits.Memory = 512 << 20
	if exit := wait(t, start(t, s, o)); exit.OutOfMemory || exit.Code != 7 {
		t.Error(exit)
	}
}

// All processes of an application share its limit, whatever starts they came from.
func TestApplicationSharesItsLimit(t *testing.T) {
	s := open(t)
	needs(t, s, "process control groups", s.groups.Has(cgroup.Processes))
	o := shell("sleep 1000 & sleep 1000 & sleep 1000 & sleep 1000 & echo up; wait")
	o.Limits.Processes = 8
	first, _ := startAndRead(t, s, o)
	out, exit := run(t, s, func() Options {
		o := shell("sleep 9 & sleep 9 & sleep 9 & sleep 9 & wait")
		o.Limits.Processes = 8
		return o
	}())
	if exit.Success() || !strings.Contains(out, "fork") {
		t.Errorf("the second start has a limit of its own: %v %s", exit, out)
	}
	first.Terminate(0)
}

func TestProcessorLimit(t *testing.T) {
	s := open(t)
	needs(t, s, "processor control groups", s.groups.Has(cgroup.CPU))
	o := shell("i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; cat /proc/self/sched >/dev/null 2>&1; times")
	o.Limits.CPU = 0.2
	began := time.Now()
	out, exit := run(t, s, o)
	wall := time.Since(began)
	// The first line of times is the shell's own user and system time: 0m0.300000s …
	var used time.Duration
	for _, field := range strings.Fields(strings.SplitN(out, "\n", 2)[0]) {
		d, err := time.ParseDuration(field)
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		used += d
	}
	t.Logf("%v of processor in %v", used, wall)
	if share := used.Seconds() / wall.Seconds(); !exit.Success() || used > 200*time.Millisecond && share > 0.4 {
		t.Errorf("took %.2f processors (%v)", share, exit)
	}
}

func TestResourceLimits(t *testing.T) {
	s := open(t)
	out, _ := run(t, s, shell("ulimit -n; ulimit -c; umask"))
	if out != "4096\n0\n0022\n" {
		t.Errorf("%q", out)
	}
}

func TestControlGroupsAreRemoved(t *testing.T) {
	s := open(t)
	needs(t, s, "control groups", s.groups.Version() != 0)
	folders := s.groups.Folders()
	p := start(t, s, shell("sleep 1000"))
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, "app")); err != nil {
			t.Error(err)
		}
	}
	p.Terminate(time.Second)
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, "app")); err == nil {
			t.Errorf("%s/app is left over", folder)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if _, err := os.Stat(folder); err == nil {
			t.Errorf("%s is left over", folder)
		}
	}
}

func TestFactsSayWhatIsTried(t *testing.T) {
	s := open(t)
	facts := s.Facts()
	for _, key := range []string{"user", "processes", "file system", "network", "system calls", "memory limit", "cpu limit", "process limit", "control groups", IsolationFact} {
		if facts[key] == "" {
			t.Errorf("nothing about %q", key)
		}
		t.Logf("%-15s %s", key, facts[key])
	}
}

func TestUserFor(t *testing.T) {
	needsRoot(t)
	state := filepath.Join(publicDir(t), "state")
	s := openAt(t, state)
	ids := map[spec.Name]int{}
	seen := map[int]spec.Name{}
	for i := range 50 {
		name := spec.Name("app-" + strconv.Itoa(i))
		uid, gid, err := s.UserFor(name)
		if err != nil || gid != uid || uid < DefaultFirstUID || uid > DefaultLastUID || seen[uid] != "" {
			t.Fatalf("%s: %d, %d, %v; given to %q", name, uid, gid, err, seen[uid])
		}
		ids[name], seen[uid] = uid, name
	}
	again := openAt(t, state)
	for name, uid := range ids {
		if got, _, err := again.UserFor(name); got != uid || err != nil {
			t.Errorf("%s: %d, %v after a restart, want %d", name, got, err, uid)
		}
	}
}

func TestUsersRunOut(t *testing.T) {
	needsRoot(t)
	s, err := New(Config{State: filepath.Join(publicDir(t), "state"), FirstUID: 300_000, LastUID: 300_001})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []spec.Name{"a", "b"} {
		if _, _, err := s.UserFor(name); err != nil {
			t.Fatal(err)
		}
	}
	if uid, _, err := s.UserFor("c"); err == nil {
		t.Errorf("a third user of two: %d", uid)
	}
	if _, _, err := s.UserFor("a"); err != nil {
		t.Error(err)
	}
}
