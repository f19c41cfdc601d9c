package state

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Info is a key without its value.
type Info struct {
	Key      string
	Revision uint64
	Time     time.Time
	Expires  time.Time // zero: never
	Size     int64     // bytes of key and value, with what a key is charged
}

// List gives the keys that begin with prefix and come after a key, in order, limit of them at most; more
// tells whether there are others behind them.
func (s *Store) List(prefix, after string, limit int) (list []Info, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	passed := s.passed()
	for _, name := range slices.Sorted(maps.Keys(s.keys)) {
		k := s.keys[name]
		if !strings.HasPrefix(name, prefix) || name <= after || !k.holds(passed) {
			continue
		}
		if len(list) == limit {
			return list, true
		}
		i := Info{Key: name, Revision: k.revision, Time: time.UnixMilli(k.time), Size: k.cost}
		if k.until != never {
			i.Expires = s.clock().Add(time.Duration(k.until-passed) * time.Millisecond)
		}
		list = append(list, i)
	}
	return list, false
}

// Usage is how many bytes keys and values take, and may.
func (s *Store) Usage() (charged, quota int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.charged, s.quota
}
