package kept

import (
	"container/heap"
	"slices"
	"strings"
	"sync"
	"time"

	"fescue.dev/fescue/fail"
)

// DeadLetter takes a message that had its attempts or was rejected; done says
// that it was put where it belongs.
type DeadLetter func(m Message, done func(error))

// PlaceOptions are a place's; Filter is for good, the others are those of the
// last who asked.
type PlaceOptions struct {
	Filter   string
	Match    func(topic string) bool
	Start    Start
	From     time.Time // for StartTime
	Attempts int       // at most; 0: without end
	Dead     DeadLetter
}

// Start says where a new place begins.
type Start uint8

// The starts.
const (
	StartNew Start = iota
	StartOldest
	StartTime
)

// Place is a name's progress in a log, shared by its consumers. Locks are taken
// in the order Log.mu, Place.mu.
type Place struct {
	log  *Log
	name string
	wake chan struct{}
	stop chan struct{}
	done chan struct{} // closed when run has ended

	// aside: it is the broker's own. It holds messages as any place does, but without
	// others nobody has asked for them.
	aside   bool
	unsaved bool // the last attempt to save failed; run's

	mu        sync.Mutex
	opt       PlaceOptions
	cursor    cursor
	ahead     []Message        // read and not delivered
	open      map[uint64]*item // delivered and not done
	timers    timers
	ready     []uint64 // to be delivered again, lowest first
	consumers []*Consumer
	turn      int
	dirty     bool
	saved     time.Time
	running   bool
	closed    bool
	gone      bool // forgotten
}

// item is a message that has been delivered at least once.
type item struct {
	attempt  int
	consumer *Consumer // who has it now; nil: nobody
	at       time.Time // when it is due: again, or given up waiting for an answer
	dying    bool      // it is on its way to the dead letter topic
	burials  int       // how often it did not get there
}

// Place returns the place with this name, made if it is new. It is fail.Conflict
// if it has another filter.
func (l *Log) Place(name string, o PlaceOptions) (*Place, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errClosed()
	}
	p := l.places[name]
	if p == nil {
		p = newPlace(l, name)
		p.cursor.next = l.startOf(o)
		p.opt = o
		if err := p.save(); err != nil {
			return nil, err
		}
		l.places[name] = p
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.opt.Filter != o.Filter && p.opt.Filter != "" { // empty: its file could not be read
		return nil, fail.New(fail.Conflict, "consume", "the place %s was made for %s", name, p.opt.Filter).On(o.Filter).
			WithHint("Use another name, or forget the place first.")
	}
	p.opt = o
	return p, nil
}

func newPlace(l *Log, name string) *Place {
	return &Place{
		log: l, name: name, aside: strings.HasPrefix(name, "$"), open: map[uint64]*item{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
}

// startOf is the first number for a new place. The log's mu is held.
func (l *Log) startOf(o PlaceOptions) uint64 {
	switch o.Start {
	case StartOldest:
		return l.segments[0].first
	case StartTime:
		return l.sequenceAt(o.From)
	default:
		return l.sequence + 1
	}
}

// sequenceAt is the number of the first message not before a time. mu is held.
func (l *Log) sequenceAt(from time.Time) uint64 {
	at := l.synced + 1
	for _, s := range l.segments {
		if s.newest.Before(from) && s != l.active() {
			continue
		}
		_ = s.scan(0, s.end, func(_ int64, m Message, _ string) bool { // damage shows when it is read
			if !m.Time.Before(from) {
				at = min(at, m.Sequence)
			}
			return m.Time.Before(from)
		})
		if at <= l.synced {
			break
		}
	}
	return at
}

// Forget removes a place; false if there is none.
func (l *Log) Forget(name string) bool {
	l.mu.Lock()
	p := l.places[name]
	delete(l.places, name)
	l.mu.Unlock()
	if p == nil {
		return false
	}
	p.mu.Lock()
	p.gone = true
	p.mu.Unlock()
	if err := p.close(); err != nil {
		l.complain("cannot close a place", "place", name, "error", err)
	}
	p.erase()
	return true
}

// floor is the number up to which everything is acknowledged.
func (p *Place) floor() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.floorLocked()
}

func (p *Place) floorLocked() uint64 {
	floor := p.next() - 1
	for n := range p.open {
		floor = min(floor, n-1)
	}
	return floor
}

// next is the number from which on nothing has been delivered. mu is held.
func (p *Place) next() uint64 {
	if len(p.ahead) > 0 {
		return p.ahead[0].Sequence
	}
	return p.cursor.next
}

func (p *Place) kick() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// again makes a message ready to be delivered once more. mu is held.
func (p *Place) again(n uint64, i *item) {
	if i.consumer != nil {
		i.consumer.open--
		i.consumer = nil
	}
	i.at = time.Time{}
	at, there := slices.BinarySearch(p.ready, n)
	if !there {
		p.ready = slices.Insert(p.ready, at, n)
	}
}

// later has a message looked at again at a time. mu is held.
func (p *Place) later(n uint64, i *item, at time.Time) {
	i.at = at
	heap.Push(&p.timers, timer{at, n})
}

// timer is a time at which a message may be due. One that means nothing any more
// is found out when it comes.
type timer struct {
	at       time.Time
	sequence uint64
}

type timers []timer

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at.Before(t[j].at) }
func (t timers) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }

// Push is heap.Interface's.
func (t *timers) Push(x any) { *t = append(*t, x.(timer)) }

// Pop is heap.Interface's.
func (t *timers) Pop() any {
	old := *t
	last := old[len(old)-1]
	*t = old[:len(old)-1]
	return last
}
