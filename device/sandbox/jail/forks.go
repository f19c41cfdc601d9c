package jail

import (
	"encoding/binary"
	"os"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"

	"fescue.dev/fescue/fail"
)

// forks are the processes that a fork server makes (Plan.Forks). They are confined as it
// is, by inheritance, and are the helper's own children: it alone learns how they end, also when
// the fork server has. The program is not trusted: a process that it names counts only if
// it descends from the helper.
//
// A process with what it started is told from others by its session, which it makes first of all. What
// leaves the session is ended with the last process that was forked.
//
// All methods but the reader's are called by the supervisor's goroutine; those of nil do nothing.
type forks struct {
	control *control
	server  int // the program's process id
	socket  int // the helper's end; -1 when the server has been told to end, or has ended
	answers chan forkAnswer

	pending map[uint32]bool
	running map[int]uint32 // numbers by process id
	ended   []endedFork    // children that ended and were not (yet) known
}

// forkAnswer is what the program says of a fork.
type forkAnswer struct {
	number uint32
	pid    int // below 0: an error number
}

type endedFork struct {
	pid    int
	status syscall.WaitStatus
}

// newForks makes the socket; theirs is the program's descriptor 3.
func newForks(c *control) (f *forks, theirs int, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, -1, because(err, "make fork server", "")
	}
	return &forks{
		control: c, socket: fds[0], answers: make(chan forkAnswer, 16), pending: map[uint32]bool{}, running: map[int]uint32{},
	}, fds[1], nil
}

// begin reads the program's answers, once it has its own end of the socket.
func (f *forks) begin(theirs, server int) {
	if f == nil {
		return
	}
	f.server = server
	debug.SetGCPercent(100) // it lives as long as the application, and works
	_ = unix.Close(theirs)
	own, err := unix.FcntlInt(uintptr(f.socket), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return // no fork is ever answered: the agent gives it up
	}
	go func() {
		defer unix.Close(own)
		var b [8]byte
		for {
			n, err := unix.Read(own, b[:])
			switch {
			case err == unix.EINTR:
			case err != nil || n == 0:
				return
			case n == len(b):
				f.answers <- forkAnswer{binary.LittleEndian.Uint32(b[:]), int(int32(binary.LittleEndian.Uint32(b[4:])))}
			}
		}
	}()
}

func (f *forks) answered() <-chan forkAnswer {
	if f == nil {
		return nil
	}
	return f.answers
}

// none tells whether there is nothing to wait for.
func (f *forks) none() bool { return f == nil || len(f.pending)+len(f.running) == 0 }

// obey carries out a command about forks.
func (f *forks) obey(c command) {
	defer func() {
		for _, fd := range c.files {
			_ = unix.Close(fd)
		}
	}()
	if f == nil {
		return
	}
	switch c.kind {
	case CommandFork:
		f.ask(c)
	case CommandTerminateFork:
		f.signal(c.number, unix.SIGTERM)
	case CommandKillFork:
		f.signal(c.number, unix.SIGKILL)
	case CommandRetire:
		f.retire()
	}
}

// ask hands a request on to the program.
func (f *forks) ask(c command) {
	number := binary.LittleEndian.AppendUint32(nil, c.number)
	err := error(unix.EPIPE)
	if f.socket >= 0 {
		err = unix.Sendmsg(f.socket, number, unix.UnixRights(c.files...), nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	}
	if err != nil {
		f.refuse(c.number, err)
		return
	}
	f.pending[c.number] = true
}

func (f *forks) refuse(number uint32, err error) {
	delete(f.pending, number)
	failure := because(err, "fork", "").(*fail.Error)
	if err == unix.EPIPE {
		failure.Kind = fail.Unavailable
	}
	f.control.send(Message{Fork: &Fork{Number: number, Failure: failureOf(failure)}})
}

// register takes an answer of the program.
func (f *forks) register(a forkAnswer) {
	switch {
	case a.pid > 0 && a.pid != f.server && f.running[a.pid] == 0 && f.pending[a.number]:
	case a.pid < 0 && f.pending[a.number]:
		f.refuse(a.number, unix.Errno(-a.pid))
		return
	default: // it says what it was not asked
		return
	}
	for i, e := range f.ended {
		if e.pid == a.pid {
			f.ended = append(f.ended[:i], f.ended[i+1:]...)
			f.tell(a)
			f.exit(a.number, e.status)
			return
		}
	}
	if !below(os.Getpid(), a.pid) {
		f.refuse(a.number, unix.ESRCH)
		return
	}
	f.tell(a)
	f.running[a.pid] = a.number
}

// tell lets the agent know of a new process, by a number that the kernel translates.
func (f *forks) tell(a forkAnswer) {
	delete(f.pending, a.number)
	rights := unix.UnixCredentials(&unix.Ucred{Pid: int32(a.pid), Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid())})
	f.control.sendWith(Message{Fork: &Fork{Number: a.number, Pid: a.pid}}, rights)
}

// manyEnded is how many children are remembered of which the program may yet tell.
const manyEnded = 64

// reaped takes the end of a child that is not the program.
func (f *forks) reaped(pid int, status syscall.WaitStatus) {
	if f == nil {
		return
	}
	number, known := f.running[pid]
	if !known {
		f.ended = append(f.ended[max(0, len(f.ended)-manyEnded+1):], endedFork{pid, status})
		return
	}
	delete(f.running, pid)
	killSession(pid, unix.SIGKILL)
	if f.none() { // nothing is to be left that has left its session
		for _, rest := range descendants(os.Getpid()) {
			if rest != f.server {
				_ = unix.Kill(rest, unix.SIGKILL)
			}
		}
	}
	f.exit(number, status)
}

func (f *forks) exit(number uint32, status syscall.WaitStatus) {
	exit := int(status)
	f.control.send(Message{Fork: &Fork{Number: number, Exit: &exit}})
}

// signal sends a signal to all processes of a fork.
func (f *forks) signal(number uint32, sig syscall.Signal) {
	for pid, n := range f.running {
		if n == number {
			_ = unix.Kill(pid, sig)
			killSession(pid, sig)
		}
	}
}

// killSession signals the processes of a session below the helper, but its leader.
func killSession(leader int, sig syscall.Signal) {
	for _, pid := range descendants(os.Getpid()) {
		if pid != leader && sessionOf(pid) == leader {
			_ = unix.Kill(pid, sig)
		}
	}
}

// retire ends the program, which may have been stopped and has nothing to lose.
func (f *forks) retire() {
	if f == nil || f.socket < 0 {
		return
	}
	_ = unix.Close(f.socket)
	f.socket = -1
	_ = unix.Kill(f.server, unix.SIGKILL)
}

// serverEnded fails what the program was asked for and did not answer.
func (f *forks) serverEnded() {
	if f == nil {
		return
	}
	if f.socket >= 0 {
		_ = unix.Close(f.socket)
		f.socket = -1
	}
	for {
		select {
		case a := <-f.answers:
			f.register(a)
			continue
		default:
		}
		break
	}
	for number := range f.pending {
		f.refuse(number, unix.EPIPE)
	}
}
