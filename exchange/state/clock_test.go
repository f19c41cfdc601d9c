package state

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"fescue.dev/fescue/fail"
)

// settable is a clock that a test sets.
type settable struct{ ahead atomic.Int64 }

func (c *settable) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// TestClockSet: a key lives as long as it was given, whatever is done to the clock,
// and over a start after which the clock says that the key is of the future.
func TestClockSet(t *testing.T) {
	for name, jump := range map[string]time.Duration{"back": -24 * time.Hour, "forward": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			path, clock := filepath.Join(t.TempDir(), "app.log"), &settable{}
			reopen := func() *Store {
				s, err := Open(path, Options{Quota: 1 << 20, Clock: clock.now})
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			s := reopen()
			gone := func(key string) func() bool {
				return func() bool { _, err := s.Get(key); return fail.Is(err, fail.NotFound) }
			}
			for key, ttl := range map[string]time.Duration{"short": time.Second, "long": 48 * time.Hour, "good": 0} {
				if _, err := put(s, key, []byte(key), ttl, Condition{}); err != nil {
					t.Fatal(err)
				}
			}
			clock.ahead.Store(int64(jump))
			if gone("long")() || gone("good")() {
				t.Error("a key is gone because the clock was set")
			}
			until(t, gone("short"))
			if _, err := put(s, "later", nil, time.Second, Condition{}); err != nil {
				t.Fatal(err)
			}
			until(t, gone("later"))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if s = reopen(); gone("long")() || gone("good")() {
				t.Error("a key is gone after a restart")
			}
			if _, err := put(s, "short", nil, time.Second, Condition{}); err != nil {
				t.Fatal(err)
			}
			clock.ahead.Store(-int64(48 * time.Hour))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = reopen() // short is of the future and lives a second from now on
			until(t, gone("short"))
			if gone("long")() {
				t.Error("a key is gone after the second restart")
			}
			_ = s.Close() // only read
		})
	}
}

func until(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a key outlives its time")
		}
	}
}
