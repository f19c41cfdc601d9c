package kept

import (
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"fescue.dev/fescue/fail"
)

// Options are a Log's; they may differ from one start to the next.
type Options struct {
	MaxBytes int64
	MaxAge   time.Duration // 0: no bound
	// Refuse: when it is full, new messages are refused until all places have
	// acknowledged the oldest. Otherwise the oldest are dropped.
	Refuse bool
	Log    *slog.Logger
	Clock  func() time.Time // the time of day; default time.Now
}

// Message is one that is kept.
type Message struct {
	Sequence uint64
	Time     time.Time
	Topic    string
	From     string // who published
	Payload  []byte
}

// Log is the messages of one topic filter. Its methods may be called from any
// goroutine.
type Log struct {
	dir string

	mu       sync.Mutex
	opt      Options
	segments []*segment // the oldest first; the last one is written to
	sequence uint64     // given last
	synced   uint64     // the last that is on the disk
	boot     uint64     // what that was when the log was opened
	underWay int64      // bytes handed to the writer
	ids      ids
	ages     ages
	places   map[string]*Place
	dropped  uint64
	again    atomic.Uint64 // deliveries that were not the first of their message
	dead     atomic.Uint64 // messages that had their attempts, or were rejected
	room     chan struct{}
	roomMark int64
	rolling  bool
	rolled   *sync.Cond
	closed   bool
}

// Open opens the log in a directory, made if it is not there.
func Open(dir string, o Options) (*Log, error) {
	const op = "open kept topic"
	if err := os.MkdirAll(placesDir(dir), 0o700); err != nil {
		return nil, fail.Wrap(err, fail.Internal, op, dir)
	}
	l := &Log{dir: dir, opt: o, ids: newIDs(), ages: newAges(o.Clock), places: map[string]*Place{}}
	l.rolled = sync.NewCond(&l.mu)
	if err := l.load(); err != nil {
		return nil, fail.Wrap(err, fail.Internal, op, dir)
	}
	if err := l.loadPlaces(); err != nil {
		return nil, fail.Wrap(errors.Join(err, l.Close()), fail.Internal, op, dir)
	}
	return l, nil
}

// Change sets other options.
func (l *Log) Change(o Options) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opt = o
}

// Close ends all consumers, after what is under way.
func (l *Log) Close() error {
	l.mu.Lock()
	l.closed = true
	places := make([]*Place, 0, len(l.places))
	for _, p := range l.places {
		places = append(places, p)
	}
	segments := l.segments
	l.mu.Unlock()
	var all error
	for _, p := range places {
		all = errors.Join(all, p.close())
	}
	for _, s := range segments {
		all = errors.Join(all, s.close())
	}
	return all
}

// Remove closes the log and removes all of it.
func (l *Log) Remove() error { return errors.Join(l.Close(), os.RemoveAll(l.dir)) }

// Stats are a log's figures.
type Stats struct {
	Messages      uint64 // by their numbers; some may be missing between
	Bytes         int64
	First, Last   uint64
	Dropped       uint64 // messages that a place had not acknowledged yet
	Places        int
	Unacknowleged uint64 // of the place that is behind the most
	Redelivered   uint64 // deliveries that were not the first of their message, since it was opened
	DeadLetters   uint64 // messages that had their attempts or were rejected, since it was opened
}

// Stats returns the figures.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	st := Stats{Bytes: l.bytes(), First: l.segments[0].first, Last: l.synced, Dropped: l.dropped, Redelivered: l.again.Load(), DeadLetters: l.dead.Load()}
	for _, p := range l.places {
		if !p.aside {
			st.Places++
		}
	}
	if st.Last >= st.First {
		st.Messages = st.Last - st.First + 1
	}
	if floor, ok := l.floor(); ok && floor < l.synced {
		st.Unacknowleged = l.synced - floor
	}
	return st
}

// Oldest is when the oldest message that is there was stored; zero without any.
func (l *Log) Oldest() time.Time {
	l.mu.Lock()
	first := l.segments[0].first
	l.mu.Unlock()
	c := cursor{next: first}
	if found := l.read(&c, func(string) bool { return true }, 1); len(found) > 0 {
		return found[0].Time
	}
	return time.Time{}
}

// bytes is what the files take. mu is held.
func (l *Log) bytes() int64 {
	n := l.underWay
	for _, s := range l.segments {
		n += s.end
	}
	return n
}

// floor is the number up to which every place has acknowledged; false without
// places. mu is held.
func (l *Log) floor() (uint64, bool) {
	lowest, any := uint64(math.MaxUint64), false
	for _, p := range l.places {
		lowest = min(lowest, p.floor())
		any = any || !p.aside
	}
	return lowest, any
}

// Room returns what is closed when at most limit bytes have not been synced; nil
// if that is so now. Who publishes faster than the disk takes it should wait.
func (l *Log) Room(limit int64) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.underWay <= limit {
		return nil
	}
	if l.room == nil {
		l.room = make(chan struct{})
	}
	l.roomMark = max(l.roomMark, limit/2)
	return l.room
}

// giveRoom wakes who waits for it. mu is held.
func (l *Log) giveRoom() {
	if l.room != nil && l.underWay <= l.roomMark {
		close(l.room)
		l.room, l.roomMark = nil, 0
	}
}

// Known tells whether a message with this id was stored, or is being stored.
func (l *Log) Known(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return id != "" && l.ids.seen[id] != nil
}

func (l *Log) complain(text string, args ...any) {
	if l.opt.Log != nil {
		l.opt.Log.Error(text, append(args, "directory", l.dir)...)
	}
}

func notThere(err error) bool { return errors.Is(err, fs.ErrNotExist) }
