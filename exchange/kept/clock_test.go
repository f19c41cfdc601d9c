package kept

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// settable is a clock that a test sets.
type settable struct{ ahead atomic.Int64 }

func (c *settable) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *settable) set(ahead time.Duration) { c.ahead.Store(int64(ahead)) }

// at adds one message with the clock's time.
func (c *settable) at(t *testing.T, l *Log, payload string) {
	t.Helper()
	done := make(chan error, 1)
	l.Append(Message{Topic: "a", Time: c.now(), Payload: []byte(payload)}, "", func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestClockSetAges: a message is kept as long as it should be, whatever the clock
// said when it came and is set to later.
func TestClockSetAges(t *testing.T) {
	clock, dir := &settable{}, t.TempDir()
	o := Options{MaxAge: time.Hour, MaxBytes: 1 << 20, Clock: clock.now}
	l := open(t, dir, o)
	clock.at(t, l, "before")
	clock.set(-24 * time.Hour)
	clock.at(t, l, "yesterday")
	clock.set(0)
	clock.at(t, l, "right again")
	clock.set(400 * 24 * time.Hour)
	clock.at(t, l, "next year")
	if got := fmt.Sprint(past(t, l, Query{})); got != "[before yesterday right again next year]" {
		t.Errorf("kept %s", got)
	}
	clock.set(0)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, o) // nothing but the messages' own times is known now
	if got := fmt.Sprint(past(t, l, Query{})); got != "[before right again next year]" {
		t.Errorf("after a restart %s", got)
	}
	o.MaxAge = time.Second
	l.Change(o)
	clock.set(-24 * time.Hour)
	for deadline := time.Now().Add(patience); len(past(t, l, Query{})) > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("messages outlive their age: %v", past(t, l, Query{}))
		}
	}
}

// TestClockSetBack: deliveries, their repetitions, the order and the history over
// several files do not mind.
func TestClockSetBack(t *testing.T) {
	clock, dir := &settable{}, t.TempDir()
	o := Options{MaxBytes: 1 << 20, Clock: clock.now}
	l := open(t, dir, o)
	p := place(t, l, "p", PlaceOptions{Start: StartOldest})
	c := consume(t, p, 10)
	clock.at(t, l, "1")
	one := c.next(t)
	start := clock.now()
	clock.set(-24 * time.Hour)
	c.Again(one.Sequence, 100*time.Millisecond)
	if d := c.next(t); d.Sequence != one.Sequence || d.Attempt != 2 {
		t.Errorf("again: %+v", d)
	}
	c.Done(one.Sequence)
	clock.at(t, l, "2")
	if d := c.next(t); string(d.Payload) != "2" || d.Sequence <= one.Sequence {
		t.Errorf("after the clock was set: %+v", d)
	}
	c.Close()
	for range 300 { // begins further files
		clock.at(t, l, strings.Repeat("fill", 250))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, o)
	if len(l.segments) < 3 {
		t.Fatalf("%d files", len(l.segments))
	}
	for name, want := range map[string]struct {
		q   Query
		got string
	}{
		"of the time before": {Query{From: start.Add(-time.Hour)}, "[1]"},
		"of the time after":  {Query{Until: start.Add(-time.Hour), Limit: 1}, "[2]"},
		"all":                {Query{Limit: 2}, "[1 2]"},
	} {
		if got := fmt.Sprint(past(t, l, want.q)); got != want.got {
			t.Errorf("%s: %s, want %s", name, got, want.got)
		}
	}
}
