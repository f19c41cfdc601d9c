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
	p := compile(false)
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
	local := compile(true)
	for family, want := range map[uint64]uint32{unix.AF_UNIX: allow, unix.AF_INET: refuse(unix.EAFNOSUPPORT), unix.AF_INET6: refuse(unix.EAFNOSUPPORT)} {
		if got := execute(t, local, call{unix.SYS_SOCKET, auditArch, [6]uint64{family}}); got != want {
			t.Errorf("without Internet, family %d: %#x, want %#x", family, got, want)
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
