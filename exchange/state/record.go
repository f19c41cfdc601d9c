package state

import (
	"encoding/binary"
	"path/filepath"

	"fescue.dev/fescue/exchange/disk"
	"fescue.dev/fescue/fail"
)

// What a record tells.
const (
	kindStart   = 0 // the revision of a rewritten file
	kindPut     = 1
	kindDelete  = 2
	kindExpired = 3
)

// record is one line of the file: kind, 3 bytes 0, length of the key (u32), revision, time,
// expires (u64 each), key, value.
type record struct {
	kind          uint8
	revision      uint64
	time, expires int64
	key           string
	value         []byte
	until         int64 // expires, in the store's own time; not in the file
}

const recordHead = 32

func (r record) encode() []byte {
	b := make([]byte, recordHead, recordHead+len(r.key)+len(r.value))
	b[0] = r.kind
	binary.LittleEndian.PutUint32(b[4:], uint32(len(r.key)))
	binary.LittleEndian.PutUint64(b[8:], r.revision)
	binary.LittleEndian.PutUint64(b[16:], uint64(r.time))
	binary.LittleEndian.PutUint64(b[24:], uint64(r.expires))
	b = append(b, r.key...)
	return append(b, r.value...)
}

// decode reads a record; its value is a view.
func decode(b []byte) (record, bool) {
	if len(b) < recordHead {
		return record{}, false
	}
	n := int(binary.LittleEndian.Uint32(b[4:]))
	if n > len(b)-recordHead {
		return record{}, false
	}
	return record{
		kind:     b[0],
		revision: binary.LittleEndian.Uint64(b[8:]),
		time:     int64(binary.LittleEndian.Uint64(b[16:])),
		expires:  int64(binary.LittleEndian.Uint64(b[24:])),
		key:      string(b[recordHead : recordHead+n]),
		value:    b[recordHead+n:],
	}, true
}

// place is where a record lies in the file.
type place struct {
	offset int64
	length int
}

func (p place) read(w *disk.Writer) (record, error) {
	b, err := disk.ReadAt(w, p.offset, p.length)
	if err != nil {
		return record{}, fail.Wrap(err, fail.Internal, "read state", "")
	}
	r, ok := decode(b)
	if !ok {
		return record{}, fail.New(fail.Internal, "read state", "the record at %d makes no sense", p.offset)
	}
	return r, nil
}

// load takes in a record of the file at the start.
func (s *Store) load(offset int64, b []byte) bool {
	r, ok := decode(b)
	if !ok {
		return true // its checksum was right: written by another version, left alone
	}
	s.revision = max(s.revision, r.revision)
	if r.kind == kindStart {
		return true
	}
	k := s.keys[r.key]
	if k == nil {
		k = &key{name: r.key}
		s.keys[r.key] = k
	}
	r.until = s.untilOf(r)
	s.account(k, r, place{offset, len(b)})
	if !k.there {
		delete(s.keys, r.key)
	}
	return true
}

// untilOf is when a record of the file expires, in the store's own time. One that
// the clock says is of the future, because it was set back since, has its whole time
// to live from now on: it ends late, but it ends.
func (s *Store) untilOf(r record) int64 {
	if r.expires == 0 {
		return never
	}
	return r.expires - max(r.time, s.wall)
}

// account makes k what the record says. mu is held, or nobody else there.
func (s *Store) account(k *key, r record, at place) {
	if k.there {
		s.live -= int64(k.place.length + disk.Overhead)
		s.charged -= k.cost
	}
	k.there, k.place, k.revision, k.time, k.until = r.kind == kindPut, at, r.revision, r.time, r.until
	k.cost = 0
	if k.there {
		k.cost = costOf(r)
		s.live += int64(at.length + disk.Overhead)
		s.charged += k.cost
		s.expiry.add(r)
	}
}

func costOf(r record) int64 { return int64(len(r.key)+len(r.value)) + keyCost }

func dirOf(path string) string { return filepath.Dir(path) }
