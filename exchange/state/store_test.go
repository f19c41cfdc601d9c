package state

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fescue.dev/fescue/fail"
)

func open(t interface {
	Helper()
	Fatal(...any)
}, path string, quota int64) *Store {
	t.Helper()
	s, err := Open(path, Options{Quota: quota})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put waits for a Put.
func put(s *Store, key string, value []byte, ttl time.Duration, c Condition) (revision uint64, err error) {
	done := make(chan struct{})
	s.Put(key, value, ttl, c, func(r uint64, e error) { revision, err = r, e; close(done) })
	<-done
	return revision, err
}

func remove(s *Store, key string, c Condition) (revision uint64, err error) {
	done := make(chan struct{})
	s.Delete(key, c, func(r uint64, e error) { revision, err = r, e; close(done) })
	<-done
	return revision, err
}

// TestStoreIsAMap does random things and compares with a map, over restarts and
// with ends of the file cut off that were never acknowledged.
func TestStoreIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "state")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "app.log")
		s := open(t, path, 1<<20)
		want := map[string]Entry{}
		last := uint64(0)
		name := rapid.SampledFrom([]string{"a", "b", "c/d"})
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				key, value := name.Draw(t, "key"), rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "value")
				c := Condition{If: rapid.Bool().Draw(t, "if"), Revision: rapid.SampledFrom([]uint64{0, want[key].Revision, 77}).Draw(t, "revision")}
				r, err := put(s, key, value, 0, c)
				if c.If && c.Revision != want[key].Revision {
					if !fail.Is(err, fail.Conflict) {
						t.Fatalf("put with revision %d over %d: %v", c.Revision, want[key].Revision, err)
					}
					return
				}
				if err != nil || r <= last {
					t.Fatalf("revision %d after %d, %v", r, last, err)
				}
				last, want[key] = r, Entry{Revision: r, Value: value}
			},
			"delete": func(t *rapid.T) {
				key := name.Draw(t, "key")
				r, err := remove(s, key, Condition{})
				if err != nil || r < last {
					t.Fatalf("revision %d after %d, %v", r, last, err)
				}
				last = r
				delete(want, key)
			},
			"restart": func(t *rapid.T) {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if rapid.Bool().Draw(t, "torn") {
					tear(t, path)
				}
				s = open(t, path, 1<<20)
			},
			"": func(t *rapid.T) {
				for _, key := range []string{"a", "b", "c/d"} {
					e, err := s.Get(key)
					w, there := want[key]
					if there && (err != nil || e.Revision != w.Revision || !bytes.Equal(e.Value, w.Value)) || !there && !fail.Is(err, fail.NotFound) {
						t.Fatalf("%s is %v, %v, want %v %v", key, e, err, w, there)
					}
				}
			},
		})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// tear adds a part of a record, as a power cut in the middle of a write leaves it.
func tear(t *rapid.T, path string) {
	whole := record{kind: kindPut, revision: 1 << 40, key: "a", value: []byte("never acknowledged")}.encode()
	b := append([]byte{1, 2, 3, 4, byte(len(whole)), 0, 0, 0}, whole...)
	b = b[:rapid.IntRange(1, len(b)).Draw(t, "kept")]
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCompareAndSet: many count with one key; none is lost.
func TestCompareAndSet(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "app.log"), 1<<20)
	var group sync.WaitGroup
	const writers, each = 8, 25
	for range writers {
		group.Go(func() {
			for n := 0; n < each; {
				e, err := s.Get("count")
				if err != nil && !fail.Is(err, fail.NotFound) {
					t.Error(err)
					return
				}
				next := fmt.Appendf(nil, "%s.", e.Value)
				_, err = put(s, "count", next, 0, Condition{If: true, Revision: e.Revision})
				switch {
				case err == nil:
					n++
				case !fail.Is(err, fail.Conflict):
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if e, err := s.Get("count"); err != nil || len(e.Value) != writers*each {
		t.Errorf("%d counted, %v, want %d", len(e.Value), err, writers*each)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestOrderOfOneKey: what one client writes to a key without waiting takes effect
// in that order.
func TestOrderOfOneKey(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "app.log"), 1<<20)
	var group sync.WaitGroup
	var revisions []uint64
	for n := range 200 {
		group.Add(1)
		s.Put("k", fmt.Append(nil, n), 0, Condition{}, func(r uint64, err error) {
			if err != nil {
				t.Error(err)
			}
			revisions = append(revisions, r)
			group.Done()
		})
	}
	group.Wait()
	e, err := s.Get("k")
	if err != nil || string(e.Value) != "199" || len(revisions) != 200 {
		t.Errorf("%q, %v after %d writes", e.Value, err, len(revisions))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestQuota(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "app.log"), 1000)
	if _, err := put(s, "a", make([]byte, 800), 0, Condition{}); err != nil {
		t.Fatal(err)
	}
	if _, err := put(s, "b", make([]byte, 200), 0, Condition{}); !fail.Is(err, fail.TooLarge) || fail.HintOf(err) == "" {
		t.Errorf("over the quota: %v", err)
	}
	if _, err := s.Get("b"); !fail.Is(err, fail.NotFound) {
		t.Errorf("b: %v", err)
	}
	for range 3 { // overwriting with less is always possible
		if _, err := put(s, "a", make([]byte, 600), 0, Condition{}); err != nil {
			t.Error(err)
		}
	}
	if _, err := put(s, "b", make([]byte, 200), 0, Condition{}); err != nil {
		t.Errorf("there is room now: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestTimeToLive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	s := open(t, path, 1<<20)
	w := s.Watch(func(string) bool { return true }, WatchOptions{})
	for key, ttl := range map[string]time.Duration{"short": 50 * time.Millisecond, "long": time.Hour, "over": time.Hour} {
		if _, err := put(s, key, []byte("v"), ttl, Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := put(s, "over", []byte("for good"), 0, Condition{}); err != nil {
		t.Fatal(err)
	}
	for {
		c, ok, err := w.Next(t.Context().Done())
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		if c.Kind == Expired {
			if c.Key != "short" {
				t.Errorf("%s expired", c.Key)
			}
			break
		}
	}
	if _, err := s.Get("short"); !fail.Is(err, fail.NotFound) {
		t.Errorf("short: %v", err)
	}
	if _, err := put(s, "short", nil, 0, Condition{If: true}); err != nil {
		t.Errorf("make it anew: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, ok, _ := w.Next(nil); ok {
		t.Error("a watch outlived its store")
	}
	s = open(t, path, 1<<20)
	if e, err := s.Get("over"); err != nil || string(e.Value) != "for good" {
		t.Errorf("over: %q %v", e.Value, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
