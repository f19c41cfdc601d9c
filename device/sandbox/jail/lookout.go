package jail

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// lookout learns from the filter what the program is refused, or is about to be, and tells the
// agent (seccomp_unotify(2)). It decides nothing: what the filter refuses it refuses, and
// what is the kernel's to decide goes on, whatever was seen in the program's memory.
type lookout struct {
	control *control
	file    *os.File            // the filter's listener
	doors   map[netip.Addr]bool // addresses of the network namespace, beside loopback

	mu    sync.Mutex
	seen  map[string]uint64 // times that have not been told yet
	later *time.Timer       // tells them

	busy time.Duration // see pace
	last time.Time
}

const (
	mostRefusals = 32                // different ones that are told by name
	moreRefusals = "more than these" // and the others
	tellAgain    = 10 * time.Second
)

// notification is struct seccomp_notif, with its struct seccomp_data.
type notification struct {
	id         uint64
	pid, flags uint32
	call       int32
	arch       uint32
	pointer    uint64
	args       [6]uint64
}

// answer is struct seccomp_notif_resp.
type answer struct {
	id    uint64
	value int64
	error int32
	flags uint32
}

// newLookout begins to answer at a filter's listener; it is nil for -1.
func newLookout(c *control, p *Plan, listener int) *lookout {
	if listener < 0 {
		return nil
	}
	_ = unix.SetNonblock(listener, true) // for the runtime: it is waited for without a thread
	l := &lookout{
		control: c, file: os.NewFile(uintptr(listener), "listener"),
		doors: map[netip.Addr]bool{}, seen: map[string]uint64{}, last: time.Now(),
	}
	for _, d := range p.Doors {
		if address, err := netip.ParseAddr(d.Address); err == nil {
			l.doors[address] = true
		}
	}
	go l.watch()
	return l
}

// watch answers until no process with the filter is left.
func (l *lookout) watch() {
	defer l.file.Close()
	raw, err := l.file.SyscallConn()
	if err != nil {
		return
	}
	for worked := false; ; worked = true {
		var n notification
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			n = notification{}
			failed = l.receive(int(fd), &n)
			return failed != unix.EAGAIN
		})
		switch {
		case err != nil, failed == unix.EPIPE:
			return
		case failed != nil:
			continue // the caller has ended, or was interrupted
		}
		if !worked {
			debug.SetGCPercent(100) // it may have much to do
		}
		began := time.Now()
		what, errno := l.judge(&n)
		if what != "" {
			l.note(what)
		}
		a := answer{id: n.id, error: -int32(errno)}
		if errno == 0 {
			a.flags = unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE
		}
		_ = raw.Control(func(fd uintptr) {
			_, _, _ = unix.Syscall(unix.SYS_IOCTL, fd, unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&a))) // who asked may have ended
		})
		l.pace(began)
	}
}

// receive takes a notification if there is one: the call that takes it would wait.
func (l *lookout) receive(fd int, n *notification) error {
	ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if _, err := unix.Poll(ready, 0); err != nil {
		return err
	}
	switch {
	case ready[0].Revents&unix.POLLIN != 0:
	case ready[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0:
		return unix.EPIPE
	default:
		return unix.EAGAIN
	}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(n)))
	if errno != 0 {
		return errno
	}
	return nil
}

// pace keeps a program that asks without end from having the helper, which is in no control
// group, work for it: a tenth of a processor, after a burst.
func (l *lookout) pace(began time.Time) {
	const share, burst = 10, 100 * time.Millisecond
	now := time.Now()
	l.busy = max(0, l.busy-now.Sub(l.last)/share) + now.Sub(began)
	l.last = now
	if l.busy > burst {
		time.Sleep(share * (l.busy - burst))
	}
}

// judge says what was asked for, "" if that is nothing to be told, and how it is answered: 0
// lets the kernel decide.
func (l *lookout) judge(n *notification) (what string, errno unix.Errno) {
	switch n.call {
	case unix.SYS_CONNECT:
		return l.connection(n), 0
	case sysSetuid:
		return "to become root", 0
	case sysSetgid:
		return "to become group root", 0
	case unix.SYS_MKNODAT:
		return "a device file", 0
	case unix.SYS_SOCKET:
		family, kind := uint32(n.args[0]), uint32(n.args[1])&socketType
		if kind == unix.SOCK_RAW && (family == unix.AF_INET || family == unix.AF_INET6) {
			return "a raw socket", 0
		}
		return fmt.Sprintf("a socket of family %d", family), unix.EAFNOSUPPORT
	case unix.SYS_CLONE:
		return "a namespace of its own", unix.EPERM
	case unix.SYS_IOCTL:
		return "input to its terminal", unix.EPERM
	}
	for _, c := range refusedCalls() {
		if c.number == uint32(n.call) {
			return "system call " + c.name, unix.EPERM
		}
	}
	return fmt.Sprintf("system call %d", n.call), unix.EPERM
}

