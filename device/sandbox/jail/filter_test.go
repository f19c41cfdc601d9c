package jail

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// call is struct seccomp_data.
type call struct {
	nr, arch uint32
	args     [6]uint64
}

// execute runs a filter as the kernel does, for the instructions that it uses.
func execute(t *testing.T, p filter, c call) uint32 {
	t.Helper()
	var data [64]byte
	binary.LittleEndian.PutUint32(data[0:], c.nr)
	binary.LittleEndian.PutUint32(data[4:], c.arch)
	for i, a := range c.args {
		binary.LittleEndian.PutUint64(data[16+8*i:], a)
	}
	var acc uint32
	for pc := 0; pc < len(p); pc++ {
		in := p[pc]
		jump := func(condition bool) {
			if condition {
				pc += int(in.Jt)
			} else {
				pc += int(in.Jf)
			}
		}
		switch in.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			acc = binary.LittleEndian.Uint32(data[in.K:])
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			acc &= in.K
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			jump(acc == in.K)
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			jump(acc&in.K != 0)
		case unix.BPF_RET | unix.BPF_K:
			return in.K
		default:
			t.Fatalf("instruction %d: code %#x", pc, in.Code)
		}
	}
	t.Fatal("the filter has no end")
	return 0
}

func TestFilter(t *testing.T) {
	p := compile(rules{})
	if p == nil {
		t.Skip("no filter on this processor")
	}
	allow := uint32(unix.SECCOMP_RET_ALLOW)
	for name, c := range map[string]struct {
		call call
		want uint32
	}{
		"read":               {call{nr: unix.SYS_READ}, allow},
		"execve":             {call{nr: unix.SYS_EXECVE}, allow},
		"mount":              {call{nr: unix.SYS_MOUNT}, refuse(unix.EPERM)},
		"a foreign table":    {call{nr: unix.SYS_READ, arch: 1}, refuse(unix.ENOSYS)},
		"a thread":           {call{nr: unix.SYS_CLONE, args: [6]uint64{unix.CLONE_VM | unix.CLONE_THREAD}}, allow},
		"a namespace":        {call{nr: unix.SYS_CLONE, args: [6]uint64{unix.CLONE_VM | unix.CLONE_NEWNET}}, refuse(unix.EPERM)},
		"clone3":             {call{nr: unix.SYS_CLONE3}, refuse(unix.ENOSYS)},
		"a terminal's size":  {call{nr: unix.SYS_IOCTL, args: [6]uint64{0, unix.TIOCGWINSZ}}, allow},
		"typing":             {call{nr: unix.SYS_IOCTL, args: [6]uint64{0, unix.TIOCSTI}}, refuse(unix.EPERM)},
		"typing, high bits":  {call{nr: unix.SYS_IOCTL, args: [6]uint64{0, 1<<32 | unix.TIOCSTI}}, refuse(unix.EPERM)},
		"a Unix socket":      {call{nr: unix.SYS_SOCKET, args: [6]uint64{unix.AF_UNIX}}, allow},
		"an IPv6 socket":     {call{nr: unix.SYS_SOCKET, args: [6]uint64{unix.AF_INET6}}, allow},
		"a vsock":            {call{nr: unix.SYS_SOCKET, args: [6]uint64{unix.AF_VSOCK}}, refuse(unix.EAFNOSUPPORT)},
		"netlink routes":     {call{nr: unix.SYS_SOCKET, args: [6]uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}}, allow},
		"netlink netfilter":  {call{nr: unix.SYS_SOCKET, args: [6]uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER}}, refuse(unix.EAFNOSUPPORT)},
		"the x32 table":      {call{nr: unix.SYS_EXECVE | foreignBit}, map[bool]uint32{true: refuse(unix.ENOSYS), false: allow}[foreignBit != 0]},
		"the last of a list": {call{nr: unix.SYS_PERSONALITY}, refuse(unix.EPERM)},
	} {
		if c.call.arch == 0 {
			c.call.arch = auditArch
		}
		if got := execute(t, p, c.call); got != c.want {
			t.Errorf("%s: %#x, want %#x", name, got, c.want)
		}
	}
	local := compile(rules{noInternet: true})
	for family, want := range map[uint64]uint32{unix.AF_UNIX: allow, unix.AF_INET: refuse(unix.EAFNOSUPPORT), unix.AF_INET6: refuse(unix.EAFNOSUPPORT)} {
		if got := execute(t, local, call{unix.SYS_SOCKET, auditArch, [6]uint64{family}}); got != want {
			t.Errorf("without Internet, family %d: %#x, want %#x", family, got, want)
		}
	}
}

