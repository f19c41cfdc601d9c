package sandbox

import (
	"context"
	"os"
	"sync"
	"syscall"
	"time"

	"fescue.dev/fescue/device/sandbox/jail"
	"fescue.dev/fescue/fail"
)

// server is the agent's side of a fork server: what was asked of it, by number.
type server struct {
	process *Process

	mu    sync.Mutex
	last  uint32
	over  bool // nothing is forked any more
	forks map[uint32]*fork
}

// fork is a process that was asked for.
type fork struct {
	process *Process
	told    chan error // gets one: nil when it runs
}

// forkLimit bounds a fork, which takes milliseconds unless somebody stopped the server.
const forkLimit = 5 * time.Second

// Fork has a fork server (Options.Forks) make a process, with link as its descriptor 3. It
// is in the fork server's sandbox, with all of its restrictions and limits, and shares its view
// and its namespaces. The caller closes the files. The process goes on when the fork server
// has ended; [Process.Terminate] and [Process.Wait] mean it and what it started. Errors:
// fail.Unavailable if the fork server has ended or does not answer, and is not to be asked again.
func (p *Process) Fork(ctx context.Context, link, stdout, stderr *os.File) (*Process, error) {
	const op = "fork"
	if p.server == nil {
		return nil, fail.New(fail.Invalid, op, "it was not started as a fork server")
	}
	f, err := p.server.ask([]*os.File{link, stdout, stderr})
	if err != nil {
		return nil, err
	}
	late := time.NewTimer(forkLimit)
	defer late.Stop()
	select {
	case err := <-f.told:
		if err != nil {
			return nil, err
		}
		return f.process, nil
	case <-ctx.Done():
		f.process.kill()
		return nil, fail.Wrap(ctx.Err(), fail.Timeout, op, "")
	case <-late.C:
		p.Retire()
		f.process.kill()
		return nil, fail.New(fail.Unavailable, op, "the fork server does not answer").
			WithHint("Something of the application has stopped it; another is started.")
	}
}

// Retire has a fork server end. What it forked goes on, and with the last of
// them all of it ends.
func (p *Process) Retire() {
	if p.server == nil {
		return
	}
	p.server.mu.Lock()
	p.server.over = true
	p.server.mu.Unlock()
	p.helper.control.command(jail.CommandRetire)
}

func (s *server) ask(files []*os.File) (*fork, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil, fail.New(fail.Unavailable, "fork", "the fork server has ended")
	}
	s.last++
	p := s.process
	f := &fork{
		process: &Process{
			sandbox: p.sandbox, name: p.name, group: p.group, limit: p.limit, oomBefore: p.group.OOMKills(),
			parent: p, number: s.last, done: make(chan struct{}),
		},
		told: make(chan error, 1),
	}
	if err := p.helper.control.fork(s.last, files); err != nil {
		s.over = true
		return nil, fail.New(fail.Unavailable, "fork", "the fork server's helper has ended: %w", err)
	}
	s.forks[s.last] = f
	return f, nil
}

// handle takes the helper's word about a fork.
func (s *server) handle(m *jail.Fork, pid int) {
	if s == nil {
		return
	}
	s.mu.Lock()
	f := s.forks[m.Number]
	if m.Failure != nil || m.Exit != nil {
		delete(s.forks, m.Number)
	}
	s.mu.Unlock()
	switch {
	case f == nil:
	case m.Failure != nil:
		err := m.Failure.Err()
		if err.Kind == fail.Unavailable {
			s.mu.Lock()
			s.over = true
			s.mu.Unlock()
		}
		close(f.process.done)
		f.told <- err
	case m.Exit != nil:
		status := syscall.WaitStatus(*m.Exit)
		f.process.end(&status)
	default:
		f.process.pid = pid
		if f.process.killed.Load() { // nobody waits for it any more
			f.process.kill()
		}
		f.told <- nil
	}
}

// ended tells the end of everything.
func (s *server) ended() {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.over = true
	forks := s.forks
	s.forks = map[uint32]*fork{}
	s.mu.Unlock()
	for _, f := range forks {
		f.process.end(nil)
		select {
		case f.told <- fail.New(fail.Unavailable, "fork", "the fork server has ended"):
		default: // it was told before that it runs
		}
	}
}

// end is that of a fork; nil if nobody knows how.
func (p *Process) end(status *syscall.WaitStatus) {
	p.exit = p.exitOf(status)
	close(p.done)
}
