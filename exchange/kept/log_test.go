package kept

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"fescue.dev/fescue/fail"
)

func everything(string) bool { return true }

func open(t testing.TB, dir string, o Options) *Log {
	t.Helper()
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// add adds messages numbered from first and waits for all.
func add(t testing.TB, l *Log, topic string, first, n, size int) (failed error) {
	t.Helper()
	var group sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		group.Add(1)
		payload := fmt.Appendf(nil, "%0*d", size, first+i)
		l.Append(Message{Topic: topic, Time: time.Now(), From: "app", Payload: payload}, "", func(err error) {
			mu.Lock()
			if err != nil && failed == nil {
				failed = err
			}
			mu.Unlock()
			group.Done()
		})
	}
	group.Wait()
	return failed
}

func past(t testing.TB, l *Log, q Query) (payloads []string) {
	t.Helper()
	if q.Match == nil {
		q.Match = everything
	}
	if q.Limit == 0 {
		q.Limit = 1 << 20
	}
	if err := l.History(q, func(m Message) bool {
		payloads = append(payloads, string(m.Payload))
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return payloads
}

func TestHistory(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, Options{MaxBytes: 8 << 20})
	if err := add(t, l, "a", 0, 3000, 400); err != nil { // over several segments
		t.Fatal(err)
	}
	middle := time.Now().Truncate(time.Millisecond).Add(2 * time.Millisecond)
	for time.Now().Before(middle) {
		time.Sleep(time.Millisecond)
	}
	if err := add(t, l, "b", 3000, 10, 400); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, Options{MaxBytes: 8 << 20})
	if n := len(l.segments); n < 2 {
		t.Fatalf("%d segments", n)
	}
	onlyB := func(topic string) bool { return topic == "b" }
	for name, c := range map[string]struct {
		q           Query
		n           int
		first, last int
	}{
		"all":         {Query{}, 3010, 0, 3009},
		"oldest":      {Query{Limit: 5}, 5, 0, 4},
		"newest":      {Query{Limit: 2500, Newest: true}, 2500, 510, 3009},
		"topic":       {Query{Match: onlyB}, 10, 3000, 3009},
		"newest of b": {Query{Match: onlyB, Limit: 3, Newest: true}, 3, 3007, 3009},
		"from":        {Query{From: middle}, 10, 3000, 3009},
		"until":       {Query{Until: middle}, 3000, 0, 2999},
		"nothing":     {Query{From: time.Now().Add(time.Hour)}, 0, 0, 0},
	} {
		got := past(t, l, c.q)
		if len(got) != c.n || c.n > 0 && (got[0] != fmt.Sprintf("%0400d", c.first) || got[c.n-1] != fmt.Sprintf("%0400d", c.last)) {
			t.Errorf("%s: %d messages, want %d from %d to %d", name, len(got), c.n, c.first, c.last)
		}
	}
}

// TestDropOldest: the log stays within its size, the newest stay.
func TestDropOldest(t *testing.T) {
	l := open(t, t.TempDir(), Options{MaxBytes: 256 << 10})
	if err := add(t, l, "a", 0, 4000, 200); err != nil {
		t.Fatal(err)
	}
	got := past(t, l, Query{})
	if b := l.Stats().Bytes; b > 256<<10 || len(got) < 500 || got[len(got)-1] != fmt.Sprintf("%0200d", 3999) {
		t.Errorf("%d bytes, %d messages", b, len(got))
	}
}

// TestRefuse: a full log refuses until its place has acknowledged.
func TestRefuse(t *testing.T) {
	l := open(t, t.TempDir(), Options{MaxBytes: 256 << 10, Refuse: true})
	p := place(t, l, "p", PlaceOptions{})
	err := add(t, l, "a", 0, 4000, 200)
	if !fail.Is(err, fail.TooLarge) || fail.HintOf(err) == "" {
		t.Fatalf("a full log: %v", err)
	}
	stored := len(past(t, l, Query{}))
	if err := add(t, l, "a", 0, 1, 200); !fail.Is(err, fail.TooLarge) {
		t.Errorf("one more: %v", err)
	}
	c := consume(t, p, 100)
	for range stored {
		d := c.next(t)
		c.Done(d.Sequence)
	}
	if err := add(t, l, "a", 4000, 500, 200); err != nil {
		t.Errorf("after everything was acknowledged: %v", err)
	}
	if d := c.next(t); string(d.Payload) != fmt.Sprintf("%0200d", 4000) {
		t.Errorf("got %.5s…", d.Payload)
	}
	if n := l.Stats().Dropped; n != 0 {
		t.Errorf("%d unacknowledged messages were dropped", n)
	}
}

// TestMessageIDs: a message is stored once, however often it comes, also when the
// broker was restarted in between.
func TestMessageIDs(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, Options{})
	store := func(id string) {
		t.Helper()
		done := make(chan error, 2)
		for range 2 {
			l.Append(Message{Topic: "a", Time: time.Now(), Payload: []byte(id)}, id, func(err error) { done <- err })
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	store("one")
	store("two")
	store("one")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, Options{})
	store("two")
	store("three")
	if got := fmt.Sprint(past(t, l, Query{})); got != "[one two three]" {
		t.Errorf("stored %s", got)
	}
}

// TestTornEnd: what a power cut left at the end is not taken for a message, and
// nothing before it is lost.
func TestTornEnd(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, Options{})
	if err := add(t, l, "a", 0, 10, 20); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	one := len(whole) / 10
	for cut := 1; cut < one; cut += 3 {
		if err := os.WriteFile(files[0], whole[:len(whole)-cut], 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, dir, Options{})
		if got := past(t, l, Query{}); len(got) != 9 {
			t.Fatalf("cut by %d: %d messages", cut, len(got))
		}
		if err := add(t, l, "a", 77, 1, 20); err != nil {
			t.Fatal(err)
		}
		if got := past(t, l, Query{}); len(got) != 10 || got[9] != fmt.Sprintf("%020d", 77) {
			t.Fatalf("cut by %d: %v", cut, got)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAge: messages are kept as long as they should be and no longer.
func TestAge(t *testing.T) {
	l := open(t, t.TempDir(), Options{MaxAge: time.Hour})
	done := make(chan error, 1)
	for _, age := range []time.Duration{2 * time.Hour, -24 * time.Hour, time.Minute} { // one of a clock that was set back later
		l.Append(Message{Topic: "a", Time: time.Now().Add(-age), Payload: []byte(age.String())}, "", func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(past(t, l, Query{})); got != "[-24h0m0s 1m0s]" {
		t.Errorf("kept %s", got)
	}
}
