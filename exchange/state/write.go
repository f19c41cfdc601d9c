package state

import (
	"fescue.dev/fescue/exchange/disk"
	"fescue.dev/fescue/fail"
)

// submit runs an operation on a key, after those on the same key that are under
// way. Operations on different keys share a sync of the disk. do is called with
// mu and gate held and ends by write or settle.
func (s *Store) submit(name string, do operation) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	s.mu.Lock()
	k := s.keys[name]
	if k == nil {
		k = &key{name: name}
		s.keys[name] = k
	}
	if k.busy {
		k.waiting = append(k.waiting, do)
		s.mu.Unlock()
		return
	}
	k.busy = true
	do(k, s.clock().UnixMilli()) // unlocks
	s.forget(k)
}

// operation is what is done to a key while no other is.
type operation func(k *key, now int64)

// settle ends an operation that writes nothing: it passes the key on, unlocks mu
// and tells.
func (s *Store) settle(k *key, tell func()) {
	s.passOn(k)
	s.mu.Unlock()
	tell()
}

// passOn gives the key to the operation that has waited longest. It runs in a
// goroutine of its own: who ends an operation may hold gate, or be the writer.
func (s *Store) passOn(k *key) {
	if len(k.waiting) == 0 {
		k.busy = false
		return
	}
	do := k.waiting[0]
	k.waiting = k.waiting[1:]
	go func() {
		s.gate.RLock()
		defer s.gate.RUnlock()
		s.mu.Lock()
		do(k, s.clock().UnixMilli()) // unlocks
		s.forget(k)
	}()
}

// forget drops a key that holds nothing and that nobody works on.
func (s *Store) forget(k *key) {
	s.mu.Lock()
	if !k.there && !k.busy && s.keys[k.name] == k {
		delete(s.keys, k.name)
	}
	s.mu.Unlock()
}

// write puts a record on the disk and then makes it effective. mu is held, and
// released.
func (s *Store) write(k *key, r record, done func(uint64, error)) {
	reserved := int64(0)
	if r.kind == kindPut {
		if reserved = costOf(r) - k.cost; s.charged+reserved > s.quota && reserved > 0 {
			err := fail.New(fail.TooLarge, "write state", "the state may have %d bytes, it would have %d", s.quota, s.charged+reserved).On(r.key).
				WithHint("Delete what is not needed, or raise limits.state.")
			s.settle(k, func() { done(0, err) })
			return
		}
	}
	s.charged += reserved
	s.revision++
	r.revision = s.revision
	s.mu.Unlock()
	b := r.encode()
	s.writer.Append(b, func(err error) { s.written(k, r, len(b), reserved, done, err) })
}

// written is called when a record is on the disk, or is not: one call at a time
// for a writer, in the order of the records.
func (s *Store) written(k *key, r record, length int, reserved int64, done func(uint64, error), err error) {
	s.mu.Lock()
	s.charged -= reserved
	if err == nil {
		s.account(k, r, place{s.end, length})
		s.end += int64(length + disk.Overhead)
		for w := range s.watches {
			w.note(r)
		}
	}
	s.passOn(k)
	s.considerRewrite()
	s.mu.Unlock()
	if err == nil {
		done(r.revision, nil)
	} else {
		done(0, err)
	}
	s.forget(k)
}