// connection says where the program connects to, "" if it gets there. Its memory is looked at
// while it waits; another of its threads may change it, and then what is told is wrong,
// but not what is done.
func (l *lookout) connection(n *notification) string {
	address := make([]byte, min(n.args[2], unix.SizeofSockaddrUnix))
	if len(address) < 4 {
		return ""
	}
	local := []unix.Iovec{{Base: &address[0]}}
	local[0].SetLen(len(address))
	remote := []unix.RemoteIovec{{Base: uintptr(n.args[1]), Len: len(address)}}
	if got, err := unix.ProcessVMReadv(int(n.pid), local, remote, 0); err != nil || got != len(address) {
		return ""
	}
	var to netip.Addr
	switch family := binary.LittleEndian.Uint16(address); {
	case family == unix.AF_UNIX && address[2] == 0:
		return abstract(string(bytes.TrimRight(address[3:], "\x00")))
	case family == unix.AF_INET && len(address) >= 8:
		to = netip.AddrFrom4([4]byte(address[4:8]))
	case family == unix.AF_INET6 && len(address) >= 24:
		to = netip.AddrFrom16([16]byte(address[8:24])).Unmap()
	default:
		return ""
	}
	port := binary.BigEndian.Uint16(address[2:])
	within := to.IsLoopback() || to.IsUnspecified() || l.doors[to]
	if port == 0 || within && (datagrams(n) || listens(to, port)) {
		return ""
	}
	return "connection to " + netip.AddrPortFrom(to, port).String()
}

// datagrams tells whether the socket sends datagrams: libraries connect such a one without
// sending any, to learn which address would be theirs.
func datagrams(n *notification) bool {
	process, err := unix.PidfdOpen(processOf(int(n.pid)), 0)
	if err != nil {
		return false
	}
	defer unix.Close(process)
	fd, err := unix.PidfdGetfd(process, int(n.args[0]), 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	return err == nil && kind == unix.SOCK_DGRAM
}

// processOf is the process that a thread is of; 0 if it has ended.
func processOf(thread int) (pid int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", thread))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), "\nTgid:")
	_, _ = fmt.Sscan(after, &pid) // the kernel writes a number
	return pid
}

// listens tells whether somebody in the network namespace takes connections at an address,
// and also where that cannot be found out.
func listens(to netip.Addr, port uint16) bool {
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile("/proc/self/net/" + table)
		if err != nil && table == "tcp" {
			return true
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) < 4 || f[3] != "0A" { // LISTEN
				continue
			}
			at, ok := parseLocal(f[1])
			// "localhost" is tried at both of its addresses: one of them will do.
			local := at.Addr().IsLoopback() && to.IsLoopback()
			if ok && at.Port() == port && (at.Addr() == to || local || at.Addr().IsUnspecified() || to.IsUnspecified()) {
				return true
			}
		}
	}
	return false
}

// parseLocal reads an address as the tables of sockets have it: "0100007F:1F90".
func parseLocal(text string) (netip.AddrPort, bool) {
	var raw []byte
	var port uint16
	address, after, ok := strings.Cut(text, ":")
	if _, err := fmt.Sscanf(address, "%x", &raw); !ok || err != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, false
	}
	if _, err := fmt.Sscanf(after, "%x", &port); err != nil {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 { // words in the processor's order
		binary.LittleEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	at, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(at.Unmap(), port), ok
}

// abstract is a connection to a Unix socket without a path, "" if that is there.
func abstract(name string) string {
	text, err := os.ReadFile("/proc/self/net/unix")
	if err != nil || name == "" || strings.Contains(string(text), " @"+name+"\n") {
		return ""
	}
	return fmt.Sprintf("connection to the socket %q", "@"+name)
}

// note counts what was refused. The first time it is told at once.
func (l *lookout) note(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	count, known := l.seen[what]
	if !known && len(l.seen) >= mostRefusals {
		what = moreRefusals
		count, known = l.seen[what]
	}
	if !known {
		l.seen[what] = 0
		l.control.send(Message{Refused: &Refusal{what, 1}})
		return
	}
	l.seen[what] = count + 1
	if l.later == nil {
		l.later = time.AfterFunc(tellAgain, l.report)
	}
}

// report tells what has not been told yet.
func (l *lookout) report() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for what, count := range l.seen {
		if count > 0 {
			l.seen[what] = 0
			l.control.send(Message{Refused: &Refusal{what, count}})
		}
	}
	l.later = nil
}
