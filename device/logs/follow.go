package logs

import (
	"bytes"
	"context"
	"time"

	"fescue.dev/fescue/fail"
	"fescue.dev/fescue/spec"
)

// FollowOptions say where a follower begins.
type FollowOptions struct {
	Tail  int       // that many of the last lines first; all that are kept when negative
	Since time.Time // none before
}

// Item is what a follower gets: a line, or, where Missed is not 0, the number of
// lines that went with their quota before the follower had read them.
type Item struct {
	Line   spec.LogLine
	Missed int64
}

// Follow calls f for the last lines of an application, then for each new one, until ctx ends or
// f fails, whose error it returns, or the log is deleted or closed. A follower is
// a reader with a place in the files: it may be as slow as it likes and costs writers nothing. An
// application without a log is waited for.
func (s *Store) Follow(ctx context.Context, app spec.Name, o FollowOptions, f func(Item) error) error {
	l := s.of(app)
	at, err := l.place(o.Tail)
	for err == nil {
		var more bool
		if at, more, err = l.deliver(ctx, at, o.Since, f); err != nil || more {
			continue
		}
		if ended := l.waitBeyond(ctx, at); ended {
			return nil
		}
	}
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the reader left, that is no failure
	}
	return fail.Wrap(err, fail.Internal, "follow log", string(app))
}

// place is a position in a log: the next record to read.
type place struct {
	segment int // number
	offset  int64
	record  int64
}

// place finds the nth last record.
func (l *appLog) place(n int) (place, error) {
	segments := l.snapshot()
	if len(segments) == 0 {
		return place{segment: 1}, nil
	}
	last := segments[len(segments)-1]
	at := place{segment: last.number, offset: last.size, record: last.first + last.records}
	if n < 0 {
		return place{segment: segments[0].number, record: segments[0].first}, nil
	}
	left := int64(n)
	for i := len(segments) - 1; i >= 0 && left > 0; i-- {
		s := segments[i]
		if s.records <= left {
			left -= s.records
			at = place{segment: s.number, record: s.first}
			continue
		}
		data, err := l.contents(s, 0, s.size)
		if err != nil {
			return at, err
		}
		at = place{segment: s.number, offset: s.size, record: s.first + s.records}
		for record := range backward(data) {
			at.offset -= int64(len(record)) + 1
			at.record--
			if left--; left == 0 {
				break
			}
		}
	}
	return at, nil
}

// readAtOnce is how much a follower reads; a record fits.
const readAtOnce = 256 << 10

// deliver hands on a part of what lies beyond at; more tells that there may be
// still more.
func (l *appLog) deliver(ctx context.Context, at place, since time.Time, f func(Item) error) (next place, more bool, err error) {
	s, missed, ok := l.find(at)
	if !ok {
		return at, false, nil
	}
	if s.number != at.segment {
		at = place{segment: s.number, record: s.first}
	}
	data, err := l.contents(s, at.offset, min(s.size, at.offset+readAtOnce))
	if err != nil {
		return at, false, err
	}
	if data == nil { // it went while we looked
		missed += s.first + s.records - at.record
		at.offset, at.record = s.size, s.first+s.records
	}
	if missed > 0 {
		if err := f(Item{Missed: missed}); err != nil {
			return at, false, err
		}
	}
	for record := range bytes.Lines(data[:bytes.LastIndexByte(data, '\n')+1]) {
		at.offset += int64(len(record))
		at.record++
		line, ok := parse(l.app, record[:len(record)-1])
		if !ok || line.Time.Before(since) {
			continue
		}
		if err := f(Item{Line: line}); err != nil || ctx.Err() != nil {
			return at, false, err
		}
	}
	return at, true, nil
}

// find is the segment in which at, or the first record beyond it, lies; false
// when there is none yet, or never will be. missed counts the records between, which are gone.
func (l *appLog) find(at place) (s segment, missed int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return segment{}, 0, false
	}
	for _, s := range l.segments {
		if s.number == at.segment && at.offset < s.size {
			return s, 0, true
		}
		if s.number > at.segment && s.size > 0 {
			return s, s.first - at.record, true
		}
	}
	return segment{}, 0, false
}

// nextChange is closed when something is written or the log ends.
func (l *appLog) nextChange() (changed <-chan struct{}, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed, l.ended
}

// waitBeyond waits until something was written beyond at; true when the log or
// ctx ended.
func (l *appLog) waitBeyond(ctx context.Context, at place) (ended bool) {
	for {
		changed, over := l.nextChange() // before looking: none slips through between
		if over || ctx.Err() != nil {
			return true
		}
		if _, _, ready := l.find(at); ready {
			return false
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return true
		}
	}
}
