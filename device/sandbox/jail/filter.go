package jail

import (
	"fmt"
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

// rules are what is up to a program's plan.
type rules struct {
	noInternet bool // Internet sockets are refused: there is no network namespace
	// tell has the program wait for the helper's word (see lookout) where it is refused
	// something, and where it asks for what the kernel will refuse it.
	tell        bool
	connections bool // with tell, and a network namespace: also where it connects to
}

// no is the answer to a call that is refused; the lookout gives the same errors.
func (r rules) no(errno unix.Errno) uint32 {
	if r.tell {
		return unix.SECCOMP_RET_USER_NOTIF
	}
	return refuse(errno)
}

// remarkable is the answer to a call that is the kernel's to refuse.
func (r rules) remarkable() uint32 {
	if r.tell {
		return unix.SECCOMP_RET_USER_NOTIF
	}
	return unix.SECCOMP_RET_ALLOW
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
func compile(r rules) filter {
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
		p.whenCall(refused.number, func(b *filter) { b.answer(r.no(unix.EPERM)) })
	}
	for _, nr := range [...]uint32{
		unix.SYS_CLONE3,                                                              // its flags lie in memory that a filter cannot read; libraries fall back to clone
		unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, // goes around filters of its operations
	} {
		p.whenCall(nr, func(b *filter) { b.answer(refuse(unix.ENOSYS)) })
	}
	p.whenCall(unix.SYS_CLONE, r.clone)
	p.whenCall(unix.SYS_IOCTL, r.ioctl)
	p.whenCall(unix.SYS_SOCKET, r.socket)
	if r.tell {
		p.whenCall(sysSetuid, r.becomeRoot)
		p.whenCall(sysSetgid, r.becomeRoot)
		p.whenCall(unix.SYS_MKNODAT, r.makeNode)
	}
	if r.tell && r.connections {
		p.whenCall(unix.SYS_CONNECT, func(b *filter) { b.answer(r.remarkable()) })
	}
	p.answer(unix.SECCOMP_RET_ALLOW)
	return p
}

func (r rules) clone(b *filter) {
	b.loadArg(0)
	b.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, namespaceFlags, 0, 1)
	b.answer(r.no(unix.EPERM))
	b.answer(unix.SECCOMP_RET_ALLOW)
}

// linuxConsole is TIOCLINUX: paste of the console's selection.
const linuxConsole = 0x541c

// ioctl refuses to type into a terminal that the agent was started from.
func (r rules) ioctl(b *filter) {
	b.loadArg(1)
	for _, request := range [...]uint32{unix.TIOCSTI, linuxConsole} {
		b.equals(request, 1)
		b.answer(r.no(unix.EPERM))
	}
	b.answer(unix.SECCOMP_RET_ALLOW)
}

// families are those of sockets that a program may make.
func (r rules) families() []uint32 {
	if r.noInternet {
		return []uint32{unix.AF_UNIX}
	}
	return []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6}
}

const socketType = 0xf // the bits of a socket's type that are not flags

// socket leaves Unix and Internet sockets, which namespaces confine, and
// netlink's routes, by which libraries list interfaces. Others either are not
// confined by namespaces (vsock) or are kernel code that no function needs.
func (r rules) socket(b *filter) {
	b.loadArg(0)
	for _, family := range r.families() {
		b.equals(family, 5)
		b.loadArg(1)
		b.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, socketType, 0, 0)
		b.equals(unix.SOCK_RAW, 1)
		b.answer(r.remarkable())
		b.answer(unix.SECCOMP_RET_ALLOW)
	}
	b.equals(unix.AF_NETLINK, 3)
	b.loadArg(2)
	b.equals(unix.NETLINK_ROUTE, 1)
	b.answer(unix.SECCOMP_RET_ALLOW)
	b.answer(r.no(unix.EAFNOSUPPORT))
}

func (r rules) becomeRoot(b *filter) {
	b.loadArg(0)
	b.equals(0, 1)
	b.answer(r.remarkable())
	b.answer(unix.SECCOMP_RET_ALLOW)
}

// makeNode is for device files: other nodes are anybody's to make.
func (r rules) makeNode(b *filter) {
	b.loadArg(2)
	b.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, unix.S_IFCHR, 0, 1)
	b.answer(r.remarkable())
	b.answer(unix.SECCOMP_RET_ALLOW)
}

// filterCalls installs the filter on the calling thread; what it forks inherits
// it. no_new_privs must be set. The listener is the lookout's, or -1.
func filterCalls(r rules) (listener int, err error) {
	flags := uintptr(0)
	if r.tell {
		flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	}
	p := compile(r)
	if p == nil {
		return -1, nil
	}
	listener, errno := installFilter(p, flags)
	if r.tell && errno == unix.EINVAL { // before Linux 5.19 a signal may have a call told twice
		listener, errno = installFilter(p, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
	}
	switch {
	case r.tell && errno == unix.EBUSY: // whoever confines the agent listens already
		r.tell = false
		return filterCalls(r)
	case errno != 0:
		return -1, errno
	case !r.tell:
		return -1, nil
	}
	return listener, nil
}

func installFilter(p filter, flags uintptr) (int, unix.Errno) {
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(p)
	return int(fd), errno
}

// Filters tells whether system calls can be filtered here: the processor is
// supported and the kernel knows the action that is needed (SECCOMP_GET_ACTION_AVAIL).
func Filters() bool { return auditArch != 0 && knowsAction(unix.SECCOMP_RET_ERRNO) }

// Tells tells whether what the filter refuses, and what the kernel will refuse, can be told:
// the kernel lets a helper answer, also with "go on" (Linux 5.5).
func Tells() bool {
	return Filters() && knowsAction(unix.SECCOMP_RET_USER_NOTIF) && KernelSince(5, 5)
}

func knowsAction(action uint32) bool {
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	return errno == 0
}

// KernelSince tells whether the kernel is of a version or a later one.
func KernelSince(major, minor int) bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	var a, b int
	if n, _ := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &a, &b); n != 2 {
		return false
	}
	return a > major || a == major && b >= minor
}
