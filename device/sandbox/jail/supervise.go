package jail

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// supervisor reaps, and forwards what the agent wants. As process 1 of a PID
// namespace it ends everything by ending; otherwise it is the subreaper of its
// descendants and has to find them.
type supervisor struct {
	init     bool
	signals  chan os.Signal
	commands <-chan byte
}

func newSupervisor(c *control, init bool) *supervisor {
	s := &supervisor{init: init, signals: make(chan os.Signal, 16), commands: c.commands()}
	if !init {
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
	return <-s.commands == CommandGo
}

// supervise reaps until the program has ended and, if termination was asked for,
// everything else has too. It returns the program's wait status.
func (s *supervisor) supervise(target int) syscall.WaitStatus {
	var status syscall.WaitStatus
	ended, terminating := false, false
	for {
		targetEnded, left := reap(target, &status)
		ended = ended || targetEnded
		if ended && (!terminating || !left) {
			s.killRest()
			return status
		}
		select {
		case sig := <-s.signals:
			if sig != unix.SIGCHLD {
				terminating = true
				s.forward(sig.(syscall.Signal))
			}
		case c, connected := <-s.commands:
			switch {
			case !connected, c == CommandKill:
				terminating = false
				s.killRest()
				s.commands = nil
			case c == CommandTerminate:
				terminating = true
				s.forward(unix.SIGTERM)
			}
		}
	}
}

// reap collects every child that has ended. left tells whether any remains.
func reap(target int, status *syscall.WaitStatus) (targetEnded, left bool) {
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil: // ECHILD
			return targetEnded, false
		case pid == 0:
			return targetEnded, true
		case pid == target:
			*status, targetEnded = ws, true
		}
	}
}

// forward sends sig to every process, as a service manager does: a shell that is
// the program's first process must not leave its children untold.
func (s *supervisor) forward(sig syscall.Signal) {
	if s.init {
		_ = unix.Kill(-1, sig)
		return
	}
	for _, pid := range descendants(os.Getpid()) {
		_ = unix.Kill(pid, sig)
	}
}

// killRest ends every process but the helper. As process 1 its own end would do
// the same; doing it first lets the agent's report follow the deed.
func (s *supervisor) killRest() {
	if s.init {
		_ = unix.Kill(-1, unix.SIGKILL)
		return
	}
	killDescendants()
}
