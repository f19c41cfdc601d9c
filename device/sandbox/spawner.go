package sandbox

import (
	"context"
	"os"
	"runtime"
	"sync"

	"fescue.dev/fescue/device/sandbox/jail"
	"fescue.dev/fescue/fail"
)

// spawner starts helpers from one thread that lives as long as the Sandbox:
// the kernel ends a helper (PDEATHSIG) when the thread that made it ends, not when
// the process does.
type spawner struct {
	requests chan func()
	quit     chan struct{}
	ended    chan struct{}
	closing  sync.Once
}

func newSpawner() *spawner {
	s := &spawner{requests: make(chan func()), quit: make(chan struct{}), ended: make(chan struct{})}
	go s.run()
	return s
}

func (s *spawner) run() {
	defer close(s.ended)
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
	for {
		select {
		case request := <-s.requests:
			request()
		case <-s.quit:
			return
		}
	}
}

// start runs the agent's own binary. It is executed by the kernel's link to it,
// which holds also when the file was replaced by an update.
func (s *spawner) start(ctx context.Context, attr *os.ProcAttr) (*os.Process, error) {
	type result struct {
		process *os.Process
		err     error
	}
	results := make(chan result, 1)
	request := func() {
		process, err := os.StartProcess("/proc/self/exe", []string{jail.Name}, attr)
		results <- result{process, err}
	}
	select {
	case s.requests <- request:
		r := <-results
		return r.process, r.err
	case <-s.ended:
		return nil, fail.New(fail.Canceled, "start program", "the sandbox is closed")
	case <-ctx.Done():
		return nil, fail.Wrap(ctx.Err(), fail.Timeout, "start program", "")
	}
}

// close ends the thread, and with it every helper that is left.
func (s *spawner) close() {
	s.closing.Do(func() { close(s.quit) })
	<-s.ended
}
