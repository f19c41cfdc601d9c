package sandbox

import (
	"bytes"
	"context"
	"os"
	"sync"
	"time"
)

// reserve is a helper that has been started ahead, in its namespaces, and waits for a plan: the start
// of a program, of whichever application, does not wait for the agent's binary then. There is
// one while programs are started, of the level that was asked for last.
type reserve struct {
	spawn func(context.Context, level) (*helper, error)

	mu     sync.Mutex
	helper *helper // nil when there is none
	level  level
	mounts []byte      // the device's, as the helper's namespace has them
	timer  *time.Timer // makes one, or ends the one there is
	closed bool
	making sync.WaitGroup
}

const (
	reserveAfter = 50 * time.Millisecond // that what was started has the processors for itself
	reserveIdle  = 10 * time.Minute      // without a start, then it ends
)

// take gives the helper, if it is of this level and nothing has been mounted since it was
// made: without propagation its namespace would not have that.
func (r *reserve) take(l level) *helper {
	r.mu.Lock()
	h := r.helper
	fits := h != nil && r.level == l && bytes.Equal(r.mounts, mountTable())
	r.helper = nil
	r.mu.Unlock()
	if h != nil && !fits {
		h.end()
		return nil
	}
	return h
}

// refill sees to it that there will be one.
func (r *reserve) refill(l level) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	if r.helper != nil && r.level == l {
		r.timer.Reset(reserveIdle)
		return
	}
	if r.timer != nil {
		r.timer.Stop()
	}
	r.timer = time.AfterFunc(reserveAfter, func() { r.make(l) })
}

// make makes one, in place of what there is.
func (r *reserve) make(l level) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return
	}
	r.making.Add(1)
	defer r.making.Done()
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	mounts := mountTable()
	h, err := r.spawn(ctx, l)
	if err != nil {
		return // who starts something will be told why
	}
	r.mu.Lock()
	old := r.helper
	if r.closed {
		old = h
	} else {
		r.helper, r.level, r.mounts = h, l, mounts
		r.timer = time.AfterFunc(reserveIdle, r.expire)
	}
	r.mu.Unlock()
	if old != nil {
		old.end()
	}
}

func (r *reserve) expire() {
	r.mu.Lock()
	h := r.helper
	r.helper = nil
	r.mu.Unlock()
	if h != nil {
		h.end()
	}
}

// close ends what there is; there will be none any more.
func (r *reserve) close() {
	r.mu.Lock()
	r.closed = true
	if r.timer != nil {
		r.timer.Stop()
	}
	r.mu.Unlock()
	r.making.Wait()
	r.expire()
}

func mountTable() []byte {
	text, _ := os.ReadFile("/proc/self/mountinfo") // without it nothing is known, nor changed
	return text
}