// What is refused is told with the error that it is refused with otherwise; what is the
// kernel's to refuse is told too, and nothing else.
func TestFilterTells(t *testing.T) {
	plain, told := compile(rules{}), compile(rules{tell: true, connections: true})
	if plain == nil {
		t.Skip("no filter on this processor")
	}
	allow, ask := uint32(unix.SECCOMP_RET_ALLOW), uint32(unix.SECCOMP_RET_USER_NOTIF)
	for name, c := range map[string]struct {
		nr    uint32
		args  [6]uint64
		asked bool
	}{
		"mount":           {unix.SYS_MOUNT, [6]uint64{}, true},
		"a namespace":     {unix.SYS_CLONE, [6]uint64{unix.CLONE_NEWUSER}, true},
		"a process":       {unix.SYS_CLONE, [6]uint64{}, false},
		"clone3":          {unix.SYS_CLONE3, [6]uint64{}, false},
		"io_uring":        {unix.SYS_IO_URING_SETUP, [6]uint64{}, false},
		"typing":          {unix.SYS_IOCTL, [6]uint64{0, unix.TIOCSTI}, true},
		"a packet socket": {unix.SYS_SOCKET, [6]uint64{unix.AF_PACKET, unix.SOCK_RAW}, true},
		"a raw socket":    {unix.SYS_SOCKET, [6]uint64{unix.AF_INET, unix.SOCK_RAW | unix.SOCK_CLOEXEC}, true},
		"a socket":        {unix.SYS_SOCKET, [6]uint64{unix.AF_INET6, unix.SOCK_STREAM | unix.SOCK_CLOEXEC}, false},
		"connect":         {unix.SYS_CONNECT, [6]uint64{}, true},
		"becoming root":   {sysSetuid, [6]uint64{}, true},
		"another user":    {sysSetuid, [6]uint64{1000}, false},
		"a device":        {unix.SYS_MKNODAT, [6]uint64{0, 0, unix.S_IFBLK | 0o600}, true},
		"a pipe":          {unix.SYS_MKNODAT, [6]uint64{0, 0, unix.S_IFIFO | 0o600}, false},
		"read":            {unix.SYS_READ, [6]uint64{}, false},
	} {
		call := call{c.nr, auditArch, c.args}
		without, with := execute(t, plain, call), execute(t, told, call)
		if (with == ask) != c.asked || !c.asked && with != without {
			t.Errorf("%s: %#x, %#x without telling", name, with, without)
		}
		if !c.asked {
			continue
		}
		want := allow // the answer "go on"
		if _, errno := (&lookout{}).judge(&notification{call: int32(c.nr), args: c.args}); errno != 0 {
			want = refuse(errno)
		}
		if want != without {
			t.Errorf("%s: the lookout answers %#x, the filter %#x", name, want, without)
		}
	}
}

// No call that is refused is one of those that every program needs to start.
func TestFilterLetsProgramsStart(t *testing.T) {
	refused := map[uint32]bool{}
	for _, c := range refusedCalls() {
		nr := c.number
		if refused[nr] {
			t.Errorf("call %d is listed twice", nr)
		}
		refused[nr] = true
	}
	for _, nr := range []uint32{unix.SYS_READ, unix.SYS_WRITE, unix.SYS_MUNMAP, unix.SYS_EXECVE, unix.SYS_CLONE, unix.SYS_EXIT_GROUP, unix.SYS_FUTEX, unix.SYS_SECCOMP} {
		if refused[nr] {
			t.Errorf("call %d is refused", nr)
		}
	}
}
