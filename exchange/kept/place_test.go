package kept

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"fescue.dev/fescue/fail"
)

const patience = 20 * time.Second

func place(t testing.TB, l *Log, name string, o PlaceOptions) *Place {
	t.Helper()
	if o.Filter == "" {
		o.Filter = "#"
	}
	if o.Match == nil {
		o.Match = everything
	}
	p, err := l.Place(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// reader is a consumer that a test asks.
type reader struct {
	*Consumer
	got chan Delivery
}

func consume(t testing.TB, p *Place, window int) *reader {
	t.Helper()
	r := &reader{got: make(chan Delivery, window)}
	r.Consumer = &Consumer{Window: window, Patience: time.Minute, Deliver: func(d Delivery) bool { r.got <- d; return true }}
	if err := p.Consume(r.Consumer); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *reader) next(t testing.TB) Delivery {
	t.Helper()
	select {
	case d := <-r.got:
		return d
	case <-time.After(patience):
		t.Fatal("nothing was delivered")
		return Delivery{}
	}
}

func (r *reader) nothing(t testing.TB) {
	t.Helper()
	select {
	case d := <-r.got:
		t.Fatalf("%d %q was delivered", d.Sequence, d.Payload)
	case <-time.After(20 * time.Millisecond):
	}
}

func TestPlaceOutlivesRestart(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, Options{})
	if err := add(t, l, "a", 0, 5, 1); err != nil {
		t.Fatal(err)
	}
	old := consume(t, place(t, l, "old", PlaceOptions{Start: StartOldest}), 3)
	fresh := consume(t, place(t, l, "fresh", PlaceOptions{}), 3)
	for want := range 3 {
		if d := old.next(t); string(d.Payload) != fmt.Sprint(want) || d.Attempt != 1 || d.MaybeBefore || d.From != "app" {
			t.Errorf("got %+v, want %d", d, want)
		}
	}
	old.nothing(t) // its window is full
	old.Done(2)    // not the first
	if d := old.next(t); string(d.Payload) != "3" {
		t.Errorf("got %q", d.Payload)
	}
	fresh.nothing(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, Options{})
	if err := add(t, l, "a", 5, 1, 1); err != nil {
		t.Fatal(err)
	}
	old = consume(t, place(t, l, "old", PlaceOptions{}), 10)
	for _, want := range []struct {
		payload string
		attempt int
		before  bool
	}{{"0", 2, true}, {"2", 2, true}, {"3", 2, true}, {"4", 1, true}, {"5", 1, false}} {
		d := old.next(t)
		if string(d.Payload) != want.payload || d.Attempt != want.attempt || d.MaybeBefore != want.before {
			t.Errorf("got %q attempt %d, %v; want %+v", d.Payload, d.Attempt, d.MaybeBefore, want)
		}
	}
	fresh = consume(t, place(t, l, "fresh", PlaceOptions{}), 3)
	if d := fresh.next(t); string(d.Payload) != "5" {
		t.Errorf("got %q", d.Payload)
	}
	if _, err := l.Place("old", PlaceOptions{Filter: "a/#", Match: everything}); !fail.Is(err, fail.Conflict) {
		t.Errorf("another filter: %v", err)
	}
	if !l.Forget("old") || l.Forget("old") {
		t.Error("forget it once")
	}
	fresh.Close()
}

func TestAgainAndDeadLetter(t *testing.T) {
	l := open(t, t.TempDir(), Options{})
	dead := make(chan Message, 10)
	var refused atomic.Bool
	p := place(t, l, "p", PlaceOptions{Attempts: 3, Dead: func(m Message, done func(error)) {
		if refused.CompareAndSwap(false, true) {
			done(fail.New(fail.Exhausted, "", "not now"))
			return
		}
		dead <- m
		done(nil)
	}})
	c := consume(t, p, 10)
	if err := add(t, l, "a", 0, 2, 1); err != nil {
		t.Fatal(err)
	}
	zero, one := c.next(t), c.next(t)
	c.Again(zero.Sequence, 0)
	if d := c.next(t); d.Sequence != zero.Sequence || d.Attempt != 2 || !d.MaybeBefore {
		t.Errorf("again: %+v", d)
	}
	start := time.Now()
	c.Again(zero.Sequence, -1) // the place's own pause after two attempts: 0.2 s
	if d := c.next(t); d.Attempt != 3 || time.Since(start) < 200*time.Millisecond {
		t.Errorf("attempt %d after %v", d.Attempt, time.Since(start))
	}
	c.Reject(one.Sequence)
	c.Again(zero.Sequence, 0) // had its attempts
	for range 2 {
		select {
		case m := <-dead:
			if m.Sequence != zero.Sequence && m.Sequence != one.Sequence {
				t.Errorf("dead: %+v", m)
			}
		case <-time.After(patience):
			t.Fatal("no dead letter")
		}
	}
	c.nothing(t)
	if floor := p.floor(); floor != 2 {
		deadline := time.Now().Add(patience)
		for p.floor() != 2 && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		if p.floor() != 2 {
			t.Errorf("the floor is %d", p.floor())
		}
	}
}

// TestPatience: what is not answered goes to another consumer.
func TestPatience(t *testing.T) {
	l := open(t, t.TempDir(), Options{})
	p := place(t, l, "p", PlaceOptions{})
	silent := consume(t, p, 1)
	silent.Patience = 50 * time.Millisecond
	if err := add(t, l, "a", 0, 1, 1); err != nil {
		t.Fatal(err)
	}
	first := silent.next(t)
	silent.StillAtIt(first.Sequence)
	other := consume(t, p, 1)
	silent.Close()
	if d := other.next(t); d.Sequence != first.Sequence || d.Attempt != 2 {
		t.Errorf("got %+v", d)
	}
	silent.Done(first.Sequence) // it is not his any more
	other.Patience = 50 * time.Millisecond
	other.Again(first.Sequence, 0)
	for attempt := 3; attempt < 6; attempt++ {
		if d := other.next(t); d.Attempt != attempt {
			t.Errorf("attempt %d, want %d", d.Attempt, attempt)
		}
	}
}

// TestConsumerThatCannotTake: it gets the message when it says that it can, others
// meanwhile.
func TestConsumerThatCannotTake(t *testing.T) {
	l := open(t, t.TempDir(), Options{})
	p := place(t, l, "p", PlaceOptions{})
	room := false
	got := make(chan Delivery, 10)
	stuck := &Consumer{Window: 5, Patience: time.Minute, Deliver: func(d Delivery) bool {
		if room {
			got <- d
		}
		return room
	}}
	if err := p.Consume(stuck); err != nil {
		t.Fatal(err)
	}
	if err := add(t, l, "a", 0, 1, 1); err != nil {
		t.Fatal(err)
	}
	other := consume(t, p, 1)
	d := other.next(t)
	other.Close()
	room = true
	stuck.Ready()
	select {
	case again := <-got:
		if again.Sequence != d.Sequence || again.Attempt != 2 {
			t.Errorf("got %+v", again)
		}
	case <-time.After(patience):
		t.Fatal("nothing was delivered")
	}
}
