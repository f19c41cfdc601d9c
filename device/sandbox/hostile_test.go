package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/device/sandbox/cgroup"
	"fescue.dev/fescue/device/sandbox/jail"
	"fescue.dev/fescue/spec"
)

// A wall is one of the things that contain a program.
type wall string

const (
	ownView       wall = "file system"  // a root of its own: what is not shown is not there; read-only, nosuid, nodev
	byLandlock    wall = "Landlock"     // stands in for ownView
	ownProcesses  wall = "processes"    // PID namespace
	ownIPC        wall = "IPC"          // namespace of queues and shared memory
	ownNetwork    wall = "network"      // namespace
	noInternet    wall = "no Internet"  // by the filter; stands in for ownNetwork
	ownUser       wall = "user"         // an id of its own
	noPrivileges  wall = "privileges"   // no capabilities, no_new_privs
	filteredCalls wall = "system calls" // seccomp
)

// standsIn are the walls that are there only where another cannot be had.
var standsIn = map[wall]wall{byLandlock: ownView, noInternet: ownNetwork}

// leaveOut makes what is started lack the walls, as if they had been forgotten. A filter, and
// Landlock, need no_new_privs once the user has been left, and are left out with it.
func leaveOut(out []wall) func(*level, *jail.Plan) {
	return func(l *level, p *jail.Plan) {
		lacks := func(w wall) bool { return slices.Contains(out, w) }
		if lacks(ownView) {
			l.view, p.Root = false, ""
			p.RestrictPaths = !lacks(byLandlock)
		}
		if lacks(ownProcesses) {
			l.pid, p.Init, p.Proc = false, false, false
		}
		if lacks(ownIPC) {
			l.ipc = false
		}
		if lacks(ownNetwork) {
			l.net, p.Loopback = false, false
			p.NoInternet = !lacks(noInternet)
		}
		p.SetUser = p.SetUser && !lacks(ownUser)
		p.NoPrivileges = p.NoPrivileges && !lacks(noPrivileges)
		p.FilterCalls = p.FilterCalls && !lacks(filteredCalls)
		if p.SetUser && !p.NoPrivileges {
			p.FilterCalls, p.RestrictPaths = false, false
		}
	}
}

// Every attack is contained by each of its walls alone, with the others left out, and
// succeeds without them: the attacks are real, and no wall is there in vain.
func TestEveryWallHolds(t *testing.T) {
	needsRoot(t)
	s := open(t)
	if can := s.ability(); !can.pid || !can.mount || !can.ipc || !can.net || !jail.Filters() || jail.LandlockVersion() == 0 {
		t.Skip("this device cannot confine in full: ", s.Facts())
	}
	uid, _, err := s.UserFor("app")
	if err != nil {
		t.Fatal(err)
	}
	v := newVictim(t, uid)
	for attempt, a := range map[string]struct {
		walls   []wall
		options Options
	}{
		// Others' files, the agent's keys, the system's secrets.
		"read=" + v.public:          {walls: []wall{ownView, byLandlock}},
		"read=" + v.private:         {walls: []wall{ownView, byLandlock, ownUser}},
		"read=/etc/shadow":          {walls: []wall{ownView, ownUser}},
		"write=" + v.code + "/main": {walls: []wall{ownView, byLandlock}, options: Options{ReadOnly: []string{v.code}}},
		// Their processes and channels.
		"signal=" + v.pid:                  {walls: []wall{ownProcesses}},
		"read=/proc/" + v.pid + "/environ": {walls: []wall{ownProcesses}},
		"ptrace=" + v.pid:                  {walls: []wall{ownProcesses, filteredCalls}},
		"queue=" + v.queue:                 {walls: []wall{ownIPC}},
		"shared-memory=" + v.memory:        {walls: []wall{ownIPC}},
		"unix=" + v.socket:                 {walls: []wall{ownView}},
		"unix=" + v.abstract:               {walls: []wall{ownNetwork}},
		// The network.
		"connect=" + v.tcp: {walls: []wall{ownNetwork, noInternet}},
		"ask=" + v.udp:     {walls: []wall{ownNetwork, noInternet}},
		socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP): {walls: []wall{ownUser, noPrivileges}},
		socket(unix.AF_PACKET, unix.SOCK_RAW, 0):               {walls: []wall{ownUser, noPrivileges, filteredCalls}},
		// Rights.
		"setuid":                   {walls: []wall{ownUser}},
		"become-root=" + v.program: {walls: []wall{ownView, noPrivileges}, options: Options{ReadOnly: []string{v.program}}},
		"mknod=/tmp/device":        {walls: []wall{ownUser, noPrivileges}},
		// The kernel.
		"mount":       {walls: []wall{ownUser, noPrivileges, filteredCalls}},
		"chroot=/tmp": {walls: []wall{ownUser, noPrivileges, filteredCalls}},
		"unshare":     {walls: []wall{ownUser, noPrivileges, filteredCalls}},
		"clone-user":  {walls: []wall{filteredCalls}},
		"keyctl":      {walls: []wall{filteredCalls}},
		"io_uring":    {walls: []wall{filteredCalls}},
	} {
		t.Run(strings.ReplaceAll(attempt, "/", "|"), func(t *testing.T) {
			outcome := func(out []wall) string {
				s.breach = leaveOut(out)
				defer func() { s.breach = nil }()
				return tryInside(t, s, a.options, attempt)[attempt]
			}
			if got := outcome(nil); got == "done" {
				t.Error("not contained")
			}
			for _, w := range a.walls {
				others := slices.DeleteFunc(slices.Clone(a.walls), func(o wall) bool { return o == w })
				if instead := standsIn[w]; instead == "" || slices.Contains(others, instead) {
					if got := outcome(others); got == "done" {
						t.Errorf("not contained by %q alone", w)
					}
				}
			}
			if got := outcome(a.walls); got != "done" {
				t.Errorf("%s without %q: the attack does not test them", got, a.walls)
			}
		})
	}
}

