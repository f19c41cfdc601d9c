package state

import (
	"container/heap"
	"time"
)

// expiry removes keys when their time is over. Its fields are under the store's mu.
type expiry struct {
	store *Store
	due   dues
	timer *time.Timer
}

// due is a key that expires. Those that were overwritten meanwhile are found out
// when their time comes.
type due struct {
	at       int64 // in the store's own time
	key      string
	revision uint64
}

type dues []due

func (d dues) Len() int           { return len(d) }
func (d dues) Less(i, j int) bool { return d[i].at < d[j].at }
func (d dues) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }

// Push is heap.Interface's.
func (d *dues) Push(x any) { *d = append(*d, x.(due)) }

// Pop is heap.Interface's.
func (d *dues) Pop() any {
	old := *d
	last := old[len(old)-1]
	*d = old[:len(old)-1]
	return last
}

func (e *expiry) start(s *Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.store = s
	e.timer = time.AfterFunc(time.Hour, e.run)
	e.set()
}

func (e *expiry) stop() { e.timer.Stop() }

// add notes a record that expires.
func (e *expiry) add(r record) {
	if r.until == never {
		return
	}
	heap.Push(&e.due, due{r.until, r.key, r.revision})
	if e.timer != nil && e.due[0].revision == r.revision {
		e.set()
	}
}

func (e *expiry) set() {
	if len(e.due) > 0 {
		e.timer.Reset(time.Duration(max(e.due[0].at-e.store.passed(), 1)) * time.Millisecond)
	}
}

// run expires what is due.
func (e *expiry) run() {
	s := e.store
	var over []due
	s.mu.Lock()
	now := s.passed()
	for len(e.due) > 0 && e.due[0].at <= now && !s.closed {
		over = append(over, heap.Pop(&e.due).(due))
	}
	if !s.closed {
		e.set()
	}
	s.mu.Unlock()
	for _, d := range over {
		s.submit(d.key, func(k *key, now int64) {
			if !k.there || k.revision != d.revision {
				s.settle(k, func() {})
				return
			}
			s.write(k, record{kind: kindExpired, time: now, key: d.key}, s.again(d))
		})
	}
}

// again tries once more later if the disk did not take it; for readers the key
// is gone anyway.
func (s *Store) again(d due) func(uint64, error) {
	return func(_ uint64, err error) {
		if err == nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		d.at = s.passed() + time.Minute.Milliseconds()
		heap.Push(&s.expiry.due, d)
		if !s.closed {
			s.expiry.set()
		}
	}
}
