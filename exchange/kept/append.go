package kept

import (
	"errors"
	"os"

	"fescue.dev/fescue/exchange/disk"
	"fescue.dev/fescue/fail"
)

func errClosed() error {
	return fail.New(fail.Unavailable, "keep a message", "the exchange is ending")
}

// Append adds a message and calls done with its number when it is on the disk, or
// cannot be; done may be called before Append returns. A message with an id that
// was stored within the last two minutes is not stored again: done is called with
// success. The payload is not kept. Errors: fail.TooLarge when the log is full and
// refuses, fail.Exhausted when the disk does not take it.
func (l *Log) Append(m Message, id string, done func(error)) {
	l.mu.Lock()
	for l.rolling {
		l.rolled.Wait()
	}
	if l.closed {
		l.mu.Unlock()
		done(errClosed())
		return
	}
	if id != "" && l.ids.known(id, m.Time, done) {
		l.mu.Unlock() // done has been, or will be called
		return
	}
	size := int64(disk.Overhead + recordHead + len(id) + len(m.Topic) + len(m.From) + len(m.Payload))
	if err := l.makeRoom(size); err != nil {
		l.fail(id, err, done)
		return
	}
	l.sequence++
	m.Sequence = l.sequence
	l.ages.note(m.Sequence)
	s := l.active()
	b := encode(m, id)
	m.Payload = nil
	l.underWay += size
	// Under mu, so that the file has the order of the numbers. The writer calls
	// back from a goroutine of its own.
	s.writer.Append(b, func(err error) { l.appended(s, m, id, len(b), done, err) })
	l.mu.Unlock()
}

// fail tells who waits for id too; mu is held, and released.
func (l *Log) fail(id string, err error, done func(error)) {
	others := l.ids.forget(id)
	l.mu.Unlock()
	done(err)
	for _, f := range others {
		f(err)
	}
}

func (l *Log) appended(s *segment, m Message, id string, length int, done func(error), err error) {
	l.mu.Lock()
	l.underWay -= int64(disk.Overhead + length)
	l.giveRoom()
	if err != nil {
		l.fail(id, err, done)
		return
	}
	s.add(m, s.end, length)
	if born := l.ages.born(m); born.After(s.last) {
		s.last = born
	}
	l.synced = m.Sequence
	others := l.ids.stored(id)
	for _, p := range l.places {
		p.kick()
	}
	l.mu.Unlock()
	done(nil)
	for _, f := range others {
		f(nil)
	}
}

// makeRoom makes room for size bytes more, as the options say. mu is held.
func (l *Log) makeRoom(size int64) error {
	l.expire()
	if s := l.active(); s.end+l.underWay > 0 && s.end+l.underWay+size > l.segmentBytes() {
		if err := l.roll(); err != nil {
			return fail.Wrap(err, fail.Exhausted, "keep a message", l.dir)
		}
	}
	for l.bytes()+size > l.opt.MaxBytes {
		if !l.dropOldest() {
			return fail.New(fail.TooLarge, "keep a message", "the kept topic is full: it may take %d bytes", l.opt.MaxBytes).
				WithHint("Its consumers are behind: look at them, or raise resources.keep[].size.")
		}
	}
	return nil
}

// dropOldest removes the oldest segment, if the options allow it.
func (l *Log) dropOldest() bool {
	if len(l.segments) == 1 {
		if l.active().end+l.underWay == 0 || l.mustStay(l.sequence) || l.roll() != nil {
			return false
		}
	}
	if l.mustStay(l.segments[1].first - 1) {
		return false
	}
	l.dropFirst()
	return true
}

// mustStay tells whether messages up to last are still needed by a log that refuses.
func (l *Log) mustStay(last uint64) bool {
	if !l.opt.Refuse {
		return false
	}
	floor, any := l.floor()
	return !any || floor < last
}

// dropFirst removes the first of several segments.
func (l *Log) dropFirst() {
	s, last := l.segments[0], l.segments[1].first-1
	for _, p := range l.places {
		if f := p.floor(); f < last {
			l.dropped += last - max(f, s.first-1)
		}
	}
	l.segments = l.segments[1:]
	// Who reads it now may go on to its end: the file lives until it is closed.
	if err := errors.Join(os.Remove(s.path), s.close()); err != nil && !notThere(err) {
		l.complain("cannot remove old messages", "error", err)
	}
}

// expire removes segments of which all messages are too old.
func (l *Log) expire() {
	for len(l.segments) > 1 && l.tooOld(l.segments[0].last) {
		l.dropFirst()
	}
	l.ages.forget(l.segments[0].first)
}
