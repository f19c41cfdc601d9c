package engine

import (
	"context"
	"time"
)

// backoff says how long to wait before the next start. Pauses double with every
// failure within the window, up to the longest; nothing is ever given up.
type backoff struct {
	first, longest, window time.Duration
	failures               []time.Time
}

// manyFailures within the window are called failed, not restarting.
const manyFailures = 8

// next counts a failure and gives the pause after it, and how many there were
// in the window.
func (b *backoff) next(now time.Time) (pause time.Duration, count int) {
	for len(b.failures) > 0 && now.Sub(b.failures[0]) > b.window {
		b.failures = b.failures[1:]
	}
	b.failures = append(b.failures, now)
	if len(b.failures) > 64 { // the pause has long been the longest
		b.failures = append([]time.Time(nil), b.failures[1:]...)
	}
	pause = b.first
	for i := 1; i < len(b.failures) && pause < b.longest; i++ {
		pause *= 2
	}
	return min(pause, b.longest), len(b.failures)
}

// wait waits for d; false if ctx ended before.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
