package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"fescue.dev/fescue/device/sandbox/cgroup"
	"fescue.dev/fescue/device/sandbox/jail"
	"fescue.dev/fescue/spec"
)

// Process is a started program with everything that it started. Its methods are
// safe for concurrent use.
type Process struct {
	sandbox   *Sandbox
	helper    *helper
	name      spec.Name // of the application, as it was asked for
	group     *cgroup.Group
	limit     spec.Bytes
	processes int // limit; 0 without
	oomBefore uint64
	doors     *doors        // nil without any
	server    *server       // of a fork server
	refused   func(Refusal) // nil if nobody wants to know

	// Of a process that a fork server made: which has the helper, and all that it has.
	parent *Process
	number uint32
	pid    int

	seen       atomic.Int64 // processor time that Usage has seen last
	terminated atomic.Bool  // Terminate was called
	killed     atomic.Bool  // and its grace was over, or Close was called
	done       chan struct{}
	exit       Exit // set before done is closed
}

// Pid is the program's process id as the agent sees it.
func (p *Process) Pid() int {
	if p.parent != nil {
		return p.pid
	}
	return p.helper.target
}

// Done is closed when Wait would return at once.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait returns when the program and all that it started are gone. It can be
// called any number of times.
func (p *Process) Wait() Exit {
	<-p.done
	return p.exit
}

// Terminate sends SIGTERM to all processes and, to those that remain after
// grace, SIGKILL. It returns when all are gone.
func (p *Process) Terminate(grace time.Duration) Exit {
	select {
	case <-p.done:
		return p.exit
	default:
	}
	p.terminated.Store(true)
	if grace > 0 {
		p.ask(jail.CommandTerminate, jail.CommandTerminateFork)
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-p.done:
			return p.exit
		case <-timer.C:
		}
	}
	p.kill()
	return p.Wait()
}

// kill ends everything now. A helper that is no init has to be left to end its
// descendants; if it cannot, Sweep finds them later.
func (p *Process) kill() {
	p.killed.Store(true)
	if p.parent != nil {
		p.ask(0, jail.CommandKillFork)
		return
	}
	if p.helper.init {
		_ = p.helper.process.Kill() // fails when it is gone
		return
	}
	p.helper.control.command(jail.CommandKill)
	go func() {
		timer := time.NewTimer(helperGrace)
		defer timer.Stop()
		select {
		case <-p.done:
		case <-timer.C:
			_ = p.helper.process.Kill()
		}
	}()
}

// ask gives the helper one command, or another about a single fork.
func (p *Process) ask(all, one byte) {
	if p.parent != nil {
		p.parent.helper.control.commandFor(one, p.number)
		return
	}
	p.helper.control.command(all)
}

// helperGrace is how long a helper without a PID namespace may take to find and
// end its descendants.
const helperGrace = 15 * time.Second

// supervise waits for the end, and tidies up before it lets others know.
func (p *Process) supervise() {
	// Under pressure the kernel shall end an application before the agent.
	_ = os.WriteFile("/proc/"+strconv.Itoa(p.helper.target)+"/oom_score_adj", []byte("300"), 0)
	var status *syscall.WaitStatus
	for {
		m, pid, err := p.helper.control.receive()
		if err != nil {
			break
		}
		if m.Fork != nil {
			p.server.handle(m.Fork, pid)
		}
		if m.Refused != nil && p.refused != nil {
			p.refused(*m.Refused)
		}
		if m.Exit != nil {
			ws := syscall.WaitStatus(*m.Exit)
			status = &ws
		}
	}
	// Waiting for an init is waiting for its whole namespace.
	state, err := p.helper.process.Wait()
	if status == nil && err == nil {
		ws := state.Sys().(syscall.WaitStatus)
		if p.killed.Load() || ws.Signaled() {
			status = &ws
		}
	}
	p.tellForks()
	p.server.ended()
	p.doors.close()
	p.exit = p.exitOf(status)
	p.sandbox.spent(p, state)
	p.helper.control.close()
	p.group.Release()
	p.sandbox.disown(p)
	close(p.done)
}

// tellForks tells that the application has met its limit of processes since it was told last.
func (p *Process) tellForks() {
	if p.refused == nil || p.processes == 0 {
		return
	}
	if n := p.group.ForksRefused(); n > 0 {
		p.refused(Refusal{What: fmt.Sprintf("a process or thread beyond limits.processes, %d", p.processes), Count: n})
	}
}

// exitOf makes the program's exit of its wait status, nil if the helper ended
// without telling it.
func (p *Process) exitOf(status *syscall.WaitStatus) Exit {
	e := Exit{Code: -1, Signal: syscall.SIGKILL, Terminated: p.terminated.Load()}
	if status != nil && status.Signaled() {
		e.Signal = status.Signal()
	} else if status != nil {
		e.Code, e.Signal = status.ExitStatus(), 0
	}
	if !e.Success() && !p.killed.Load() && p.group.OOMKills() > p.oomBefore {
		e.OutOfMemory, e.MemoryLimit = true, p.limit
	}
	return e
}

// Exit is how a program ended.
type Exit struct {
	Code   int            // its exit status; -1 when a signal ended it
	Signal syscall.Signal // the signal that ended it, or 0
	// OutOfMemory: the kernel killed a process of the application because its
	// memory limit was met.
	OutOfMemory bool
	MemoryLimit spec.Bytes // with OutOfMemory; 0 is unlimited
	// Terminated: Terminate was called before it ended.
	Terminated bool
}

// Success tells whether it ended with status 0.
func (e Exit) Success() bool { return e.Code == 0 && e.Signal == 0 }

// String is for people: "exited with status 3", "killed by signal 9 (out of
// memory: limit 64MiB)".
func (e Exit) String() string {
	text := fmt.Sprintf("exited with status %d", e.Code)
	if e.Signal != 0 {
		text = fmt.Sprintf("killed by signal %d (%s)", int(e.Signal), e.Signal)
	}
	if e.OutOfMemory {
		text = fmt.Sprintf("exited with status %d", e.Code)
		if e.Signal != 0 {
			text = fmt.Sprintf("killed by signal %d", int(e.Signal))
		}
		text += fmt.Sprintf(" (out of memory: limit %s)", e.MemoryLimit)
	}
	return text
}