// victim is what there is to attack: everything is as open as it can be, so that only
// walls keep from it.
type victim struct {
	public, private   string // files
	code              string // a folder of the application's own
	pid               string // a process of the same user
	queue, memory     string
	socket, abstract  string
	tcp, udp, program string
}

func newVictim(t *testing.T, uid int) victim {
	t.Helper()
	dir := publicDirIn(t, "/var/lib") // Landlock leaves the device's /tmp open
	v := victim{
		public: dir + "/public", private: dir + "/private", code: dir + "/code",
		queue: fmt.Sprintf("fescue-walls-%d", os.Getpid()), socket: dir + "/socket",
		abstract: fmt.Sprintf("@fescue-walls-%d", os.Getpid()), program: dir + "/id",
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	id, err := os.ReadFile("/usr/bin/id")
	must(err)
	for path, mode := range map[string]os.FileMode{v.public: 0o644, v.private: 0o600, v.program: 0o755} {
		must(os.WriteFile(path, id, mode))
	}
	must(os.Chmod(v.program, 0o755|os.ModeSetuid))
	must(os.Mkdir(v.code, 0o755))
	must(os.WriteFile(v.code+"/main", nil, 0o666))
	must(os.Chmod(v.code+"/main", 0o666))

	sleeper := exec.Command("sleep", "1000")
	sleeper.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	must(sleeper.Start())
	t.Cleanup(func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() })
	v.pid = strconv.Itoa(sleeper.Process.Pid)

	fd, err := messageQueue(v.queue, unix.O_RDWR|unix.O_CREAT)
	must(err)
	t.Cleanup(func() { _ = unix.Close(fd); unlinkQueue(v.queue) })
	must(unix.Fchmod(fd, 0o666))
	key := 0x66657363 ^ os.Getpid()
	segment, err := unix.SysvShmGet(key, 4096, unix.IPC_CREAT|0o666)
	must(err)
	t.Cleanup(func() { _, _ = unix.SysvShmCtl(segment, unix.IPC_RMID, nil) })
	v.memory = strconv.Itoa(key)

	for _, path := range []string{v.socket, v.abstract} {
		l, err := net.Listen("unix", path)
		must(err)
		t.Cleanup(func() { _ = l.Close() })
	}
	must(os.Chmod(v.socket, 0o777))
	v.tcp = echo(t, "127.0.0.1:0").Addr().String()
	v.udp = echoPackets(t, "127.0.0.1:0").String()
	return v
}

// echoPackets answers each datagram with itself.
func echoPackets(t *testing.T, address string) net.Addr {
	t.Helper()
	c, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		packet := make([]byte, 64<<10)
		for {
			n, from, err := c.ReadFrom(packet)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(packet[:n], from)
		}
	}()
	return c.LocalAddr()
}

