package state

import (
	"slices"
	"sync"
	"time"

	"fescue.dev/fescue/fail"
)

// Kind says what a change is.
type Kind uint8

// The kinds.
const (
	Put Kind = iota
	Deleted
	Expired
	EndOfPresent
)

// Change is what became of a key.
type Change struct {
	Kind  Kind
	Key   string
	Entry // its value only for Put
}

// WatchOptions say what a watch begins with.
type WatchOptions struct {
	Present     bool // first the present keys, then a change of kind EndOfPresent
	OnlyPresent bool // then no more
	KeysOnly    bool // without values
}

// Watch hears of changes. It remembers which keys have changed, not every value
// between, so a slow one costs no more than its keys.
type Watch struct {
	store   *Store
	match   func(string) bool
	options WatchOptions

	// Under the store's mu.
	present []string // still to be told
	from    uint64   // revision of the store when the watch began
	ended   bool     // the end of them has been told, or is not wanted
	changed map[string]record
	order   []string
	closed  bool

	wake chan struct{}
	once sync.Once
}

// Watch begins to watch the keys that match.
func (s *Store) Watch(match func(key string) bool, o WatchOptions) *Watch {
	w := &Watch{store: s, match: match, options: o, changed: map[string]record{}, wake: make(chan struct{}, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.ended, w.from = !o.Present, s.revision
	if o.Present {
		now := s.passed()
		for name, k := range s.keys {
			if k.holds(now) && match(name) {
				w.present = append(w.present, name)
			}
		}
		slices.Sort(w.present)
	}
	if w.closed = s.closed; !w.closed {
		s.watches[w] = struct{}{}
	}
	w.kick()
	return w
}

// note tells of a record; the store's mu is held.
func (w *Watch) note(r record) {
	if w.options.OnlyPresent || !w.match(r.key) {
		return
	}
	if _, waits := w.changed[r.key]; !waits {
		w.order = append(w.order, r.key)
	}
	r.value = nil
	w.changed[r.key] = r
	w.kick()
}

func (w *Watch) kick() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Next waits for the next change, until done is closed; false is the end of the
// watch.
func (w *Watch) Next(done <-chan struct{}) (Change, bool, error) {
	for {
		c, state, err := w.next()
		if state != nothing {
			return c, state == found, err
		}
		select {
		case <-w.wake:
		case <-done:
			return Change{}, false, nil
		}
	}
}

type outcome uint8

const (
	nothing outcome = iota
	found
	over
)

func (w *Watch) next() (Change, outcome, error) {
	s := w.store
	s.gate.RLock()
	defer s.gate.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case w.closed:
		return Change{}, over, nil
	case len(w.present) > 0:
		name := w.present[0]
		w.present = w.present[1:]
		if k := s.keys[name]; k != nil && k.there {
			delete(w.changed, name)
			c, err := w.put(name, k)
			return c, found, err
		}
		w.kick()
		return Change{}, nothing, nil
	case !w.ended:
		w.ended = true
		return Change{Kind: EndOfPresent, Entry: Entry{Revision: w.from, Time: s.clock()}}, found, nil
	case w.options.OnlyPresent:
		return Change{}, over, nil
	}
	return w.nextChanged()
}

func (w *Watch) nextChanged() (Change, outcome, error) {
	for len(w.order) > 0 {
		name := w.order[0]
		w.order = w.order[1:]
		r, waits := w.changed[name]
		if !waits {
			continue
		}
		delete(w.changed, name)
		if r.kind == kindPut {
			if k := w.store.keys[name]; k != nil && k.there {
				c, err := w.put(name, k)
				return c, found, err
			}
		}
		return Change{Kind: kindOf(r), Key: name, Entry: Entry{Revision: r.revision, Time: time.UnixMilli(r.time)}}, found, nil
	}
	return Change{}, nothing, nil
}

func kindOf(r record) Kind {
	if r.kind == kindExpired {
		return Expired
	}
	return Deleted
}

func (w *Watch) put(name string, k *key) (Change, error) {
	c := Change{Key: name, Entry: Entry{Revision: k.revision, Time: time.UnixMilli(k.time)}}
	if w.options.KeysOnly {
		return c, nil
	}
	r, err := k.place.read(w.store.writer)
	c.Value = r.value
	return c, fail.Wrap(err, fail.Internal, "watch state", name)
}

// end makes Next return; the store's mu is held.
func (w *Watch) end() {
	w.closed = true
	w.kick()
}

// Close ends the watch.
func (w *Watch) Close() {
	w.once.Do(func() {
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		delete(w.store.watches, w)
		w.end()
	})
}
