package state

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"sync"
	"time"

	"fescue.dev/fescue/exchange/disk"
	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/internal/durable"
)

// keyCost is what a key is charged beside its bytes.
const keyCost = 64

// Entry is what a key holds.
type Entry struct {
	Revision uint64
	Time     time.Time
	Value    []byte
}

// Store is one application's. Its methods may be called from any goroutine.
type Store struct {
	path   string
	clock  func() time.Time
	opened time.Time // with the time that cannot be set
	wall   int64     // what the clock said then, in ms

	// gate is held for reading while an operation is handed to the writer, and
	// for writing while the file is replaced.
	gate   sync.RWMutex
	writer *disk.Writer

	mu        sync.Mutex
	quota     int64
	keys      map[string]*key
	revision  uint64
	charged   int64 // bytes of keys and values, those under way included
	live      int64 // bytes of the records that count
	end       int64 // of the file, as far as its records are accounted
	rewrites  bool  // one is under way
	rewriteAt int64 // bytes of the file at which the next one may come
	expiry    expiry
	watches   map[*Watch]struct{}
	closed    bool
}

// key is the index's entry. Its fields are what is on the disk.
type key struct {
	name     string
	there    bool
	place    place
	revision uint64
	time     int64 // ms since 1970
	until    int64 // ms from the store's opening on, by the time that cannot be set
	cost     int64
	busy     bool        // an operation on it is under way
	waiting  []operation // those that come after it
}

// Options are a Store's.
type Options struct {
	Quota int64            // bytes of its keys and values, each key charged 64 more
	Clock func() time.Time // the time of day; default time.Now
}

// Open opens the store in a file, made if it is not there.
func Open(path string, o Options) (*Store, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	s := &Store{
		path: path, quota: o.Quota, keys: map[string]*key{}, watches: map[*Watch]struct{}{},
		clock: o.Clock, opened: time.Now(), wall: o.Clock().UnixMilli(),
	}
	if err := os.Remove(path + rewriteSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fail.Wrap(err, fail.Internal, "open state", path)
	}
	var err error
	if s.writer, err = disk.Open(path, s.load); err != nil {
		return nil, err
	}
	if err := durable.SyncDir(dirOf(path)); err != nil {
		return nil, fail.Wrap(errors.Join(err, s.writer.Close()), fail.Internal, "open state", path)
	}
	s.end, s.rewriteAt = s.writer.Size(), firstRewrite
	s.expiry.start(s)
	return s, nil
}

// SetQuota changes the bound; what is there stays.
func (s *Store) SetQuota(quota int64) {
	s.mu.Lock()
	s.quota = quota
	s.mu.Unlock()
}

// Close ends the store and its watches, after what is under way.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.expiry.stop()
	for w := range s.watches {
		w.end()
	}
	s.mu.Unlock()
	s.gate.Lock()
	defer s.gate.Unlock()
	return s.writer.Close()
}

// Get returns what a key holds; fail.NotFound if there is no such key.
func (s *Store) Get(name string) (Entry, error) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	s.mu.Lock()
	k := s.keys[name]
	if k == nil || !k.holds(s.passed()) {
		s.mu.Unlock()
		return Entry{}, fail.New(fail.NotFound, "get", "there is no such key").On(name)
	}
	at, e := k.place, Entry{Revision: k.revision, Time: time.UnixMilli(k.time)}
	s.mu.Unlock()
	r, err := at.read(s.writer)
	e.Value = r.value
	return e, err
}

// passed is the ms since the store was opened, whatever was done to the clock. Keys
// live by it; the file tells the time of day, for the next start.
func (s *Store) passed() int64 { return time.Since(s.opened).Milliseconds() }

// never is when a key without a time to live expires.
const never = math.MaxInt64

// holds tells whether there is a value at this time.
func (k *key) holds(passed int64) bool { return k.there && passed < k.until }

// Condition makes an operation depend on the key's revision.
type Condition struct {
	If       bool
	Revision uint64 // 0: there is no such key
}

// Put writes a value, for ttl if that is not 0, and calls done with its revision
// once it is on the disk. Errors: fail.Conflict if the condition does not hold,
// fail.TooLarge over the quota, fail.Exhausted if the disk does not take it.
func (s *Store) Put(name string, value []byte, ttl time.Duration, c Condition, done func(uint64, error)) {
	s.submit(name, func(k *key, now int64) {
		if err := s.allowed(k, c); err != nil {
			s.settle(k, func() { done(0, err) })
			return
		}
		r := record{kind: kindPut, time: now, key: name, value: value, until: never}
		if ttl > 0 {
			r.expires, r.until = now+max(ttl.Milliseconds(), 1), s.passed()+max(ttl.Milliseconds(), 1)
		}
		s.write(k, r, done)
	})
}

// Delete removes a key; one that is not there is no error.
func (s *Store) Delete(name string, c Condition, done func(uint64, error)) {
	s.submit(name, func(k *key, now int64) {
		if err := s.allowed(k, c); err != nil {
			s.settle(k, func() { done(0, err) })
			return
		}
		if !k.there {
			revision := s.revision
			s.settle(k, func() { done(revision, nil) })
			return
		}
		s.write(k, record{kind: kindDelete, time: now, key: name}, done)
	})
}

func (s *Store) allowed(k *key, c Condition) error {
	revision := k.revision
	if !k.holds(s.passed()) {
		revision = 0
	}
	switch {
	case !c.If || c.Revision == revision:
		return nil
	case revision == 0:
		return fail.New(fail.Conflict, "write state", "there is no such key")
	default:
		return fail.New(fail.Conflict, "write state", "the revision is %d", revision)
	}
}
