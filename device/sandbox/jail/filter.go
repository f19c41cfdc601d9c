package jail

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// refuse is an answer of the filter (seccomp(2)): the call fails instead of
// killing, for programs try, and go on without.
func refuse(errno unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(errno) }

// Offsets in struct seccomp_data; the low half of an argument comes first on the
// little-endian processors that the filter supports.
const (
	offsetCall = 0
	offsetArch = 4
	offsetArgs = 16
)

// namespaceFlags are the flags of clone that make a namespace: a user namespace
// would give the program all capabilities over the others.
const namespaceFlags = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// filter is one under construction in classic BPF.
type filter []unix.SockFilter

func (p *filter) add(code uint16, k uint32, jumpTrue, jumpFalse uint8) {
	*p = append(*p, unix.SockFilter{Code: code, K: k, Jt: jumpTrue, Jf: jumpFalse})
}

func (p *filter) load(offset uint32)   { p.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offset, 0, 0) }
func (p *filter) answer(action uint32) { p.add(unix.BPF_RET|unix.BPF_K, action, 0, 0) }
func (p *filter) loadArg(n uint32)     { p.load(offsetArgs + 8*n) }

// equals runs the next skip instructions only if the loaded word is k.
func (p *filter) equals(k uint32, skip uint8) {
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, k, 0, skip)
}

// whenCall runs body, which must end with an answer, for the system call nr.
func (p *filter) whenCall(nr uint32, body func(*filter)) {
	var b filter
	body(&b)
	p.equals(nr, uint8(len(b)))
	*p = append(*p, b...)
}

// compile makes the filter for this processor. It is nil where there is none.
func compile(noInternet bool) filter {
	if auditArch == 0 {
		return nil
	}
	var p filter
	p.load(offsetArch)
	// A foreign system call table (32-bit programs on a 64-bit kernel) has other
	// numbers: a filter for them would have to be kept twice.
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, auditArch, 1, 0)
	p.answer(refuse(unix.ENOSYS))
	p.load(offsetCall)
	if foreignBit != 0 {
		p.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, foreignBit, 0, 1)
		p.answer(refuse(unix.ENOSYS))
	}
	for _, refused := range refusedCalls() {
		p.whenCall(refused.number, func(b *filter) { b.answer(refuse(unix.EPERM)) })
	}
	for _, nr := range [...]uint32{
		unix.SYS_CLONE3,                                                              // its flags lie in memory that a filter cannot read; libraries fall back to clone
		unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, // goes around filters of its operations
	} {
		p.whenCall(nr, func(b *filter) { b.answer(refuse(unix.ENOSYS)) })
	}
	p.whenCall(unix.SYS_CLONE, cloneRule)
	p.whenCall(unix.SYS_IOCTL, ioctlRule)
	p.whenCall(unix.SYS_SOCKET, func(b *filter) { socketRule(b, noInternet) })
	p.answer(unix.SECCOMP_RET_ALLOW)
	return p
}

func cloneRule(b *filter) {
	b.loadArg(0)
	b.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, namespaceFlags, 0, 1)
	b.answer(refuse(unix.EPERM))
	b.answer(unix.SECCOMP_RET_ALLOW)
}

// linuxConsole is TIOCLINUX: paste of the console's selection.
const linuxConsole = 0x541c

// ioctlRule refuses to type into a terminal that the agent was started from.
func ioctlRule(b *filter) {
	b.loadArg(1)
	for _, request := range [...]uint32{unix.TIOCSTI, linuxConsole} {
		b.equals(request, 1)
		b.answer(refuse(unix.EPERM))
	}
	b.answer(unix.SECCOMP_RET_ALLOW)
}

// socketRule leaves Unix and Internet sockets, which namespaces confine, and
// netlink's routes, by which libraries list interfaces. Others either are not
// confined by namespaces (vsock) or are kernel code that no function needs.
func socketRule(b *filter, noInternet bool) {
	families := []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6}
	if noInternet {
		families = families[:1]
	}
	b.loadArg(0)
	for _, family := range families {
		b.equals(family, 1)
		b.answer(unix.SECCOMP_RET_ALLOW)
	}
	b.equals(unix.AF_NETLINK, 3)
	b.loadArg(2)
	b.equals(unix.NETLINK_ROUTE, 1)
	b.answer(unix.SECCOMP_RET_ALLOW)
	b.answer(refuse(unix.EAFNOSUPPORT))
}

// filterCalls installs the filter on the calling thread; what it forks inherits
// it. no_new_privs must be set.
func filterCalls(noInternet bool) error {
	p := compile(noInternet)
	if p == nil {
		return nil
	}
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(p)
	if errno != 0 {
		return errno
	}
	return nil
}

// Filters tells whether system calls can be filtered here: the processor is
// supported and the kernel knows the action that is needed (SECCOMP_GET_ACTION_AVAIL).
func Filters() bool {
	action := uint32(unix.SECCOMP_RET_ERRNO)
	const getActionAvailable = 2
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, getActionAvailable, 0, uintptr(unsafe.Pointer(&action)))
	return auditArch != 0 && errno == 0
}
