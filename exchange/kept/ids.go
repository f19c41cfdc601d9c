package kept

import (
	"time"
)

// idWindow is how long message ids are remembered, maxIDs how many.
const (
	idWindow = 2 * time.Minute
	maxIDs   = 100_000
)

// ids are the message ids seen lately. Time is what passes, not what the clock
// says: a clock set back must not let a message in twice.
type ids struct {
	seen  map[string]*seen
	order []string
}

type seen struct {
	at      time.Time // with the monotonic clock
	stored  bool
	waiting []func(error)
}

func newIDs() ids { return ids{seen: map[string]*seen{}} }

// known tells whether a message with this id was stored, in which case done is
// told, or is being stored, in which case it will be. Otherwise it is noted.
func (i *ids) known(id string, now time.Time, done func(error)) bool {
	i.prune()
	if s := i.seen[id]; s != nil {
		if s.stored {
			go done(nil) // not here: the log's mu is held
		} else {
			s.waiting = append(s.waiting, done)
		}
		return true
	}
	i.seen[id] = &seen{at: time.Now()}
	i.order = append(i.order, id)
	return false
}

// recall notes an id found on the disk at the start.
func (i *ids) recall(id string, at time.Time) {
	if id == "" || time.Since(at) > idWindow {
		return
	}
	i.seen[id] = &seen{at: time.Now(), stored: true}
	i.order = append(i.order, id)
}

func (i *ids) stored(id string) []func(error) {
	s := i.seen[id]
	if s == nil {
		return nil
	}
	waiting := s.waiting
	s.stored, s.waiting = true, nil
	return waiting
}

// forget is for a message that could not be stored: it may come again.
func (i *ids) forget(id string) []func(error) {
	s := i.seen[id]
	if s == nil || s.stored {
		return nil
	}
	delete(i.seen, id)
	return s.waiting
}

func (i *ids) prune() {
	for len(i.order) > 0 {
		s := i.seen[i.order[0]]
		if s != nil && time.Since(s.at) < idWindow && len(i.order) < maxIDs {
			return
		}
		if s == nil || s.stored {
			delete(i.seen, i.order[0])
		}
		i.order = i.order[1:]
	}
}

// recallIDs takes in the ids of segments before the last one that may be young enough.
func (l *Log) recallIDs() {
	for n := len(l.segments) - 2; n >= 0 && time.Since(l.segments[n].newest) < idWindow; n-- {
		s := l.segments[n]
		_ = s.scan(0, s.end, func(_ int64, m Message, id string) bool { // damage shows when it is read
			l.ids.recall(id, m.Time)
			return true
		})
	}
}
