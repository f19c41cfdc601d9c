package kept

import "time"

// ages tells how old messages are, whatever is done to the clock while the log is
// open: messages carry the time of day, and ages notes by how much that was set
// while they came. Under the log's mu.
type ages struct {
	clock  func() time.Time
	opened time.Time // with the time that cannot be set
	wall   time.Time // what the clock said then
	boot   uint64    // messages up to this one came before
	shifts []shift
}

// shift says that the messages from one on carry a time that is ahead of what has
// passed since the log was opened.
type shift struct {
	first uint64
	by    time.Duration
}

// maxShifts bounds them: a clock that is set for ever is not worth more memory.
const maxShifts = 256

func newAges(clock func() time.Time) ages {
	if clock == nil {
		clock = time.Now
	}
	return ages{clock: clock, opened: time.Now(), wall: clock().Round(0)}
}

// now is the time of day if nobody had set the clock since the log was opened.
func (a *ages) now() time.Time { return a.wall.Add(time.Since(a.opened)) }

// note looks at the clock when a message comes.
func (a *ages) note(sequence uint64) {
	by := a.clock().Round(0).Sub(a.now())
	if last := a.shiftOf(sequence); (by-last).Abs() < time.Second || len(a.shifts) >= maxShifts {
		return
	}
	a.shifts = append(a.shifts, shift{sequence, by})
}

func (a *ages) shiftOf(sequence uint64) time.Duration {
	for n := len(a.shifts) - 1; n >= 0; n-- {
		if a.shifts[n].first <= sequence {
			return a.shifts[n].by
		}
	}
	return 0
}

// born is when a message came, on the scale of now. One of before this start that
// says it is of the future came before the clock was set back.
func (a *ages) born(m Message) time.Time {
	t := m.Time.Add(-a.shiftOf(m.Sequence))
	if m.Sequence <= a.boot && t.After(a.wall) {
		return a.wall
	}
	return t
}

// forget drops what is about messages before first.
func (a *ages) forget(first uint64) {
	for len(a.shifts) > 1 && a.shifts[1].first <= first {
		a.shifts = a.shifts[1:]
	}
}

// tooOld tells whether what was born then is older than it may be.
func (l *Log) tooOld(born time.Time) bool {
	return l.opt.MaxAge > 0 && l.ages.now().Sub(born) > l.opt.MaxAge
}

func (l *Log) young(m Message) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.tooOld(l.ages.born(m))
}
