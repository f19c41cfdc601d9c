package state

import (
	"errors"
	"os"

	"fescue.dev/fescue/exchange/disk"
	"fescue.dev/fescue/fail"
)

const (
	rewriteSuffix = ".new"
	firstRewrite  = 256 << 10 // bytes of a file below which it is never rewritten
)

// considerRewrite starts a rewrite when more than half of the file counts no
// more. mu is held.
func (s *Store) considerRewrite() {
	if s.rewrites || s.closed || s.end < s.rewriteAt || s.end < 2*s.live {
		return
	}
	s.rewrites = true
	go s.rewrite()
}

// rewrite replaces the file by one that holds what counts. Operations wait
// meanwhile. If it fails, the old file stays, and the next try comes when it has
// grown by half.
func (s *Store) rewrite() {
	s.gate.Lock()
	defer s.gate.Unlock()
	s.writer.Flush()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rewrites = false
	if s.closed {
		return
	}
	s.rewriteAt = max(firstRewrite, s.end+s.end/2)
	fresh := s.path + rewriteSuffix
	if err := s.copyTo(fresh); err != nil {
		_ = os.Remove(fresh) // Open removes it otherwise
		return
	}
	if err := s.adopt(fresh); err == nil {
		s.rewriteAt = firstRewrite
	}
}

// copyTo writes the records that count to a new file, synced.
func (s *Store) copyTo(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	b := disk.AppendRecord(nil, record{kind: kindStart, revision: s.revision}.encode())
	for _, k := range s.keys {
		if !k.there {
			continue
		}
		r, err := disk.ReadAt(s.writer, k.place.offset, k.place.length)
		if err != nil {
			return errors.Join(err, f.Close())
		}
		if b = disk.AppendRecord(b, r); len(b) >= 1<<20 {
			if _, err := f.Write(b); err != nil {
				return errors.Join(err, f.Close())
			}
			b = b[:0]
		}
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// adopt makes the new file the store's. It is opened before it takes the name: what
// cannot be opened must not be where the next start looks.
func (s *Store) adopt(fresh string) error {
	places := map[string]place{}
	w, err := disk.Open(fresh, func(offset int64, b []byte) bool {
		if r, ok := decode(b); ok && r.kind == kindPut {
			places[r.key] = place{offset, len(b)}
		}
		return true
	})
	if err != nil {
		return fail.Wrap(errors.Join(err, os.Remove(fresh)), fail.Internal, "rewrite state", s.path)
	}
	if err := w.Rename(s.path); err != nil && w.Path() != s.path {
		return errors.Join(err, w.Close(), os.Remove(fresh))
	}
	old := s.writer
	s.writer, s.end = w, w.Size()
	for name, at := range places {
		s.keys[name].place = at
	}
	return old.Close()
}
