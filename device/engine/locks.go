package engine

import (
	"context"
	"sync"
)

// locks are locks by name that waiting for can be given up. The zero value is ready.
type locks struct {
	mu    sync.Mutex
	taken map[string]chan struct{}
}

// take waits until the name is free; release frees it.
func (l *locks) take(ctx context.Context, name string) (release func(), err error) {
	for {
		l.mu.Lock()
		busy, taken := l.taken[name]
		if !taken {
			free := make(chan struct{})
			if l.taken == nil {
				l.taken = map[string]chan struct{}{}
			}
			l.taken[name] = free
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				delete(l.taken, name)
				l.mu.Unlock()
				close(free)
			}, nil
		}
		l.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
