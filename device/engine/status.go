package engine

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"fescue.dev/fescue/spec"
)

// board is how all applications stand, for whoever asks and for those that
// depend on others.
type board struct {
	mu      sync.Mutex
	entries map[spec.Name]spec.Placement
	changed chan struct{} // closed at the next change
}

func newBoard() *board {
	return &board{entries: map[spec.Name]spec.Placement{}, changed: make(chan struct{})}
}

// change applies f to an application's entry.
func (b *board) change(name spec.Name, f func(*spec.Placement)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.entries[name]
	p.Name = name
	f(&p)
	p.UpdatedAt = time.Now().UTC().Truncate(time.Microsecond)
	b.entries[name] = p
	b.notify()
}

func (b *board) forget(name spec.Name) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.entries, name)
	b.notify()
}

func (b *board) notify() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *board) list() []spec.Placement {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.SortedFunc(maps.Values(b.entries), func(x, y spec.Placement) int {
		return strings.Compare(string(x.Name), string(y.Name))
	})
}

func (b *board) look(name spec.Name) (p spec.Placement, known bool, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, known = b.entries[name]
	return p, known, b.changed
}

// await waits until the application runs in a version of the range.
func (b *board) await(ctx context.Context, name spec.Name, want spec.Range) (spec.Placement, error) {
	for {
		p, _, changed := b.look(name)
		if p.State == spec.Running && want.Contains(p.Actual) {
			return p, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return p, context.Cause(ctx)
		}
	}
}

// Status is the state of every application on the device, now, ordered by name.
func (e *Engine) Status() []spec.Placement { return e.board.list() }
