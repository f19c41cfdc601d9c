package state

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// next takes the next change as text.
func next(t *testing.T, w *Watch) string {
	t.Helper()
	c, ok, err := w.Next(t.Context().Done())
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return "over"
	}
	return fmt.Sprintf("%d %s %s", c.Kind, c.Key, c.Value)
}

func want(t *testing.T, w *Watch, changes ...string) {
	t.Helper()
	for _, c := range changes {
		if got := next(t, w); got != c {
			t.Errorf("got %q, want %q", got, c)
		}
	}
}

func TestWatch(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "app.log"), 1<<20)
	defer s.Close() //nolint:errcheck // the end of the test
	set := func(key, value string) {
		t.Helper()
		if _, err := put(s, key, []byte(value), 0, Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	set("r/b", "2")
	set("r/a", "1")
	set("x", "no")
	inR := func(key string) bool { return strings.HasPrefix(key, "r/") }
	w := s.Watch(inR, WatchOptions{Present: true})
	set("r/b", "3") // before it was told: once, with the new value
	want(t, w, "0 r/a 1", "0 r/b 3", "3  ")
	set("r/c", "4")
	set("r/c", "5") // a slow watcher misses what is between
	if _, err := remove(s, "r/a", Condition{}); err != nil {
		t.Fatal(err)
	}
	set("x", "no")
	want(t, w, "0 r/c 5", "1 r/a ")
	list := s.Watch(inR, WatchOptions{Present: true, OnlyPresent: true, KeysOnly: true})
	want(t, list, "0 r/b ", "0 r/c ", "3  ", "over")
	w.Close()
	want(t, w, "over")
}

// TestRewrite: what was overwritten leaves the file, whatever happens meanwhile;
// revisions go on.
func TestRewrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	s := open(t, path, 1<<20)
	value := strings.Repeat("v", 1000)
	var last uint64
	for n := range 3000 {
		var err error
		if last, err = put(s, fmt.Sprint("k", n%7), fmt.Appendf(nil, "%s%d", value, n), 0, Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	if last, _ = remove(s, "k0", Condition{}); last != 3001 {
		t.Errorf("the last revision is %d", last)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() > 2*firstRewrite {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
	s = open(t, path, 1<<20)
	for n := 2994; n < 3000; n++ {
		key := fmt.Sprint("k", n%7)
		if n%7 == 0 {
			continue
		}
		if e, err := s.Get(key); err != nil || string(e.Value) != fmt.Sprint(value, n) {
			t.Errorf("%s: …%q %v", key, e.Value[max(0, len(e.Value)-5):], err)
		}
	}
	if r, err := put(s, "k0", nil, 0, Condition{If: true}); err != nil || r != 3002 {
		t.Errorf("revision %d, %v", r, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
