package engine

import (
	"context"
	"os"
	"sync"
	"time"

	"fescue.dev/fescue/device/sandbox"
	"fescue.dev/fescue/fail"
)

// nursery is where the workers of a function are forked: a fork server in a sandbox of the
// application, which is kept for a while after the last worker was started. It is started when a
// worker is wanted, also again after it has ended, of itself or otherwise.
type nursery struct {
	launcher *launcher

	mu     sync.Mutex // while one is forked
	server *program   // nil when there is none
	idle   *time.Timer
}

// fork starts a worker with this link.
func (n *nursery) fork(ctx context.Context, link *os.File) (*program, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		old := n.server != nil
		if err := n.open(ctx); err != nil {
			return nil, err
		}
		p, err := n.launcher.follow(nil, func(out, errs *os.File) (*sandbox.Process, error) {
			return n.server.process.Fork(ctx, link, out, errs)
		})
		if !fail.Is(err, fail.Unavailable) {
			return p, err
		}
		n.server = nil // it ends with the workers that it has forked
		if !old {
			return nil, err
		}
	}
}

// open makes sure that there is a server, and puts off its end.
func (n *nursery) open(ctx context.Context) (err error) {
	warm := time.Duration(n.launcher.config.Workers.Warm)
	if n.server != nil {
		n.idle.Reset(warm)
		return nil
	}
	o := n.launcher.options(n.launcher.forkServer)
	o.Forks = true
	if n.server, err = n.launcher.start(ctx, o, nil); err != nil {
		return err
	}
	server := n.server
	n.idle = time.AfterFunc(warm, func() { n.retire(server) })
	return nil
}

// retire ends a server; its workers go on.
func (n *nursery) retire(server *program) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server == server {
		n.server = nil
		server.process.Retire()
	}
}

// close ends the server, when the function has ended its workers.
func (n *nursery) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server != nil {
		n.idle.Stop()
		n.server.stop(0)
		n.server = nil
	}
}
