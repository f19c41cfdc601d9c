package jail

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// supervisor reaps, and forwards what the agent wants. As process 1 of a PID
// namespace it ends everything by ending; otherwise it is the subreaper of its
// descendants and has to find them.
type supervisor struct {
	init     bool
	signal   syscall.Signal // what ends the program
	alone    bool           // it goes to the program only
	signals  chan os.Signal
	commands <-chan command
	forks    *forks // nil unless the program is a fork server

	told map[int]bool // processes that were there when the signal was sent
}

func newSupervisor(c *control, p *Plan) *supervisor {
	s := &supervisor{init: p.Init, signal: unix.SIGTERM, alone: p.Alone, signals: make(chan os.Signal, 16), commands: c.commands()}
	if p.Signal != 0 {
		s.signal = syscall.Signal(p.Signal)
	}
	if !s.init {
		_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	}
	// A signal that is caught here has its default action again in the program:
	// execve resets handlers.
	signal.Notify(s.signals, unix.SIGCHLD, unix.SIGTERM, unix.SIGINT)
	return s
}

// waitForGo waits until the agent has put the helper where it belongs, and tells
// whether to go on.
func (s *supervisor) waitForGo() bool {
	c := <-s.commands
	return c.kind == CommandGo
}

// supervise reaps until the program has ended and, if termination was asked for,
// everything else has too. It returns the program's wait status.
func (s *supervisor) supervise(target int) syscall.WaitStatus {
	p := &program{pid: target, forks: s.forks}
	terminating := false
	for {
		left := p.reap()
		if p.ended {
			s.forks.serverEnded()
		}
		if p.ended && s.forks.none() && (!terminating || !left) {
			s.killRest(p)
			return p.status
		}
		if terminating {
			s.forwardToOrphans(p)
		}
		select {
		case sig := <-s.signals:
			if sig != unix.SIGCHLD {
				terminating = true
				s.forward(p, sig.(syscall.Signal))
			}
		case a := <-s.forks.answered():
			s.forks.register(a)
		case c, connected := <-s.commands:
			switch {
			case !connected, c.kind == CommandKill:
				terminating = false
				s.killRest(p)
				s.commands = nil
			case c.kind == CommandTerminate:
				terminating = true
				s.forks.retire()
				s.forward(p, s.signal)
			default:
				s.forks.obey(c)
			}
		}
	}
}

// program is the helper's first child.
type program struct {
	pid    int
	ended  bool
	status syscall.WaitStatus
	forks  *forks // of its own, where it is a fork server
}

// reap collects every child that has ended and tells whether any is left. Both
// as init and as subreaper the helper is the parent of all whose parents ended, so
// that when no child is left there is no descendant either.
func (p *program) reap() (left bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil: // ECHILD
			return false
		case pid == 0:
			return true
		case pid == p.pid:
			p.status, p.ended = status, true
		default:
			p.forks.reaped(pid, status)
		}
	}
}

// forward sends sig to every process, as a service manager does: a shell that is
// the program's first process must not leave its children untold. A container
// engine passes it on itself.
func (s *supervisor) forward(p *program, sig syscall.Signal) {
	if s.alone {
		if !p.ended { // its number may be another's
			_ = unix.Kill(p.pid, sig)
		}
		return
	}
	there := descendants(os.Getpid())
	s.told = map[int]bool{}
	for _, pid := range there {
		s.told[pid] = true
	}
	if s.init {
		_ = unix.Kill(-1, sig)
		return
	}
	for _, pid := range there {
		_ = unix.Kill(pid, sig)
	}
}

// forwardToOrphans tells those whom the signal missed. A shell holds signals back while it
// forks: one that comes then ends the shell afterwards, and its new child, which has heard
// nothing, is the helper's. Children of those that live are theirs to end.
func (s *supervisor) forwardToOrphans(p *program) {
	if s.alone {
		return
	}
	for _, pid := range families()[os.Getpid()] {
		if pid != p.pid && !s.told[pid] {
			s.told[pid] = true
			_ = unix.Kill(pid, s.signal)
		}
	}
}

// killRest ends every process but the helper. As process 1 its own end would do
// the same; doing it first lets the agent's report follow the deed. Otherwise it
// looks for descendants until it has no child any more: one that forks while the
// process table is read is found the next time.
func (s *supervisor) killRest(p *program) {
	if s.init {
		_ = unix.Kill(-1, unix.SIGKILL)
		return
	}
	for deadline := time.Now().Add(killTime); p.reap() && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		killDescendants()
	}
}

// killTime bounds the search: a process that the kernel cannot end, waiting for a
// dead disk, must not keep the helper for ever.
const killTime = 10 * time.Second
