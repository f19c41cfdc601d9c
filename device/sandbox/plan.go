package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/device/sandbox/cgroup"
	"fescue.dev/fescue/device/sandbox/jail"
	"fescue.dev/fescue/spec"
)

// level is what is done for one program: what its mode asks for, as far as the
// device can.
type level struct {
	user, pid, mount, ipc, net bool // namespaces
	view                       bool // a root of its own
	confine                    bool // mode sandbox: filter of system calls, paths
}

func levelOf(o Options, can ability) level {
	sandboxed := o.Mode == spec.ModeSandbox
	return level{
		user:    can.user,
		pid:     can.pid,
		mount:   can.mount,
		ipc:     can.ipc && sandboxed,
		net:     can.net && o.Network == NetworkNone,
		view:    can.mount && sandboxed,
		confine: sandboxed,
	}
}

func (l level) cloneFlags() uintptr {
	var flags uintptr
	for flag, wanted := range map[uintptr]bool{
		unix.CLONE_NEWUSER: l.user && (l.pid || l.mount || l.ipc || l.net),
		unix.CLONE_NEWPID:  l.pid, unix.CLONE_NEWNS: l.mount, unix.CLONE_NEWIPC: l.ipc, unix.CLONE_NEWNET: l.net,
	} {
		if wanted {
			flags |= flag
		}
	}
	return flags
}

const (
	maxFiles      = 4096      // descriptors of a program
	minDataLimit  = 256 << 20 // below, runtimes that reserve address space do not start
	threadsBeside = 16        // of the helper, which count where only RLIMIT_NPROC counts
)

// plan is what the helper is told.
func (s *Sandbox) plan(o Options, l level, g *cgroup.Group) *jail.Plan {
	p := &jail.Plan{
		Argv: o.Argv, Dir: filepath.Clean(o.Dir), Files: len(o.Files),
		Forks: o.Forks,
		Init:  l.pid, Proc: l.pid && l.mount, Loopback: l.net,
		Temporary: int64(s.config.Temporary),
		UID:       o.UID, GID: o.GID,
		TaskFiles: g.TaskFiles(), Limits: s.limits(o),
	}
	for _, e := range o.Env {
		if !strings.HasPrefix(e, instanceVariable+"=") {
			p.Env = append(p.Env, e)
		}
	}
	p.Env = append(p.Env, s.instance.marker())
	if o.Mode != spec.ModeRoot {
		p.SetUser, p.NoPrivileges = os.Geteuid() == 0, true
	}
	if !l.confine {
		return p
	}
	p.FilterCalls, p.Tell = true, s.tells
	p.Mounts = mounts(o)
	if o.Container != nil {
		containerPlan(p, o.Container)
	}
	if l.view {
		p.Root = s.rootPath()
	} else {
		p.RestrictPaths = true
	}
	p.NoInternet = o.Network == NetworkNone && !l.net
	p.Doors, p.Groups = doorsOf(o.Reach), o.groups
	return p
}

// containerPlan leaves the engine its rights, and gives it what it needs.
func containerPlan(p *jail.Plan, c *Container) {
	p.SetUser, p.NoPrivileges, p.FilterCalls = false, false, false
	p.Mounts = append(p.Mounts, jail.Mount{Path: filepath.Clean(c.Root), Changes: int64(c.Changes)})
	p.Texts = map[string][]byte{BundleDir + "/config.json": c.Config}
	p.Folders = []string{"/sys/fs/cgroup"} // engines look for it, and are not to use it: the sandbox has the groups
	p.Signal, p.Alone = c.Signal, true
}

// mounts are the paths to show; the working directory is one unless others cover it.
func mounts(o Options) []jail.Mount {
	var m []jail.Mount
	for _, path := range o.ReadOnly {
		m = append(m, jail.Mount{Path: filepath.Clean(path)})
	}
	for _, path := range o.ReadWrite {
		m = append(m, jail.Mount{Path: filepath.Clean(path), Write: true})
	}
	for _, d := range o.Devices {
		m = append(m, jail.Mount{Path: string(d), Write: true})
	}
	dir := filepath.Clean(o.Dir)
	covered := dir == "/" || dir == "/tmp" || slices.ContainsFunc(m, func(m jail.Mount) bool {
		return dir == m.Path || strings.HasPrefix(dir, m.Path+"/")
	})
	if !covered {
		m = append(m, jail.Mount{Path: dir})
	}
	return m
}

// limits are those of each process, and stand in for control groups that are
// not to be had.
func (s *Sandbox) limits(o Options) []jail.Limit {
	l := []jail.Limit{{Resource: unix.RLIMIT_CORE, Value: 0}}
	if o.Mode == spec.ModeRoot {
		return l
	}
	l = append(l, jail.Limit{Resource: unix.RLIMIT_NOFILE, Value: maxFiles})
	if o.Limits.Disk > 0 {
		l = append(l, jail.Limit{Resource: unix.RLIMIT_FSIZE, Value: uint64(o.Limits.Disk)})
	}
	if o.Limits.Processes > 0 && !s.groups.Has(cgroup.Processes) && countsProcesses() {
		l = append(l, jail.Limit{Resource: unix.RLIMIT_NPROC, Value: uint64(o.Limits.Processes + threadsBeside)})
	}
	if o.Limits.Memory > 0 && !s.groups.Has(cgroup.Memory) {
		l = append(l, jail.Limit{Resource: unix.RLIMIT_DATA, Value: uint64(max(2*o.Limits.Memory, minDataLimit))})
	}
	return l
}