// ask sends a datagram, and again while there is no answer, for one may be lost.
func ask(address string) error {
	c, err := net.Dial("udp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	answer := make([]byte, 16)
	for range 10 {
		if _, err = c.Write([]byte("hello")); err != nil {
			return err
		}
		if err = c.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
			return err
		}
		var n int
		if n, err = c.Read(answer); err == nil && string(answer[:n]) != "hello" {
			return fmt.Errorf("got %q", answer[:n])
		}
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
	return err
}

// Without a limit, or what stands in for it, each hog takes what it wants.
func TestEveryLimitHolds(t *testing.T) {
	needsRoot(t)
	s := open(t)
	needs(t, s, "a view and a PID namespace", s.ability().mount && s.ability().pid)
	data := dataDir(t, s, "app")
	var most unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &most); err != nil || most.Max < 12_000 {
		t.Skip("the tester itself may not open 12,000 files: ", most, err)
	}
	drop := func(resource int) func(*jail.Plan) {
		return func(p *jail.Plan) {
			p.Limits = slices.DeleteFunc(p.Limits, func(l jail.Limit) bool { return l.Resource == resource })
		}
	}
	put := func(resource int, value uint64) func(*jail.Plan) {
		return func(p *jail.Plan) { p.Limits = append(p.Limits, jail.Limit{Resource: resource, Value: value}) }
	}
	for attempt, c := range map[string]struct {
		limits  spec.Limits
		has     bool             // the limit itself; otherwise only what stands in is tried
		without func(*jail.Plan) // nil: without limits
		instead func(*jail.Plan) // stands in for the limit, alone
	}{
		"files=10000":           {has: true, without: drop(unix.RLIMIT_NOFILE)},
		"fill=" + data + "/big": {has: true, limits: spec.Limits{Disk: 1 << 20}, without: drop(unix.RLIMIT_FSIZE)},
		"fill=/tmp/big":         {has: true, without: func(p *jail.Plan) { p.Temporary = 64 << 20 }},
		"forks=80": {
			has: s.groups.Has(cgroup.Processes), limits: spec.Limits{Processes: 20},
			instead: put(unix.RLIMIT_NPROC, 20+threadsBeside),
		},
		"hog=300000000": {
			has: s.groups.Has(cgroup.Memory), limits: spec.Limits{Memory: 32 << 20},
			instead: put(unix.RLIMIT_DATA, minDataLimit),
		},
	} {
		t.Run(strings.ReplaceAll(attempt, "/", "|"), func(t *testing.T) {
			outcome := func(l spec.Limits, breach func(*jail.Plan)) string {
				s.breach = func(_ *level, p *jail.Plan) {
					if p.Temporary = 1 << 20; breach != nil {
						breach(p)
					}
				}
				defer func() { s.breach = nil }()
				o := insideOptions(t, shell("$TRY; true"), "TRY", attempt)
				o.Limits, o.ReadWrite = l, []string{data}
				out, _ := run(t, s, o)
				return strings.TrimSpace(out)
			}
			done := attempt + ": done"
			if c.has {
				if got := outcome(c.limits, nil); strings.HasSuffix(got, done) {
					t.Errorf("not contained: %s", got)
				}
			}
			if c.instead != nil {
				if got := outcome(spec.Limits{}, c.instead); strings.HasSuffix(got, done) {
					t.Errorf("not contained by what stands in: %s", got)
				}
			}
			limits := c.limits
			if c.without == nil {
				limits = spec.Limits{}
			}
			if got := outcome(limits, c.without); got != done {
				t.Errorf("%q without the limit: the attack does not test it", got)
			}
		})
	}
}

// The kernel itself tells that it held back who burns more than its share, and that it held
// back nobody without a limit.
func TestProcessorLimitHolds(t *testing.T) {
	s := open(t)
	needs(t, s, "processor control groups", s.groups.Has(cgroup.CPU))
	for limit, held := range map[float64]bool{0.2: true, 0: false} {
		o := insideOptions(t, shell("$TRY"), "TRY", "burn=400ms")
		o.Application, o.Limits.CPU = spec.Name(fmt.Sprintf("burner-%v", limit)), limit
		group, err := s.groups.Acquire(string(o.Application), cgroup.Limits{CPU: limit})
		if err != nil {
			t.Fatal(err)
		}
		exit := wait(t, start(t, s, o))
		throttled := 0
		for _, folder := range s.groups.Folders() {
			text, _ := os.ReadFile(filepath.Join(folder, string(o.Application), "cpu.stat")) // one of them has it
			for line := range strings.Lines(string(text)) {
				_, _ = fmt.Sscanf(line, "nr_throttled %d", &throttled)
			}
		}
		group.Release()
		if !exit.Success() || (throttled > 0) != held {
			t.Errorf("limit %v: held back %d times (%v)", limit, throttled, exit)
		}
	}
}

func openMany(count string) error {
	n, _ := strconv.Atoi(count)
	for range n {
		if _, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return err
		}
	}
	return nil
}

// forkMany makes processes that all live at once.
func forkMany(count string) error {
	n, _ := strconv.Atoi(count)
	for range n {
		sleeper := exec.Command("/bin/sleep", "1000")
		if err := sleeper.Start(); err != nil {
			return err
		}
		defer func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() }()
	}
	return nil
}

// burn takes so much of the processor.
func burn(much string) error {
	d, err := time.ParseDuration(much)
	for err == nil {
		var used unix.Rusage
		if err = unix.Getrusage(unix.RUSAGE_SELF, &used); time.Duration(used.Utime.Nano()+used.Stime.Nano()) > d {
			break
		}
	}
	return err
}

// messageQueue opens a POSIX message queue; the system call takes its name without a slash.
func messageQueue(name string, flags int) (int, error) {
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return -1, err
	}
	attributes := struct{ flags, most, size, now, _, _, _, _ int }{most: 1, size: 64}
	fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(path)), uintptr(flags), 0o666, uintptr(unsafe.Pointer(&attributes)), 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

func unlinkQueue(name string) {
	if path, err := unix.BytePtrFromString(name); err == nil {
		_, _, _ = unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(path)), 0, 0)
	}
}
