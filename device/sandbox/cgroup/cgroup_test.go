package cgroup

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The texts of /proc/self/mountinfo and /proc/self/cgroup on machines there are.
func TestOwnGroup(t *testing.T) {
	for name, c := range map[string]struct {
		mounts, groups string
		want           map[string]string // mount point → own directory
	}{
		"version 2, service": {
			"30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate",
			"0::/system.slice/fescue.service",
			map[string]string{"/sys/fs/cgroup": "/sys/fs/cgroup/system.slice/fescue.service"},
		},
		"version 1, service": {
			"33 32 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n34 32 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
			"5:cpu,cpuacct:/\n4:memory:/system.slice/fescue.service\n1:name=systemd:/x",
			map[string]string{"/sys/fs/cgroup/memory": "/sys/fs/cgroup/memory/system.slice/fescue.service", "/sys/fs/cgroup/cpu,cpuacct": "/sys/fs/cgroup/cpu,cpuacct"},
		},
		"container without a control group namespace": {
			"33 32 0:29 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory",
			"4:memory:/docker/abc",
			map[string]string{"/sys/fs/cgroup/memory": "/sys/fs/cgroup/memory"},
		},
		"moved out of what is mounted": {
			"30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
			"0::/../other",
			map[string]string{"/sys/fs/cgroup": ""},
		},
		"nothing": {"22 27 0:21 / /proc rw - proc proc rw", "", map[string]string{}},
	} {
		s := system{mounts: c.mounts, groups: c.groups}
		got := map[string]string{}
		for _, h := range s.hierarchies() {
			got[h.point] = s.own(h)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// tree is a folder that looks like version 2, as far as files can: it shows what
// is written where, not what the kernel makes of it.
func tree(t *testing.T, dirs ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range append([]string{""}, dirs...) {
		path := filepath.Join(root, dir)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{
			"cgroup.controllers": "cpu memory pids", "cgroup.procs": "", "cgroup.subtree_control": "",
			"memory.max": "max", "memory.swap.max": "max", "cpu.max": "max 100000", "pids.max": "max",
			"memory.events": "low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\noom_group_kill 1\n",
		} {
			if err := os.WriteFile(filepath.Join(path, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestVersion2(t *testing.T) {
	root := tree(t, "agent.service", "agent.service/agent", "agent.service/fescue-x", "agent.service/fescue-x/app")
	s := system{
		mounts: "30 24 0:26 / " + root + " rw - cgroup2 cgroup2 rw", groups: "0::/agent.service", pid: 77,
	}
	base := root + "/agent.service"
	if err := os.WriteFile(base+"/cgroup.procs", []byte("77\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := find(s, "fescue-x")
	if p.Version() != 2 || !p.Has(Memory) || !p.Has(CPU) || !p.Has(Processes) {
		t.Fatalf("%+v", p)
	}
	if diff := cmp.Diff([]string{base + "/fescue-x"}, p.Folders()); diff != "" {
		t.Error(diff)
	}
	g, err := p.Acquire("app", Limits{Memory: 64 << 20, CPU: 0.5, Processes: 12})
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		base + "/agent/cgroup.procs":           "77",
		base + "/fescue-x/app/memory.max":      "67108864",
		base + "/fescue-x/app/memory.swap.max": "0",
		base + "/fescue-x/app/cpu.max":         "50000 100000",
		base + "/fescue-x/app/pids.max":        "12",
	} {
		if got := strings.TrimRight(content(t, file), "\n"); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
	if g.OOMKills() != 2 {
		t.Errorf("%d processes killed", g.OOMKills())
	}
	if len(g.TaskFiles()) != 0 {
		t.Error("version 2 has no task files")
	}
}

// In a group with others, as a login session's, the agent must not move them.
func TestVersion2LeavesOthersAlone(t *testing.T) {
	root := tree(t, "session", "fescue-x")
	s := system{mounts: "30 24 0:26 / " + root + " rw - cgroup2 cgroup2 rw", groups: "0::/session", pid: 77}
	if err := os.WriteFile(root+"/session/cgroup.procs", []byte("12\n77\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := find(s, "fescue-x")
	if diff := cmp.Diff([]string{root + "/fescue-x"}, p.Folders()); diff != "" {
		t.Error(diff)
	}
	if p.agent != root {
		t.Errorf("helpers go back to %s", p.agent)
	}
	if got := content(t, root+"/session/cgroup.procs"); got != "12\n77\n" {
		t.Errorf("the session's processes: %q", got)
	}
}

// The real thing, whichever version is here.
func TestRealGroup(t *testing.T) {
	p := Find("fescue-test-" + strconv.Itoa(os.Getpid()))
	if p.Version() == 0 {
		t.Skip("no writable control groups here")
	}
	t.Logf("control groups v%d: %v", p.Version(), p.Folders())
	g, err := p.Acquire("app", Limits{Memory: 64 << 20, CPU: 0.5, Processes: 10})
	if err != nil {
		t.Fatal(err)
	}
	// Limits can be changed while it is in use, up, down and off.
	for _, l := range []Limits{{Memory: 128 << 20}, {Memory: 32 << 20, Processes: 5, CPU: 3}, {}} {
		again, err := p.Acquire("app", l)
		if err != nil {
			t.Fatalf("%+v: %v", l, err)
		}
		again.Release()
	}
	sleeper := exec.Command("sleep", "1000")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	pid := []byte(strconv.Itoa(sleeper.Process.Pid))
	for _, folder := range p.Folders() {
		if err := os.WriteFile(folder+"/app/cgroup.procs", pid, 0); err != nil {
			t.Fatal(err)
		}
	}
	// As a later agent finds it: in use by nobody that it knows.
	for _, folder := range p.Folders() {
		if err := RemoveLeftovers(t.Context(), folder, &Parent{}); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(folder); err == nil {
			t.Errorf("%s is left over", folder)
		}
		_ = sleeper.Wait() // killed by the first
	}
	if state := sleeper.ProcessState; state == nil || state.Success() {
		t.Errorf("the process: %v", state)
	}
	g.Release()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
